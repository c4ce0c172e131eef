"""How functions may be called: with NumPy's names of parameters, and with NumPy's arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from tour import _core
from tour._core import ndarray, parameters_of, wrap
from tour._errors import argument_error
from tour._operands import native

P = ParamSpec("P")
R = TypeVar("R")

_NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}


def numpy_too(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function also take NumPy's names (`axis` for `dim`, `keepdims` for `keepdim`) and arrays where tensors belong.

    Raises:
        TypeError: If something else stands where a tensor belongs.
    """
    params = parameters_of(function)[0]
    names = {numpy: ours for numpy, ours in _NUMPY_NAMES.items() if ours in params and numpy not in params}

    def body(*args: Any, **kwargs: Any) -> Any:
        if kwargs and not names.keys().isdisjoint(kwargs):
            kwargs = {names.get(name, name): value for name, value in kwargs.items()}
        try:
            return function(*args, **kwargs)
        except AttributeError as error:
            at = next((i for i, x in enumerate((*args, *kwargs.values())) if x is error.obj), None)
            if at is None or isinstance(error.obj, _core.Tensor):
                raise
            if not isinstance(error.obj, ndarray):
                name = params[min(at, len(params) - 1)] if at < len(args) else list(kwargs)[at - len(args)]
                raise argument_error(function.__name__, name, error.obj) from None
        except (
            RuntimeWarning
        ):  # only where the program turns warnings into errors; PyTorch computes inf and NaN in silence
            with np.errstate(all="ignore"):
                return function(*args, **kwargs)
        return function(*map(tensor_of, args), **{name: tensor_of(x) for name, x in kwargs.items()})

    body.__code__ = body.__code__.replace(co_name=function.__name__, co_qualname=function.__qualname__)
    for attr in ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__"):
        setattr(body, attr, getattr(function, attr))
    body.__wrapped__ = function  # type: ignore[attr-defined]
    return body


def tensor_of(x: Any) -> Any:
    """A tensor for a NumPy array, also in a list; anything else as it is."""
    if isinstance(x, ndarray):
        return wrap(native(x))
    return type(x)(map(tensor_of, x)) if type(x) in (list, tuple) else x
