"""Where the windows of a convolution lie: the tables by which `kernels/convolution.py` finds the factors of its products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache, reduce
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from tour.numba import _memory as memory
from tour.numba._machine import vector_bits
from tour.numba._native import Kernel
from tour.numba.forms._sharing import parts_for

Array = Any
Ints = tuple[int, ...]
Three = tuple[int, int, int]

_arrange = Kernel("panels.arrange")

LANES = vector_bits() // 32
WIDE = 4 * LANES if LANES != 8 else 2 * LANES  # columns of a panel, as in `kernels/products.py`
STRIPE = 1 << 16  # numbers of the result that are computed at a time: a part of the second-level cache


class Windows(NamedTuple):
    """One convolution's geometry. Offsets are in bytes, sizes in numbers."""

    pixels: Array  # where the window of each pixel begins, in the order of the segments
    taps: Array  # where each tap lies in a window, residue by residue
    stretches: Array  # which weights these are, for `arranged`
    segments: Array  # first pixel, number of pixels, first tap, number of taps, place among the stripe's results
    stripes: Array  # first segment, end of segments, first pixel of the result, number of pixels
    places: Array  # where a pixel of the result lies among its stripe's
    rows: Array  # where the rows of an image go in a larger plane
    plane: int
    image_size: int


def columns_of(depth: int) -> int:
    """Channels rounded up to whole vectors."""
    return -(-depth // LANES) * LANES


def _plane(rows: int, line: int) -> int:
    """Size of a plane: an odd number of cache lines, so that the planes of many channels do not meet in one set of the cache."""
    return 16 * (-(-rows * line // 16) | 1)


def three(size: Ints, one: int) -> Three:
    """Three dimensions: an image is a volume of one slab, a signal an image of one row."""
    d, h, w = (*(one,) * (3 - len(size)), *size)
    return d, h, w


@lru_cache(maxsize=256)
def sliding(
    size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, out: Ints, channels: int, groups: int, depth: int, cuts: int
) -> Windows:  # fmt: skip
    """Windows that slide over an image: a convolution."""
    size, kernel, stride, dilation, out = (three(n, 1) for n in (size, kernel, stride, dilation, out))
    padding = three(padding, 0)
    pitches = _pitches([n + 2 * p for n, p in zip(size, padding, strict=True)])
    pixels = sums(np.arange(m, dtype=np.int64) * s * q for m, s, q in zip(out, stride, pitches[1:], strict=True))
    within = (np.arange(k, dtype=np.int64) * d * q for k, d, q in zip(kernel, dilation, pitches[1:], strict=True))
    taps = sums([np.arange(channels, dtype=np.int64) * pitches[0], *within])
    inside = sum(p * q for p, q in zip(padding, pitches[1:], strict=True))
    rows = _rows(size, pitches, inside)
    return _cut(
        pixels, np.zeros_like(pixels), [taps], [[(0, len(taps))]], depth, cuts, rows, pitches[0], groups * channels
    )  # fmt: skip


@lru_cache(maxsize=256)
def spreading(
    size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, out: Ints, channels: int, groups: int, depth: int, cuts: int
) -> Windows:  # fmt: skip
    """Windows of a transposed convolution: from the image (size) to the larger one (out), of which stride and padding are told.

    Pixel y of the result meets tap u in pixel (y + padding - u dilation) / stride, where that is whole: y + padding and u dilation
    have the same residue.
    """
    size, kernel, stride, dilation, out = (three(n, 1) for n in (size, kernel, stride, dilation, out))
    padding = three(padding, 0)
    base, residues, before, shifts, lengths = [], [], [], [], []
    for n, m, k, s, p, d in zip(size, out, kernel, stride, padding, dilation, strict=True):
        q, r = np.divmod(np.arange(m, dtype=np.int64) + p, s)
        u = np.arange(k, dtype=np.int64) * d
        before.append(int(u[-1]) // s)
        base.append(q + before[-1])
        residues.append(r)
        shifts.append([[(int(j), -int(u[j] // s)) for j in np.flatnonzero(u % s == i)] for i in range(s)])
        lengths.append(before[-1] + max(n, int(q[-1]) + 1))
    pitches = _pitches(lengths)
    pixels = sums(b * q for b, q in zip(base, pitches[1:], strict=True))
    number = sums(r * n for r, n in zip(residues, (stride[1] * stride[2], stride[2], 1), strict=True))
    c = np.arange(channels, dtype=np.int64) * pitches[0]
    taps, weights = [], []
    for residue in product(
        *shifts
    ):  # for each dimension, the taps that meet pixels of one residue, and how far they reach
        met = list(product(*residue))
        reach = [sum(shift * q for (_, shift), q in zip(tap, pitches[1:], strict=True)) for tap in met]
        taps.append(np.concatenate([c + shift for shift in reach] or [c[:0]]))
        places = [((tap[0][0] * kernel[1] + tap[1][0]) * kernel[2] + tap[2][0]) for tap in met]
        weights.append([(4 * place, channels) for place in places])
    inside = sum(b * q for b, q in zip(before, pitches[1:], strict=True))
    return _cut(pixels, number, taps, weights, depth, cuts, _rows(size, pitches, inside), pitches[0], groups * channels)


def _pitches(lengths: Sequence[int]) -> Ints:
    """From one plane to the next, from slab to slab, row to row, and pixel to pixel."""
    slab = lengths[1] * lengths[2]
    return _plane(lengths[0], slab), slab, lengths[2], 1


def _rows(size: Ints, pitches: Ints, inside: int) -> Array:
    d, h = (np.arange(n, dtype=np.int64) * pitch for n, pitch in zip(size[:2], pitches[1:3], strict=True))
    return 4 * (sums([d, h]) + inside)


def sums(terms: Iterable[Array]) -> Array:
    """All sums of one number of each array, the last changing fastest."""
    return combined(np.add, terms)


def combined(combine: np.ufunc, terms: Iterable[Array]) -> Array:
    """One number of each array combined, in every way, the last changing fastest."""
    return reduce(combine, np.ix_(*terms)).ravel()


def _cut(
    pixels: Array, number: Array, taps: list[Array], weights: list[list[tuple[int, int]]], depth: int, cuts: int,
    rows: Array, plane: int, planes: int,
) -> Windows:  # fmt: skip
    """Pixels in stripes, and in each by residue; each residue's weights are runs of rows, told by where they begin and how many."""
    count, columns = len(pixels), columns_of(depth)
    most = max(48, STRIPE // columns // 48 * 48)  # 48: whole blocks of six pixels, and whole vectors of them
    height = min(most, -(-count // max(cuts, 1)))
    stripe = np.arange(count) // height
    order = np.lexsort((number, stripe))
    key = (stripe * len(taps) + number)[order]
    firsts = np.flatnonzero(np.diff(key, prepend=-1))
    begin = np.concatenate([[0], np.cumsum([len(t) for t in taps])])
    which = number[order][firsts]
    of = stripe[order][firsts]  # the stripe of each segment
    segments = np.stack(
        [firsts, np.diff(firsts, append=count), begin[which], np.diff(begin)[which], firsts - of * height], 1
    ).astype(np.int64)
    starts = np.arange(0, count, height)
    bounds = np.searchsorted(of, np.arange(len(starts) + 1))
    stripes = np.stack([bounds[:-1], bounds[1:], starts, np.minimum(height, count - starts)], 1).astype(np.int64)
    places = np.empty(count, np.int64)
    places[order] = (np.arange(count) - stripe[order] * height) * 4 * columns
    runs = []
    for start, tap, given in zip(begin[:-1], taps, weights, strict=True):
        row = 0
        for at, height in given:
            runs.append((at, int(start), len(tap), row, height))
            row += height
    stretches = np.array(runs, np.int64)
    return Windows(
        4 * pixels[order], 4 * np.concatenate(taps), stretches, segments, stripes, places, rows, plane, planes * plane
    )  # fmt: skip


@cache
def _places() -> Array:
    return 4 * WIDE * np.arange(LANES, dtype=np.int64)


def arranged(
    weight: Array, stretches: Array, rows: int, n: int, row: int, step: int, groups: int = 1, group: int = 0
) -> Array:
    """Matrices (groups, rows, n) in panels of `WIDE` columns, (groups, numbers).

    Args:
        weight: Where the numbers are: rows are `row` bytes apart, columns `step`, groups `group`.
        stretches: Runs of rows, as in `Windows`.
        rows: Rows of a group's matrices together.
        n: Columns.
        row: Bytes from row to row.
        step: Bytes from column to column.
        groups: Groups.
        group: Bytes from group to group.
    """
    size = rows * -(-n // WIDE) * WIDE
    out = memory.empty((groups, size))
    units = groups * len(stretches) * -(-n // WIDE)
    parts = max(1, min(parts_for(out.size, 1 << 15), units))
    _arrange(parts, weight, out, stretches, len(stretches), groups, group, 4 * size, row, step, n, _places())
    return out


def matrix_in_panels(b: Array) -> Array:
    """One matrix in panels; its rows or columns may have any stride."""
    depth, n = b.shape
    stretches = np.array([[0, 0, depth, 0, depth]], np.int64)
    return arranged(b, stretches, depth, n, *b.strides)
