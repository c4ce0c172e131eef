"""Convolutions over one to three dimensions, and their gradients: which algorithm serves, and how the weights lie."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tour._shapes import count_windows
from tour.numba import _memory as memory
from tour.numba import _pool
from tour.numba._native import Kernel
from tour.numba.forms import planes, tiles
from tour.numba.forms.windows import LANES, Windows, arranged, columns_of, sliding, spreading

Array = Any
Ints = tuple[int, ...]

_forward, _weight_grad = Kernel("convolution.forward"), Kernel("convolution.weight_grad")

FEW = 16  # pixels below which many weights are better read once for all samples, by BLAS
SPILL = 1 << 17  # weights that no longer stay in the second-level cache


def conv(x: Array, weight: Array, bias: Array | None, stride: Ints, padding: Ints, dilation: Ints, groups: int) -> Any:
    """Cross-correlate x (N, C, *size) with weight (O, C / groups, *kernel)."""
    kernel = weight.shape[2:]
    out = count_windows(x.shape[2:], kernel, stride, padding, dilation)
    if not _serves(x, padding, weight, weight if bias is None else bias) or (prod(out) < FEW and weight.size > SPILL):
        return NotImplemented
    if _whole(x.shape[2:], kernel, padding, groups):
        return NotImplemented
    if _few(len(weight) // groups, weight.shape[1], len(x) * groups):
        return planes.conv(x, weight, bias, stride, padding, dilation, out, groups)
    m = tiles.tile(weight.shape, stride, dilation, groups, out)
    if m:
        return tiles.conv(x, weight, bias, padding, out, m)
    depth, channels = len(weight) // groups, weight.shape[1]
    windows = sliding(x.shape[2:], kernel, stride, padding, dilation, out, channels, groups, depth, _cuts(x))
    fan = 4 * channels * prod(kernel)
    w = arranged(memory.dense(weight), windows.stretches, fan // 4, depth, 4, fan, groups, depth * fan)
    return _run(x, w, bias, groups, channels, depth, windows).reshape(len(x), len(weight), *out)


def conv_input_grad(
    g: Array, weight: Array, input_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Any:
    """Gradient of `conv` with respect to its input, which is also the transposed convolution."""
    kernel, size, out = weight.shape[2:], g.shape[2:], input_shape[2:]
    if not _serves(g, padding, weight) or not prod(out) or _whole(out, kernel, padding, groups):
        return NotImplemented
    if _few(weight.shape[1], len(weight) // groups, len(g) * groups):
        return planes.conv_input_grad(g, weight, input_shape, stride, padding, dilation, groups)
    if (prod(out) // prod(stride) < FEW and weight.size > SPILL) or prod(size) < prod(kernel) / 2:
        return NotImplemented
    around = tuple(k - 1 - p for k, p in zip(kernel, padding, strict=True))
    m = tiles.tile((weight.shape[1], len(weight), *kernel), stride, dilation, groups, out)
    if (
        m
        and min(around) >= 0
        and all(n == s + k - 1 - 2 * p for n, s, k, p in zip(out, size, kernel, padding, strict=True))
    ):
        flipped = np.flip(weight, tuple(range(2, weight.ndim))).swapaxes(0, 1)
        return tiles.conv(g, flipped, None, around, out, m)
    depth, channels = len(weight) // groups, weight.shape[1]
    windows = spreading(size, kernel, stride, padding, dilation, out, depth, groups, channels, _cuts(g))
    area = 4 * prod(kernel)
    w = arranged(
        memory.dense(weight), windows.stretches, len(windows.taps), channels, channels * area, area, groups, depth * channels * area
    )  # fmt: skip
    return _run(g, w, None, groups, depth, channels, windows).reshape(input_shape)


def conv_weight_grad(
    g: Array, x: Array, weight_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Any:
    """Gradient of `conv` with respect to its weight, from the gradient g of its output."""
    kernel, out = weight_shape[2:], g.shape[2:]
    fits = all(
        (m - 1) * s + d * (k - 1) < n + 2 * p
        for n, m, k, s, p, d in zip(x.shape[2:], out, kernel, stride, padding, dilation, strict=True)
    )
    if not fits or not _serves(x, padding, g) or not prod(weight_shape) or _whole(x.shape[2:], kernel, padding, groups):
        return NotImplemented
    if _few(weight_shape[0] // groups * planes.waste(prod(kernel)), weight_shape[1], len(x) * groups):
        return planes.conv_weight_grad(g, x, weight_shape, stride, padding, dilation, groups)
    m = tiles.tile(weight_shape, stride, dilation, groups, out)
    whole = all(m == n + 2 * p - k + 1 for n, m, k, p in zip(x.shape[2:], out, kernel, padding, strict=True))
    if m and whole:
        return tiles.conv_weight_grad(g, x, weight_shape, padding, m)
    depth, channels = weight_shape[0] // groups, weight_shape[1]
    windows = sliding(x.shape[2:], kernel, stride, padding, dilation, out, channels, groups, depth, 1)
    return _direct_weight_grad(x, g, groups, depth, windows).reshape(weight_shape)


def _few(results: float, reads: int, units: int) -> bool:
    """Whether a pixel has so few results in a group that vectors are better made of neighbouring pixels of each plane."""
    return results * (2 if reads <= 64 else 4) <= LANES and units >= _pool.threads()


def _whole(size: Ints, kernel: Ints, padding: Ints, groups: int) -> bool:
    """Whether the only window is the whole image, which is a plain matrix product."""
    return groups == 1 and not any(padding) and tuple(size) == tuple(kernel)


def _serves(x: Array, padding: Ints, *others: Array) -> bool:
    """Whether all is in single precision, in one to three dimensions, and there is something to compute."""
    return x.ndim < 6 and min(padding) >= 0 and all(
        type(a) is np.ndarray and a.dtype is memory.F32 and bool(a.size) for a in (x, *others)
    )  # fmt: skip


def _cuts(x: Array) -> int:
    """Stripes into which the result of each sample is cut, so that every thread has some."""
    return -(-_pool.threads() // len(x))


def _run(x: Array, w: Array, bias: Array | None, groups: int, channels: int, depth: int, windows: Windows) -> Array:
    """A convolution with weights in panels, (groups, numbers); channels and results are those of a group."""
    columns, out_pixels, stripes = columns_of(depth), len(windows.places), len(windows.stripes)
    parts = min(_pool.threads(), len(x) * stripes)
    y = memory.empty((len(x), groups * depth, out_pixels))
    result = max(windows.stripes[:, 3].tolist()) * columns
    _forward(
        parts, memory.dense(x), w, memory.zeros((groups * depth,)) if bias is None else memory.dense(bias), y,
        len(x), groups, channels, len(windows.rows), x.shape[-1], windows.rows, depth, out_pixels, windows.plane,
        windows.pixels, windows.taps, windows.segments, windows.stripes, stripes, windows.places,
        w.shape[1], memory.empty((parts, windows.image_size)), windows.image_size, memory.empty((parts, result)), result,
    )  # fmt: skip
    return y


def _direct_weight_grad(x: Array, g: Array, groups: int, depth: int, windows: Windows) -> Array:
    """Each part's share, summed: (O, channels of a group, taps)."""
    columns, out_pixels, taps = columns_of(depth), len(windows.places), len(windows.taps)
    parts = min(_pool.threads(), len(x))
    together = max(1, min(384 // out_pixels, len(x) // parts))
    pixels = (np.arange(together)[:, None] * (4 * windows.image_size) + windows.pixels).ravel()
    places = np.arange(out_pixels) * (4 * columns)
    total, result = memory.empty((parts, groups, taps, columns)), out_pixels * columns
    _weight_grad(
        parts, memory.dense(x), memory.dense(g), total,
        len(x), groups, x.shape[1] // groups, len(windows.rows), x.shape[-1], windows.rows, depth, out_pixels, windows.plane,
        pixels, windows.taps, taps, places, together,
        memory.empty((parts, together, windows.image_size)), windows.image_size,
        memory.empty((parts, together, groups, result)), result,
    )  # fmt: skip
    return np.add.reduce(total, 0)[..., :depth].swapaxes(1, 2)
