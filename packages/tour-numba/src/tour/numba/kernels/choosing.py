"""The k largest, or smallest, of each row, and where they stand: rows are read once, a vector at a time. And the one of a rank.

Keys are those by which rows are sorted, turned so that the smallest is the best. The best of each of many columns of a row's head tell how
good a number must at least be to count: only few are, and their ranks are found as those of short rows are. What comes behind
the head is compared with the last of the best so far.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from numba import types
from numba.extending import intrinsic
from tour.numba.kernels.lanes import LONG, Code
from tour.numba.kernels.memory import doubles, floats, function, helper, ints, longs, rows, unsigned, unsigned_longs
from tour.numba.kernels.sorting import (
    ALL,
    ALL_4,
    DIGIT,
    bit_length,
    count_digits,
    digit,
    double_key,
    filling,
    float_key,
    int_key,
    long_key,
    raise_keys_of,
    ranking,
)  # fmt: skip

u4, u8, i8 = np.uint32, np.uint64, np.int64
BLOCK = 64  # numbers that are looked at together: one bit each


def _good(size: int) -> Any:
    """A function `f(keys, limit)`: of 64 unsigned keys of some bytes a bit each, set where the key is at most the limit."""
    item = ir.IntType(8 * size)
    kind = ir.VectorType(item, BLOCK)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(builder)
        keys = builder.load(builder.inttoptr(args[0], ir.PointerType()), align=size, typ=kind)
        limit = builder.trunc(args[1], item) if size < 8 else args[1]
        none = ir.Constant(kind, ir.Undefined)
        one = code.b.insert_element(none, limit, ir.Constant(ir.IntType(32), 0))
        limits = code.b.shuffle_vector(one, none, ir.Constant(ir.VectorType(ir.IntType(32), BLOCK), [0] * BLOCK))
        return builder.bitcast(builder.icmp_unsigned("<=", keys, limits), LONG)

    return intrinsic(lambda typing, keys, limit: (types.uint64(types.int64, types.uint64), generate))


@intrinsic
def _lowest(typing: Any, bits: Any) -> Any:
    """The number of the lowest bit that is set."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@helper
def _insert(keys: Any, places: Any, held: int, k: int, key: Any, place: int) -> int:
    """Put a key among the best, behind those that are equal; how many there are."""
    if held == k and key >= keys[k - 1]:
        return held
    at = held if held < k else k - 1
    while at > 0 and keys[at - 1] > key:
        keys[at], places[at] = keys[at - 1], places[at - 1]
        at -= 1
    keys[at], places[at] = key, place
    return min(held + 1, k)


def _choosing(items: Any, key: Any, size: int) -> Any:
    good, rank, lanes = _good(size), ranking(size), 64 // size
    keys_of, cut = (unsigned, u4) if size == 4 else (unsigned_longs, u8)
    worst = cut(ALL & ((1 << 8 * size) - 1))

    @function
    def limit(best: Any, columns: int, k: int) -> Any:
        """A key that at least k columns reach, and not many more."""
        low = high = u8(best[0])
        for j in range(columns):
            low, high = min(low, u8(best[j])), max(high, u8(best[j]))
        while low < high:
            middle = u8(low + u8(u8(high - low) >> u8(1)))
            count, bound = 0, cut(middle)
            for j in range(columns):
                count += 1 if best[j] <= bound else 0
            if count < k:
                low = u8(middle + u8(1))
            else:
                high = middle
                if count <= k + k // 4:
                    break
        return high

    @function
    def head_keys(x: Any, n: int, other: Any, keys: Any, best: Any, columns: int) -> None:
        """Keys of a row's head, and the best of each column."""
        for j in range(columns):
            best[j] = worst
        whole = n // columns * columns
        for begin in range(0, whole, columns):
            for j in range(columns):
                own = cut(key(x[begin + j]) ^ other)
                keys[begin + j] = own
                best[j] = min(best[j], own)
        for j in range(n - whole):
            own = cut(key(x[whole + j]) ^ other)
            keys[whole + j] = own
            best[j] = min(best[j], own)

    def topk(args: int, part: int, parts: int) -> None:
        a = longs(args)
        n, k, other, head, columns, room = a[4], a[5], u8(a[6]), a[7], a[8], a[9]
        scratch = (
            a[10] + a[11] * part
        )  # keys of the head; the best of columns; candidates: keys, ranks, places; the same in order
        keys, best = keys_of(scratch), keys_of(scratch + size * head)
        found = scratch + size * (head + columns)
        candidates, ranks, places = keys_of(found), keys_of(found + size * room), longs(found + 2 * size * room)
        chosen, order = keys_of(found + (2 * size + 8) * room), longs(found + (3 * size + 8) * room)
        start, stop = rows(a[3], part, parts)
        for r in range(start, stop):
            x, values, where = items(a[0] + size * r * n), items(a[1] + size * r * k), longs(a[2] + 8 * r * k)
            end = min(n, head)
            count = 0
            if end <= columns:  # all may be among the best
                count = end
                for j in range(end):
                    candidates[j], places[j] = cut(key(x[j]) ^ other), j
            else:
                head_keys(x, end, other, keys, best, columns)
                bound = limit(best, columns, k)
                for begin in range(0, end, BLOCK):
                    bits = good(scratch + size * begin, bound)
                    if end - begin < BLOCK:
                        bits = u8(bits & u8(u8(u8(1) << u8(end - begin)) - u8(1)))
                    while bits != u8(0):
                        j = begin + _lowest(bits)
                        bits = u8(bits & u8(bits - u8(1)))
                        if count < room:
                            candidates[count], places[count] = keys[j], j
                        count += 1
            if count <= room:
                for i in range(0, count, lanes):
                    rank(found, count, i, found + size * (room + i))
                for i in range(count):
                    chosen[i8(ranks[i])], order[i8(ranks[i])] = candidates[i], places[i]
                for i in range(k):
                    where[i] = order[i]
            else:  # many that are equal, or well hidden
                held = 0
                for j in range(end):
                    held = _insert(chosen, where, held, k, keys[j], j)
            for begin in range(end, n, BLOCK):
                last, least, above = min(begin + BLOCK, n), x[where[k - 1]], np.int32(0)
                if a[12] != 0:
                    for j in range(begin, last):
                        above |= np.int32(0) if x[j] <= least else np.int32(1)
                else:
                    for j in range(begin, last):
                        above |= np.int32(0) if x[j] >= least else np.int32(1)
                if above != np.int32(0):
                    for j in range(begin, last):
                        _insert(chosen, where, k, k, cut(key(x[j]) ^ other), j)
            for i in range(k):
                values[i] = x[where[i]]

    return topk


