"""Max and average pooling of planes, both ways.

Windows of 2 x 2 that lie side by side are met a vector at a time. Others are met tap by tap along rows, or window by window where the
place of the maximum counts: among equal ones the first, among NaNs the last, as PyTorch finds it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from numba.extending import intrinsic
from tour.numba.kernels.lanes import LANES, LONG, ZERO, Code, inlined
from tour.numba.kernels.layout import clear
from tour.numba.kernels.masks import BITS, PLACES, first, masked_load, masked_store
from tour.numba.kernels.memory import floats, function, helper, longs, rows
from tour.numba.kernels.products import FLOAT
from tour.numba.kernels.scalar import ZERO as NOTHING
from tour.numba.kernels.scalar import f4

LOWEST = f4(-np.inf)


# --- 2 x 2 windows side by side, a vector of them -----------------------------------------------------------------------------


def _corners(code: Code, upper: Any, lower: Any, count: Any) -> tuple[list[Any], list[Any]]:
    """The four elements of each of `count` windows below two rows, and the masks of the rows' vectors."""
    b = code.b
    twice = b.mul(count, ir.Constant(LONG, 2))
    masks = [first(code, twice), first(code, twice, LANES)]
    corners = []
    for row in (upper, lower):
        low, high = (masked_load(code, code.at(row, 4 * LANES * i), mask) for i, mask in enumerate(masks))
        for odd in (0, 1):
            corners.append(b.shuffle_vector(low, high, ir.Constant(PLACES, [2 * i + odd for i in range(LANES)])))
    return corners, masks


def _beats(code: Code, new: Any, best: Any) -> Any:
    """Where a later element takes the place of the best: it is larger, or NaN."""
    b = code.b
    return b.or_(b.fcmp_ordered(">", new, best), b.fcmp_unordered("uno", new, new))


def _largest(code: Code, *args: Any) -> None:
    b = code.b
    upper, lower, out, count = args
    upper, lower, out = (b.inttoptr(p, ir.PointerType()) for p in (upper, lower, out))
    (best, *others), _ = _corners(code, upper, lower, count)
    for new in others:
        best = b.select(_beats(code, new, best), new, best)
    masked_store(code, best, out, first(code, count))


@intrinsic
def _largest_of_squares(typing: Any, upper: Any, lower: Any, out: Any, count: Any) -> Any:
    """The largest elements of `count` windows, at most LANES."""
    return inlined(_largest, 4)


