"""What ufuncs do to batched arrays beside the plain call: `matmul`, `reduce`, `accumulate`, `at`, `outer`, and `out=`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour._shapes import wrap_dim
from tour.func._batched import (
    BatchedArray,
    BatchError,
    Levels,
    elementwise,
    led,
    led_array,
    levels_of,
    lift,
)
from tour.func._indexing import place, room

Array = Any


def call(ufunc: Any, method: str, inputs: Any, out: Any, kwargs: Any) -> Any:
    """The answer to `__array_ufunc__`."""
    if method == "at":
        return at(ufunc, *inputs)
    if method == "reduce":
        r = reduce(ufunc, *inputs, **kwargs)
    elif method == "accumulate":
        a = inputs[0]
        r = BatchedArray(ufunc.accumulate(a.value, axis=axis_of(kwargs.pop("axis", 0), a), **kwargs), a.levels)
    elif method == "outer":
        a, b = inputs
        r = ufunc(np.reshape(a, (*np.shape(a), *(1,) * np.ndim(b))), b)
    elif method != "__call__":
        raise BatchError(f"vmap: there is no batching rule for np.{ufunc.__name__}.{method}")
    elif ufunc.signature is not None:
        r = products[ufunc](*inputs, **kwargs)
    else:
        r = plain(ufunc, inputs, kwargs)
    if out is None:
        return r
    results = r if type(r) is tuple else (r,)
    for o, x in zip(out if type(out) is tuple else (out,), results, strict=True):
        if type(o) is not BatchedArray:
            x.__array__()  # refuses
        o[...] = x
    return out[0] if type(out) is tuple and len(out) == 1 else out


def plain(ufunc: Any, inputs: Any, kwargs: Any) -> Any:
    """An elementwise call with options: `where`, `dtype`, `casting`."""
    where = kwargs.pop("where", True)
    levels, arrays = elementwise([*inputs, where])
    if where is not True:
        kwargs["where"] = arrays[-1]
    r = ufunc(*arrays[:-1], **kwargs)
    return BatchedArray(r, levels) if type(r) is not tuple else tuple(BatchedArray(x, levels) for x in r)


def axis_of(axis: Any, a: Array) -> Any:
    """An axis of a sample, or several, as axes of the array that holds all samples; None and what it means are all of them."""
    k = len(a.levels)
    if axis is None:
        return tuple(range(k, a.value.ndim))
    if isinstance(axis, (tuple, list)):
        return tuple(wrap_dim(i.__index__(), a.ndim) + k for i in axis)
    return wrap_dim(axis.__index__(), a.ndim) + k if a.ndim else ()


def reduce(ufunc: Any, a: Any, axis: Any = 0, **kwargs: Any) -> Any:
    """`ufunc.reduce` over axes of each sample."""
    where = kwargs.pop("where", True)
    initial = kwargs.get("initial")
    if where is not True or type(initial) is BatchedArray or type(a) is not BatchedArray:
        raise BatchError(f"vmap: np.{ufunc.__name__}.reduce takes neither `where` nor a batched `initial`")
    over = axis_of(axis, a)
    if over == () and not kwargs.get("keepdims") and not a.ndim and kwargs.get("dtype") is None:
        return BatchedArray(ufunc.reduce(a.value, axis=(), **kwargs), a.levels)
    return BatchedArray(ufunc.reduce(a.value, axis=over, **kwargs), a.levels)


def at(ufunc: Any, a: Any, index: Any, *values: Any) -> None:
    """`ufunc.at`: combine values into the places that an index names, one as often as it comes."""
    levels = levels_of([a, *values, *(index if type(index) is tuple else (index,))])
    if type(a) is not BatchedArray:
        a = BatchedArray(a, ())  # has no room for any level, which `room` says
    room(a, levels)
    where = place(index, a.shape, a.lead, levels)
    part = a.value[where.index]
    k = len(levels)
    arrays = []
    for v in values:
        b: Any = led(v, levels)
        if type(v) is BatchedArray:
            b = b.reshape(b.shape[:k] + (1,) * (part.ndim - k - v.ndim) + b.shape[k:])
        if where.source and np.ndim(b):
            shape = np.moveaxis(part, where.source, where.target).shape
            b = np.moveaxis(np.broadcast_to(b, shape), where.target, where.source)
        arrays.append(b)
    ufunc.at(a.value, where.index, *arrays)


# --- Products ------------------------------------------------------------------------------------------------------------------


def matmul(a: Any, b: Any, **kwargs: Any) -> BatchedArray:
    """`a @ b` for each sample.

    Where only the left side differs from sample to sample, its rows are one large matrix and BLAS is called once.
    """
    levels = levels_of((a, b))
    if not a.ndim or not b.ndim:
        raise ValueError("matmul: an operand does not have enough dimensions")
    if b.ndim <= 2 and same(b) and a.ndim >= 1:
        one = b if type(b) is not BatchedArray else b.value.reshape(b.shape)
        value = led_array(a, levels)
        rows = value.reshape(-1, value.shape[-1])
        r = np.matmul(rows, one, **kwargs)
        return BatchedArray(r.reshape(value.shape[:-1] + one.shape[1:]), levels)
    if a.ndim == 2 and b.ndim == 1 and same(a):
        return lift(matmul(b, (a if type(a) is not BatchedArray else a.value.reshape(a.shape)).T, **kwargs), levels)
    x, y = matrices(a, levels, a.ndim == 1, b), matrices(b, levels, False, a, b.ndim == 1)
    r = np.matmul(x, y, **kwargs)
    if a.ndim == 1:
        r = r.squeeze(-2)
    return BatchedArray(r.squeeze(-1) if b.ndim == 1 else r, levels)


def same(x: Any) -> bool:
    """Whether an array is the same for all samples."""
    return type(x) is not BatchedArray or all(n == 1 for n in x.lead)


def matrices(x: Any, levels: Levels, row: bool, other: Any, column: bool = False) -> Array:
    """An operand of a product with its batch axes in front, as matrices, with the sample's leading dimensions in line."""
    value, k = led_array(x, levels), len(levels)
    if row:
        value = value[..., None, :]
    if column:
        value = value[..., None]
    missing = max(x.ndim, other.ndim, 2) - (value.ndim - k)
    return value.reshape(value.shape[:k] + (1,) * missing + value.shape[k:])


def vecdot(a: Any, b: Any, axis: int = -1, **kwargs: Any) -> BatchedArray:
    """The sum of products along the last axis, the first operand conjugated."""
    if axis != -1:
        a, b = np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1)
    levels, (x, y) = elementwise((a, b))
    return BatchedArray(np.vecdot(x, y, **kwargs), levels)


products: dict[Any, Any] = {np.matmul: matmul, np.vecdot: vecdot}
