"""How images lie in scratch memory: with the channels of a pixel together, or as planes with zeros round them."""

from __future__ import annotations

from tour.numba.kernels import lanes
from tour.numba.kernels.lanes import LANES
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
        first = min(c, channels - LANES)  # the last blocks overlap those before them
        p = 0
        while p < pixels:
            q = min(p, pixels - LANES)
            source_rows = x + FLOAT * (first * plane + q)
            lanes.scatter_rows(source_rows, FLOAT * plane, target + FLOAT * first, places + 8 * q)
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
        first = min(c, channels - LANES)
        p = 0
        while p < pixels:
            q = min(p, pixels - LANES)
            into = y + FLOAT * (first * plane + q)
            lanes.gather_rows(source + FLOAT * first, places + 8 * q, into, FLOAT * plane, bias + FLOAT * first)
            p += LANES
        c += LANES


@function
def frame(
    x: int, channels: int, slabs: int, height: int, width: int, target: int, plane: int, slab: int, line: int
) -> None:  # fmt: skip
    """Volumes (C, D, H, W) at `x` into the inside of larger ones: numbers from one to the next, from slab to slab, from row to row."""
    for c in range(channels):
        for d in range(slabs):
            for r in range(height):
                source = floats(x + FLOAT * ((c * slabs + d) * height + r) * width)
                into = floats(target + FLOAT * (c * plane + d * slab + r * line))
                for i in range(width):
                    into[i] = source[i]


@function
def clear(address: int, count: int) -> None:
    x = floats(address)
    for i in range(count):
        x[i] = ZERO
