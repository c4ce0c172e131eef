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


def _move(masked: bool) -> Any:
    def emit(code: Code, *args: Any) -> None:
        source, target = (code.b.inttoptr(p, ir.PointerType()) for p in args[:2])
        if masked:
            mask = first(code, args[2])
            masked_store(code, masked_load(code, source, mask), target, mask)
        else:
            code.store(code.load(source), target)

    def typed(typing: Any, source: Any, target: Any, count: Any) -> Any:
        return inlined(emit, 3)

    return intrinsic(typed)


_move_all, _move_some = _move(False), _move(True)


def _deal(code: Code, *args: Any) -> None:
    source, even, odd, count = args
    b = code.b
    source, even, odd = (b.inttoptr(p, ir.PointerType()) for p in (source, even, odd))
    low, high = (masked_load(code, code.at(source, FLOAT * LANES * i), first(code, count, LANES * i)) for i in (0, 1))
    for i, target in enumerate((even, odd)):
        picked = b.shuffle_vector(low, high, ir.Constant(PLACES, [2 * j + i for j in range(LANES)]))
        half = b.ashr(b.add(count, ir.Constant(LONG, 1 - i)), ir.Constant(LONG, 1))
        masked_store(code, picked, target, first(code, half))


@intrinsic
def _deal_out(typing: Any, source: Any, even: Any, odd: Any, count: Any) -> Any:
    """The numbers in even and in odd places, of at most two vectors."""
    return inlined(_deal, 4)


def _merge(code: Code, *args: Any) -> None:
    even, odd, target, count = args
    b = code.b
    even, odd, target = (b.inttoptr(p, ir.PointerType()) for p in (even, odd, target))
    halves = [
        masked_load(code, p, first(code, b.ashr(b.add(count, ir.Constant(LONG, 1 - i)), ir.Constant(LONG, 1))))
        for i, p in enumerate((even, odd))
    ]
    for i in (0, 1):
        order = [j // 2 + i * LANES // 2 + (LANES if j % 2 else 0) for j in range(LANES)]
        both = b.shuffle_vector(*halves, ir.Constant(PLACES, order))
        masked_store(code, both, code.at(target, FLOAT * LANES * i), first(code, count, LANES * i))


@intrinsic
def _bring_together(typing: Any, even: Any, odd: Any, target: Any, count: Any) -> Any:
    """The inverse of `_deal_out`."""
    return inlined(_merge, 4)


@function
def _copy(source: int, target: int, count: int) -> None:
    while count >= LANES:
        _move_all(source, target, count)
        source += FLOAT * LANES
        target += FLOAT * LANES
        count -= LANES
    if count > 0:
        _move_some(source, target, count)


@function
def frame(x: int, count: int, width: int, places: int, starts: int, across: int, target: int) -> None:
    """Rows at `x`, `width` numbers each, one to each of `places` in the target.

    Where `across` is more than one, the numbers of a row are dealt out to as many places, which begin at `starts` from its own.
    """
    table, begin = longs(places), longs(starts)
    for r in range(count):
        source, into = x + FLOAT * r * width, target + table[r]
        if across == 1:
            _copy(source, into, width)
        elif across == 2:
            for i in range(0, width, 2 * LANES):
                _deal_out(
                    source + FLOAT * i, into + begin[0] + 2 * i, into + begin[1] + 2 * i, min(width - i, 2 * LANES)
                )
        else:
            for q in range(min(across, width)):
                dealt, taken = floats(into + begin[q]), floats(source + FLOAT * q)
                for i in range((width - q + across - 1) // across):
                    dealt[i] = taken[i * across]


@function
def unframe(source: int, count: int, width: int, places: int, starts: int, across: int, x: int) -> None:
    """The inverse of `frame`."""
    table, begin = longs(places), longs(starts)
    for r in range(count):
        taken, into = source + table[r], x + FLOAT * r * width
        if across == 1:
            _copy(taken, into, width)
        elif across == 2:
            for i in range(0, width, 2 * LANES):
                _bring_together(
                    taken + begin[0] + 2 * i, taken + begin[1] + 2 * i, into + FLOAT * i, min(width - i, 2 * LANES)
                )
        else:
            for q in range(min(across, width)):
                dealt, back = floats(taken + begin[q]), floats(into + FLOAT * q)
                for i in range((width - q + across - 1) // across):
                    back[i * across] = dealt[i]


@function
def fill(address: int, count: int, value: Any) -> None:
    x = floats(address)
    for i in range(count):
        x[i] = value


@function
def clear(address: int, count: int) -> None:
    fill(address, count, ZERO)
