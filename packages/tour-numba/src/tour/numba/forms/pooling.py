"""Max and average pooling over one or two dimensions, and their gradients."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tour._shapes import count_windows
from tour.numba import _memory as memory
from tour.numba._native import Kernel
from tour.numba.forms._sharing import parts_for

Array = Any
Ints = tuple[int, ...]

_largest, _largest_grad = Kernel("pooling.largest"), Kernel("pooling.largest_grad")
_mean, _mean_grad = Kernel("pooling.mean"), Kernel("pooling.mean_grad")

LEAST = 1 << 13  # elements of a part


def _serves(*arrays: Array) -> bool:
    return all(type(a) is np.ndarray and a.dtype is memory.F32 and a.ndim < 5 and bool(a.size) for a in arrays)


def _sizes(size: Ints, out: Ints, *windows: tuple[Ints, int]) -> Ints:
    """Sizes as if in two dimensions: a signal is an image of one row. Each option comes with what it is for that row."""
    one: Ints = (1,) * (2 - len(size))
    return (*one, *size, *one, *out, *(n for given, alone in windows for n in (*(alone,) * (2 - len(size)), *given)))


def _squares(size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, out: Ints) -> int:
    """Whether windows are squares of four elements, side by side, all within the image."""
    plain = (*kernel, *stride, *padding, *dilation) == (2, 2, 2, 2, 0, 0, 1, 1)
    return int(plain and all(2 * m <= n for m, n in zip(out, size, strict=True)))


def _largest_of(x: Array, places: Any, y: Array, sizes: Ints) -> None:
    planes = prod(x.shape[:2])
    _largest(max(1, min(parts_for(x.size, LEAST), planes)), memory.dense(x), y, places, planes, *sizes)


def _max_sizes(size: Ints, out: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Ints:
    return _sizes(size, out, (kernel, 1), (stride, 1), (padding, 0), (dilation, 1))


def max_pool(x: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool) -> Any:
    """Largest element of each window."""
    if not _serves(x):
        return NotImplemented
    size, options = x.shape[2:], (kernel, stride, padding, dilation)
    out = count_windows(size, *options, ceil_mode)
    y = memory.empty((*x.shape[:2], *out))
    _largest_of(x, 0, y, (*_max_sizes(size, out, *options), _squares(size, *options, out)))
    return y


def max_pool_with_indices(x: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool) -> Any:
    """Largest element of each window, and where it stands in its plane."""
    if not _serves(x):
        return NotImplemented
    size, options = x.shape[2:], (kernel, stride, padding, dilation)
    out = count_windows(size, *options, ceil_mode)
    y = memory.empty((*x.shape[:2], *out))
    places = np.empty(y.shape, np.int64)
    _largest_of(x, places, y, (*_max_sizes(size, out, *options), 0))
    return y, places


def max_pool_grad(g: Array, x: Array, out: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Any:
    """Gradient of `max_pool`: what arrives at a window goes to its largest element."""
    if not _serves(g, x):
        return NotImplemented
    size, options, planes = x.shape[2:], (kernel, stride, padding, dilation), prod(x.shape[:2])
    grad = memory.empty(x.shape)
    sizes = *_max_sizes(size, g.shape[2:], *options), _squares(size, *options, g.shape[2:])
    parts = max(1, min(parts_for(x.size, LEAST), planes))
    _largest_grad(parts, memory.dense(g), memory.dense(x), grad, planes, *sizes)
    return grad


def avg_pool(
    x: Array, kernel: Ints, stride: Ints, padding: Ints, ceil_mode: bool, count_include_pad: bool, divisor: int | None
) -> Any:
    """Mean of each window."""
    if not _serves(x):
        return NotImplemented
    size, planes = x.shape[2:], prod(x.shape[:2])
    out = count_windows(size, kernel, stride, padding, (1,) * len(kernel), ceil_mode)
    y = memory.empty((*x.shape[:2], *out))
    sizes = _sizes(size, out, (kernel, 1), (stride, 1), (padding, 0))
    parts = max(1, min(parts_for(x.size, LEAST), planes))
    _mean(parts, memory.dense(x), y, planes, *sizes, int(count_include_pad), divisor or 0)
    return y


def avg_pool_grad(
    g: Array, input_shape: Ints, kernel: Ints, stride: Ints, padding: Ints, count_include_pad: bool, divisor: int | None
) -> Any:
    """Gradient of `avg_pool`: what arrives at a window is shared among its elements."""
    if not _serves(g) or not prod(input_shape):
        return NotImplemented
    size, planes = input_shape[2:], prod(input_shape[:2])
    grad = memory.empty(tuple(input_shape))
    sizes = _sizes(size, g.shape[2:], (kernel, 1), (stride, 1), (padding, 0))
    parts = max(1, min(parts_for(grad.size, LEAST), planes))
    _mean_grad(parts, memory.dense(g), grad, planes, *sizes, int(count_include_pad), divisor or 0)
    return grad
