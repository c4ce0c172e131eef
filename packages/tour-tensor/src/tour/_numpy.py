"""NumPy's functions on tensors: the result of a NumPy function of a tensor is a tensor, recorded like any other op.

Ufuncs are answered by the ops that were declared with them, other functions by the table in `_numpy_functions.py`, which keeps
NumPy's meaning of their arguments. What has no counterpart runs on raw arrays, unless a gradient would be lost.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from tour import _core
from tour._core import as_array, wrap

BY_UFUNC: dict[np.ufunc, Callable[..., Any]] = {}  # filled where ops are declared
BY_FUNCTION: dict[
    Callable[..., Any], Callable[..., Any]
] = {}  # filled by `_numpy_functions.py`, loaded at the first call


def implements(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare what a NumPy function does when one of its arguments is a tensor."""

    def bind(answer: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            BY_FUNCTION[function] = answer
        return answer

    return bind


class NumPyProtocols:
    """NumPy's protocols, as methods."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        function = (BY_UFUNC.get(ufunc) or _loaded(BY_UFUNC).get(ufunc)) if method == "__call__" else None
        if function is not None and not kwargs:
            r = function(*(_core.Tensor._of(x, self) if isinstance(x, (int, float, complex)) else x for x in inputs))
        elif method != "__call__":
            r = _ufunc_method(ufunc, method, inputs, kwargs)
        else:
            r = on_arrays(ufunc, inputs, kwargs)
        return r if out is None else into(out, r)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        answer = _loaded(BY_FUNCTION).get(function)
        if answer is None:
            return on_arrays(function, args, kwargs)
        out = kwargs.pop("out", None)
        r = answer(*map(tensors, args), **{k: tensors(v) for k, v in kwargs.items()})
        return r if out is None else into((out,), r)


def _loaded(table: dict[Any, Callable[..., Any]]) -> dict[Any, Callable[..., Any]]:
    """A table, once the functions that are no ops of their own are in it too."""
    import_module("tour._numpy_arranging")  # and `_numpy_functions`, which it imports
    return table


def _ufunc_method(ufunc: np.ufunc, method: str, inputs: Any, kwargs: Any) -> Any:
    """`np.add.reduce(t)` and the like: those with a function of their own are recorded."""
    same: dict[tuple[str, str], Any] = {
        ("add", "reduce"): np.sum,
        ("multiply", "reduce"): np.prod,
        ("maximum", "reduce"): np.max,
        ("minimum", "reduce"): np.min,
    }
    same |= {("add", "accumulate"): np.cumsum, ("multiply", "accumulate"): np.cumprod}
    function = same.get((ufunc.__name__, method))
    plain = kwargs.keys() <= {"axis", "keepdims"}
    if function is not None and plain:
        kwargs.setdefault("axis", 0)
        return function(*inputs, **kwargs)
    if method == "outer" and not kwargs and ufunc in BY_UFUNC:
        a, b = (x if isinstance(x, _core.Tensor) else wrap(np.asarray(x)) for x in inputs)
        return BY_UFUNC[ufunc](a.reshape(*a._a.shape, *[1] * b._a.ndim), b)
    return on_arrays(getattr(ufunc, method), inputs, kwargs, f"{ufunc.__name__}.{method}")


def into(out: Any, result: Any) -> Any:
    """Put a result into what was given as `out=`, arrays or tensors; a scalar result fills one without dimensions.

    Raises:
        TypeError: If the result records gradients and would lose them in an array.
    """
    results = result if type(result) is tuple else (result,)
    for o, r in zip(out, results, strict=True):
        if isinstance(o, _core.Tensor):
            o.copy_(r)
        elif o is not None:
            if r._tape is not None:
                raise TypeError(
                    "the result records gradients, which the array given as out= cannot hold; pass a tensor"
                )
            np.copyto(o, r._a, casting="same_kind")
    return out[0] if len(out) == 1 else tuple(out)


def tensors(x: Any) -> Any:
    """Tensors for the arrays among a function's arguments, also in lists."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "biufcV":
        return wrap(x)
    return type(x)(map(tensors, x)) if type(x) in (list, tuple) else x


def on_arrays(function: Callable[..., Any], args: Any, kwargs: Any, name: str = "") -> Any:
    """Run a NumPy function that has no counterpart on raw arrays, and give tensors back.

    Raises:
        TypeError: If a tensor records gradients, which would be lost: the result is no index, count or answer.
    """
    r = function(*map(bare, args), **{k: bare(v) for k, v in kwargs.items()})
    if _has_fractions(r) and any(_recorded(x) for x in (*args, *kwargs.values())):
        name = name or getattr(function, "__name__", str(function))
        raise TypeError(f"np.{name} has no gradient in tour; call it on tensor.detach()")
    return closed(r)


def _has_fractions(x: Any) -> bool:
    if type(x) in (list, tuple):
        return any(map(_has_fractions, x))
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "fcV"


def _recorded(x: Any) -> bool:
    if isinstance(x, _core.Tensor):
        return x._tape is not None
    return type(x) in (list, tuple) and any(map(_recorded, x))


def bare(x: Any) -> Any:
    """Raw arrays for tensors, also in lists."""
    if isinstance(x, _core.Tensor):
        return x._a
    return type(x)(map(bare, x)) if type(x) in (list, tuple) else x


def closed(x: Any) -> Any:
    """Tensors for raw arrays, also in tuples; arrays of what no tensor holds stay."""
    if isinstance(x, (np.ndarray, np.generic)):
        return wrap(as_array(x)) if x.dtype.kind in "biufc" else x
    return type(x)(map(closed, x)) if type(x) in (list, tuple) else x
