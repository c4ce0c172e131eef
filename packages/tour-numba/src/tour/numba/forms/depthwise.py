"""Convolutions with one channel for each group, and their gradients."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from tour.numba import _memory as memory
from tour.numba._native import Kernel
from tour.numba.forms._sharing import parts_for
from tour.numba.forms.windows import LANES

Array = Any
Ints = tuple[int, ...]
Pair = tuple[int, int]

_forward, _input_grad, _weight_grad = (Kernel(f"depthwise.{name}") for name in ("forward", "input_grad", "weight_grad"))


def conv(x: Array, weight: Array, bias: Array | None, stride: Ints, padding: Ints, dilation: Ints, out: Ints) -> Array:
    """Each channel of x (N, C, *size) with its own weights (C M, 1, *kernel)."""
    y = memory.empty((len(x), len(weight), *out))
    given = memory.zeros((len(weight),)) if bias is None else memory.dense(bias)
    parts = _parts(y, len(x) * len(weight))
    sizes = _sliding(x.shape, weight.shape, out, stride, padding, dilation, parts)
    _forward(parts, memory.dense(x), memory.dense(weight), given, y, *sizes)
    return y


def conv_input_grad(g: Array, weight: Array, input_shape: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Array:
    """Gradient of x, which is also the transposed convolution: flipped kernels slide over gradients that lie a stride apart."""
    x = memory.empty(input_shape)
    samples, channels, *given = input_shape
    size, out, kernel = (_pair(tuple(n), 1) for n in (given, g.shape[2:], weight.shape[2:]))
    steps, pads, gaps = _pair(stride, 1), _pair(padding, 0), _pair(dilation, 1)
    reach = [d * (k - 1) for k, d in zip(kernel, gaps, strict=True)]
    frame = tuple(n + r for n, r in zip(size, reach, strict=True))
    parts = _parts(g, samples * channels)
    numbers = frame[0] * frame[1] + LANES
    _input_grad(
        parts, memory.dense(g), memory.dense(weight), memory.zeros((len(weight),)), x,
        samples, channels, len(weight) // channels, *size, *out, _offsets(kernel, gaps, 1, frame[1], True), prod(kernel),
        *frame, frame[1], 1, *(r - p for r, p in zip(reach, pads, strict=True)), steps[0],
        memory.empty((parts, numbers)), numbers, steps[1],
    )  # fmt: skip
    return x


def conv_weight_grad(g: Array, x: Array, weight_shape: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Array:
    """Gradient of the weights."""
    w = memory.empty(weight_shape)
    parts = _parts(g, weight_shape[0])
    sizes = _sliding(x.shape, weight_shape, g.shape[2:], stride, padding, dilation, parts)
    _weight_grad(parts, memory.dense(g), memory.dense(x), 0, w, *sizes)
    return w


def _parts(a: Array, units: int) -> int:
    return max(1, min(parts_for(a.size, 1 << 12), units))


def _pair(size: Ints, one: int) -> Pair:
    """Two dimensions: a signal is an image of one row."""
    return (one, size[0]) if len(size) == 1 else (size[0], size[1])


@lru_cache(maxsize=64)
def _offsets(kernel: Pair, dilation: Pair, phases: int, pitch: int, flipped: bool) -> Array:
    """Where the taps lie in a frame, in bytes."""
    u, v = (np.arange(k, dtype=np.int64) * d for k, d in zip(kernel, dilation, strict=True))
    places = (u * phases * pitch)[:, None] + v % phases * pitch + v // phases
    return np.ascontiguousarray(4 * places.ravel()[:: -1 if flipped else 1])


def _sliding(
    shape: Ints, weight_shape: Ints, out: Ints, stride: Ints, padding: Ints, dilation: Ints, parts: int
) -> tuple[Any, ...]:
    samples, channels, *given = shape
    size, out, kernel = _pair(tuple(given), 1), _pair(out, 1), _pair(weight_shape[2:], 1)
    steps, pads, gaps = _pair(stride, 1), _pair(padding, 0), _pair(dilation, 1)
    frame = tuple((m - 1) * s + d * (k - 1) + 1 for m, s, k, d in zip(out, steps, kernel, gaps, strict=True))
    phases, pitch = steps[1], -(-frame[1] // steps[1])
    numbers = frame[0] * phases * pitch + LANES + prod(kernel) * LANES  # the last for sums of products
    return (
        samples, channels, weight_shape[0] // channels, *size, *out, _offsets(kernel, gaps, phases, pitch, False), prod(kernel),
        *frame, pitch, phases, *pads, steps[0], memory.empty((parts, numbers)), numbers,
    )  # fmt: skip
