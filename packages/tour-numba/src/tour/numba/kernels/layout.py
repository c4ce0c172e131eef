"""How images lie in scratch memory: with the channels of a pixel together, or as planes with a border round them."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from numba.extending import intrinsic
from tour.numba.kernels import lanes
from tour.numba.kernels.lanes import LANES, LONG, Code, inlined
from tour.numba.kernels.masks import PLACES, first, masked_load, masked_store
from tour.numba.kernels.memory import floats, function, longs
from tour.numba.kernels.products import FLOAT
from tour.numba.kernels.scalar import ZERO


@function
def pack(x: int, channels: int, pixels: int, plane: int, target: int, places: int) -> None:
    """Image (C, P) at `x`, `plane` numbers from channel to channel, into `target`: the channels of pixel p to `places[p]`."""
    table = longs(places)
    if channels < LANES or pixels < LANES:
        for c in range(channels):
            source = floats(x + FLOAT * c * plane)
            for p in range(pixels):
                floats(target + table[p])[c] = source[p]
        return
    c = 0
    while c < channels:
        f = min(c, channels - LANES)  # the last blocks overlap those before them
        p = 0
        while p < pixels:
            q = min(p, pixels - LANES)
            source_rows = x + FLOAT * (f * plane + q)
            lanes.scatter_rows(source_rows, FLOAT * plane, target + FLOAT * f, places + 8 * q)
            p += LANES
        c += LANES


@function
def unpack(source: int, places: int, y: int, channels: int, pixels: int, plane: int, bias: int) -> None:
    """The inverse of `pack`, plus a bias for each channel; planes of the result are `plane` numbers apart."""
    table = longs(places)
    if channels < LANES or pixels < LANES:
        for c in range(channels):
            out, b = floats(y + FLOAT * c * plane), floats(bias)[c]
            for p in range(pixels):
                out[p] = floats(source + table[p])[c] + b
        return
    c = 0
    while c < channels:
        f = min(c, channels - LANES)
        p = 0
        while p < pixels:
            q = min(p, pixels - LANES)
            into = y + FLOAT * (f * plane + q)
            lanes.gather_rows(source + FLOAT * f, places + 8 * q, into, FLOAT * plane, bias + FLOAT * f)
            p += LANES
        c += LANES


def _rows(framing: bool, across: int) -> Any:
    """Copy at most `across` vectors of each of some rows, dealt out to as many places, or back.

    Called as `f(x, row, count, places, target, odd, width)`: rows are `row` bytes apart at x, and at `places` in the target, where
    numbers of odd rank begin `odd` bytes behind the others.
    """

    def emit(code: Code, *args: Any) -> None:
        b = code.b
        x, row, count, places, target, odd, width = args
        x, places, target = (b.inttoptr(p, ir.PointerType()) for p in (x, places, target))
        whole = [first(code, width, LANES * i) for i in range(across)]
        ranks = [
            b.ashr(b.add(width, ir.Constant(LONG, across - 1 - i)), ir.Constant(LONG, across - 1))
            for i in range(across)
        ]
        dealt = [first(code, n) for n in ranks]

        def step(k: Any, _: Any) -> list[Any]:
            place = code.at(target, b.load(code.at(places, code.times(k, 8)), align=8, typ=LONG))
            here = [code.at(code.at(x, b.mul(row, k)), FLOAT * LANES * i) for i in range(across)]
            there = [place, code.at(place, odd)][:across]
            sources, masks, results, result_masks = (
                (here, whole, there, dealt) if framing else (there, dealt, here, whole)
            )
            vectors = [masked_load(code, p, mask) for p, mask in zip(sources, masks, strict=True)]
            if across == 2:
                vectors = [b.shuffle_vector(*vectors, ir.Constant(PLACES, order)) for order in orders]
            for value, p, mask in zip(vectors, results, result_masks, strict=True):
                masked_store(code, value, p, mask)
            return []

        deal = [[2 * j + i for j in range(LANES)] for i in (0, 1)]
        merge = [[j // 2 + i * LANES // 2 + (LANES if j % 2 else 0) for j in range(LANES)] for i in (0, 1)]
        orders = deal if framing else merge
        code.repeat(count, [], step)

    def typed(typing: Any, x: Any, row: Any, count: Any, places: Any, target: Any, odd: Any, width: Any) -> Any:
        return inlined(emit, 7)

    return intrinsic(typed)


_put_rows, _deal_rows, _take_rows, _merge_rows = _rows(True, 1), _rows(True, 2), _rows(False, 1), _rows(False, 2)


@function
def frame(x: int, count: int, width: int, places: int, starts: int, across: int, target: int) -> None:
    """Rows at `x`, `width` numbers each, one to each of `places` in the target.

    Where `across` is more than one, the numbers of a row are dealt out to as many places, which begin at `starts` from its own.
    """
    table, begin = longs(places), longs(starts)
    if across == 1:
        for i in range(0, width, LANES):
            at = FLOAT * i
            _put_rows(x + at, FLOAT * width, count, places, target + at, 0, min(LANES, width - i))
    elif across == 2:
        odd = begin[1] - begin[0]
        for i in range(0, width, 2 * LANES):
            into = target + begin[0] + FLOAT * i // 2
            _deal_rows(x + FLOAT * i, FLOAT * width, count, places, into, odd, min(2 * LANES, width - i))
    else:
        for r in range(count):
            for q in range(min(across, width)):
                dealt, taken = floats(target + table[r] + begin[q]), floats(x + FLOAT * (r * width + q))
                for i in range((width - q + across - 1) // across):
                    dealt[i] = taken[i * across]


@function
def unframe(source: int, count: int, width: int, places: int, starts: int, across: int, x: int) -> None:
    """The inverse of `frame`."""
    table, begin = longs(places), longs(starts)
    if across == 1:
        for i in range(0, width, LANES):
            at = FLOAT * i
            _take_rows(x + at, FLOAT * width, count, places, source + at, 0, min(LANES, width - i))
    elif across == 2:
        odd = begin[1] - begin[0]
        for i in range(0, width, 2 * LANES):
            taken = source + begin[0] + FLOAT * i // 2
            _merge_rows(x + FLOAT * i, FLOAT * width, count, places, taken, odd, min(2 * LANES, width - i))
    else:
        for r in range(count):
            for q in range(min(across, width)):
                dealt, back = floats(source + table[r] + begin[q]), floats(x + FLOAT * (r * width + q))
                for i in range((width - q + across - 1) // across):
                    back[i * across] = dealt[i]


@function
def fill(address: int, count: int, value: Any) -> None:
    """Write a value to `count` numbers of float32."""
    x = floats(address)
    for i in range(count):
        x[i] = value


@function
def clear(address: int, count: int) -> None:
    """Write zeros to `count` numbers of float32."""
    fill(address, count, ZERO)
