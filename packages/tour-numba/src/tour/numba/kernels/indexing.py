"""Elements and rows by number: gathered, added up where they belong, and the largest of each row."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.numba.kernels.memory import doubles, floats, helper, ints, longs, rows, span
from tour.numba.kernels.scalar import ONE, ZERO, as_bits, careful

i4, u8 = np.int32, np.uint64

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


def _gather(items: Any) -> Any:
    def gather(args: int, part: int, parts: int) -> None:
        a = longs(args)
        x, index, out, wrong = items(a[0]), longs(a[1]), items(a[2]), longs(a[3])
        n, width, same, block, step, slope = a[5], a[6], a[7], a[8], a[9], a[10]
        start, stop = rows(a[4], part, parts)
        beyond = 0
        for r in range(start, stop):
            base = r // same * block
            at = r * width
            if slope == 0:
                for j in range(width):
                    k = index[at + j]
                    fine = u8(k) < u8(n)
                    beyond |= 0 if fine else 1
                    out[at + j] = x[base + (k if fine else 0)]
            else:
                for j in range(width):
                    k = index[at + j]
                    fine = u8(k) < u8(n)
                    beyond |= 0 if fine else 1
                    out[at + j] = x[base + (k if fine else 0) * step + j]
        wrong[part] = beyond

    return gather


gather_4, gather_8 = _gather(ints), _gather(longs)


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


# --- The k largest -------------------------------------------------------------------------------------------------------------------

SIGN, NAN = i4(0x7FFFFFFF), i4(0x7FFFFFFF)


@careful
def _rank(x: Any, turned: Any) -> Any:
    """An integer that orders floats: NaN is the largest, both zeros are one; `turned` by -1 orders backwards."""
    bits = as_bits(x)
    key = i4(bits ^ i4(i4(bits >> i4(31)) & SIGN))
    key = i4(0) if x == ZERO else key
    key = NAN if x != x else key
    return i4(key ^ turned)


@helper
def _insert(keys: Any, places: Any, held: int, k: int, key: Any, place: int) -> int:
    """Put a key among the largest, behind those that are equal; how many there are."""
    at = held if held < k else k - 1
    while at > 0 and keys[at - 1] < key:
        keys[at], places[at] = keys[at - 1], places[at - 1]
        at -= 1
    keys[at], places[at] = key, place
    return min(held + 1, k)


def topk(args: int, part: int, parts: int) -> None:
    """The places of the k largest of each row, the largest first; of equal ones the first."""
    a = longs(args)
    start, stop = rows(a[2], part, parts)
    n, k, turned = a[3], a[4], i4(a[5])
    keys, stride = ints(a[6] + 4 * k * part), a[7]
    sign = ONE if turned == i4(0) else -ONE
    for r in range(start, stop):
        x, places = floats(a[0] + 4 * r * n), longs(a[1] + 8 * r * k)
        held = 0
        for j in range(k):
            held = _insert(keys, places, held, k, _rank(x[j], turned), j)
        for begin in range(k, n, stride):
            end, least = min(begin + stride, n), sign * x[places[k - 1]]
            above = i4(0)
            for j in range(begin, end):  # a vector at a time: is there any that could be among them?
                above = i4(above | (i4(0) if sign * x[j] <= least else i4(1)))
            if above != i4(0):
                for j in range(begin, end):
                    key = _rank(x[j], turned)
                    if key > keys[k - 1]:
                        held = _insert(keys, places, held, k, key, j)
