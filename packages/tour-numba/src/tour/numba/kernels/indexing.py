"""Elements and rows by number: gathered, and added up where they belong."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.numba.kernels.memory import doubles, fetch, floats, function, ints, longs, rows, span

u8 = np.uint64

# --- Bounds -----------------------------------------------------------------------------------------------------------------------


def bounds(args: int, part: int, parts: int) -> None:
    """Each part's smallest and largest number."""
    a = longs(args)
    x, out = longs(a[0]), longs(a[1])
    start, stop = span(a[2], part, parts)
    low = high = x[0]
    for i in range(start, stop):
        low, high = min(low, x[i]), max(high, x[i])
    out[2 * part], out[2 * part + 1] = low, high


# --- gather and its gradient ---------------------------------------------------------------------------------------------------------
# The index array is seen as rows; element j of row r speaks of place `r // same * block + index * step + j * slope` of the tensor: along
# the last dimension a row of indices has a row of the tensor, and along another one its places are a step apart, side by side.


LINE = 64  # bytes of a cache line
AHEAD, MOST = 4, 2048  # rows, and bytes of one, that are asked for ahead
BLOCK = 256  # indices that are looked at, a vector at a time, before any is followed


@function
def _within(index: Any, start: int, stop: int, n: int) -> Any:
    """Whether all of some indices are in range."""
    largest = u8(0)
    for j in range(start, stop):
        largest = max(largest, u8(index[j]))  # negative ones are the largest of all
    return largest < u8(n)


def _following(items: Any) -> Any:
    @function
    def follow(x: Any, base: int, index: Any, out: Any, start: int, stop: int) -> None:
        """Elements `start` to `stop` of a row, eight at a time: LLVM would go one by one."""
        whole = start + (stop - start) // 8 * 8
        for j in range(start, whole, 8):
            a, b, c, d = index[j], index[j + 1], index[j + 2], index[j + 3]
            e, f, g, h = index[j + 4], index[j + 5], index[j + 6], index[j + 7]
            out[j], out[j + 1], out[j + 2], out[j + 3] = x[base + a], x[base + b], x[base + c], x[base + d]
            out[j + 4], out[j + 5], out[j + 6], out[j + 7] = x[base + e], x[base + f], x[base + g], x[base + h]
        for j in range(whole, stop):
            out[j] = x[base + index[j]]

    return follow


def _gather(items: Any, size: int) -> Any:
    follow = _following(items)

    def gather(args: int, part: int, parts: int) -> None:
        a = longs(args)
        x, index, out, wrong = items(a[0]), longs(a[1]), items(a[2]), longs(a[3])
        n, width, same, block, step, slope = a[5], a[6], a[7], a[8], a[9], a[10]
        start, stop = rows(a[4], part, parts)
        wrong[part] = 0
        for r in range(start, stop):
            base = r // same * block
            at = r * width
            for begin in range(0, width, BLOCK):
                end = min(begin + BLOCK, width)
                if not _within(index, at + begin, at + end, n):
                    wrong[part] = 1
                    return
                if slope == 0:
                    if begin < n:  # the same stretch of the next row, in which nobody else foresees what is read
                        ahead = a[0] + size * (base + block + begin)
                        for j in range(0, size * min(BLOCK, n - begin), LINE):
                            fetch(ahead + j)
                    follow(x, base, index, out, at + begin, at + end)
                else:
                    for j in range(begin, end):
                        out[at + j] = x[base + index[at + j] * step + j]

    return gather


gather_4, gather_8 = _gather(ints, 4), _gather(longs, 8)


def _take(items: Any, size: int) -> Any:
    follow = _following(items)

    def take(args: int, part: int, parts: int) -> None:
        """Of each row the same elements."""
        a = longs(args)
        index, wrong, n, m = longs(a[1]), longs(a[3]), a[5], a[6]
        start, stop = rows(a[4], part, parts)
        wrong[part] = 0 if _within(index, 0, m, n) else 1
        if wrong[part] == 0:
            for r in range(start, stop):
                follow(items(a[0] + size * r * n), 0, index, items(a[2] + size * r * m), 0, m)

    return take


