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
PLANES = 16  # planes that are handled in one go, unless a group has more
ROOMY = 1 << 15  # numbers
ROUND = 9  # taps that the gradient of weights takes at a time, as in `kernels/planes.py`


class Frame(NamedTuple):
    """How a volume lies in a frame. Places are in bytes, sizes in numbers."""

    rows: int  # of a plane
    width: int
    places: Array  # where each row begins, for some planes one after the other
    starts: Array  # and from there its numbers, dealt out to the steps of the stride
    across: int
    size: int
    pitches: Ints  # from slab to slab, row to row, pixel to pixel
    part: int  # from one of the frame's volumes to the next

    @property
    def rowwise(self) -> tuple[Any, ...]:
        """What `frame` and `unframe` are told, and the size of a plane's frame."""
        return self.rows, self.width, self.places, self.starts, self.across, self.size


class Taps(NamedTuple):
    """What a run of windows meets."""

    places: Array  # rounded up to whole rounds
    weights: Array  # where the weights of the taps are, in bytes
    length: int
    segments: Array  # for each residue its first tap, how many, and where its results go
    vectors: int
    grid: Array  # slabs, rows, vectors of a row; bytes from row to row, from slab to slab
    chain: int  # taps that lie below each other, follow each other in the tables, and are served together; or none


