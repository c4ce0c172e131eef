"""Copies in row-major order: of rows that lie apart, and of planes that lie transposed."""

from __future__ import annotations

from tour.numba.kernels import lanes
from tour.numba.kernels.lanes import LANES
from tour.numba.kernels.memory import function, ints, longs
from tour.numba.kernels.memory import rows as share
from tour.numba.kernels.products import FLOAT


@function
def _copy(source: int, target: int, n: int) -> None:
    x, y = ints(source), ints(target)
    for i in range(n):
        y[i] = x[i]


def rows(args: int, part: int, parts: int) -> None:
    """Copy a[4] rows of a[5] times 4 bytes from a[0] to a[1]; a[2] has size and stride of each of a[3] dimensions over them."""
    a = longs(args)
    table, last, n = longs(a[2]), a[3] - 1, a[5]
    height, stride = table[2 * last], table[2 * last + 1]
    row, stop = share(a[4], part, parts)
    target = a[1] + FLOAT * n * row
    while row < stop:
        rest, first = row // height, row % height
        source, end = a[0] + first * stride, min(stop, row - first + height)
        for i in range(last - 1, -1, -1):
            source += rest % table[2 * i] * table[2 * i + 1]
            rest //= table[2 * i]
        while row < end:
            _copy(source, target, n)
            source += stride
            target += FLOAT * n
            row += 1


@function
def _turn(source: int, step: int, target: int, row: int, width: int, n: int, places: int) -> None:
    """Write `width` adjacent columns, of n numbers `step` bytes apart, as rows, in squares of which the last overlaps that before it."""
    if width < LANES or n < LANES:
        for i in range(width):
            y = ints(target + i * row)
            for j in range(n):
                y[j] = ints(source + j * step + FLOAT * i)[0]
        return
    for j in range(0, n, LANES):
        left = min(j, n - LANES)
        lanes.scatter_rows(source + left * step, step, target + FLOAT * left, places)


def squares(args: int, part: int, parts: int) -> None:
    """Copy a[4] planes from a[0] to a[1]; a[2] has size and both strides of each of a[3] dimensions over them.

    A plane has a[5] columns, which become rows, a[6] bytes apart, of a[7] numbers that were a[8] bytes apart. a[9]: where LANES rows begin.
    """
    a = longs(args)
    table, outer, width, row, n, step = longs(a[2]), a[3], a[5], a[6], a[7], a[8]
    across = (width + LANES - 1) // LANES
    task, stop = share(a[4] * across, part, parts)
    while task < stop:
        rest, left = task // across, task % across * LANES
        if width >= LANES:
            left = min(left, width - LANES)
        source, target = a[0] + FLOAT * left, a[1] + row * left
        for i in range(outer - 1, -1, -1):
            place = rest % table[3 * i]
            source += place * table[3 * i + 1]
            target += place * table[3 * i + 2]
            rest //= table[3 * i]
        _turn(source, step, target, row, min(width, LANES), n, a[9])
        task += 1
