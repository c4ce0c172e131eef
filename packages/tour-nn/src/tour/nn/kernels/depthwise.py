"""Convolution with one channel per group: a product of a few weights with long runs of each plane.

The padded image is split by the stride (every s-th row and column of each offset becomes an image of its own), so that
what a tap meets is one contiguous run of each plane. The runs go across the ends of rows; the few windows that straddle
an end are computed along and dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np

from tour._core import packed
from tour._strides import strided

from .windows import Array, Ints, Pads, pad

_BLOCK = 1 << 19  # elements


def correlate(
    x: Array, weight: Array, bias: Array | None, stride: Ints, pads: Pads, dilation: Ints, out_size: Ints
) -> Array:
    """Cross-correlate each channel of x (N, C, *size) with its own weights (C * multiplier, 1, *kernel), plus bias."""
    kernel, channels = weight.shape[2:], x.shape[1]
    out = np.empty((len(x), channels, len(weight) // channels, *out_size), x.dtype, like=x)
    factors = weight.reshape(channels, -1, prod(kernel))
    shift = None if bias is None else bias.reshape(channels, -1, *(1,) * len(kernel))
    for block, runs in _runs(x, kernel, stride, pads, dilation, out_size):
        sums = _rows(factors[block[1]] @ runs, kernel, stride, dilation, out_size)
        if shift is None:
            out[block] = sums
        else:
            np.add(sums, shift[block[1]], out=out[block])
    return out.reshape(len(x), len(weight), *out_size)


def weight_grad(g: Array, x: Array, weight_shape: Ints, stride: Ints, pads: Pads, dilation: Ints) -> Array:
    """Gradient with respect to the weights, from the gradient g (N, C * multiplier, *output) of the output."""
    kernel, out_size, channels = weight_shape[2:], g.shape[2:], x.shape[1]
    multiplier = weight_shape[0] // channels
    grad = np.zeros((channels, multiplier, prod(kernel)), x.dtype, like=x)
    g = g.reshape(len(g), channels, multiplier, *out_size)
    for block, runs in _runs(x, kernel, stride, pads, dilation, out_size):
        spread = np.zeros((*runs.shape[:2], multiplier, runs.shape[-1]), x.dtype, like=x)
        _rows(spread, kernel, stride, dilation, out_size)[...] = g[block]
        grad[block[1]] += (spread @ runs.swapaxes(2, 3)).sum(0)
    return grad.reshape(weight_shape)


def input_grad(g: Array, weight: Array, input_shape: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Array:
    """Gradient with respect to x, from the gradient g (N, C * multiplier, *output) of the output."""
    kernel, out_size, (count, channels, *size) = weight.shape[2:], g.shape[2:], input_shape
    multiplier, dims = len(weight) // channels, len(kernel)
    pitch, length, places = _layout(kernel, stride, dilation, out_size)
    factors = weight.reshape(channels, multiplier, -1).swapaxes(1, 2)
    g = g.reshape(count, channels, multiplier, *out_size)
    grad = np.empty(input_shape, g.dtype, like=g)
    for block in _blocks(count, channels, length * prod(kernel)):
        part = g[block]
        spread = np.zeros((*part.shape[:3], length), g.dtype, like=g)
        _rows(spread, kernel, stride, dilation, out_size)[...] = part
        terms = factors[block[1]] * spread if multiplier == 1 else factors[block[1]] @ spread
        planes = np.zeros((*part.shape[:2], *stride, prod(pitch)), g.dtype, like=g)
        for number, place in enumerate(places):
            planes[place] += terms[:, :, number]
        split = planes.reshape(*part.shape[:2], *stride, *pitch)
        pairs = split.transpose(0, 1, *(axis for i in range(2, 2 + dims) for axis in (i + dims, i)))
        image = pairs.reshape(*part.shape[:2], *(q * s for q, s in zip(pitch, stride, strict=True)))
        pads = [(-p, n + p - m) for n, m, p in zip(size, image.shape[2:], padding, strict=True)]
        grad[block] = pad(image, pads)
    return grad


def _runs(
    x: Array, kernel: Ints, stride: Ints, pads: Pads, dilation: Ints, out_size: Ints
) -> Iterator[tuple[tuple[slice, slice], Array]]:
    """Blocks of samples and channels: what each tap meets, from the first window to the last (n, c, taps, length)."""
    pitch, length, places = _layout(kernel, stride, dilation, out_size)
    buffer = np.empty(0, x.dtype, like=x)
    for block in _blocks(len(x), x.shape[1], length * prod(kernel)):
        planes = _split(x[block], stride, pads, pitch)
        shape = (*planes.shape[:2], prod(kernel), length)
        if buffer.size < prod(shape):
            buffer = np.empty(prod(shape), x.dtype, like=x)
        runs = buffer[: prod(shape)].reshape(shape)
        for number, place in enumerate(places):
            runs[:, :, number] = planes[place]
        yield block, runs


def _blocks(count: int, channels: int, each: int) -> Iterator[tuple[slice, slice]]:
    """Blocks of samples and channels, where each channel takes that many elements."""
    width = max(1, min(channels, _BLOCK // each))
    height = max(1, _BLOCK // (each * width))
    for start, first in product(range(0, count, height), range(0, channels, width)):
        yield slice(start, start + height), slice(first, first + width)


def _layout(kernel: Ints, stride: Ints, dilation: Ints, out_size: Ints) -> tuple[list[int], int, list[Any]]:
    """Size of one split image; length of the run from the first window to the last; where that run is, per tap."""
    pitch = _pitch(kernel, stride, dilation, out_size)
    length = int(np.ravel_multi_index([m - 1 for m in out_size], pitch)) + 1
    return pitch, length, [_place(tap, stride, dilation, pitch, length) for tap in np.ndindex(*kernel)]


def _place(tap: Ints, stride: Ints, dilation: Ints, pitch: Ints, length: int) -> Any:
    """Where the run of one tap lies in the split planes."""
    offset = [t * d for t, d in zip(tap, dilation, strict=True)]
    phase = (o % s for o, s in zip(offset, stride, strict=True))
    start = int(np.ravel_multi_index([o // s for o, s in zip(offset, stride, strict=True)], pitch))
    return (slice(None), slice(None), *phase, slice(start, start + length))


def _pitch(kernel: Ints, stride: Ints, dilation: Ints, out_size: Ints) -> list[int]:
    """Size of one split image: room for every window."""
    return [m + (k - 1) * d // s for m, k, d, s in zip(out_size, kernel, dilation, stride, strict=True)]


def _split(x: Array, stride: Ints, pads: Pads, pitch: Ints) -> Array:
    """Pad x to stride * pitch and split it by the stride: (N, C, *stride, prod(pitch))."""
    grow = [(lo, s * q - n - lo) for n, (lo, _), s, q in zip(x.shape[2:], pads, stride, pitch, strict=True)]
    padded = pad(x, grow)
    pairs = padded.reshape(*x.shape[:2], *(n for both in zip(pitch, stride, strict=True) for n in both))
    dims = len(stride)
    split = pairs.transpose(0, 1, *range(3, 3 + 2 * dims, 2), *range(2, 2 + 2 * dims, 2))
    return packed(split).reshape(*x.shape[:2], *stride, -1)  # type: ignore[no-any-return]


def _rows(runs: Array, kernel: Ints, stride: Ints, dilation: Ints, out_size: Ints) -> Array:
    """View of the windows (..., *output) in their runs (..., length)."""
    pitch = _pitch(kernel, stride, dilation, out_size)
    steps = [runs.itemsize * prod(pitch[i + 1 :]) for i in range(len(pitch))]
    return strided(runs, (*runs.shape[:-1], *out_size), (*runs.strides[:-1], *steps))  # type: ignore[no-any-return]
