"""Elements and rows by number. What is out of range is left to the NumPy kernel, which says so."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tour.numba import _memory as memory
from tour.numba import _pool
from tour.numba._native import Kernel
from tour.numba.forms._sharing import parts_for

Array = Any
LEAST = 1 << 14  # elements of a part
INT64 = np.dtype(np.int64)
F64 = np.dtype(np.float64)

_bounds = Kernel("indexing.bounds")
_gather = {4: Kernel("indexing.gather_4"), 8: Kernel("indexing.gather_8")}
_scatter = {4: Kernel("indexing.scatter_4"), 8: Kernel("indexing.scatter_8")}
_scatter_add = {memory.F32: Kernel("indexing.scatter_add_4"), F64: Kernel("indexing.scatter_add_8")}
_take, _take_rows = {4: Kernel("indexing.take_4"), 8: Kernel("indexing.take_8")}, Kernel("indexing.take_rows")
_collect_rows = {memory.F32: Kernel("indexing.collect_rows_4"), F64: Kernel("indexing.collect_rows_8")}
_add_rows = {memory.F32: Kernel("indexing.add_rows_4"), F64: Kernel("indexing.add_rows_8")}


def bounds(index: Array) -> Any:
    """The smallest and the largest of many indices."""
    if index.dtype is not INT64 or not index.flags.c_contiguous or not index.size:
        return NotImplemented
    parts = parts_for(index.size, LEAST)
    found = np.empty((parts, 2), np.int64)
    _bounds(parts, index, found, index.size)
    return int(found[:, 0].min()), int(found[:, 1].max())


def _rows(shape: tuple[int, ...], index: tuple[int, ...], dim: int) -> tuple[int, ...] | None:
    """Rows of indices, their width, and what each is counted by; None where the index array is smaller in other dimensions too."""
    if shape[:dim] != index[:dim] or shape[dim + 1 :] != index[dim + 1 :]:
        return None
    inner, n, m = prod(shape[dim + 1 :]), shape[dim], index[dim]
    if inner == 1:
        return prod(index[:dim]), m, 1, n, 1, 0
    return prod(index[:dim]) * m, inner, m, n * inner, inner, 1


def _any(wrong: Array) -> bool:
    """Whether a part has met an index out of range; of one part it is told in a tenth of the time of `any`."""
    return bool(wrong.item() if wrong.size == 1 else wrong.any())


def gather(a: Array, dim: int, index: Array) -> Any:
    """Elements at given places along a dimension."""
    where = _rows(a.shape, index.shape, dim) if a.ndim == index.ndim else None
    if where is None or a.itemsize not in _gather or index.dtype is not INT64 or not a.flags.c_contiguous or not a.size:
        return NotImplemented
    out = np.empty(index.shape, a.dtype)
    count, width, same, block, step, slope = where
    parts = max(1, min(parts_for(index.size, LEAST), count))
    wrong = np.empty(parts, np.int64)
    given = a, memory.dense(index), out, wrong
    _gather[a.itemsize](parts, *given, count, a.shape[dim], width, same, block, step, slope)
    return NotImplemented if _any(wrong) else out


def _shares(where: tuple[int, ...], size: int) -> int:
    """Parts of a scatter: rows, or columns, have places of their own."""
    count, width, *_ = where
    return max(1, min(parts_for(size, LEAST), count if where[-1] == 0 else width // 64))


def scatter(a: Array, dim: int, index: Array, src: Any) -> Any:
    """Write to places along a dimension, in place; the indices are in range."""
    where = _rows(a.shape, index.shape, dim) if a.ndim == index.ndim else None
    if where is None or a.itemsize not in _scatter or index.dtype is not INT64 or not a.flags.c_contiguous:
        return NotImplemented
    if src.dtype is not a.dtype or src.shape not in ((), index.shape) or np.may_share_memory(a, src):
        return NotImplemented
    given = a, memory.dense(index), memory.dense(np.asarray(src))
    _scatter[a.itemsize](_shares(where, index.size), *given, *where, 1 if src.shape == index.shape else 0)
    return None


def scatter_add(a: Array, dim: int, index: Array, src: Array) -> Any:
    """Add to places along a dimension, in place; the indices are in range."""
    where = _rows(a.shape, index.shape, dim) if a.ndim == index.ndim and src.shape == index.shape else None
    kernel = _scatter_add.get(a.dtype)
    if where is None or kernel is None or index.dtype is not INT64 or not a.flags.c_contiguous:
        return NotImplemented
    if src.dtype is not a.dtype or np.may_share_memory(a, src):
        return NotImplemented
    kernel(_shares(where, index.size), a, memory.dense(index), memory.dense(src), *where)
    return None


def index_add(a: Array, dim: int, index: Array, source: Array) -> Any:
    """Add slices to those that a vector of indices names, in place; the indices are in range."""
    kernel = _add_rows.get(a.dtype)
    if kernel is None or source.dtype is not a.dtype or not a.flags.c_contiguous or index.ndim != 1:
        return NotImplemented
    if np.may_share_memory(a, source):
        return NotImplemented
    if source.shape != (*a.shape[:dim], index.size, *a.shape[dim + 1 :]):
        return NotImplemented
    width = prod(a.shape[dim + 1 :])
    parts = max(1, min(parts_for(source.size, LEAST), width // 64))
    numbers = memory.dense(index.astype(np.int64, copy=False))
    kernel(parts, a, numbers, memory.dense(source), prod(a.shape[:dim]), a.shape[dim], index.size, width)
    return None


def _shared(size: int) -> bool:
    """Whether several threads copy rows of so many numbers; in one thread NumPy copies them as fast, and is called in less time."""
    return size >= 2 * LEAST and _pool.threads() > 1


def select(a: Array, axis: int, index: Array) -> Any:
    """Slices along a dimension, by a vector of indices."""
    width = prod(a.shape[axis + 1 :])
    if index.dtype.kind != "i" or not a.flags.c_contiguous or not index.size or not a.size:
        return NotImplemented
    outer, n, m = prod(a.shape[:axis]), a.shape[axis], index.size
    if width > 1 and not _shared(outer * m * width):
        return NotImplemented
    numbers = memory.dense(index.astype(np.int64, copy=False))
    out = np.empty((*a.shape[:axis], m, *a.shape[axis + 1 :]), a.dtype)
    if width == 1 and a.itemsize in _take:
        parts = max(1, min(parts_for(out.size, LEAST), outer))
        wrong = np.empty(parts, np.int64)
        _take[a.itemsize](parts, a, numbers, out, wrong, outer, n, m)
    elif width * a.itemsize % 4 == 0:
        parts = max(1, min(parts_for(out.size, LEAST), outer * m))
        wrong = np.empty(parts, np.int64)
        _take_rows(parts, a, numbers, out, wrong, outer, n, m, width * a.itemsize // 4)
    else:
        return NotImplemented
    return NotImplemented if _any(wrong) else out


def embedding(weight: Array, index: Array, *_: Any) -> Any:
    """Rows of a table."""
    found = select(weight, 0, index.reshape(-1)) if weight.ndim == 2 else NotImplemented
    return found if found is NotImplemented else found.reshape(*index.shape, weight.shape[1])


def embedding_grad(
    g: Array, index: Array, rows: int, padding_idx: int | None = None, scale_grad_by_freq: bool = False
) -> Any:
    """Gradient of a table: every row's gradients added up."""
    kernel = _collect_rows.get(g.dtype)
    if kernel is None or scale_grad_by_freq:
        return NotImplemented
    width = g.shape[-1]
    total = np.empty((rows, width), g.dtype)
    parts = max(1, min(parts_for(total.size, LEAST), _pool.threads(), rows))
    numbers = memory.dense(index.astype(np.int64, copy=False))
    left_out = -1 if padding_idx is None else padding_idx % rows
    kernel(parts, total, numbers, memory.dense(g), rows, index.size, width, left_out)
    return total
