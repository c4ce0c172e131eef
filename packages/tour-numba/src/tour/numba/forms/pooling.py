"""Max and average pooling over one to three dimensions, and their gradients."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from tour._shapes import count_windows
from tour.numba import _memory as memory
from tour.numba._native import Kernel
from tour.numba.forms.planes import PLANES, Frame, Taps, correlate, parts_of, sliding, spreading
from tour.numba.forms.reductions import stretch_sums
from tour.numba.forms.windows import LANES, combined, sums, three

Array = Any
Ints = tuple[int, ...]

_squares, _to_squares = Kernel("pooling.largest_of_squares"), Kernel("pooling.route_to_squares")
_scatter, _gather, _put = (Kernel(f"pooling.{name}") for name in ("scatter", "gather", "put"))
_largest, _largest_grad = Kernel("planes.largest"), Kernel("planes.largest_grad")


def _serves(*arrays: Array) -> bool:
    return all(type(a) is np.ndarray and a.dtype is memory.F32 and a.ndim < 6 and bool(a.size) for a in arrays)


def _side_by_side(size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, out: Ints) -> bool:
    """Whether windows are squares of four elements, side by side, all within the image."""
    plain = (*kernel, *stride, *padding, *dilation) == (2, 2, 2, 2, 0, 0, 1, 1)
    return plain and all(2 * m <= n for m, n in zip(out, size, strict=True))


# --- The largest ----------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _first_inside(
    size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, out: Ints, pitches: Ints, numbers: int
) -> tuple[Array, Array]:
    """Of the first element of each window that is not padding: the number of its tap, or -1, and where it stands in its plane.

    The former lie as the results do in their frame, the latter as in the result.
    """
    taps, places, inside = [], [], []
    for n, k, s, p, d, m in zip(size, kernel, stride, padding, dilation, out, strict=True):
        start = np.arange(m, dtype=np.int64) * s - p
        tap = -(np.minimum(start, 0) // d)
        taps.append(tap)
        places.append(np.minimum(start + tap * d, n - 1))
        inside.append(((tap < k) & (start + tap * d < n)).astype(np.int8))
    steps = kernel[1] * kernel[2], kernel[2], 1
    number = sums(t * step for t, step in zip(taps, steps, strict=True))
    number[~combined(np.logical_and, inside)] = -1
    table = np.full(numbers, -1, np.int32)
    table[sums(np.arange(m) * pitch for m, pitch in zip(out, pitches, strict=True))] = number
    return table, np.ravel_multi_index(np.ix_(*places), size).ravel()


def _found(
    x: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, out: Ints
) -> tuple[Frame, Frame, Taps, Array, Array]:
    """Frames and taps, and what `_first_inside` gives."""
    into, outof, taps = sliding(x.shape[2:], kernel, stride, padding, dilation, out, 1, 1)
    sizes = (three(n, 1) for n in (x.shape[2:], kernel, stride))
    tables = _first_inside(
        *sizes, three(padding, 0), three(dilation, 1), three(out, 1), into.pitches, taps.vectors * LANES
    )  # fmt: skip
    return into, outof, taps, *tables


def _largest_of(x: Array, y: Array, places: Any, options: tuple[Ints, Ints, Ints, Ints]) -> None:
    planes, size, out = prod(x.shape[:2]), x.shape[2:], y.shape[2:]
    parts = parts_of(x.size + y.size, planes, prod(size))
    if type(places) is int and _side_by_side(size, *options, out):
        _squares(parts, memory.dense(x), y, planes, *size, *out)
        return
    into, outof, taps, first, nowhere = _found(x, *options, out)
    image = three(size, 1)
    pitches = image[1] * image[2], image[2], 1
    steps, gaps, pads = three(options[1], 1), three(options[3], 1), three(options[2], 0)
    first_rows = zip(three(out, 1)[:2], steps, pads, pitches, strict=False)
    corners = sums((np.arange(m) * s - p) * pitch for m, s, p, pitch in first_rows) - pads[2]
    offsets = sums(np.arange(k) * (d * pitch) for k, d, pitch in zip(three(options[0], 1), gaps, pitches, strict=True))
    room = taps.vectors * LANES
    _largest(
        parts, memory.dense(x), y, places, planes, *into.rowwise, *outof.rowwise[:4], taps.places, taps.length,
        taps.vectors, first, corners, steps[2], offsets, nowhere,
        memory.empty((parts, into.size + LANES)), memory.empty((parts, room)), memory.empty((parts, room)),
    )  # fmt: skip


def max_pool(x: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool) -> Any:
    """Largest element of each window."""
    if not _serves(x):
        return NotImplemented
    options = tuple(kernel), tuple(stride), tuple(padding), tuple(dilation)
    y = memory.empty((*x.shape[:2], *count_windows(x.shape[2:], *options, ceil_mode)))
    _largest_of(x, y, 0, options)
    return y


def max_pool_with_indices(x: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool) -> Any:
    """Largest element of each window, and where it stands in its plane."""
    if not _serves(x):
        return NotImplemented
    options = tuple(kernel), tuple(stride), tuple(padding), tuple(dilation)
    y = memory.empty((*x.shape[:2], *count_windows(x.shape[2:], *options, ceil_mode)))
    places = np.empty(y.shape, np.int64)
    _largest_of(x, y, places, options)
    return y, places


def max_pool_grad(g: Array, x: Array, out: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Any:
    """Gradient of `max_pool`: what arrives at a window goes to its largest element."""
    if not _serves(g, x):
        return NotImplemented
    options, planes = (tuple(kernel), tuple(stride), tuple(padding), tuple(dilation)), prod(x.shape[:2])
    grad = memory.empty(x.shape)
    parts = parts_of(x.size + g.size, planes, prod(x.shape[2:]))
    given = memory.dense(g), memory.dense(x), grad, planes
    if _side_by_side(x.shape[2:], *options, g.shape[2:]):
        _to_squares(parts, *given, *x.shape[2:], *g.shape[2:])
        return grad
    into, outof, taps, first, _ = _found(x, *options, g.shape[2:])
    room = taps.vectors * LANES
    _largest_grad(
        parts, *given, *into.rowwise, *outof.rowwise[:4], taps.places, taps.length, taps.vectors, first,
        memory.empty((parts, into.size + LANES)), memory.empty((parts, room)), memory.empty((parts, room)),
        memory.empty((parts, into.size + LANES)),
    )  # fmt: skip
    return grad


# --- The mean -----------------------------------------------------------------------------------------------------------------------


Tables = tuple[Frame, Frame, Taps]


def _counts(
    size: Ints, kernel: Ints, stride: Ints, padding: Ints, out: Ints, whole: bool, divisor: int | None, pitches: Ints, before: Ints,
    room: int,
) -> Array:  # fmt: skip
    """What the sum of each window is divided by, where results lie in a frame, and ones elsewhere."""
    counts, places = [], []
    for n, k, s, p, m, pitch, b in zip(size, kernel, stride, padding, out, pitches, before, strict=True):
        start = np.arange(m, dtype=np.int64) * s - p
        counts.append(
            np.minimum(start + k, n + p) - start if whole else np.minimum(start + k, n) - np.maximum(start, 0)
        )
        places.append((np.arange(m) + b) * pitch)
    table = np.ones(room, np.float32)
    table[sums(places)] = combined(np.multiply, counts) if divisor is None else divisor
    return table


@lru_cache(maxsize=64)
def _averaging(
    size: Ints, out: Ints, kernel: Ints, stride: Ints, padding: Ints, whole: bool, divisor: int | None
) -> tuple[Tables, Array]:
    """Windows that slide over a plane, and what their sums are divided by."""
    size, out, kernel, stride, padding = *(three(n, 1) for n in (size, out, kernel, stride)), three(padding, 0)
    tables = sliding(size, kernel, stride, padding, (1, 1, 1), out, 1, PLANES, True)
    room = tables[2].vectors * LANES
    return tables, _counts(size, kernel, stride, padding, out, whole, divisor, tables[0].pitches, (0, 0, 0), room)


@lru_cache(maxsize=64)
def _sharing(
    size: Ints, out: Ints, kernel: Ints, stride: Ints, padding: Ints, whole: bool, divisor: int | None
) -> tuple[Tables, Array]:
    """Windows of the gradient, and what it is divided by in its frame."""
    size, out, kernel, stride, padding = *(three(n, 1) for n in (size, out, kernel, stride)), three(padding, 0)
    tables = spreading(out, kernel, stride, padding, (1, 1, 1), size, 1, 0, PLANES)
    before = tuple((k - 1) // s for k, s in zip(kernel, stride, strict=True))
    into = tables[0]
    return tables, _counts(size, kernel, stride, padding, out, whole, divisor, into.pitches, before, into.size)


def _sums_of_planes(x: Array, y: Array, kernel: Ints, tables: Tables, **divisors: Any) -> None:
    """Each plane's windows, all of whose weights are one."""
    planes, none = prod(x.shape[:2]), memory.zeros((1,))
    ones = np.ones(prod(kernel), np.float32)
    correlate(memory.dense(x), ones, none, y.reshape(planes, -1), 1, 1, 1, tables, 0, 0, **divisors)