def framed(
    size: Ints, stride: Ints, padding: Ints, lengths: Sequence[int], planes: int, room: int = 0
) -> Frame:  # fmt: skip
    """A volume split by a stride, with a border before it; each part has these lengths, all together at least some room."""
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
    whole = max(prod(stride) * part, room)
    several = sums([4 * whole * np.arange(planes), places])
    return Frame(len(places), size[2], several, starts, stride[2], whole, pitches, part)


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
    size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, out: Ints, reads: int, planes: int, tiles: bool = False
) -> tuple[Frame, Frame, Taps]:  # fmt: skip
    """Frames of the input and of the results, and taps, of windows that slide over `reads` planes, in tiles if they serve.

    Frames are told where the rows of some `planes` go, so many as are handled in one go.
    """
    size, kernel, stride, dilation, out = (three(n, 1) for n in (size, kernel, stride, dilation, out))
    padding = three(padding, 0)
    lengths = [
        -(-max(n + p, (m - 1) * s + d * (k - 1) + 1) // s)
        for n, k, s, p, d, m in zip(size, kernel, stride, padding, dilation, out, strict=True)
    ]
    into = framed(size, stride, padding, lengths, planes)
    chain, grid = _tiles(out, kernel[1] if tiles else 0, stride[1] * dilation[1], into.pitches)
    each = [np.arange(reads, dtype=np.int64) * into.size]
    for k, s, d, pitch, step in zip(
        kernel, stride, dilation, into.pitches, (stride[1] * stride[2], stride[2], 1), strict=True
    ):
        q, r = np.divmod(np.arange(k, dtype=np.int64) * d, s)
        each.append(r * step * into.part + q * pitch)
    found = 4 * sums(each)
    order = np.arange(len(found))
    if chain:
        order = order.reshape(-1, *kernel[1:]).swapaxes(1, 2).ravel()
    vectors = _run(out, into.pitches)
    outof = framed(out, (1, 1, 1), (0, 0, 0), lengths, planes, vectors * LANES)
    segments = np.array([[0, len(found), 0]], np.int64)
    places = np.pad(found[order], (0, -len(found) % ROUND), mode="edge")
    return into, outof, Taps(places, 4 * order, len(found), segments, vectors, grid, chain)


@lru_cache(maxsize=128)
def spreading(
    size: Ints,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    out: Ints,
    reads: int,
    plane: int,
    planes: int,
) -> tuple[Frame, Frame, Taps]:
    """The same of the transposed convolution, from volumes of `size` to those of `out`; see `windows.spreading`.

    Weights of neighbouring planes that are read are `plane` numbers apart.
    """
    size, kernel, stride, dilation, out = (three(n, 1) for n in (size, kernel, stride, dilation, out))
    padding = three(padding, 0)
    before = tuple(d * (k - 1) // s for k, s, d in zip(kernel, stride, dilation, strict=True))
    counts = [(m - 1 + p) // s + 1 for m, s, p in zip(out, stride, padding, strict=True)]
    lengths = [b + max(n, m) for b, n, m in zip(before, size, counts, strict=True)]
    into, outof = framed(size, (1, 1, 1), before, lengths, planes), framed(out, stride, padding, lengths, planes)
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
        len(places),
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
    room = reads * into.size + writes * outof.size
    parts, together = parts_of(x.size + y.size, len(y) * groups, room), _together(reads, writes, room)
    _correlate(
        parts, x, w, bias, y, len(y), groups, reads, writes, *into.rowwise, *outof.rowwise,
        taps.places, taps.weights, taps.segments, len(taps.segments), taps.vectors, 4 * group, 4 * plane, before, after, together,
        memory.empty((parts, together * reads * into.size + LANES)),
        memory.empty((parts, (together * writes + 1) * outof.size + 2 * LANES)),
        taps.grid, taps.chain, memory.zeros((1,)),
    )  # fmt: skip


def parts_of(size: int, units: int, room: int) -> int:
    """Parts of some planes, each of at least 8192 numbers; no more than threads where a part needs much room for its frames."""
    most = _pool.threads() * (STEAL if room < ROOMY else 1)
    return max(1, min(size >> 13, most, units)) if _pool.threads() > 1 else 1


def _together(reads: int, writes: int, size: int) -> int:
    """Groups whose planes are handled in one go: as many as have frames, of some numbers each, that stay in the first-level cache."""
    return max(1, min(PLANES // max(reads, writes), 6000 // size))


def conv(
    x: Array, weight: Array, bias: Array | None, stride: Ints, padding: Ints, dilation: Ints, out: Ints, groups: int
) -> Array:
    """Channels of x (N, C, *size) with weights (O, C / groups, *kernel)."""
    y = memory.empty((len(x), len(weight), *out))
    given = memory.zeros((len(weight),)) if bias is None else memory.dense(bias)
    reads, writes, area = weight.shape[1], len(weight) // groups, prod(weight.shape[2:])
    tables = sliding(
        x.shape[2:], weight.shape[2:], stride, padding, dilation, out, reads, max(PLANES, reads, writes), True
    )
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
        g.shape[2:], weight.shape[2:], stride, padding, dilation, x.shape[2:], reads, writes * area, max(PLANES, reads, writes)
    )  # fmt: skip
    none = memory.zeros((groups * writes,))
    correlate(
        memory.dense(g), memory.dense(weight), none, x, groups, reads, writes, tables, reads * writes * area, area
    )
    return x


def waste(taps: int) -> float:
    """How many taps are computed for each of a kernel by the gradient of weights."""
    return -(-taps // ROUND) * ROUND / taps


def conv_weight_grad(
    g: Array, x: Array, weight_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Array:
    """Gradient of the weights."""
    reads, writes, kernel = weight_shape[1], weight_shape[0] // groups, tuple(weight_shape[2:])
    most = max(PLANES, reads, writes)
    into, outof, taps = sliding(x.shape[2:], kernel, stride, padding, dilation, g.shape[2:], 1, most)
    rounded, room = len(taps.places), reads * into.size + writes * outof.size
    wanted = parts_of(x.size + g.size, len(x) * groups, room)
    shares = -(-wanted // groups)  # of the samples
    parts = shares * min(wanted, groups)
    w = memory.empty((shares, *weight_shape))
    together = min(groups, _together(reads, writes, room))
    _weight_grad(
        parts, memory.dense(g), memory.dense(x), w, len(x), groups, reads, writes, *into.rowwise,
        *outof.rowwise[:4], outof.size, taps.places, taps.length, rounded, taps.vectors, together,
        memory.empty((parts, together * reads * into.size + LANES)), memory.empty((parts, together * writes * outof.size)),
        memory.empty((parts, together * reads * writes * rounded * LANES)), shares,
    )  # fmt: skip
    return np.add.reduce(w, 0) if shares > 1 else w[0]