topk_f4, topk_f8 = _choosing(floats, float_key, 4), _choosing(doubles, double_key, 8)
topk_i4, topk_i8 = _choosing(ints, int_key, 4), _choosing(longs, long_key, 8)


# --- The one of a rank --------------------------------------------------------------------------------------------------------------
# Of the elements that sorting deals out, only those are kept whose highest digit is that of the wanted one, and so on downwards.


@function
def _keep(elements: int, n: int, rank: int, base: Any, bits: int, counts: int) -> Any:
    """Move those elements to the front whose keys, of so many bits above the base, are that of a rank: how many, and its rank there."""
    e, c = unsigned_longs(elements), unsigned(counts)
    while bits > 0 and n > 1:
        width = min(bits, DIGIT)
        bits -= width
        shift, mask = u8(32 + bits), u8((1 << width) - 1)
        count_digits(elements, 0, n, base, shift, mask, counts)
        wanted = 0
        while rank >= int(c[wanted]):
            rank -= int(c[wanted])
            wanted += 1
        kept = 0
        for i in range(n):
            element = e[i]
            e[kept] = element
            kept += 1 if digit(element, base, shift, mask) == wanted else 0
        n = kept
    return n, rank


def _selecting(items: Any, key: Any, size: int) -> Any:
    fill, wide = filling(items, key, size == 8), size == 8

    def select(args: int, part: int, parts: int) -> None:
        """Where the number of a rank stands in each row; of equal ones the first has the lowest rank."""
        a = longs(args)
        out, n, wanted, scratch = longs(a[1]), a[3], a[4], a[5] + a[6] * part
        ends, counts, elements = unsigned_longs(scratch), scratch + 64, scratch + 64 + 4 * (1 << DIGIT)
        e = unsigned_longs(elements)
        start, stop = rows(a[2], part, parts)
        for r in range(start, stop):
            x = items(a[0] + size * r * n)
            fill(a[0] + size * r * n, 0, n, 0, elements, elements + 8 * n, scratch)
            least, most = ends[0], ends[1]
            if wide and u8(most - least) > u8(ALL_4):
                raise_keys_of(elements, 0, n, elements + 8 * n)
                base = u8(u8(least >> u8(32)) << u8(32))
                left, rank = _keep(
                    elements, n, wanted, base, bit_length(u8(u8(most >> u8(32)) - u8(least >> u8(32)))), counts
                )
                for i in range(left):  # their upper halves are the same
                    e[i] = u8(u8(u8(key(x[i8(u8(e[i] & u8(ALL_4)))])) << u8(32)) | u8(e[i] & u8(ALL_4)))
                left, rank = _keep(elements, left, rank, u8(0), 32, counts)
            else:
                left, rank = _keep(elements, n, wanted, u8(least << u8(32)), bit_length(u8(most - least)), counts)
            out[r] = i8(u8(e[rank] & u8(ALL_4)))

    return select


select_f4, select_f8 = _selecting(floats, float_key, 4), _selecting(doubles, double_key, 8)
select_i4, select_i8 = _selecting(ints, int_key, 4), _selecting(longs, long_key, 8)