def plane_means(x: Array) -> Any:
    """The mean of each plane."""
    if not _serves(x):
        return NotImplemented
    n = prod(x.shape[2:])
    return (stretch_sums(memory.dense(x), n) / n).astype(np.float32).reshape(x.shape[:2])


def avg_pool(
    x: Array, kernel: Ints, stride: Ints, padding: Ints, ceil_mode: bool, count_include_pad: bool, divisor: int | None
) -> Any:
    """Mean of each window."""
    if not _serves(x):
        return NotImplemented
    kernel, stride, padding, size = tuple(kernel), tuple(stride), tuple(padding), x.shape[2:]
    out = count_windows(size, kernel, stride, padding, (1,) * len(kernel), ceil_mode)
    if kernel == size and not any(padding) and divisor is None:
        return plane_means(x).reshape(*x.shape[:2], *out)
    y = memory.empty((*x.shape[:2], *out))
    tables, counts = _averaging(size, out, kernel, stride, padding, count_include_pad, divisor)
    _sums_of_planes(x, y, kernel, tables, after=counts)
    return y


def avg_pool_grad(
    g: Array, input_shape: Ints, kernel: Ints, stride: Ints, padding: Ints, count_include_pad: bool, divisor: int | None
) -> Any:
    """Gradient of `avg_pool`: what arrives at a window is shared among its elements."""
    if not _serves(g) or not prod(input_shape):
        return NotImplemented
    kernel, stride, padding, size = tuple(kernel), tuple(stride), tuple(padding), tuple(input_shape[2:])
    grad = memory.empty(tuple(input_shape))
    if kernel == size and not any(padding) and divisor is None:
        grad[...] = g / np.float32(prod(size))
        return grad
    tables, counts = _sharing(size, g.shape[2:], kernel, stride, padding, count_include_pad, divisor)
    _sums_of_planes(g, grad, kernel, tables, before=counts)
    return grad