def _route(code: Code, *args: Any) -> None:
    b = code.b
    g, upper, lower, to_upper, to_lower, count = args
    g, upper, lower, to_upper, to_lower = (
        b.inttoptr(p, ir.PointerType()) for p in (g, upper, lower, to_upper, to_lower)
    )
    (best, *others), masks = _corners(code, upper, lower, count)
    wins = []
    for new in others:
        won = _beats(code, new, best)
        best = b.select(won, new, best)
        wins.append(won)
    grads = masked_load(code, g, first(code, count))
    chosen: list[Any] = [None] * 4
    left = ir.Constant(BITS, [True] * LANES)
    for i in (3, 2, 1):  # the last winner has it
        chosen[i] = b.and_(left, wins[i - 1])
        left = b.and_(left, b.not_(wins[i - 1]))
    chosen[0] = left
    parts = [b.select(c, grads, ZERO) for c in chosen]
    for row, (even, odd) in ((to_upper, parts[:2]), (to_lower, parts[2:])):
        for i, mask in enumerate(masks):
            order = [j // 2 + i * LANES // 2 + (LANES if j % 2 else 0) for j in range(LANES)]
            masked_store(
                code, b.shuffle_vector(even, odd, ir.Constant(PLACES, order)), code.at(row, 4 * LANES * i), mask
            )


@intrinsic
def _route_to_squares(typing: Any, g: Any, upper: Any, lower: Any, to_upper: Any, to_lower: Any, count: Any) -> Any:
    """Each of `count` gradients to the largest element of its window, zeros to the others."""
    return inlined(_route, 6)


# --- Any window --------------------------------------------------------------------------------------------------------------------


@helper
def _inside(start: int, size: int, kernel: int, gap: int) -> Any:
    """First and end of a window's taps that meet an image of `size`."""
    first = (gap - 1 - start) // gap if start < 0 else 0
    return first, min(kernel, (size - start + gap - 1) // gap)


@function
def _find(
    x: int, height: int, width: int, top: int, left: int, kernel_h: int, kernel_w: int, gap_h: int, gap_w: int
) -> int:
    """Where the largest element of a window stands in its plane; less than zero, -1 - where, if all of it is padding."""
    plane = floats(x)
    u0, u1 = _inside(top, height, kernel_h, gap_h)
    v0, v1 = _inside(left, width, kernel_w, gap_w)
    where: int = min(top + u0 * gap_h, height - 1) * width + min(left + v0 * gap_w, width - 1)
    if u0 >= u1 or v0 >= v1:
        return -1 - where
    best = LOWEST
    for u in range(u0, u1):
        row = (top + u * gap_h) * width + left
        for v in range(v0, v1):
            new = plane[row + v * gap_w]
            if new > best or new != new:
                best, where = new, row + v * gap_w
    return where


def largest(args: int, part: int, parts: int) -> None:
    """The largest element of each window of planes x, to y; and where it stands, unless that address is zero."""
    a = longs(args)
    height, width, out_h, out_w = a[4], a[5], a[6], a[7]
    kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, gap_h, gap_w, squares = (
        a[8], a[9], a[10], a[11], a[12], a[13], a[14], a[15], a[16]
    )  # fmt: skip
    start, stop = rows(a[3], part, parts)
    for plane in range(start, stop):
        x = a[0] + FLOAT * plane * height * width
        for r in range(out_h):
            out = a[1] + FLOAT * (plane * out_h + r) * out_w
            if squares:
                upper = x + FLOAT * 2 * r * width
                for j in range(0, out_w, LANES):
                    above = upper + FLOAT * 2 * j
                    _largest_of_squares(above, above + FLOAT * width, out + FLOAT * j, min(LANES, out_w - j))
                continue
            y, places = floats(out), longs(a[2] + 8 * (plane * out_h + r) * out_w)
            for j in range(out_w):
                where = _find(
                    x, height, width, r * stride_h - pad_h, j * stride_w - pad_w, kernel_h, kernel_w, gap_h, gap_w
                )
                y[j] = floats(x)[where] if where >= 0 else LOWEST
                if a[2]:
                    places[j] = where if where >= 0 else -1 - where


def largest_grad(args: int, part: int, parts: int) -> None:
    """What arrives at a window, g, goes to its largest element of x; elsewhere are zeros."""
    a = longs(args)
    height, width, out_h, out_w = a[4], a[5], a[6], a[7]
    kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, gap_h, gap_w, squares = (
        a[8], a[9], a[10], a[11], a[12], a[13], a[14], a[15], a[16]
    )  # fmt: skip
    start, stop = rows(a[3], part, parts)
    for plane in range(start, stop):
        x, into = a[1] + FLOAT * plane * height * width, a[2] + FLOAT * plane * height * width
        if not squares or height % 2 or width % 2:
            clear(into, height * width)
        for r in range(out_h):
            source = a[0] + FLOAT * (plane * out_h + r) * out_w
            if squares:
                for j in range(0, out_w, LANES):
                    at = FLOAT * (2 * r * width + 2 * j)
                    _route_to_squares(
                        source + FLOAT * j, x + at, x + at + FLOAT * width, into + at, into + at + FLOAT * width,
                        min(LANES, out_w - j),
                    )  # fmt: skip
                continue
            g = floats(source)
            for j in range(out_w):
                where = _find(
                    x, height, width, r * stride_h - pad_h, j * stride_w - pad_w, kernel_h, kernel_w, gap_h, gap_w
                )
                if where >= 0:
                    floats(into)[where] += g[j]


@helper
def _share(start: int, size: int, kernel: int, pad: int, whole: int) -> int:
    """Elements of a window along one dimension that count: with the padding, but not beyond it, or only those inside."""
    if whole:
        return min(start + kernel, size + pad) - start
    return min(start + kernel, size) - max(start, 0)


def mean(args: int, part: int, parts: int) -> None:
    """The mean of each window of planes x, to y."""
    a = longs(args)
    height, width, out_h, out_w = a[3], a[4], a[5], a[6]
    kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, whole, divisor = (
        a[7],
        a[8],
        a[9],
        a[10],
        a[11],
        a[12],
        a[13],
        a[14],
    )
    start, stop = rows(a[2], part, parts)
    for plane in range(start, stop):
        x = floats(a[0] + FLOAT * plane * height * width)
        y = floats(a[1] + FLOAT * plane * out_h * out_w)
        for r in range(out_h):
            top = r * stride_h - pad_h
            u0, u1 = _inside(top, height, kernel_h, 1)
            for j in range(out_w):
                left = j * stride_w - pad_w
                v0, v1 = _inside(left, width, kernel_w, 1)
                total = NOTHING
                for u in range(u0, u1):
                    for v in range(v0, v1):
                        total += x[(top + u) * width + left + v]
                count = divisor or _share(top, height, kernel_h, pad_h, whole) * _share(
                    left, width, kernel_w, pad_w, whole
                )
                y[r * out_w + j] = total / f4(count)


def mean_grad(args: int, part: int, parts: int) -> None:
    """What arrives at a window, g, is shared among its elements."""
    a = longs(args)
    height, width, out_h, out_w = a[3], a[4], a[5], a[6]
    kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, whole, divisor = (
        a[7],
        a[8],
        a[9],
        a[10],
        a[11],
        a[12],
        a[13],
        a[14],
    )
    start, stop = rows(a[2], part, parts)
    for plane in range(start, stop):
        g = floats(a[0] + FLOAT * plane * out_h * out_w)
        into = a[1] + FLOAT * plane * height * width
        clear(into, height * width)
        x = floats(into)
        for r in range(out_h):
            top = r * stride_h - pad_h
            u0, u1 = _inside(top, height, kernel_h, 1)
            for j in range(out_w):
                left = j * stride_w - pad_w
                v0, v1 = _inside(left, width, kernel_w, 1)
                count = divisor or _share(top, height, kernel_h, pad_h, whole) * _share(
                    left, width, kernel_w, pad_w, whole
                )
                share = g[r * out_w + j] / f4(count)
                for u in range(u0, u1):
                    for v in range(v0, v1):
                        x[(top + u) * width + left + v] += share
