"""Max and average pooling over one, two or three dimensions, and their gradients."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tour._shapes import count_windows
from tour.cuda._launch import Array, Kernel, dense, elements, empty, serves
from tour.cuda.forms import indexing

_max, _max_grad = Kernel("pooling.max_pool"), Kernel("pooling.max_pool_grad")
_avg, _avg_grad = Kernel("pooling.avg_pool"), Kernel("pooling.avg_pool_grad")

Ints = tuple[int, ...]


def in_three(*sizes: tuple[Any, int]) -> list[int]:
    """Sizes of up to three dimensions, each filled up to three in front, one after the other."""
    return [n for size, missing in sizes for n in (*(missing,) * (3 - len(size)), *size)]


def _largest(
    x: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, out_size: Ints, with_indices: bool
) -> tuple[Array, Array | None]:
    planes = prod(x.shape[:2])
    y = empty((*x.shape[:2], *out_size), x.dtype, x)
    indices = empty(y.shape, np.int64, x) if with_indices else None
    if y.size:
        sizes = in_three((x.shape[2:], 1), (out_size, 1), (kernel, 1), (stride, 1), (padding, 0), (dilation, 1))
        _max(elements(y.size), dense(x), y, indices, planes, *sizes)
    return y, indices


def max_pool(x: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool) -> Any:
    """Largest element of each window."""
    if not serves(x):
        return NotImplemented
    out_size = count_windows(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    return _largest(x, kernel, stride, padding, dilation, out_size, False)[0]


def max_pool_with_indices(x: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool) -> Any:
    """Largest element of each window, and where it stands in its plane."""
    if not serves(x):
        return NotImplemented
    out_size = count_windows(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    return _largest(x, kernel, stride, padding, dilation, out_size, True)


def max_pool_grad(
    g: Array, x: Array, out: Array | None, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints
) -> Any:
    """Gradient of `max_pool`; where the largest elements stand is found again, as the forward pass keeps nothing."""
    if not serves(g, x):
        return NotImplemented
    indices = _largest(x, kernel, stride, padding, dilation, g.shape[2:], True)[1]
    grad = empty(x.shape, g.dtype, g)
    if grad.size:
        sizes = in_three((x.shape[2:], 1), (g.shape[2:], 1), (kernel, 1), (stride, 1), (padding, 0), (dilation, 1))
        _max_grad(elements(grad.size), dense(g), indices, grad, prod(x.shape[:2]), *sizes)
    return grad


def scatter(values: Array, indices: Array, size: Ints) -> Any:
    """Values added at flat indices of planes of zeros."""
    planes = prod(values.shape[:2])
    out = indexing.zeros((planes, prod(size)), values.dtype, values)
    flat = (planes, prod(values.shape[2:]))
    if indexing.scatter_add(out, 1, indices.reshape(flat), dense(values).reshape(flat)) is NotImplemented:
        return NotImplemented
    return out.reshape(*values.shape[:2], *size)


def gather(x: Array, indices: Array) -> Any:
    """Elements of planes at flat indices."""
    flat = (prod(x.shape[:2]), prod(x.shape[2:]))
    found = indexing.gather(dense(x).reshape(flat), 1, indices.reshape(flat[0], prod(indices.shape[2:])))
    return found if found is NotImplemented else found.reshape(indices.shape)


def max_unpool(x: Array, indices: Array, size: Ints) -> Any:
    """Elements written at flat indices of planes of zeros."""
    planes, count = prod(x.shape[:2]), prod(x.shape[2:])
    out = indexing.zeros((planes, prod(size)), x.dtype, x)
    if indexing.scatter(out, 1, indices.reshape(planes, count), dense(x).reshape(planes, count)) is NotImplemented:
        return NotImplemented
    return out.reshape(*x.shape[:2], *size)


def avg_pool(
    x: Array,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Any:
    """Mean of each window."""
    if not serves(x):
        return NotImplemented
    out_size = count_windows(x.shape[2:], kernel, stride, padding, (1,) * len(kernel), ceil_mode)
    y = empty((*x.shape[:2], *out_size), x.dtype, x)
    if y.size:
        sizes = in_three((x.shape[2:], 1), (out_size, 1), (kernel, 1), (stride, 1), (padding, 0))
        _avg(elements(y.size), dense(x), y, prod(x.shape[:2]), *sizes, int(count_include_pad), divisor_override or 0)
    return y


def avg_pool_grad(
    g: Array,
    input_shape: Ints,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Any:
    """Gradient of `avg_pool`."""
    if not serves(g):
        return NotImplemented
    grad = empty(tuple(input_shape), g.dtype, g)
    if grad.size:
        sizes = in_three((input_shape[2:], 1), (g.shape[2:], 1), (kernel, 1), (stride, 1), (padding, 0))
        planes = prod(input_shape[:2])
        _avg_grad(elements(grad.size), dense(g), grad, planes, *sizes, int(count_include_pad), divisor_override or 0)
    return grad