# --- By places in the plane ---------------------------------------------------------------------------------------------------------


def _by_places(kernel: Kernel, x: Array, indices: Array, out: Array) -> Array:
    planes = prod(x.shape[:2])
    parts = parts_of(x.size + out.size, planes, 0)
    kernel(parts, memory.dense(x), memory.dense(indices), out, planes, prod(x.shape[2:]), prod(out.shape[2:]))
    return out


def scatter(values: Array, indices: Array, size: Ints) -> Any:
    """Values added at flat indices of planes of zeros."""
    if not _serves(values) or not _fits(indices, values, size):
        return NotImplemented
    return _by_places(_scatter, values, indices, memory.empty((*values.shape[:2], *size)))


def gather(x: Array, indices: Array) -> Any:
    """Elements of planes at flat indices."""
    if not _serves(x) or not _fits(indices, indices, x.shape[2:]):
        return NotImplemented
    return _by_places(_gather, x, indices, memory.empty(indices.shape))


def max_unpool(x: Array, indices: Array, size: Ints) -> Any:
    """Elements written at flat indices of planes of zeros."""
    if not _serves(x) or not _fits(indices, x, size):
        return NotImplemented
    return _by_places(_put, x, indices, memory.empty((*x.shape[:2], *size)))


def _fits(indices: Array, values: Array, size: Ints) -> bool:
    """Whether indices are such as the kernels take: one for each value, within planes of some size."""
    if (
        type(indices) is not np.ndarray
        or indices.dtype != np.int64
        or indices.shape != values.shape
        or not indices.size
    ):
        return False
    return bool(indices.min() >= 0 and indices.max() < prod(size))
