"""Convolution with one channel per group: one multiply-add over whole planes per tap of the kernel.

The padded image is split by the stride (every s-th row and column of each offset becomes an image of its own), so that
what a tap meets is one contiguous run of each plane. The runs go across the ends of rows; the few windows that straddle
an end are computed along and dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod

import numpy as np

from .windows import Array, Ints, Pads, pad

_BLOCK = 1 << 18  # bytes of one operand: image, product and sum together stay in the L2 cache


def correlate(
    x: Array, weight: Array, bias: Array | None, stride: Ints, pads: Pads, dilation: Ints, out_size: Ints
) -> Array:
    """Cross-correlate each channel of x (N, C, *size) with its own weight (C, *kernel), plus bias (C,)."""
    out = np.empty((*x.shape[:2], *out_size), x.dtype)
    pitch = _pitch(weight.shape[1:], stride, dilation, out_size)
    factors = weight.reshape(len(weight), -1)[..., None]
    for block in _blocks(x, pitch, stride):
        planes = _split(x[block], stride, pads, pitch)
        total = np.zeros((*planes.shape[:2], _run(pitch, out_size)), x.dtype)
        term = np.empty_like(total)
        for tap, run in enumerate(_runs(planes, weight.shape[1:], stride, dilation, pitch, total.shape[-1])):
            total += np.multiply(run, factors[block[1], tap], out=term)
        if bias is not None:
            total += bias[block[1], None]
        out[block] = _rows(total, pitch, out_size)
    return out


def weight_grad(g: Array, x: Array, kernel: Ints, stride: Ints, pads: Pads, dilation: Ints) -> Array:
    """Gradient with respect to the weight (C, *kernel), from the gradient g (N, C, *output) of the output."""
    out_size = g.shape[2:]
    pitch = _pitch(kernel, stride, dilation, out_size)
    grad = np.zeros((x.shape[1], prod(kernel)), x.dtype)
    for block in _blocks(x, pitch, stride):
        planes = _split(x[block], stride, pads, pitch)
        spread = np.zeros((*planes.shape[:2], _run(pitch, out_size)), x.dtype)
        _rows(spread, pitch, out_size)[...] = g[block]
        for tap, run in enumerate(_runs(planes, kernel, stride, dilation, pitch, spread.shape[-1])):
            grad[block[1], tap] += np.vecdot(spread, run).sum(0)
    return grad.reshape(-1, *kernel)


def _pitch(kernel: Ints, stride: Ints, dilation: Ints, out_size: Ints) -> list[int]:
    """Size of one split image: room for every window."""
    return [m + (k - 1) * d // s for m, k, d, s in zip(out_size, kernel, dilation, stride, strict=True)]


def _run(pitch: Ints, out_size: Ints) -> int:
    """Length of the run from the first window to the last."""
    return int(np.ravel_multi_index([m - 1 for m in out_size], pitch)) + 1


def _blocks(x: Array, pitch: Ints, stride: Ints) -> Iterator[tuple[slice, slice]]:
    """Blocks of samples and channels."""
    each = prod(pitch) * prod(stride) * x.itemsize
    channels = max(1, min(x.shape[1], _BLOCK // each))
    samples = max(1, _BLOCK // (each * channels))
    for start, first in product(range(0, len(x), samples), range(0, x.shape[1], channels)):
        yield slice(start, start + samples), slice(first, first + channels)


def _split(x: Array, stride: Ints, pads: Pads, pitch: Ints) -> Array:
    """Pad x to stride * pitch and split it by the stride: (N, C, *stride, prod(pitch))."""
    grow = [(lo, s * q - n - lo) for n, (lo, _), s, q in zip(x.shape[2:], pads, stride, pitch, strict=True)]
    padded = pad(x, grow)
    pairs = padded.reshape(*x.shape[:2], *(n for both in zip(pitch, stride, strict=True) for n in both))
    dims = len(stride)
    split = pairs.transpose(0, 1, *range(3, 3 + 2 * dims, 2), *range(2, 2 + 2 * dims, 2))
    return np.ascontiguousarray(split).reshape(*x.shape[:2], *stride, -1)


def _runs(planes: Array, kernel: Ints, stride: Ints, dilation: Ints, pitch: Ints, length: int) -> Iterator[Array]:
    """For each tap of the kernel, the elements it meets, from the first window to the last."""
    for tap in np.ndindex(*kernel):
        place = [t * d for t, d in zip(tap, dilation, strict=True)]
        phase = tuple(p % s for p, s in zip(place, stride, strict=True))
        start = int(np.ravel_multi_index([p // s for p, s in zip(place, stride, strict=True)], pitch))
        yield planes[:, :, *phase, start : start + length]


def _rows(runs: Array, pitch: Ints, out_size: Ints) -> Array:
    """View of the windows (N, C, *output) in their runs (N, C, length)."""
    step, steps = runs.itemsize, []
    for q in reversed(pitch):
        steps.append(step)
        step *= q
    return np.lib.stride_tricks.as_strided(runs, (*runs.shape[:2], *out_size), (*runs.strides[:2], *reversed(steps)))
