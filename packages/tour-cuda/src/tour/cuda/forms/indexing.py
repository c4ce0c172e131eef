"""Rows of a table by number; reading and writing at the places that an index array names."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tour.cuda._faults import flag
from tour.cuda._launch import Array, Kernel, dense, elements, empty, serves, three, wide

_embedding, _embedding_grad, _count = (Kernel(f"indexing.{k}") for k in ("embedding", "embedding_grad", "count_rows"))
_gather, _take = Kernel("indexing.gather"), Kernel("indexing.take_slices")
_scatter, _scatter_add = Kernel("indexing.scatter"), Kernel("indexing.scatter_add")
_write, _add = Kernel("indexing.write_slices"), Kernel("indexing.add_slices")
_put, _put_add = Kernel("indexing.put"), Kernel("indexing.put_add")

# What is only moved may be moved as any dtype of its size.
_BITS = {2: np.dtype(np.float16), 4: np.dtype(np.float32), 8: np.dtype(np.float64)}


def zeros(shape: tuple[int, ...], dtype: Any, like: Array) -> Array:
    """Zeros on the device of `like`."""
    a = empty(shape, dtype, like)
    a.fill(0)
    return a


def _index(a: Array) -> Array:
    return dense(a, np.int64)


def _movable(a: Array) -> bool:
    return a.dtype.itemsize in _BITS


def _moved(a: Array) -> Array:
    """The array, contiguous, as numbers of the same size that kernels know."""
    return dense(a).view(_BITS[a.dtype.itemsize])


# --- Tables ----------------------------------------------------------------------------------------------------------------


def embedding(weight: Array, index: Array, padding_idx: int | None = None, scale_grad_by_freq: bool = False) -> Any:
    """`weight[index]`."""
    if not _movable(weight) or weight.ndim != 2:
        return NotImplemented
    rows, width = weight.shape
    y = empty((*index.shape, width), weight.dtype, weight)
    if y.size:
        bits = y.view(_BITS[y.dtype.itemsize])
        _embedding(elements(y.size), _moved(weight), _index(index), bits, index.size, width, rows, flag(weight))
    return y


def embedding_grad(
    g: Array, index: Array, rows: int, padding_idx: int | None = None, scale_grad_by_freq: bool = False
) -> Any:
    """Gradient of the table: every row's gradients added up."""
    if not serves(g):
        return NotImplemented
    width, of, index = g.shape[-1], wide(g.dtype), _index(index)
    total = zeros((rows, width), of, g)
    if g.size:
        counts = None
        if scale_grad_by_freq:
            counts = zeros((rows,), of, g)
            _count(elements(index.size), index, counts, index.size, rows, scalar=g.dtype)
        padding = -1 if padding_idx is None else padding_idx
        _embedding_grad(elements(g.size), dense(g), index, counts, total, index.size, width, rows, padding)
    return dense(total, g.dtype)


# --- Along a dimension -----------------------------------------------------------------------------------------------------


def _within(a: Array, dim: int, index: Array) -> Any:
    """The part of `a` that an index array of `gather` or `scatter` can speak of."""
    return a[tuple(slice(None) if i == dim else slice(n) for i, n in enumerate(index.shape))]


def gather(a: Array, dim: int, index: Array) -> Any:
    """Elements of `a` at places along a dimension."""
    if not a.ndim or a.ndim != index.ndim or type(index) is not type(a) or not _movable(a):
        return NotImplemented
    part = _within(a, dim, index)
    out = empty(index.shape, a.dtype, a)
    if out.size:
        outer, m, inner = three(index.shape, dim)
        bits = out.view(_BITS[out.dtype.itemsize])
        _gather(elements(out.size), _moved(part), _index(index), bits, outer, a.shape[dim], inner, m, flag(a))
    return out


def take_slices(a: Array, dim: int, index: Array) -> Any:
    """Slices of `a` along a dimension, in the order of an index vector."""
    if not a.ndim or type(index) is not type(a) or not _movable(a):
        return NotImplemented
    out = empty((*a.shape[:dim], index.size, *a.shape[dim + 1 :]), a.dtype, a)
    if out.size:
        outer, n, inner = three(a.shape, dim)
        bits = out.view(_BITS[out.dtype.itemsize])
        _take(elements(out.size), _moved(a), _index(index), bits, outer, n, inner, index.size, flag(a))
    return out


