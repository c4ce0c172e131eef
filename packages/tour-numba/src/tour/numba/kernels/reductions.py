"""Sums and extremes of contiguous arrays, along their last dimension or another one.

Short runs are added side by side in a vector's lanes, and the sums of runs in double precision: no sum rounds like a long one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numba import njit
from tour.numba.kernels.lanes import LANES
from tour.numba.kernels.memory import doubles, floats, helper, longs, rows, span
from tour.numba.kernels.scalar import as_bits, double_bits, larger, larger_double, smaller, smaller_double

RUN = 16 * LANES**2  # neighbours that are added up in their own precision: fewer where fewer lanes share them
RUNS = 32  # of which the sums are added up on their own
SIDE = 64  # that a loop over vectors takes at once
DEEP = 8  # rows that are taken at once
LEVELS, RADIX = 4, 16  # of sums of columns: the first has sums of up to 16 times 8 rows, the next of 16 of those


def _row_sums(items: Any, kind: Any) -> Any:
    def row_sums(args: int, part: int, parts: int) -> None:
        """The sum of each row, in double precision; the last may be shorter."""
        a = longs(args)
        out = doubles(a[1])
        size, n = a[3], a[4]
        start, stop = rows(a[2], part, parts)
        for r in range(start, stop):
            x, end, total = items(a[0] + r * n * a[5]), min(n, size - r * n), 0.0
            whole = end // SIDE * SIDE
            for first in range(0, whole, RUNS * RUN):
                several = 0.0
                for begin in range(first, min(first + RUNS * RUN, whole), RUN):
                    s = kind(0)
                    for j in range(begin, min(begin + RUN, whole)):
                        s += x[j]
                    several += np.float64(s)
                total += several
            # The rest has sums of its own: one by one behind the others, each number would round all of them.
            a0, a1, a2, a3 = 0.0, 0.0, 0.0, 0.0
            for j in range(whole, end - 3, 4):
                a0 += np.float64(x[j])
                a1 += np.float64(x[j + 1])
                a2 += np.float64(x[j + 2])
                a3 += np.float64(x[j + 3])
            for j in range(end - (end - whole) % 4, end):
                a0 += np.float64(x[j])
            total += (a0 + a1) + (a2 + a3)
            out[r] = total

    return row_sums


row_sums_4, row_sums_8 = _row_sums(floats, np.float32), _row_sums(doubles, np.float64)


# A product of many numbers may be too large, or too small, for what the whole is not. Of a block whose exponents add up to less than
# this, none can, in double precision: it is multiplied side by side, any other in its order. A product that is neither small nor large
# had no factors so far from one that it matters: what has left the range of doubles on the way, and zeros, do not come back.
BLOCK, REACH = 256, 1022 - 256
NEAR, FAR = 2.0**-500, 2.0**500
i4, i8 = np.int32, np.int64


@helper
def _exponent(x: Any) -> Any:
    """The exponent of a float32, from 0 to 255; 127 is that of one."""
    return i4(i4(as_bits(x) >> i4(23)) & i4(0xFF))


@helper
def _exponent_double(x: Any) -> Any:
    """The exponent of a float64, from 0 to 2047; 1023 is that of one."""
    return i4(i8(i8(double_bits(x) >> 52) & 0x7FF))


def _row_products(items: Any, exponent: Any, one: Any) -> Any:
    @njit(error_model="numpy", fastmath=set())
    def in_order(x: Any, start: int, stop: int, product: float) -> float:
        for j in range(start, stop):
            product *= np.float64(x[j])
        return product

    @helper
    def may_be_reordered(x: Any, start: int, stop: int) -> Any:
        all_, above = i4(0), i4(0)
        for j in range(start, stop):
            e = exponent(x[j])
            all_ = i4(all_ + e)
            above = i4(above + (e if e > one else one))
        return 2 * i8(above) - i8(all_) - (stop - start) * i8(one) < REACH  # the sum of distances from `one`

    def row_products(args: int, part: int, parts: int) -> None:
        """The product of each row, in double precision; the last may be shorter."""
        a = longs(args)
        out = doubles(a[1])
        size, n = a[3], a[4]
        start, stop = rows(a[2], part, parts)
        for r in range(start, stop):
            x, end, total = items(a[0] + r * n * a[5]), min(n, size - r * n), 1.0
            for begin in range(0, end, BLOCK):
                last, product = min(begin + BLOCK, end), 1.0
                for j in range(begin, last):
                    product *= np.float64(x[j])
                if NEAR < abs(product) < FAR or may_be_reordered(x, begin, last):
                    total *= product
                else:
                    total = in_order(x, begin, last, total)
            out[r] = total

    return row_products


row_products_4, row_products_8 = (
    _row_products(floats, _exponent, i4(127)),
    _row_products(doubles, _exponent_double, i4(1023)),
)


@helper
def _carry(totals: Any, level: int, stride: int, start: int, stop: int) -> None:
    """Add the sums of a level to those of the next one, and clear them."""
    for j in range(start, stop):
        totals[(level + 1) * stride + j] += totals[level * stride + j]
        totals[level * stride + j] = 0.0


def _column_sums(items: Any, kind: Any) -> Any:
    def column_sums(args: int, part: int, parts: int) -> None:
        """Of every (n, width) the sum of its rows.

        Rows are added up in blocks, and blocks in blocks: `LEVELS` of sums, so that none rounds like a long one. Of narrow arrays `fold`
        rows are taken as one, and parts have arrays; of others they have columns.
        """
        a = longs(args)
        outer, n, width, itemsize, fold = a[3], a[4], a[5], a[6], a[7]
        deep, wide = n // fold, width * fold
        top, reach = 0, DEEP * RADIX
        while top < LEVELS - 1 and reach < deep:
            top += 1
            reach *= RADIX
        stride = wide if fold == 1 else (wide + 63) // 64 * 64
        totals = doubles(a[2])
        if fold == 1:
            first, last = 0, outer
            start, stop = span(wide, part, parts)
        else:
            first, last = rows(outer, part, parts)
            start, stop = 0, wide
            totals = doubles(a[2] + 8 * part * LEVELS * stride)
        for o in range(first, last):
            x, out = items(a[0] + o * n * width * itemsize), items(a[1] + o * width * itemsize)
            for level in range(top + 1):
                for j in range(start, stop):
                    totals[level * stride + j] = 0.0
            whole = deep // DEEP * DEEP
            for i in range(0, whole, DEEP):
                for j in range(start, stop):
                    at = i * wide + j
                    low = (x[at] + x[at + wide]) + (x[at + 2 * wide] + x[at + 3 * wide])
                    at += 4 * wide
                    high = (x[at] + x[at + wide]) + (x[at + 2 * wide] + x[at + 3 * wide])
                    totals[j] += np.float64(low + high)
                count = i // DEEP + 1
                level = 0
                while level < top and count % RADIX == 0:
                    _carry(totals, level, stride, start, stop)
                    count //= RADIX
                    level += 1
            for i in range(whole, deep):
                for j in range(start, stop):
                    totals[j] += np.float64(x[i * wide + j])
            for level in range(top):
                _carry(totals, level, stride, start, stop)
            total = doubles(a[2] + 8 * stride * (top + (0 if fold == 1 else part * LEVELS)))
            if fold > 1:
                for i in range(deep * fold, n):
                    for j in range(width):
                        total[j] += np.float64(x[i * width + j])
                count = fold
                while count > 1:  # halves are added, so that these do not round like a long sum either
                    half = (count + 1) // 2
                    for j in range((count - half) * width):
                        total[j] += total[half * width + j]
                    count = half
                for j in range(width):
                    out[j] = kind(total[j])
            else:
                for j in range(start, stop):
                    out[j] = kind(total[j])

    return column_sums


column_sums_4, column_sums_8 = _column_sums(floats, np.float32), _column_sums(doubles, np.float64)


def _row_extremes(items: Any, chosen: Any, mark: Any) -> Any:
    def row_extremes(args: int, part: int, parts: int) -> None:
        """The extreme of each row; NaN if there is one. The last row may be shorter."""
        a = longs(args)
        out = items(a[1])
        size, n = a[3], a[4]
        start, stop = rows(a[2], part, parts)
        for r in range(start, stop):
            x, end = items(a[0] + r * n * a[5]), min(n, size - r * n)
            m, nan = x[0], mark(0)
            for j in range(end):
                m = chosen(m, x[j])
                nan = mark(nan | (mark(1) if x[j] != x[j] else mark(0)))
            if nan != mark(0):
                for j in range(end):
                    m = x[j] if x[j] != x[j] else m
            out[r] = m

    return row_extremes


row_maxima_4 = _row_extremes(floats, larger, np.int32)
row_maxima_8 = _row_extremes(doubles, larger_double, np.int64)
row_minima_4 = _row_extremes(floats, smaller, np.int32)
row_minima_8 = _row_extremes(doubles, smaller_double, np.int64)
