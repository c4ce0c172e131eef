"""Pooling to a given output size: adaptive average and max pooling, and fractional max pooling.

Bin i of `out` bins over n elements holds floor(i n / out) <= position < ceil((i + 1) n / out), as in PyTorch. Element j
then lies in the bins floor(j out / n) <= bin < ceil((j + 1) out / n), the same rule with n and out exchanged: so the
gradient of the average is a sum over bins again.
"""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any

import numpy as np

from tour._compiled import compilable
from tour._core import as_array, ndarray

from .pooling import avg_pool, avg_pool_grad, max_pool_with_indices
from .windows import Array, Ints, beside


def bins(n: int, out: int) -> tuple[Array, Array]:
    """First position and length of each of `out` bins over n elements.

    Examples:
        >>> bins(5, 3)
        (array([0, 1, 3]), array([2, 3, 2]))
    """
    i = np.arange(out)
    start = i * n // out
    return start, -((i + 1) * n // -out) - start


@compilable()
def plane_means(x: Array) -> Array:
    """Mean of each plane: (N, C, *size) to (N, C)."""
    return as_array(np.mean(x.reshape(*x.shape[:2], prod(x.shape[2:])), 2))  # type: ignore[no-any-return]


def adaptive_avg_pool(x: Array, out_size: Ints) -> Array:
    """Mean of each bin: (N, C, *size) to (N, C, *out_size).

    Examples:
        >>> adaptive_avg_pool(np.arange(5.0).reshape(1, 1, 5), (3,))
        array([[[0.5, 2. , 3.5]]])
    """
    size = x.shape[2:]
    if all(m == 1 for m in out_size):
        return plane_means(x).reshape(*x.shape[:2], *out_size)
    if all(m and n % m == 0 for n, m in zip(size, out_size, strict=True)):
        kernel = [n // m for n, m in zip(size, out_size, strict=True)]
        return avg_pool(x, kernel, kernel, (0,) * len(kernel), False, True, None)
    return _bin_sums(x, out_size) / _counts(size, out_size, x)


def adaptive_avg_pool_grad(g: Array, input_shape: Ints) -> Array:
    """Gradient of `adaptive_avg_pool` with respect to its input, from the gradient g of its output."""
    size, out_size = input_shape[2:], g.shape[2:]
    if not g.size:
        return np.zeros_like(g, shape=input_shape)
    if all(m == 1 for m in out_size):
        return np.broadcast_to(g / prod(size), input_shape).copy()
    if all(m and n % m == 0 for n, m in zip(size, out_size, strict=True)):
        kernel = [n // m for n, m in zip(size, out_size, strict=True)]
        return avg_pool_grad(g, input_shape, kernel, kernel, (0,) * len(kernel), True, None)
    return _bin_sums(g / _counts(size, out_size, g), size)


def adaptive_max_pool(x: Array, out_size: Ints) -> tuple[Array, Array]:
    """Largest element of each bin and its flat position (int64); `pooling.scatter` is the gradient.

    Examples:
        >>> adaptive_max_pool(np.array([[[3.0, 1.0, 2.0, 4.0, 0.0]]]), (2,))
        (array([[[3., 4.]]]), array([[[0, 3]]]))
    """
    size = x.shape[2:]
    if type(x) is ndarray and all(m == 1 for m in out_size):
        flat = x.reshape(*x.shape[:2], prod(size))
        place = flat.argmax(2, keepdims=True)  # of NaNs the first, where PyTorch finds the last
        largest = np.take_along_axis(flat, place, 2)
        if not np.isnan(largest).any():
            return tuple(a.reshape(*x.shape[:2], *out_size) for a in (largest, place))  # type: ignore[return-value]
    if all(m and n % m == 0 for n, m in zip(size, out_size, strict=True)):
        kernel = tuple(n // m for n, m in zip(size, out_size, strict=True))
        none, one = (0,) * len(kernel), (1,) * len(kernel)
        return max_pool_with_indices(x, kernel, kernel, none, one, False)
    best, where = x, np.arange(prod(x.shape[2:]), like=x).reshape(1, 1, *x.shape[2:])
    for axis in reversed(range(2, x.ndim)):  # rows last: among equals the first in reading order counts
        start, length = bins(x.shape[axis], out_size[axis - 2])
        values, places = best, where
        first = beside(x, start)
        best, where = values.take(first, axis), places.take(first, axis)
        for offset in range(1, max(length, default=0)):
            position = beside(
                x, start + np.minimum(offset, length - 1)
            )  # shorter bins look at their last element again
            value, place = values.take(position, axis), places.take(position, axis)
            better = (value > best) | np.isnan(value)
            best, where = np.where(better, value, best), np.where(better, place, where)
    return best, np.broadcast_to(where, best.shape)


def fractional_max_pool(x: Array, kernel: Ints, out_size: Ints, samples: Array) -> tuple[Array, Array]:
    """Largest element of pseudo-random windows, and its flat position (Graham, 2014, arXiv:1412.6071).

    Args:
        x: Shape (N, C, *size).
        kernel: Size of a window.
        out_size: Number of windows along each dimension.
        samples: Uniform numbers in [0, 1), shape (N, C, dimensions), for (width, height) or (depth, height, width).

    Returns:
        Values and positions (int64) of shape (N, C, *out_size); `pooling.scatter` is the gradient.
    """
    size, dims = x.shape[2:], len(kernel)
    first: Any = np.int64(0)
    for axis, (n, k, m) in enumerate(zip(size, kernel, out_size, strict=True)):
        start = _window_starts(n, k, m, samples[..., axis if dims == 3 else dims - 1 - axis])
        first = first * n + start.reshape(*x.shape[:2], *(m if i == axis else 1 for i in range(dims)))
    flat = x.reshape(*x.shape[:2], prod(size))
    best, where = np.full_like(x, -np.inf, order="C", shape=first.shape), first
    for tap in np.ndindex(*kernel):
        place = first + np.ravel_multi_index(tap, size)
        value = np.take_along_axis(flat, place.reshape(*x.shape[:2], prod(out_size)), 2).reshape(place.shape)
        better = (value > best) | np.isnan(value)
        best, where = np.where(better, value, best), np.where(better, place, where)
    return best, where


def _window_starts(n: int, kernel: int, out: int, sample: Array) -> Array:
    """Starts of the windows along one dimension, (N, C, out); the last window ends at the border."""
    kind = sample.dtype.type
    step = kind(n - kernel) / kind(max(out - 1, 1))
    i = np.arange(out, like=sample).astype(sample.dtype)
    start: Array = ((i + sample[..., None]) * step).astype(np.int64) - (sample[..., None] * step).astype(np.int64)
    start[..., -1] = n - kernel
    return start


def _bin_sums(x: Array, out_size: Ints) -> Array:
    for axis in range(2, x.ndim):
        start, length = bins(x.shape[axis], out_size[axis - 2])
        total = x.take(beside(x, start), axis)
        for offset in range(1, max(length, default=0)):
            longer = np.flatnonzero(length > offset)
            np.moveaxis(total, axis, 0)[beside(x, longer)] += np.moveaxis(x, axis, 0)[beside(x, start[longer] + offset)]
        x = total
    return x


def _counts(size: Ints, out_size: Ints, x: Array) -> Array:
    """Number of elements of each bin, in the type of x."""
    lengths = np.ix_(*(bins(n, m)[1] for n, m in zip(size, out_size, strict=True)))
    return beside(x, np.asarray(reduce(np.multiply, lengths)).astype(x.dtype))
