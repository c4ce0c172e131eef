"""Matrix products from blocks of vectors, as small or thin as convolutions and attention need them."""

from __future__ import annotations

from typing import Any

from tour.numba.kernels import lanes
from tour.numba.kernels.lanes import LANES
from tour.numba.kernels.memory import function

FLOAT = 4  # bytes
DEPTH = 384  # products that are summed in registers; longer sums are made of such, and round less
WIDE = 4 * LANES if LANES != 8 else 2 * LANES  # columns of the largest block of a product that the registers hold


def _multiplying(real: Any, size: int) -> Any:
    """`multiply` for numbers of a kind, of `size` bytes."""
    few, most = FLOAT * LANES // size, FLOAT * WIDE // size
    six_wide, two_wide, one_wide = (lanes.product(height, WIDE // LANES, real) for height in (6, 2, 1))
    six, two, one = (lanes.product(height, 1, real) for height in (6, 2, 1))
    six_double, two_double, one_double = (lanes.product(height, 2, real) for height in (6, 2, 1))

    @function
    def multiply(
        m: int, n: int, depth: int, a: int, a_row: int, a_step: int, b: int, b_row: int, c: int, c_row: int, add: int
    ) -> None:
        """C (m, n) = A (m, depth) B (depth, n), or +=. Rows and columns of A have any stride, in bytes; n is whole vectors."""
        first = 0
        while first < n:
            left = n - first
            i = 0
            if left >= most:
                while i + 6 <= m:
                    six_wide(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
                    i += 6
                while i + 2 <= m:
                    two_wide(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
                    i += 2
                if i < m:
                    one_wide(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
                width = most
            elif left >= 2 * few:
                while i + 6 <= m:
                    six_double(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
                    i += 6
                while i + 2 <= m:
                    two_double(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
                    i += 2
                if i < m:
                    one_double(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
                width = 2 * few
            else:
                while i + 6 <= m:
                    six(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
                    i += 6
                while i + 2 <= m:
                    two(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
                    i += 2
                if i < m:
                    one(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, add)
                width = few
            first += width
            b += size * width
            c += size * width

    return multiply


multiply = _multiplying(lanes.FLOAT, 4)
multiply_doubles = _multiplying(lanes.DOUBLE, 8)
