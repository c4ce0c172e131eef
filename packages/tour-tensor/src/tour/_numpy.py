"""NumPy's functions on tensors: the result of a NumPy function of a tensor is a tensor, recorded like any other op."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tour import _core
from tour._core import wrap

BY_UFUNC: dict[np.ufunc, Callable[..., Any]] = {}  # filled where ops are declared
BY_FUNCTION: dict[Callable[..., Any], Callable[..., Any]] = {}


def implements(function: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare what a NumPy function does when one of its arguments is a tensor."""

    def bind(answer: Callable[..., Any]) -> Callable[..., Any]:
        BY_FUNCTION[function] = answer
        return answer

    return bind


class NumPyProtocols:
    """NumPy's protocols, as methods."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        function = BY_UFUNC.get(ufunc)
        if method == "__call__" and function is not None and not kwargs:
            return function(*(_core.Tensor._of(x, self) if isinstance(x, (int, float, complex)) else x for x in inputs))
        return on_arrays(getattr(ufunc, method), inputs, kwargs)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        answer = BY_FUNCTION.get(function)
        return answer(*args, **kwargs) if answer is not None else on_arrays(function, args, kwargs)


def on_arrays(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Run a NumPy function that has no counterpart on raw arrays, and give tensors back.

    Raises:
        TypeError: If a tensor records gradients, which would be lost.
    """
    name = getattr(function, "__name__", str(function))
    if any(isinstance(x, _core.Tensor) and x._tape is not None for x in args):
        raise TypeError(f"np.{name} has no gradient in tour; call it on tensor.detach()")
    return closed(function(*map(bare, args), **{k: bare(v) for k, v in kwargs.items()}))


def bare(x: Any) -> Any:
    """Raw arrays for tensors, also in lists."""
    if isinstance(x, _core.Tensor):
        return x._a
    return type(x)(map(bare, x)) if type(x) in (list, tuple) else x


def closed(x: Any) -> Any:
    """Tensors for raw arrays, also in tuples."""
    if isinstance(x, (np.ndarray, np.generic)):
        return wrap(np.asarray(x))
    return type(x)(map(closed, x)) if type(x) in (list, tuple) else x


@implements(np.where)
def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    from tour.ops.comparison import where

    return where(wrap(condition) if isinstance(condition, np.ndarray) else condition, x, y)
