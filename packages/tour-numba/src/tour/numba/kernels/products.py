"""Matrix products from blocks of vectors, as small or thin as convolutions and attention need them."""

from __future__ import annotations

from tour.numba.kernels import lanes
from tour.numba.kernels.lanes import LANES
from tour.numba.kernels.memory import function

FLOAT = 4  # bytes
DEPTH = 384  # products that are summed in registers; longer sums are made of such, and round less
WIDE = 4 * LANES if LANES != 8 else 2 * LANES  # columns of the largest block of a product that the registers hold

_six_wide, _two_wide, _one_wide = (lanes.product(height, WIDE // LANES) for height in (6, 2, 1))
_six, _two, _one = (lanes.product(height, 1) for height in (6, 2, 1))
_six_double, _two_double, _one_double = (lanes.product(height, 2) for height in (6, 2, 1))


@function
def multiply(
    m: int, n: int, depth: int, a: int, a_row: int, a_step: int, b: int, b_row: int, c: int, c_row: int, add: int
) -> None:
    """C (m, n) = A (m, depth) B (depth, n), or +=. Rows and columns of A have any stride, in bytes; n is a multiple of LANES."""
    first = 0
    while first < n:
        left = n - first
        i = 0
        if left >= WIDE:
            while i + 6 <= m:
                _six_wide(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
                i += 6
            while i + 2 <= m:
                _two_wide(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
                i += 2
            if i < m:
                _one_wide(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
            width = WIDE
        elif left >= 2 * LANES:
            while i + 6 <= m:
                _six_double(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
                i += 6
            while i + 2 <= m:
                _two_double(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
                i += 2
            if i < m:
                _one_double(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
            width = 2 * LANES
        else:
            while i + 6 <= m:
                _six(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
                i += 6
            while i + 2 <= m:
                _two(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
                i += 2
            if i < m:
                _one(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
            width = LANES
        first += width
        b += FLOAT * width
        c += FLOAT * width
