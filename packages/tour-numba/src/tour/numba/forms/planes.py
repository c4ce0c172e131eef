"""Windows of single planes: convolutions of few channels a group, average and max pooling. Tables for `kernels/planes.py`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from tour.numba import _memory as memory
from tour.numba import _pool
from tour.numba._native import Kernel
from tour.numba.forms._sharing import STEAL
from tour.numba.forms.windows import LANES, sums, three

Array = Any
Ints = tuple[int, ...]

_correlate, _weight_grad = Kernel("planes.correlate"), Kernel("planes.weight_grad")

CHAINS = 3, 5, 7  # heights of kernels that tiles serve
ROUND = 9  # taps that the gradient of weights takes at a time, as in `kernels/planes.py`


class Frame(NamedTuple):
    """How a volume lies in a frame. Places are in bytes, sizes in numbers."""

    rows: int
    width: int
    places: Array  # where each row begins
    starts: Array  # and from there its numbers, dealt out to the steps of the stride
    across: int
    size: int
    pitches: Ints  # from slab to slab, row to row, pixel to pixel
    part: int  # from one of the frame's volumes to the next

    @property
    def rowwise(self) -> tuple[Any, ...]:
        """What `frame` and `unframe` are told, and the size of the frame."""
        return self.rows, self.width, self.places, self.starts, self.across, self.size


class Taps(NamedTuple):
    """What a run of windows meets."""

    places: Array
    weights: Array  # where the weights of the taps are, in bytes
    segments: Array  # for each residue its first tap, how many, and where its results go
    vectors: int
    grid: Array  # slabs, rows, vectors of a row; bytes from row to row, from slab to slab
    chain: int  # taps that lie below each other, follow each other in the tables, and are served together; or none


def framed(size: Ints, stride: Ints, padding: Ints, lengths: Sequence[int]) -> Frame:
    """A volume split by a stride, with a border before it; each part has these lengths."""
    pitches = lengths[1] * lengths[2], lengths[2], 1
    part = prod(lengths)
    steps = stride[1] * stride[2], stride[2], 1
    slabs, lines, starts = (
        4 * ((np.arange(n, dtype=np.int64) + p) % s * (step * part) + (np.arange(n) + p) // s * pitch)
        for n, s, p, pitch, step in zip((*size[:2], stride[2]), stride, padding, pitches, steps, strict=True)
    )
    places = sums([slabs, lines])
    if stride[2] == 1:
        places += starts[0]
    return Frame(len(places), size[2], places, starts, stride[2], prod(stride) * part, pitches, part)


def _tiles(counts: Sequence[int], kernel: int, steps: int, pitches: Ints) -> tuple[int, Array]:
    """How many taps lie below each other, if tiles serve, and how results lie."""
    vectors = -(-counts[2] // LANES)
    serve = kernel in CHAINS and steps == 1 and vectors >= 2 and counts[1] >= 4
    return kernel if serve else 0, np.array([counts[0], counts[1], vectors, 4 * pitches[1], 4 * pitches[0]], np.int64)


def _run(counts: Sequence[int], pitches: Ints) -> int:
    """Vectors from the first window to the last."""
    last = sum((n - 1) * pitch for n, pitch in zip(counts, pitches, strict=True))
    return last // LANES + 1


@lru_cache(maxsize=128)
def sliding(
    size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, out: Ints, reads: int, tiles: bool = False
) -> tuple[Frame, Frame, Taps]:  # fmt: skip
    """Frames of the input and of the results, and taps, of windows that slide over `reads` planes, in tiles if they serve."""
    size, kernel, stride, dilation, out = (three(n, 1) for n in (size, kernel, stride, dilation, out))
    padding = three(padding, 0)
    lengths = [
        -(-max(n + p, (m - 1) * s + d * (k - 1) + 1) // s)
        for n, k, s, p, d, m in zip(size, kernel, stride, padding, dilation, out, strict=True)
    ]
    into = framed(size, stride, padding, lengths)
    chain, grid = _tiles(out, kernel[1] if tiles else 0, stride[1] * dilation[1], into.pitches)
    places = [np.arange(reads, dtype=np.int64) * into.size]
    for k, s, d, pitch, step in zip(
        kernel, stride, dilation, into.pitches, (stride[1] * stride[2], stride[2], 1), strict=True
    ):
        q, r = np.divmod(np.arange(k, dtype=np.int64) * d, s)
        places.append(r * step * into.part + q * pitch)
    found = 4 * sums(places)
    order = np.arange(len(found))
    if chain:
        order = order.reshape(-1, *kernel[1:]).swapaxes(1, 2).ravel()
    outof = framed(out, (1, 1, 1), (0, 0, 0), lengths)
    segments = np.array([[0, len(found), 0]], np.int64)
    return into, outof, Taps(found[order], 4 * order, segments, _run(out, into.pitches), grid, chain)


@lru_cache(maxsize=128)
def spreading(
    size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, out: Ints, reads: int, plane: int
) -> tuple[Frame, Frame, Taps]:
    """The same of the transposed convolution, from volumes of `size` to those of `out`; see `windows.spreading`.

    Weights of neighbouring planes that are read are `plane` numbers apart.
    """
    size, kernel, stride, dilation, out = (three(n, 1) for n in (size, kernel, stride, dilation, out))
    padding = three(padding, 0)
    before = tuple(d * (k - 1) // s for k, s, d in zip(kernel, stride, dilation, strict=True))
    counts = [(m - 1 + p) // s + 1 for m, s, p in zip(out, stride, padding, strict=True)]
    lengths = [b + max(n, m) for b, n, m in zip(before, size, counts, strict=True)]
    into, outof = framed(size, (1, 1, 1), before, lengths), framed(out, stride, padding, lengths)
    steps = kernel[1] * kernel[2], kernel[2], 1
    shifts = [
        [
            [(u * step, (b - u * d // s) * pitch) for u in range(k) if u * d % s == r]
            for r in range(s)
        ]
        for k, s, d, b, pitch, step in zip(kernel, stride, dilation, before, into.pitches, steps, strict=True)
    ]  # fmt: skip
    chain, grid = _tiles(counts, kernel[1], stride[1] * stride[2] * stride[0] * dilation[1], into.pitches)
    places: list[int] = []
    weights: list[int] = []
    segments: list[Ints] = []
    for residue, met in enumerate(product(*shifts)):
        taps = [
            (i * plane + sum(u for u, _ in tap), i * into.size + sum(at for _, at in tap))
            for i in range(reads)
            for tap in product(*met)
        ]
        if chain:  # from the last row of the kernel to the first, which meets the lowest
            taps = [taps[i] for i in np.arange(len(taps)).reshape(-1, *kernel[1:])[:, ::-1].swapaxes(1, 2).ravel()]
        segments.append((len(places), len(taps), 4 * residue * outof.part))
        weights += [4 * w for w, _ in taps]
        places += [4 * at for _, at in taps]
    found = Taps(
        np.array(places, np.int64),
        np.array(weights, np.int64),
        np.array(segments, np.int64),
        _run(counts, into.pitches),
        grid,
        chain,
    )
    return into, outof, found


def correlate(
    x: Array, w: Array, bias: Array, y: Array, groups: int, reads: int, writes: int, tables: tuple[Frame, Frame, Taps],
    group: int, plane: int, before: Any = 0, after: Any = 0,
) -> None:  # fmt: skip
    """Results y (N, groups * writes, *out) of planes x (N, groups * reads, *size).

    Args:
        x, bias, y: Arrays without gaps.
        w: Weights, a group's `group` numbers apart, those of its results `plane`.
        groups, reads, writes: Groups of planes that do not see each other, and planes of one.
        tables: As `sliding` and `spreading` give them.
        group, plane: See `w`.
        before, after: What the input, and results, are divided by, in the order of their frames.
    """
    into, outof, taps = tables
    parts = parts_of(x.size + y.size, len(y) * groups)
    together = _together(reads * into.size + writes * outof.size)
    _correlate(
        parts, x, w, bias, y, len(y), groups, reads, writes, *into.rowwise, *outof.rowwise,
        taps.places, taps.weights, taps.segments, len(taps.segments), taps.vectors, 4 * group, 4 * plane, before, after, together,
        memory.empty((parts, together * reads * into.size + LANES)), memory.empty((parts, together * writes * outof.size + LANES)),
        taps.grid, taps.chain,
    )  # fmt: skip


def parts_of(size: int, units: int) -> int:
    """Parts of some planes, each of at least 8192 numbers."""
    count = min(size >> 13, STEAL * _pool.threads(), units)
    return max(1, count if _pool.threads() > 1 else 1)


def _together(size: int) -> int:
    """Groups whose frames, of some numbers each, stay together in the first-level cache."""
    return max(1, min(16, 6000 // size))


def conv(
    x: Array, weight: Array, bias: Array | None, stride: Ints, padding: Ints, dilation: Ints, out: Ints, groups: int
) -> Array:
    """Channels of x (N, C, *size) with weights (O, C / groups, *kernel)."""
    y = memory.empty((len(x), len(weight), *out))
    given = memory.zeros((len(weight),)) if bias is None else memory.dense(bias)
    reads, writes, area = weight.shape[1], len(weight) // groups, prod(weight.shape[2:])
    tables = sliding(x.shape[2:], weight.shape[2:], stride, padding, dilation, out, reads, True)
    each = reads * area
    correlate(memory.dense(x), memory.dense(weight), given, y, groups, reads, writes, tables, writes * each, each)
    return y


def conv_input_grad(
    g: Array, weight: Array, input_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Array:
    """Gradient of x, which is also the transposed convolution."""
    x = memory.empty(tuple(input_shape))
    reads, writes, area = len(weight) // groups, weight.shape[1], prod(weight.shape[2:])
    tables = spreading(
        g.shape[2:], weight.shape[2:], stride, padding, dilation, x.shape[2:], reads, writes * area
    )  # fmt: skip
    none = memory.zeros((groups * writes,))
    correlate(
        memory.dense(g), memory.dense(weight), none, x, groups, reads, writes, tables, reads * writes * area, area
    )
    return x


def conv_weight_grad(
    g: Array, x: Array, weight_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Array:
    """Gradient of the weights."""
    w = memory.empty(tuple(weight_shape))
    reads, writes, kernel = weight_shape[1], weight_shape[0] // groups, tuple(weight_shape[2:])
    into, outof, taps = sliding(x.shape[2:], kernel, stride, padding, dilation, g.shape[2:], 1)
    count, room = len(taps.places), taps.vectors * LANES
    places = np.pad(taps.places, (0, -count % ROUND), mode="edge")
    parts = parts_of(x.size + g.size, groups)
    together = min(groups, _together(reads * into.size + writes * room))
    _weight_grad(
        parts, memory.dense(g), memory.dense(x), w, len(x), groups, reads, writes, *into.rowwise,
        *outof.rowwise[:4], room, places, count, len(places), taps.vectors, together,
        memory.empty((parts, together * reads * into.size + LANES)), memory.empty((parts, together * writes * room)),
        memory.empty((parts, together * reads * writes * len(places) * LANES)),
    )  # fmt: skip
    return w
