"""Convolutions of kernels (3, 3) or (any, 3, 3) and stride 1 by Winograd's algorithm, and their weights' gradients."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from tour import backends
from tour.numba import _memory as memory
from tour.numba import _pool
from tour.numba._native import Kernel
from tour.numba.forms._sharing import parts_for
from tour.numba.forms.windows import LANES, columns_of, three

Array = Any
Ints = tuple[int, ...]

_convolve = {m: Kernel(f"tiles.winograd{m}") for m in (2, 4)}
_weights, _taps = ({m: Kernel(f"tiles.{name}{m}") for m in (2, 4)} for name in ("weights", "taps"))
_weight_grad = {m: Kernel(f"tiles.winograd{m}_weight_grad") for m in (2, 4)}

LEAST = 1 << 14  # transformed weights of a part
TRANSFORMED = 150_000  # numbers of transformed tiles at a time: about half a megabyte


def tile(weight_shape: Ints, stride: Ints, dilation: Ints, groups: int, out: Ints) -> int:
    """The m of F(m x m, 3 x 3) that serves a convolution, or 0 for the plain sum."""
    said = backends.cpu.winograd
    depth, channels, *kernel = weight_shape
    if said == 0 or kernel[-2:] != [3, 3] or prod(stride) * prod(dilation) * groups > 1:
        return 0
    channels *= prod(kernel) // 9
    if min(channels, depth) < LANES or channels * depth > 1 << 16:
        return 0
    m = 4 if said == "auto" else int(said)
    return m if prod(out[-2:]) >= 9 * m * m else 0


def conv(x: Array, weight: Array, bias: Array | None, padding: Ints, out: Ints, m: int) -> Array:
    """Products of transformed tiles of x (N, C, *size) and transformed weights (O, C, *kernel)."""
    volume, depth, columns = three(out, 1), len(weight), columns_of(len(weight))
    samples, slabs = len(x) * volume[0], three(weight.shape[2:], 1)[0]
    squares, channels = (m + 2) ** 2, slabs * x.shape[1]
    taps = memory.zeros((3, 3, slabs, x.shape[1], columns))
    taps[..., :depth] = weight.reshape(depth, -1, slabs, 3, 3).transpose(3, 4, 2, 1, 0)
    w = memory.empty((squares, channels, columns))
    _weights[m](parts_for(w.size, LEAST), taps, w, channels * columns)
    block = max(6, min(48, TRANSFORMED // (squares * (channels + columns)) // 6 * 6))
    y = memory.empty((len(x), depth, *out))
    given = memory.zeros((depth,)) if bias is None else memory.dense(bias)
    bands = min(-(-_pool.threads() // samples), -(-out[-2] // m))  # so that every thread has some of a single image
    parts = min(_pool.threads(), samples * bands)
    _convolve[m](
        parts,
        memory.dense(x),
        w,
        given,
        y,
        *_sizes(parts, x, depth, slabs, padding, volume, m, block, block),
        bands,
        out[-1],
    )
    return y


def conv_weight_grad(g: Array, x: Array, weight_shape: Ints, padding: Ints, m: int) -> Array:
    """Products of transformed tiles of input and gradient, taken back."""
    depth, volume, slabs = weight_shape[0], three(g.shape[2:], 1), three(weight_shape[2:], 1)[0]
    channels = slabs * weight_shape[1]
    squares, tiles = (m + 2) ** 2, -(-volume[1] // m) * -(-volume[2] // m)
    together = max(1, 64 // tiles)
    parts = min(_pool.threads(), len(x) * volume[0])
    total = memory.empty((parts, squares, channels * columns_of(depth)))
    sizes = _sizes(parts, x, depth, slabs, padding, volume, m, together, together * tiles)
    _weight_grad[m](parts, memory.dense(x), memory.dense(g), total, 0, *sizes)
    total = np.add.reduce(total, 0)
    taps = memory.empty((3, 3, channels, columns_of(depth)))
    _taps[m](parts_for(total.size, LEAST), total, taps, total.shape[1])
    return taps.reshape(3, 3, slabs, weight_shape[1], -1)[..., :depth].transpose(4, 3, 2, 0, 1).reshape(weight_shape)


def _sizes(
    parts: int, x: Array, depth: int, taps: int, padding: Ints, out: Ints, m: int, group: int, block: int
) -> tuple[Any, ...]:
    """What both kernels are told; the channels are those of all slabs that a result meets."""
    channels, (slabs, height, width), pads = taps * x.shape[1], three(x.shape[2:], 1), three(padding, 0)
    columns, squares = columns_of(depth), (m + 2) ** 2
    down, across = -(-out[1] // m), -(-out[2] // m)
    rows, line = down * m + 2, across * m + 2
    in_places = _places(height, width, *pads[1:], line, channels)
    out_places = _places(*out[1:], 0, 0, across * m, columns)
    numbers = (
        rows * line * channels, down * m * across * m * columns, squares * block * channels, squares * block * columns
    )  # fmt: skip
    scratch = [v for n in numbers for v in (memory.empty((parts, n)), n)]
    return (
        len(x) * out[0], channels, height * width, depth, prod(out[1:]), down, across, group, in_places, out_places, *scratch,
        slabs, out[0], taps, pads[0], memory.zeros((height * width,)),
    )  # fmt: skip


@lru_cache(maxsize=256)
def _places(h: int, w: int, pad_h: int, pad_w: int, line: int, channels: int) -> Array:
    """Where the pixels of an image (h, w) begin, in bytes, in a padded one with rows of `line` pixels of some channels."""
    y, x = np.divmod(np.arange(h * w, dtype=np.int64), w)
    return 4 * channels * ((y + pad_h) * line + x + pad_w)
