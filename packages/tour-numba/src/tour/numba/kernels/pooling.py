"""Max pooling of squares of four elements that lie side by side, both ways, a vector of squares at a time.

All other windows are in `planes.py`. What stands at given places of planes is read and written here, too.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from numba.extending import intrinsic
from tour.numba.kernels.lanes import LANES, LONG, ZERO, Code, inlined
from tour.numba.kernels.layout import clear
from tour.numba.kernels.masks import BITS, PLACES, first, masked_load, masked_store
from tour.numba.kernels.memory import floats, longs, rows
from tour.numba.kernels.products import FLOAT


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


# --- Kernels ---------------------------------------------------------------------------------------------------------------------


def largest_of_squares(args: int, part: int, parts: int) -> None:
    """The largest element of each square of planes x, to y."""
    a = longs(args)
    height, width, out_h, out_w = a[3], a[4], a[5], a[6]
    start, stop = rows(a[2], part, parts)
    for row in range(start * out_h, stop * out_h):
        upper, out = a[0] + FLOAT * (row // out_h * height + row % out_h * 2) * width, a[1] + FLOAT * row * out_w
        for j in range(0, out_w, LANES):
            above = upper + FLOAT * 2 * j
            _largest_of_squares(above, above + FLOAT * width, out + FLOAT * j, min(LANES, out_w - j))


def route_to_squares(args: int, part: int, parts: int) -> None:
    """What arrives at a square, g, goes to its largest element of x; elsewhere are zeros."""
    a = longs(args)
    height, width, out_h, out_w = a[4], a[5], a[6], a[7]
    start, stop = rows(a[3], part, parts)
    for plane in range(start, stop):
        x, into = a[1] + FLOAT * plane * height * width, a[2] + FLOAT * plane * height * width
        if height % 2 or width % 2:
            clear(into, height * width)
        for r in range(out_h):
            source = a[0] + FLOAT * (plane * out_h + r) * out_w
            for j in range(0, out_w, LANES):
                at = FLOAT * (2 * r * width + 2 * j)
                _route_to_squares(
                    source + FLOAT * j, x + at, x + at + FLOAT * width, into + at, into + at + FLOAT * width,
                    min(LANES, out_w - j),
                )  # fmt: skip


def scatter(args: int, part: int, parts: int) -> None:
    """Planes of zeros, to which values are added at given places."""
    a = longs(args)
    count, size = a[4], a[5]
    start, stop = rows(a[3], part, parts)
    for plane in range(start, stop):
        values, places = floats(a[0] + FLOAT * plane * count), longs(a[1] + 8 * plane * count)
        clear(a[2] + FLOAT * plane * size, size)
        into = floats(a[2] + FLOAT * plane * size)
        for i in range(count):
            into[places[i]] += values[i]


def put(args: int, part: int, parts: int) -> None:
    """Planes of zeros, into which values are written at given places, one after the other."""
    a = longs(args)
    count, size = a[4], a[5]
    start, stop = rows(a[3], part, parts)
    for plane in range(start, stop):
        values, places = floats(a[0] + FLOAT * plane * count), longs(a[1] + 8 * plane * count)
        clear(a[2] + FLOAT * plane * size, size)
        into = floats(a[2] + FLOAT * plane * size)
        for i in range(count):
            into[places[i]] = values[i]


def gather(args: int, part: int, parts: int) -> None:
    """The numbers of planes at given places."""
    a = longs(args)
    size, count = a[4], a[5]
    start, stop = rows(a[3], part, parts)
    for plane in range(start, stop):
        values, places = floats(a[0] + FLOAT * plane * size), longs(a[1] + 8 * plane * count)
        into = floats(a[2] + FLOAT * plane * count)
        for i in range(count):
            into[i] = values[places[i]]
