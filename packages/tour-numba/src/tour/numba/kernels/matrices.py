"""Products of matrices of any strides, C = A B + bias, panel by panel (Goto and van de Geijn, "Anatomy of high-performance matrix
multiplication", 2008).

A panel is as many columns of B as a block of registers is wide. A stretch of its rows is copied into adjacent memory, where the
second cache holds it, and met with all rows of A; few rows meet it where it lies. A itself is read in place, unless its columns are
not adjacent.
"""

from __future__ import annotations

from typing import Any

from tour.numba.kernels import lanes
from tour.numba.kernels.lanes import LANES
from tour.numba.kernels.memory import floats, function, helper, longs, rows
from tour.numba.kernels.products import DEPTH, FLOAT, WIDE, multiply
from tour.numba.kernels.scalar import ZERO

HEIGHT = 48  # rows of A at a time; a multiple of those of the blocks in registers, 6, and of the lanes
PITCH = FLOAT * WIDE
THIN = 192  # rows of A for which copying a panel is not worth it
GROUP = 4  # panels that share such copied rows of A
SCRATCH = DEPTH * (GROUP * WIDE + HEIGHT) + HEIGHT * WIDE  # numbers that a part needs

_six_wide, _four_wide = (lanes.product(height, WIDE // LANES) for height in (6, 4))


@helper
def _number(address: int) -> Any:
    return floats(address)[0]


@function
def pack_panel(source: int, row: int, step: int, depth: int, width: int, target: int, places: int) -> None:
    """Copy B's stretch (depth, width) to rows of WIDE numbers, zeros behind."""
    if step == FLOAT and width == WIDE:
        for k in range(depth):
            x, y = floats(source + k * row), floats(target + k * PITCH)
            for j in range(WIDE):
                y[j] = x[j]
        return
    first, top = 0, 0  # columns and rows that are copied in squares
    if row == FLOAT:
        first, top = width // LANES * LANES, depth // LANES * LANES
        for j in range(0, first, LANES):
            for k in range(0, top, LANES):
                lanes.scatter_rows(source + j * step + k * FLOAT, step, target + k * PITCH + j * FLOAT, places)
    for k in range(depth):
        y = floats(target + k * PITCH)
        for j in range(first if k < top else 0, width):
            y[j] = _number(source + k * row + j * step)
        for j in range(width, WIDE):
            y[j] = ZERO


@function
def _pack_rows(source: int, row: int, step: int, height: int, depth: int, target: int) -> None:
    """Copy A's stretch (height, depth), HEIGHT rows at most, so that rows are adjacent, and columns HEIGHT numbers apart."""
    for k in range(depth):
        y = floats(target + k * FLOAT * HEIGHT)
        if row == FLOAT:
            x = floats(source + k * step)
            for i in range(height):
                y[i] = x[i]
        else:
            for i in range(height):
                y[i] = _number(source + i * row + k * step)


@function
def _finish(
    tile: int, c: int, c_row: int, height: int, width: int, ragged: bool, later: bool, bias: int, first: int
) -> None:
    """What is left to do with rows of C: fetch them from the tile, add the bias."""
    b = floats(bias + first * FLOAT)
    for i in range(height):
        x, y = floats(tile + i * PITCH), floats(c + i * c_row)
        if ragged and later:
            for j in range(width):
                y[j] += x[j]
        elif ragged:
            for j in range(width):
                y[j] = x[j]
        if bias:
            for j in range(width):
                y[j] += b[j]


@function
def _blocks(
    m: int, n: int, depth: int, a: int, a_row: int, a_step: int, b: int, b_row: int, c: int, c_row: int, add: int
) -> None:
    """`multiply` for one panel, with blocks of four rows where six do not go up."""
    i = 0
    if n == WIDE:
        while i + 6 <= m and m - i != 8:
            _six_wide(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
            i += 6
        while i + 4 <= m:
            _four_wide(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
            i += 4
    if i < m:
        multiply(m - i, n, depth, a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, add)


def product(args: int, part: int, parts: int) -> None:
    """C = A B, and the bias a[3] for each column if there is one; of a[7] matrices, at a[5] of A and a[6] of B."""
    a = longs(args)
    count, m, n, depth = a[7], a[8], a[9], a[10]
    a_row, a_step, b_row, b_step, chunk, places = a[11], a[12], a[13], a[14], a[15], a[16]
    panels = a[4] + part * FLOAT * SCRATCH
    packed = panels + GROUP * DEPTH * PITCH
    tile = packed + FLOAT * DEPTH * HEIGHT
    span = WIDE if a_step == FLOAT else GROUP * WIDE  # columns of a task
    direct = b_step == FLOAT and m <= THIN
    across, chunks, c_row = (n + span - 1) // span, (m + chunk - 1) // chunk, FLOAT * n
    first, last = rows(count * across * chunks, part, parts)
    for task in range(first, last):
        matrix, rest = task // (across * chunks), task % (across * chunks)
        left, top = rest // chunks * span, rest % chunks * chunk
        right, bottom = min(left + span, n), min(top + chunk, m)
        source, columns, c = a[0] + longs(a[5])[matrix], a[1] + longs(a[6])[matrix], a[2] + matrix * m * c_row
        k = 0
        while k < depth:
            stretch = min(DEPTH, depth - k)
            bias = a[3] if k + stretch == depth else 0
            for j in range(left, right, WIDE):
                panel, width = panels + (j - left) * DEPTH * FLOAT, min(WIDE, n - j)
                if not direct or width < WIDE:
                    pack_panel(columns + k * b_row + j * b_step, b_row, b_step, stretch, width, panel, places)
            for i in range(top, bottom, HEIGHT):
                height = min(HEIGHT, bottom - i)
                x, x_row, x_step = source + i * a_row + k * a_step, a_row, a_step
                if a_step != FLOAT:
                    _pack_rows(x, a_row, a_step, height, stretch, packed)
                    x, x_row, x_step = packed, FLOAT, FLOAT * HEIGHT
                for j in range(left, right, WIDE):
                    width, y = min(WIDE, n - j), c + i * c_row + j * FLOAT
                    panel, panel_row = panels + (j - left) * DEPTH * FLOAT, PITCH
                    if direct and width == WIDE:
                        panel, panel_row = columns + k * b_row + j * b_step, b_row
                    whole = (width + LANES - 1) // LANES * LANES
                    if whole == width:
                        _blocks(height, width, stretch, x, x_row, x_step, panel, panel_row, y, c_row, k)
                    else:
                        _blocks(height, whole, stretch, x, x_row, x_step, panel, panel_row, tile, PITCH, 0)
                    if whole != width or bias:
                        _finish(tile, y, c_row, height, width, whole != width, k > 0, bias, j)
            k += stretch
