"""NumPy's functions on batched arrays, by class: most shift their axes past those of the batch and run on all samples at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tour._shapes import wrap_dim
from tour.func._batched import (
    BatchedArray,
    BatchError,
    elementwise,
    led_array,
    levels_of,
    stretched,
)
from tour.func._indexing import read_any, room
from tour.func._ufuncs import axis_of

Array = Any

FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}


def rule(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare what NumPy functions do when one of their arguments is batched."""

    def bind(answer: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            FUNCTIONS[function] = answer
        return answer

    return bind


def classed(make: Callable[[Any], Callable[..., Any]], *functions: Any) -> None:
    """Declare what NumPy functions of one class do."""
    for function in functions:
        FUNCTIONS[function] = make(function)


_METHODS = {"max": np.max, "min": np.min, "ravel": np.ravel, "flatten": np.ravel, "conj": np.conj, "conjugate": np.conj}


def method(a: BatchedArray, name: str) -> Any:
    """A method of an array that is a NumPy function of the same name."""
    function: Any = _METHODS.get(name) or getattr(np, name, None)
    if function in FUNCTIONS:
        return partial(FUNCTIONS[function], a)
    if isinstance(function, np.ufunc):
        return partial(function, a)
    raise AttributeError(f"{name}: no such method of an array inside vmap")


# --- Along an axis ------------------------------------------------------------------------------------------------------------


def _line(a: BatchedArray) -> BatchedArray:
    """All elements of each sample in a row."""
    return BatchedArray(a.value.reshape(*a.lead, a.size), a.levels)


def _reducing(function: Any) -> Callable[..., Any]:
    def answer(a: Any, axis: Any = None, *args: Any, **kwargs: Any) -> BatchedArray:
        return BatchedArray(function(a.value, axis_of(axis, a), *args, **_given(kwargs)), a.levels)

    return answer


def _given(kwargs: dict[str, Any]) -> dict[str, Any]:
    if kwargs.pop("out", None) is not None:
        raise BatchError("vmap: NumPy's out= is not taken inside vmap")
    return {k: v for k, v in kwargs.items() if v is not np._NoValue}


classed(
    _reducing,
    np.sum,
    np.prod,
    np.mean,
    np.max,
    np.min,
    np.any,
    np.all,
    np.var,
    np.std,
    np.nansum,
    np.nanmean,
    np.nanmax,
    np.nanmin,
    np.count_nonzero,
)


def _scanning(function: Any, default: Any = None) -> Callable[..., Any]:
    """Functions along one axis; None means all elements in a row."""

    def answer(a: Any, axis: Any = default, *args: Any, **kwargs: Any) -> BatchedArray:
        if axis is None or not a.ndim:
            keep = kwargs.get("keepdims") is True
            r = function(_line(a).value, -1, *args, **_given(kwargs))
            return BatchedArray(r.reshape(*a.lead, *(1,) * a.ndim) if keep else r, a.levels)
        return BatchedArray(function(a.value, axis_of(axis, a), *args, **_given(kwargs)), a.levels)

    return answer


classed(_scanning, np.argmax, np.argmin, np.cumsum, np.cumprod)
classed(lambda f: _scanning(f, -1), np.sort, np.argsort)


@rule(np.partition, np.argpartition)
def _partition(a: Any, kth: Any, axis: Any = -1, **kwargs: Any) -> BatchedArray:
    return BatchedArray(np.partition(a.value, kth, axis_of(axis, a), **kwargs), a.levels)


@rule(np.argpartition)
def _argpartition(a: Any, kth: Any, axis: Any = -1, **kwargs: Any) -> BatchedArray:
    return BatchedArray(np.argpartition(a.value, kth, axis_of(axis, a), **kwargs), a.levels)


@rule(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1) -> BatchedArray:
    return BatchedArray(np.diff(a.value, n, axis_of(axis, a)), a.levels)


@rule(np.repeat)
def _repeat(a: Any, repeats: Any, axis: Any = None) -> BatchedArray:
    if type(repeats) is BatchedArray:
        raise BatchError("vmap: repeats that differ from sample to sample give shapes that do")
    if axis is None:
        a, axis = _line(a), 0
    return BatchedArray(np.repeat(a.value, repeats, axis_of(axis, a)), a.levels)


@rule(np.take)
def _take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    if mode == "clip":
        indices = np.clip(indices, 0, a.shape[axis] - 1)
    return read_any(a, (*(slice(None),) * (axis % a.ndim), indices))


@rule(np.flip)
def _flip(a: Any, axis: Any = None) -> BatchedArray:
    return BatchedArray(np.flip(a.value, axis_of(axis, a)), a.levels)


@rule(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> BatchedArray:
    if axis is None:
        return BatchedArray(np.roll(_line(a).value, shift, -1).reshape(a.value.shape), a.levels)
    return BatchedArray(np.roll(a.value, shift, axis_of(axis, a)), a.levels)


@rule(np.searchsorted)
def _searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> BatchedArray:
    if type(a) is not BatchedArray and a.ndim == 1:
        return BatchedArray(np.searchsorted(a, v.value, side, sorter), v.levels)
    levels = levels_of((a, v))
    rows, wanted = stretched(a, levels), stretched(v, levels)
    shape = wanted.shape
    count = math.prod(rows.shape[:-1])
    rows, wanted = rows.reshape(count, a.shape[-1]), wanted.reshape(count, v.size if a.ndim == 1 else v.shape[-1])
    found = [np.searchsorted(row, w, side) for row, w in zip(rows, wanted, strict=True)]
    return BatchedArray(np.array(found, np.int64).reshape(shape), levels)


@rule(np.isin)
def _isin(element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, **_: Any) -> Any:
    if type(test_elements) is not BatchedArray:
        return BatchedArray(np.isin(element.value, test_elements, invert=invert), element.levels)
    found = np.any(np.expand_dims(element, -1) == np.ravel(test_elements), axis=-1)
    return ~found if invert else found


@rule(np.quantile)
def _quantile(a: Any, q: Any, axis: Any = None, *args: Any, **kwargs: Any) -> BatchedArray:
    r = np.quantile(a.value, q, axis_of(axis, a), *args, **_given(kwargs))
    n = np.ndim(q)
    return BatchedArray(np.moveaxis(r, range(n), range(len(a.levels), len(a.levels) + n)), a.levels)


# --- Elementwise --------------------------------------------------------------------------------------------------------------


def _mapping(function: Any) -> Callable[..., Any]:
    def answer(*args: Any, **kwargs: Any) -> BatchedArray:
        levels, arrays = elementwise(args)
        return BatchedArray(function(*arrays, **_given(kwargs)), levels)

    return answer


classed(
    _mapping,
    np.where,
    np.clip,
    np.isclose,
    np.sinc,
    np.nan_to_num,
    np.i0,
    np.angle,
    np.real_if_close,
    np.fix,
    np.isposinf,
    np.isneginf,
)


@rule(np.where)
def _where(condition: Any, x: Any = None, y: Any = None) -> BatchedArray:
    if x is None:
        raise BatchError(
            "vmap: places where a condition holds differ in number from sample to sample; use tour.where(c, x, y)"
        )
    levels, arrays = elementwise((condition, x, y))
    return BatchedArray(np.where(*arrays), levels)


@rule(np.round)
def _round(a: Any, decimals: int = 0, out: Any = None) -> BatchedArray:
    return BatchedArray(np.round(a.value, decimals), a.levels)


@rule(np.real)
def _real(a: Any) -> Any:
    return a.real


@rule(np.imag)
def _imag(a: Any) -> Any:
    return a.imag


# --- Shapes -------------------------------------------------------------------------------------------------------------------


@rule(np.reshape)
def _reshape(a: Any, *shape: Any, order: str = "C", copy: Any = None) -> BatchedArray:
    sizes = shape if len(shape) != 1 or isinstance(shape[0], (int, np.integer)) else tuple(shape[0])
    if -1 in sizes and a.size == 0:
        known = int(np.prod([n for n in sizes if n != -1]))
        sizes = tuple(a.size // known if n == -1 and known else n for n in sizes)
    if len(sizes) and -1 in sizes:
        known = -int(np.prod(sizes))
        if known <= 0 or a.size % known:
            raise ValueError(f"cannot reshape array of size {a.size} into shape {sizes}")
        sizes = tuple(a.size // known if n == -1 else n for n in sizes)
    if int(np.prod(sizes)) != a.size:
        raise ValueError(f"cannot reshape array of size {a.size} into shape {sizes}")
    if copy is False:
        return BatchedArray(a.value.reshape((*a.lead, *sizes), copy=False), a.levels)
    return BatchedArray(a.value.reshape(*a.lead, *sizes), a.levels)


@rule(np.ravel)
def _ravel(a: Any, order: str = "C") -> BatchedArray:
    return BatchedArray(_line(a).value, a.levels)


@rule(np.transpose)
def _transpose(a: Any, *axes: Any) -> BatchedArray:
    k = len(a.levels)
    order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    order = range(a.ndim)[::-1] if order is None or not len(order) else order
    if len(order) != a.ndim:
        raise ValueError("axes don't match array")
    return BatchedArray(a.value.transpose(*range(k), *(wrap_dim(i, a.ndim) + k for i in order)), a.levels)


@rule(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> BatchedArray:
    return BatchedArray(a.value.swapaxes(axis_of(axis1, a), axis_of(axis2, a)), a.levels)


@rule(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> BatchedArray:
    return BatchedArray(np.moveaxis(a.value, axis_of(source, a), axis_of(destination, a)), a.levels)


@rule(np.expand_dims)
def _expand_dims(a: Any, axis: Any) -> BatchedArray:
    axes = (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
    ndim = a.ndim + len(axes)
    return BatchedArray(np.expand_dims(a.value, tuple(wrap_dim(int(i), ndim) + len(a.levels) for i in axes)), a.levels)


@rule(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> BatchedArray:
    gone = tuple(i for i, n in enumerate(a.shape) if n == 1) if axis is None else axis
    over = axis_of(gone, a)
    return BatchedArray(a.value.squeeze(over) if over != () else a.value[...], a.levels)


@rule(np.broadcast_to)
def _broadcast_to(a: Any, shape: Any, subok: bool = False) -> BatchedArray:
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    value = a.value.reshape(*a.lead, *(1,) * (len(sizes) - a.ndim), *a.shape)
    return BatchedArray(np.broadcast_to(value, (*a.lead, *sizes)), a.levels)


@rule(np.broadcast_arrays)
def _broadcast_arrays(*arrays: Any, subok: bool = False) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    return tuple(np.broadcast_to(a, shape) for a in arrays)


@rule(np.atleast_1d)
def _atleast_1d(a: Any) -> Any:
    return a if a.ndim else a.reshape(1)


@rule(np.atleast_2d)
def _atleast_2d(a: Any) -> Any:
    return a if a.ndim > 1 else a.reshape(1, *(a.shape or (1,)))


@rule(np.shape)
def _shape(a: Any) -> tuple[int, ...]:
    return a.shape  # type: ignore[no-any-return]


@rule(np.ndim)
def _ndim(a: Any) -> int:
    return a.ndim  # type: ignore[no-any-return]


@rule(np.size)
def _size(a: Any, axis: Any = None) -> int:
    return a.size if axis is None else a.shape[axis]  # type: ignore[no-any-return]


@rule(np.iscomplexobj)
def _iscomplexobj(a: Any) -> bool:
    return a.dtype.kind == "c"  # type: ignore[no-any-return]


@rule(np.isrealobj)
def _isrealobj(a: Any) -> bool:
    return a.dtype.kind != "c"  # type: ignore[no-any-return]


@rule(np.result_type)
def _result_type(*args: Any) -> Any:
    return np.result_type(*(x.dtype if type(x) is BatchedArray else x for x in args))


@rule(np.may_share_memory, np.shares_memory)
def _may_share_memory(a: Any, b: Any, *_: Any, **__: Any) -> bool:
    values = [x.value if type(x) is BatchedArray else x for x in (a, b)]
    return bool(np.may_share_memory(*values))


# --- New arrays ---------------------------------------------------------------------------------------------------------------


def _like(function: Any) -> Callable[..., Any]:
    """Arrays shaped like another; with room for all samples, because they are made to be written into."""

    def answer(
        a: Any,
        *args: Any,
        dtype: Any = None,
        order: str = "K",
        subok: bool = False,
        shape: Any = None,
        device: Any = None,
    ) -> Any:
        fill = args[:1] if function is np.full_like else ()
        dtype = args[len(fill)] if len(args) > len(fill) else dtype
        sizes = a.shape if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        whole = (*(level.size for level in a.levels), *sizes)
        if fill and type(fill[0]) is BatchedArray:
            made = np.empty_like(a.value, dtype, shape=whole)
            r = BatchedArray(made, a.levels)
            r[...] = fill[0]
            return r
        return BatchedArray(function(a.value, *fill, dtype=dtype, shape=whole), a.levels)

    return answer


classed(_like, np.zeros_like, np.ones_like, np.empty_like, np.full_like)


@rule(np.copy)
def _copy(a: Any, order: str = "K", subok: bool = False) -> BatchedArray:
    return BatchedArray(a.value.copy(order), a.levels)


@rule(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    levels = levels_of((dst, src, where))
    if type(dst) is not BatchedArray:
        dst = BatchedArray(dst, ())
    room(dst, levels)
    _, arrays = elementwise((dst, src, where))
    np.copyto(arrays[0], arrays[1], casting=casting, where=arrays[2])  # type: ignore[arg-type]


@rule(np.asarray)
def _asarray(a: Any, dtype: Any = None, **_: Any) -> Any:
    """Also with `like=` a batched array: what no `vmap` has touched goes with one as it is."""
    if type(a) is not BatchedArray:
        return np.asarray(a, dtype)
    return a if dtype is None or a.dtype == dtype else a.astype(dtype)


# --- Together -----------------------------------------------------------------------------------------------------------------


def _together(arrays: Any) -> tuple[Any, list[Array]]:
    """Arrays to be joined, with batch axes of one size."""
    arrays = list(arrays)
    levels = levels_of(arrays)
    values = [led_array(a, levels) for a in arrays]
    lead = np.broadcast_shapes(*(v.shape[: len(levels)] for v in values))
    return levels, [np.broadcast_to(v, lead + v.shape[len(levels) :]) for v in values]


@rule(np.concatenate)
def _concatenate(arrays: Any, axis: Any = 0, **kwargs: Any) -> BatchedArray:
    if axis is None:
        arrays, axis = [np.ravel(a) for a in arrays], 0
    levels, values = _together(arrays)
    k, ndim = len(levels), max(v.ndim for v in values) - len(levels)
    if any(v.ndim - k != ndim for v in values):
        raise ValueError("all the input array dimensions except for the concatenation axis must match exactly")
    if not ndim:
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    return BatchedArray(np.concatenate(values, wrap_dim(axis, ndim) + k, **kwargs), levels)


@rule(np.stack)
def _stack(arrays: Any, axis: int = 0, **kwargs: Any) -> BatchedArray:
    levels, values = _together(arrays)
    ndim = values[0].ndim - len(levels) + 1
    return BatchedArray(np.stack(values, wrap_dim(axis, ndim) + len(levels), **kwargs), levels)


@rule(np.append)
def _append(arr: Any, values: Any, axis: Any = None) -> Any:
    return np.concatenate((arr, values), axis=axis)


@rule(np.tile)
def _tile(a: Any, reps: Any) -> BatchedArray:
    times = (reps,) if isinstance(reps, int) else tuple(reps)
    value = a.value.reshape(*a.lead, *(1,) * (len(times) - a.ndim), *a.shape)
    return BatchedArray(np.tile(value, (*(1,) * len(a.levels), *(1,) * (a.ndim - len(times)), *times)), a.levels)


# --- By index -----------------------------------------------------------------------------------------------------------------


@rule(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    if axis is None:
        arr, axis = np.ravel(arr), 0
    return read_any(arr, _grid(indices, axis % arr.ndim))


@rule(np.put_along_axis)
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    arr[_grid(indices, axis % arr.ndim)] = values


def _grid(indices: Any, axis: int) -> tuple[Any, ...]:
    shape = indices.shape
    counts = [np.arange(n).reshape((-1,) + (1,) * (len(shape) - i - 1)) for i, n in enumerate(shape)]
    return tuple(indices if i == axis else c for i, c in enumerate(counts))


@rule(np.nonzero, np.argwhere, np.flatnonzero, np.unique)
def _nonzero(a: Any, *_: Any, **__: Any) -> Any:
    raise BatchError(
        "vmap: the result of nonzero, unique and the like has another shape for each sample, which vmap cannot hold in one tensor"
    )


@rule(np.bincount)
def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> BatchedArray:
    levels = levels_of((x, weights))
    rows = stretched(x, levels)
    if not minlength:
        raise BatchError("vmap: bincount has another shape for each sample; give it minlength outside of vmap")
    counts = np.zeros((*rows.shape[:-1], minlength), np.int64 if weights is None else np.float64)
    at = tuple(np.indices(rows.shape)[:-1])
    np.add.at(counts, (*at, rows), 1 if weights is None else stretched(weights, levels))
    return BatchedArray(counts, levels)


# --- Matrices -----------------------------------------------------------------------------------------------------------------


def _matrix(function: Any) -> Callable[..., Any]:
    """Functions of the last two dimensions."""

    def answer(a: Any, *args: Any, **kwargs: Any) -> Any:
        r = function(a.value, *args, **kwargs)
        if not isinstance(r, tuple):
            return BatchedArray(r, a.levels)
        parts = [BatchedArray(x, a.levels) for x in r]
        return tuple(parts) if type(r) is tuple else type(r)(*parts)

    return answer


classed(
    _matrix,
    np.tril,
    np.triu,
    np.linalg.inv,
    np.linalg.det,
    np.linalg.slogdet,
    np.linalg.cholesky,
    np.linalg.eig,
    np.linalg.eigh,
    np.linalg.eigvals,
    np.linalg.eigvalsh,
    np.linalg.svd,
    np.linalg.qr,
    np.linalg.svdvals,
)


@rule(np.linalg.solve)
def _solve(a: Any, b: Any) -> BatchedArray:
    levels = levels_of((a, b))
    vector = b.ndim == 1
    x, y = led_array(a, levels), led_array(b, levels)
    if vector:
        y = y[..., None]
    k, ndim = len(levels), max(a.ndim, b.ndim + vector)
    x, y = (v.reshape(v.shape[:k] + (1,) * (ndim - v.ndim + k) + v.shape[k:]) for v in (x, y))
    r = np.linalg.solve(x, y)
    return BatchedArray(r[..., 0] if vector else r, levels)


@rule(np.dot)
def _dot(a: Any, b: Any, out: Any = None) -> Any:
    if not np.ndim(a) or not np.ndim(b):
        return a * b
    if b.ndim <= 2:
        return np.matmul(a, b)
    raise BatchError("vmap: there is no batching rule for np.dot of arrays of more than two dimensions")


@rule(np.outer)
def _outer(a: Any, b: Any, out: Any = None) -> Any:
    return np.ravel(a)[:, None] * np.ravel(b)


@rule(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> BatchedArray:
    return BatchedArray(np.diagonal(a.value, offset, axis_of(axis1, a), axis_of(axis2, a)), a.levels)


@rule(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, **_: Any) -> BatchedArray:
    return BatchedArray(np.trace(a.value, offset, axis_of(axis1, a), axis_of(axis2, a)), a.levels)


@rule(np.einsum)
def _einsum(subscripts: str, *operands: Any, **kwargs: Any) -> BatchedArray:
    levels = levels_of(operands)
    ins, _, out = subscripts.replace(" ", "").partition("->")
    free = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in subscripts][: len(levels)]
    terms = []
    for term, x in zip(ins.split(","), operands, strict=True):
        own = "".join(c for c, level in zip(free, levels, strict=True) if type(x) is BatchedArray and level in x.levels)
        terms.append(own + term)
    values = [stretched(x, x.levels) if type(x) is BatchedArray else x for x in operands]
    return BatchedArray(np.einsum(f"{','.join(terms)}->{''.join(free)}{out}", *values, **kwargs), levels)


@rule(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    over_a, over_b = (range(a.ndim - axes, a.ndim), range(axes)) if isinstance(axes, int) else axes
    over_a, over_b = ([x] if isinstance(x, int) else list(x) for x in (over_a, over_b))
    over_a, over_b = [i % a.ndim for i in over_a], [i % b.ndim for i in over_b]
    free_a, free_b = ([i for i in range(x.ndim) if i not in o] for x, o in ((a, over_a), (b, over_b)))
    left = np.transpose(a, (*free_a, *over_a)).reshape(-1, int(np.prod([a.shape[i] for i in over_a])))
    right = np.transpose(b, (*over_b, *free_b)).reshape(left.shape[1], -1)
    return (left @ right).reshape(*(a.shape[i] for i in free_a), *(b.shape[i] for i in free_b))


# --- Fourier transforms -------------------------------------------------------------------------------------------------------


def _spectrum(function: Any) -> Callable[..., Any]:
    def answer(a: Any, s: Any = None, axes: Any = None, norm: Any = None, **kwargs: Any) -> BatchedArray:
        axes = kwargs.pop("axis", axes)
        several = function.__name__.endswith("n")
        if axes is None:
            axes = tuple(range(a.ndim - len(s), a.ndim) if s is not None else range(a.ndim)) if several else -1
        n = kwargs.pop("n", s)
        return BatchedArray(function(a.value, n, axis_of(axes, a), norm), a.levels)

    return answer


classed(_spectrum, np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft, np.fft.hfft, np.fft.ihfft)
classed(_spectrum, np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn)