take_4, take_8 = _take(ints, 4), _take(longs, 8)


def take_rows(args: int, part: int, parts: int) -> None:
    """Of each of several tables the same rows, in words of 4 bytes."""
    a = longs(args)
    x, index, out, wrong = ints(a[0]), longs(a[1]), ints(a[2]), longs(a[3])
    n, m, width = a[5], a[6], a[7]
    start, stop = rows(a[4] * m, part, parts)
    wrong[part] = 0
    table, i = start // m * n, start % m
    for r in range(start, stop):
        k = index[i]
        if u8(k) >= u8(n):
            wrong[part] = 1
            return
        if i + AHEAD < m and u8(index[i + AHEAD]) < u8(n):  # rows at random places are foreseen by nobody else
            ahead = a[0] + 4 * (table + index[i + AHEAD]) * width
            for j in range(0, min(4 * width, MOST), LINE):
                fetch(ahead + j)
        of, to = (table + k) * width, r * width
        for j in range(width):
            out[to + j] = x[of + j]
        i += 1
        if i == m:
            table, i = table + n, 0


def _scatter_add(items: Any) -> Any:
    def scatter_add(args: int, part: int, parts: int) -> None:
        a = longs(args)
        x, index, source = items(a[0]), longs(a[1]), items(a[2])
        count, width, same, block, step, slope = a[3], a[4], a[5], a[6], a[7], a[8]
        if slope == 0:  # rows have places of their own
            start, stop = rows(count, part, parts)
            first, last = 0, width
        else:  # columns have
            start, stop = 0, count
            first, last = span(width, part, parts)
        for r in range(start, stop):
            base = r // same * block
            at = r * width
            if slope == 0:
                for j in range(first, last):
                    x[base + index[at + j]] += source[at + j]
            else:
                for j in range(first, last):
                    x[base + index[at + j] * step + j] += source[at + j]

    return scatter_add


scatter_add_4, scatter_add_8 = _scatter_add(floats), _scatter_add(doubles)


def _scatter(items: Any) -> Any:
    def scatter(args: int, part: int, parts: int) -> None:
        """Of several for one place the last stays. `each` is 0 where there is one number for all."""
        a = longs(args)
        x, index, source = items(a[0]), longs(a[1]), items(a[2])
        count, width, same, block, step, slope, each = a[3], a[4], a[5], a[6], a[7], a[8], a[9]
        if slope == 0:
            start, stop = rows(count, part, parts)
            first, last = 0, width
        else:
            start, stop = 0, count
            first, last = span(width, part, parts)
        for r in range(start, stop):
            base = r // same * block
            at = r * width
            for j in range(first, last):
                x[base + index[at + j] * step + j * slope] = source[(at + j) * each]

    return scatter


scatter_4, scatter_8 = _scatter(ints), _scatter(longs)


def _add_rows(items: Any) -> Any:
    def add_rows(args: int, part: int, parts: int) -> None:
        a = longs(args)
        x, index, source = items(a[0]), longs(a[1]), items(a[2])
        outer, n, m, width = a[3], a[4], a[5], a[6]
        first, last = span(width, part, parts)
        for o in range(outer):
            for i in range(m):
                to, of = (o * n + index[i]) * width, (o * m + i) * width
                for j in range(first, last):
                    x[to + j] += source[of + j]

    return add_rows


add_rows_4, add_rows_8 = _add_rows(floats), _add_rows(doubles)


def _collect_rows(items: Any) -> Any:
    def collect_rows(args: int, part: int, parts: int) -> None:
        """A table of sums of rows; every part clears and fills rows of its own."""
        a = longs(args)
        x, index, source = items(a[0]), longs(a[1]), items(a[2])
        m, width, left_out = a[4], a[5], a[6]
        start, stop = rows(a[3], part, parts)
        for j in range(start * width, stop * width):
            x[j] = 0
        for i in range(m):
            k = index[i]
            if start <= k < stop and k != left_out:
                to, of = k * width, i * width
                for j in range(width):
                    x[to + j] += source[of + j]

    return collect_rows


collect_rows_4, collect_rows_8 = _collect_rows(floats), _collect_rows(doubles)
