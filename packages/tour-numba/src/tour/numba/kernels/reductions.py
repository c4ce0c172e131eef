"""Sums and extremes of contiguous arrays, along their last dimension or another one.

Short runs are added side by side in a vector's lanes, and the sums of runs in double precision: no sum rounds like a long one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.numba.kernels.memory import doubles, floats, longs, rows, span
from tour.numba.kernels.scalar import larger, larger_double, smaller, smaller_double

RUN = 4096  # neighbours that are added up in their own precision
SIDE = 64  # that a loop over vectors takes at once
DEEP = 8  # rows that are


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
            for begin in range(0, whole, RUN):
                s = kind(0)
                for j in range(begin, min(begin + RUN, whole)):
                    s += x[j]
                total += np.float64(s)
            for j in range(whole, end):  # too few to be added side by side
                total += np.float64(x[j])
            out[r] = total

    return row_sums


row_sums_4, row_sums_8 = _row_sums(floats, np.float32), _row_sums(doubles, np.float64)


def _column_sums(items: Any, kind: Any) -> Any:
    def column_sums(args: int, part: int, parts: int) -> None:
        """Of every (n, width) the sum of its rows."""
        a = longs(args)
        n, width, itemsize = a[4], a[5], a[6]
        totals = doubles(a[2])
        start, stop = span(width, part, parts)
        for o in range(a[3]):
            x, out = items(a[0] + o * n * width * itemsize), items(a[1] + o * width * itemsize)
            for j in range(start, stop):
                totals[j] = 0.0
            whole = n // DEEP * DEEP
            for i in range(0, whole, DEEP):
                for j in range(start, stop):
                    at = i * width + j
                    low = (x[at] + x[at + width]) + (x[at + 2 * width] + x[at + 3 * width])
                    at += 4 * width
                    high = (x[at] + x[at + width]) + (x[at + 2 * width] + x[at + 3 * width])
                    totals[j] += np.float64(low + high)
            for i in range(whole, n):
                for j in range(start, stop):
                    totals[j] += np.float64(x[i * width + j])
            for j in range(start, stop):
                out[j] = kind(totals[j])

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
