"""Convolutions with one channel for each group, and their gradients."""

from __future__ import annotations

from typing import Any

from tour.numba import _memory as memory
from tour.numba._native import Kernel
from tour.numba.forms._sharing import parts_for

Array = Any
Ints = tuple[int, ...]

_forward, _input_grad, _weight_grad = (Kernel(f"depthwise.{name}") for name in ("forward", "input_grad", "weight_grad"))


def conv(x: Array, weight: Array, bias: Array | None, stride: Ints, padding: Ints, dilation: Ints, out: Ints) -> Array:
    """Each channel of x (N, C, *size) with its own weights (C M, 1, *kernel)."""
    y = memory.empty((len(x), len(weight), *out))
    given = memory.zeros((len(weight),)) if bias is None else memory.dense(bias)
    sizes = _sizes(x.shape, weight.shape, out, stride, padding, dilation)
    _forward(_parts(y, len(x) * len(weight)), memory.dense(x), memory.dense(weight), given, y, *sizes)
    return y


def conv_input_grad(g: Array, weight: Array, input_shape: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Array:
    """Gradient of x, which is also the transposed convolution."""
    x = memory.empty(input_shape)
    sizes = _sizes(input_shape, weight.shape, g.shape[2:], stride, padding, dilation)
    _input_grad(_parts(g, input_shape[0] * input_shape[1]), memory.dense(g), memory.dense(weight), 0, x, *sizes)
    return x


def conv_weight_grad(g: Array, x: Array, weight_shape: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Array:
    """Gradient of the weights."""
    w = memory.empty(weight_shape)
    sizes = _sizes(x.shape, weight_shape, g.shape[2:], stride, padding, dilation)
    _weight_grad(_parts(g, weight_shape[0]), memory.dense(g), memory.dense(x), 0, w, *sizes)
    return w


def _parts(a: Array, units: int) -> int:
    return max(1, min(parts_for(a.size, 1 << 12), units))


def _sizes(shape: Ints, weight_shape: Ints, out: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Ints:
    """Sizes as if in two dimensions; a signal is an image of one row."""
    samples, channels, *size = shape
    row: Ints = (1,) * (2 - len(size))
    none: Ints = (0,) * (2 - len(size))
    return (
        samples, channels, weight_shape[0] // channels, *row, *size, *row, *out, *row, *weight_shape[2:],
        *row, *stride, *none, *padding, *row, *dilation,
    )  # fmt: skip