def _written(a: Array, dtype: Any, write: Any) -> None:
    """Let a kernel write into `a`, through a copy where it has gaps or is of another dtype than the kernel writes."""
    if a.flags.c_contiguous and a.dtype == dtype:
        write(a)
        return
    whole = a.astype(dtype)
    whole = dense(whole)
    write(whole)
    a[...] = whole.astype(a.dtype)


def _source(source: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    return dense(source.reshape(shape) if source.shape != shape else source, dtype)


def scatter(a: Array, dim: int, index: Array, src: Any) -> Any:
    """Write the elements of `src` to places of `a` along a dimension."""
    if not a.ndim or a.ndim != index.ndim or type(src) is not type(a) or src.ndim != a.ndim or not _movable(a):
        return NotImplemented
    if index.size:
        outer, m, inner = three(index.shape, dim)
        part, n = _within(a, dim, index), a.shape[dim]
        src = src[tuple(slice(n) for n in index.shape)]
        args = _index(index), _moved(dense(src, a.dtype)), outer, n, inner, m, flag(a)
        _written(part, part.dtype, lambda x: _scatter(elements(index.size), x.view(_BITS[x.dtype.itemsize]), *args))
    return None


def scatter_add(a: Array, dim: int, index: Array, src: Any) -> Any:
    """Add the elements of `src` at places of `a` along a dimension."""
    if not a.ndim or a.ndim != index.ndim or type(src) is not type(a) or src.ndim != a.ndim or not serves(a, src):
        return NotImplemented
    if index.size:
        outer, m, inner = three(index.shape, dim)
        part, n = _within(a, dim, index), a.shape[dim]
        src = dense(src[tuple(slice(n) for n in index.shape)])
        args = _index(index), src, outer, n, inner, m, flag(a)
        _written(part, wide(a.dtype), lambda x: _scatter_add(elements(index.size), x, *args))
    return None


def index_add(a: Array, dim: int, index: Array, source: Any, alpha: Any) -> Any:
    """Add `alpha` times the slices of `source` to the slices of `a` that an index vector names."""
    if not a.ndim or type(source) is not type(a) or not serves(a, source):
        return NotImplemented
    if source.size:
        (outer, n, inner), m = three(a.shape, dim), index.size
        src = _source(source, (*a.shape[:dim], m, *a.shape[dim + 1 :]), a.dtype)
        args = _index(index), src, outer, n, inner, m, float(alpha), flag(a)
        _written(a, wide(a.dtype), lambda x: _add(elements(src.size), x, *args))
    return None


def index_write(a: Array, dim: int, index: Array, source: Any) -> Any:
    """Write whole slices of `a`."""
    if not a.ndim or type(source) is not type(a) or not source.ndim or not _movable(a):
        return NotImplemented
    if source.size:
        (outer, n, inner), m = three(a.shape, dim), index.size
        src = _moved(_source(source, (*a.shape[:dim], m, *a.shape[dim + 1 :]), a.dtype))
        args = _index(index), src, outer, n, inner, m, flag(a)
        _written(a, a.dtype, lambda x: _write(elements(src.size), x.view(_BITS[x.dtype.itemsize]), *args))
    return None


def put(a: Array, index: Array, source: Any, accumulate: bool) -> Any:
    """Write, or add, at places counted over all elements."""
    fits = serves(a) if accumulate else _movable(a)
    if type(source) is not type(a) or a.dtype != source.dtype or not fits:
        return NotImplemented
    if index.size:
        places, src, size = _index(index).reshape(-1), dense(source).reshape(-1), prod(a.shape)
        if accumulate:
            _written(
                a, wide(a.dtype), lambda x: _put_add(elements(places.size), x, places, src, places.size, size, flag(a))
            )
        else:
            src = _moved(src)
            _written(
                a, a.dtype,
                lambda x: _put(elements(places.size), x.view(_BITS[x.dtype.itemsize]), places, src, places.size, size, flag(a)),
            )  # fmt: skip
    return None
