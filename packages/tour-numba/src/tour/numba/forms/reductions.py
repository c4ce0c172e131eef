"""Sums and extremes over all elements, the last dimension, or another one."""

from __future__ import annotations

from functools import cache
from math import prod
from typing import Any

import numpy as np

from tour._widening import add_up
from tour.numba import _memory as memory
from tour.numba._calling import summing
from tour.numba._native import Kernel
from tour.numba.forms._sharing import pair, parts_for

Array = Any
LEAST = 1 << 15  # elements of a part
STRETCH = 1 << 12  # neighbours that make a row where all elements are reduced
MANY = 1 << 17  # elements from which an extreme of all gains by a second thread; in one NumPy is as fast
SHORTEST = 64  # runs that are shorter gain nothing
WIDE = 256  # elements of several narrow rows that are taken as one
LEVELS = 4  # of sums of columns, as in the kernel
F64 = memory.F64


_row_sums, _column_sums, _row_products = (
    pair("reductions.row_sums"),
    pair("reductions.column_sums"),
    pair("reductions.row_products"),
)
_row_maxima, _row_minima = pair("reductions.row_maxima"), pair("reductions.row_minima")


def _of_rows(kernel: Kernel, a: Array, n: int, dtype: Any) -> Array:
    """A kernel's numbers for stretches of n."""
    count = -(-a.size // n)
    out = np.empty(count, dtype)
    kernel(max(1, min(parts_for(a.size, LEAST), count)), a, out, count, a.size, n, a.itemsize)
    return out


def stretch_sums(a: Array, n: int) -> Array:
    """Sums of stretches of n numbers of a float32 or float64 array without gaps, in double precision."""
    return _of_rows(_row_sums[a.dtype], a, n, np.float64)


def _shape(a: Array, axis: int | None, keepdim: bool) -> tuple[int, ...]:
    if axis is None:
        return (1,) * a.ndim if keepdim else ()
    return (*a.shape[:axis], *([1] if keepdim else []), *a.shape[axis + 1 :])


def sum(a: Array, axis: Any, keepdim: bool) -> Any:
    """Sums over all, one dimension, or several."""
    if a.dtype not in _row_sums or not a.flags.c_contiguous or not a.size:
        return NotImplemented
    if type(axis) is tuple:
        return _sum_over_several(a, axis, keepdim)
    if axis is None or a.size == a.shape[axis]:
        if a.size < 2 * LEAST:  # one part in any case
            return sum_of_few(a).reshape(_shape(a, axis, keepdim))
        total = np.add.reduce(_of_rows(_row_sums[a.dtype], a, STRETCH, np.float64))
    elif axis == a.ndim - 1:
        if 32 <= a.shape[-1] < 4 * SHORTEST:  # NumPy's products with ones are as fast
            return NotImplemented
        total = _of_rows(_row_sums[a.dtype], a, a.shape[-1], np.float64)
    else:
        return _sum_of_columns(a, axis, keepdim)
    return total.astype(a.dtype, copy=False).reshape(_shape(a, axis, keepdim))


def _sum_of_columns(a: Array, axis: int, keepdim: bool) -> Any:
    """Sums along a dimension that is not the last one."""
    outer, n, width = prod(a.shape[:axis]), a.shape[axis], prod(a.shape[axis + 1 :])
    fold = 1 if width >= SHORTEST else WIDE // width  # rows of a narrow array that are taken as one
    if fold > 1 and n < 8 * fold:
        return NotImplemented
    out = np.empty(_shape(a, axis, keepdim), a.dtype)
    parts = max(1, min(parts_for(a.size, LEAST), width // SHORTEST if fold == 1 else outer))
    scratch = np.empty((1 if fold == 1 else parts) * LEVELS * (width if fold == 1 else WIDE))
    _column_sums[a.dtype](parts, a, out, scratch, outer, n, width, a.itemsize, fold)
    return out


def sum_of_few(a: Array) -> Any:
    """The sum of all, in one thread, by the shortest call there is."""
    return _summing()(a)


@cache
def _summing() -> Any:
    return summing(_row_sums[memory.F32].load(), _row_sums[F64].load())


def _sum_over_several(a: Array, axes: tuple[int, ...], keepdim: bool) -> Any:
    """Sums over several dimensions: the last ones are rows, the first ones columns, others are left to NumPy."""
    ndim, axes = a.ndim, tuple(sorted(axes))
    behind = next((i for i in range(len(axes)) if axes[i:] == tuple(range(ndim - len(axes) + i, ndim))), len(axes))
    shape = (
        tuple([1 if i in axes else n for i, n in enumerate(a.shape)])
        if keepdim
        else tuple([n for i, n in enumerate(a.shape) if i not in axes])
    )
    if behind < len(axes):
        n = prod(a.shape[axes[behind] :])
        sums = _of_rows(_row_sums[a.dtype], a, n, np.float64).reshape(a.shape[: axes[behind]])
        if axes[:behind] == tuple(range(behind)):  # one, or several that follow each other
            return add_up(sums.reshape(-1, *sums.shape[behind:]), 0).astype(a.dtype).reshape(shape)
        return np.add.reduce(sums, axes[:behind]).astype(a.dtype).reshape(shape)
    if axes == tuple(range(len(axes))):
        found = sum(a.reshape(-1, *a.shape[len(axes) :]), 0, False)
        return found if found is NotImplemented else found.reshape(shape)
    return NotImplemented


def product(a: Array, dim: Any, keepdim: bool) -> Any:
    """Products over all, or along the last dimension."""
    if a.dtype not in _row_products or not a.flags.c_contiguous or not a.size or not a.ndim:
        return NotImplemented
    axis = None if dim is None else dim % a.ndim if -a.ndim <= dim < a.ndim else a.ndim
    if axis is None:
        total = np.multiply.reduce(_of_rows(_row_products[a.dtype], a, STRETCH, np.float64))
    elif axis == a.ndim - 1:
        total = _of_rows(_row_products[a.dtype], a, a.shape[-1], np.float64)
    else:
        return NotImplemented
    with np.errstate(over="ignore", under="ignore"):
        return total.astype(a.dtype).reshape(_shape(a, axis, keepdim))


def _extreme(kernels: dict[Any, Kernel], a: Array, axis: Any, keepdim: bool, last: np.ufunc) -> Any:
    if a.dtype not in kernels or not a.flags.c_contiguous or not a.size:
        return NotImplemented
    if axis is None:
        if a.size < MANY:
            return NotImplemented
        return last.reduce(_of_rows(kernels[a.dtype], a, STRETCH, a.dtype)).reshape(_shape(a, None, keepdim))
    if axis != a.ndim - 1 or a.shape[-1] < SHORTEST:
        return NotImplemented
    return _of_rows(kernels[a.dtype], a, a.shape[-1], a.dtype).reshape(_shape(a, axis, keepdim))


def maximum(a: Array, axis: Any, keepdim: bool) -> Any:
    """Largest elements of all, or of each row."""
    return _extreme(_row_maxima, a, axis, keepdim, np.maximum)


def minimum(a: Array, axis: Any, keepdim: bool) -> Any:
    """Smallest elements of all, or of each row."""
    return _extreme(_row_minima, a, axis, keepdim, np.minimum)
