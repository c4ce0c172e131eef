"""Sorting by digits, and short rows by ranks: keys are unsigned integers that stand in the order of the numbers.

An element is 64 bits: 32 of a key, and below them where it stood. From the lowest digit to the highest, elements are dealt out to one
place for each value of the digit, in their order (H. H. Seward, 1954). Digits are counted from the smallest key, so that numbers
that are close take few. Keys of 64 bits are sorted by their lower halves first, then by the upper ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from numba.extending import intrinsic
from tour.numba.kernels.lanes import LONG, Code, inlined
from tour.numba.kernels.memory import (
    doubles,
    floats,
    function,
    helper,
    ints,
    longs,
    rows,
    unsigned,
    unsigned_longs,
)
from tour.numba.kernels.scalar import as_bits, careful, double_bits, from_bits

u4, u8, i4, i8, f8 = np.uint32, np.uint64, np.int32, np.int64, np.float64

# --- Keys -------------------------------------------------------------------------------------------------------------------------
# NaN is the largest number, whatever its sign and payload, and both zeros are one: keys that stand for several numbers. What is
# turned has all bits of its keys the other way.

SIGN, ALL = 0x8000000000000000, 0xFFFFFFFFFFFFFFFF
SIGN_4, ALL_4 = 0x80000000, 0xFFFFFFFF


@careful
def float_key(x: Any) -> Any:
    bits = u4(as_bits(x))
    key = u4(~bits) if bits >= u4(SIGN_4) else u4(bits | u4(SIGN_4))
    key = u4(SIGN_4) if bits == u4(SIGN_4) else key
    return u8(u4(ALL_4) if x != x else key)


@careful
def double_key(x: Any) -> Any:
    bits = u8(double_bits(x))
    key = u8(~bits) if bits >= u8(SIGN) else u8(bits | u8(SIGN))
    key = u8(SIGN) if bits == u8(SIGN) else key
    return u8(ALL) if x != x else key


@helper
def int_key(x: Any) -> Any:
    return u8(u4(u4(x) ^ u4(SIGN_4)))


@helper
def long_key(x: Any) -> Any:
    return u8(u8(x) ^ u8(SIGN))


@careful
def _float_number(key: Any) -> Any:
    k = u4(key)
    return from_bits(i4(u4(k ^ u4(SIGN_4)) if k >= u4(SIGN_4) else u4(~k)))


@helper
def _int_number(key: Any) -> Any:
    return i4(u4(u4(key) ^ u4(SIGN_4)))


@helper
def _long_number(key: Any) -> Any:
    return i8(u8(key ^ u8(SIGN)))


# --- By digits --------------------------------------------------------------------------------------------------------------------


def filling(items: Any, key: Any, wide: bool) -> Any:
    """A function that packs numbers into elements."""

    @function
    def fill(x: int, start: int, stop: int, turned: int, elements: int, upper: int, extent: int) -> None:
        """Elements `start` to `stop` of a row, and the upper halves of wide keys; the smallest and the largest key."""
        a, e, u, ends = items(x), unsigned_longs(elements), unsigned(upper), unsigned_longs(extent)
        other = u8(turned)
        least = most = u8(key(a[start]) ^ other)
        for i in range(start, stop):
            k = u8(key(a[i]) ^ other)
            least, most = min(least, k), max(most, k)
            e[i] = u8(u8(k << u8(32)) | u8(i))
            if wide:
                u[i] = u4(k >> u8(32))
        ends[0], ends[1] = least, most

    return fill


@helper
def digit(element: Any, base: Any, shift: Any, mask: Any) -> Any:
    return i8(u8(u8(u8(element - base) >> shift) & mask))


@function
def count_digits(elements: int, start: int, stop: int, base: Any, shift: Any, mask: Any, counts: int) -> None:
    """How often each value of a digit occurs."""
    e, c = unsigned_longs(elements), unsigned(counts)
    for d in range(i8(mask) + 1):
        c[d] = u4(0)
    for i in range(start, stop):
        c[digit(e[i], base, shift, mask)] += u4(1)


@function
def _deal(elements: int, start: int, stop: int, base: Any, shift: Any, mask: Any, places: int, target: int) -> None:
    """Put each element at the next place of its digit."""
    e, p, t = unsigned_longs(elements), unsigned(places), unsigned_longs(target)
    for i in range(start, stop):
        element = e[i]
        d = digit(element, base, shift, mask)
        at = p[d]
        p[d] = u4(at + u4(1))
        t[at] = element


@helper
def bit_length(n: Any) -> Any:
    length = 0
    while n != u8(0):
        n = u8(n >> u8(1))
        length += 1
    return length


DIGIT, SINGLE = 8, 11  # bits of a digit; of one that is the only one of a long row


@function
def _sort(elements: int, other: int, n: int, least: Any, most: Any, counts: int) -> int:
    """Sort by the upper 32 bits, which go from `least` to `most`; the address of the sorted elements, one of two."""
    bits = bit_length(u8(most - least))
    if bits == 0:
        return elements
    widest = SINGLE if bits <= SINGLE and n >= 1 << SINGLE else DIGIT
    passes = (bits + widest - 1) // widest
    width = (bits + passes - 1) // passes
    mask, base, c = u8((1 << width) - 1), u8(least << u8(32)), unsigned(counts)
    for i in range(passes):
        shift = u8(32 + i * width)
        count_digits(elements, 0, n, base, shift, mask, counts)
        if i8(c[digit(unsigned_longs(elements)[0], base, shift, mask)]) == n:  # all have this digit
            continue
        total = u4(0)
        for d in range(i8(mask) + 1):
            count = c[d]
            c[d] = total
            total = u4(total + count)
        _deal(elements, 0, n, base, shift, mask, counts, other)
        elements, other = other, elements
    return elements


@function
def raise_keys_of(elements: int, start: int, stop: int, upper: int) -> None:
    """Put the upper halves of keys in the place of the lower ones."""
    e, u = unsigned_longs(elements), unsigned(upper)
    for i in range(start, stop):
        where = u8(e[i] & u8(ALL_4))
        e[i] = u8(u8(u8(u[where]) << u8(32)) | where)


@helper
def _first(e: Any, low: int, high: int, key: Any) -> int:
    """The first of some sorted elements whose key is at least this one."""
    while low < high:
        middle = (low + high) // 2
        if u8(e[middle] >> u8(32)) < key:
            low = middle + 1
        else:
            high = middle
    return low


def _finishing(items: Any, number: Any, several: tuple[int, ...]) -> Any:
    """A function that unpacks elements.

    Args:
        number: The number that a key stands for; None where all are fetched.
        several: Keys that stand for several numbers.
    """
    restores, first, second = number is not None, u8(min(several, default=0)), u8(max(several, default=0))
    number = number or _long_number

    @helper
    def fetch(a: Any, v: Any, p: Any, start: int, stop: int) -> None:
        for i in range(start, stop):
            v[i] = a[p[i]]

    @function
    def finish(
        elements: int, start: int, stop: int, x: int, values: int, places: int, turned: int, least: Any, whole: bool
    ) -> None:
        """Numbers, unless `values` is 0, and where they stood; elements are `whole` if they hold all that keys differ in."""
        e, a, v, p, other = unsigned_longs(elements), items(x), items(values), longs(places), u8(turned)
        for i in range(start, stop):
            p[i] = i8(u8(e[i] & u8(ALL_4)))
        if values == 0:
            return
        if restores and whole:
            for i in range(start, stop):
                v[i] = number(u8(u8(least + u8(u4(u8(u8(e[i] >> u8(32)) - least)))) ^ other))
            if second != u8(0):
                for k in (first, second):
                    low = _first(e, start, stop, u8(k ^ other))
                    fetch(a, v, p, low, _first(e, low, stop, u8(u8(k ^ other) + u8(1))))
        else:
            fetch(a, v, p, start, stop)

    return finish


def _sorting(items: Any, key: Any, number: Any, several: tuple[int, ...], size: int) -> Any:
    """Kernels for rows, of which a thread sorts all; and to pack and to unpack one, which threads share."""
    fill, finish, wide = filling(items, key, size == 8), _finishing(items, number, several), size == 8

    def sort_rows(args: int, part: int, parts: int) -> None:
        a = longs(args)
        n, turned, room = a[4], a[5], a[6] + a[7] * part
        ends, counts, upper = unsigned_longs(room), room + 64, room + 64 + 4 * (1 << SINGLE)
        elements = upper + (4 * n + 63) // 64 * 64 if wide else upper
        other = elements + 8 * n
        start, stop = rows(a[3], part, parts)
        for r in range(start, stop):
            x = a[0] + size * r * n
            fill(x, 0, n, turned, elements, upper, room)
            least, most = ends[0], ends[1]
            whole = not wide or u8(most - least) <= u8(ALL_4)
            if whole:
                found = _sort(elements, other, n, least, most, counts)
            else:
                found = _sort(elements, other, n, u8(0), u8(ALL_4), counts)
                raise_keys_of(found, 0, n, upper)
                rest = other if found == elements else elements
                found = _sort(found, rest, n, u8(least >> u8(32)), u8(most >> u8(32)), counts)
            values = a[1] + size * r * n if a[1] != 0 else 0
            finish(found, 0, n, x, values, a[2] + 8 * r * n, turned, least, whole)

    def pack(args: int, part: int, parts: int) -> None:
        a = longs(args)
        start, stop = rows(a[4], part, parts)
        fill(a[0], start, stop, a[5], a[1], a[2], a[3] + 16 * part)

    def unpack(args: int, part: int, parts: int) -> None:
        a = longs(args)
        start, stop = rows(a[4], part, parts)
        finish(a[0], start, stop, a[1], a[2], a[3], a[5], u8(a[6]), a[7] != 0)

    return sort_rows, pack, unpack


rows_f4, pack_f4, unpack_f4 = _sorting(floats, float_key, _float_number, (SIGN_4, ALL_4), 4)
rows_f8, pack_f8, unpack_f8 = _sorting(doubles, double_key, None, (), 8)
rows_i4, pack_i4, unpack_i4 = _sorting(ints, int_key, _int_number, (), 4)
rows_i8, pack_i8, unpack_i8 = _sorting(longs, long_key, _long_number, (), 8)


def count(args: int, part: int, parts: int) -> None:
    """How often each value of a digit occurs in each part."""
    a = longs(args)
    start, stop = rows(a[2], part, parts)
    count_digits(a[0], start, stop, u8(a[3]), u8(a[4]), u8(a[5]), a[1] + 4 * (a[5] + 1) * part)


def deal(args: int, part: int, parts: int) -> None:
    """Deal elements out to places that each part has for each value of the digit."""
    a = longs(args)
    start, stop = rows(a[2], part, parts)
    _deal(a[0], start, stop, u8(a[3]), u8(a[4]), u8(a[5]), a[1] + 4 * (a[5] + 1) * part, a[6])


def raise_keys(args: int, part: int, parts: int) -> None:
    """Put the upper halves of keys in the place of the lower ones."""
    a = longs(args)
    start, stop = rows(a[2], part, parts)
    raise_keys_of(a[0], start, stop, a[1])


# --- Short rows by ranks ----------------------------------------------------------------------------------------------------------
# An element's rank is the number of those that come before it: a comparison with every other one, of a whole vector at a time.


def ranking(size: int) -> Any:
    """A function `f(keys, n, first, ranks)` that ranks a vector of keys of some bytes, the one that begins with number `first`."""
    lanes = 64 // size
    item = ir.IntType(8 * size)
    kind = ir.VectorType(item, lanes)
    zero, numbers = ir.Constant(kind, [0] * lanes), ir.Constant(kind, list(range(lanes)))

    def emit(code: Code, *args: Any) -> None:
        b = code.b
        keys, n, first, ranks = args
        keys, ranks = (b.inttoptr(p, ir.PointerType()) for p in (keys, ranks))

        def splat(number: Any) -> Any:
            none = ir.Constant(kind, ir.Undefined)
            one = b.insert_element(none, number, ir.Constant(ir.IntType(32), 0))
            return b.shuffle_vector(one, none, ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes))

        def add(start: Any, stop: Any, count: Any, before: Any) -> Any:
            """Count those that come before, among the keys from `start` to `stop`."""
            entry, test, body, done = b.block, *(b.append_basic_block(x) for x in ("test", "body", "done"))
            b.branch(test)
            b.position_at_end(test)
            j, sums = b.phi(LONG), b.phi(kind)
            b.cbranch(b.icmp_signed("<", j, stop), body, done)
            b.position_at_end(body)
            key = splat(b.load(code.at(keys, b.mul(j, ir.Constant(LONG, size))), align=size, typ=item))
            more = b.add(sums, b.zext(before(key, j), kind))
            following = b.add(j, ir.Constant(LONG, 1))
            b.branch(test)
            for phi, old, new in ((j, start, following), (sums, count, more)):
                phi.add_incoming(old, entry)
                phi.add_incoming(new, body)
            b.position_at_end(done)
            return sums

        own = b.load(code.at(keys, b.mul(first, ir.Constant(LONG, size))), align=size, typ=kind)

        def in_vector(key: Any, j: Any) -> Any:
            j = b.sub(j, first)
            behind = b.icmp_signed(">", numbers, splat(j if size == 8 else b.trunc(j, item)))
            return b.or_(b.icmp_unsigned("<", key, own), b.and_(b.icmp_unsigned("==", key, own), behind))

        end = b.add(first, ir.Constant(LONG, lanes))
        end = b.select(b.icmp_signed("<", end, n), end, n)
        count = add(ir.Constant(LONG, 0), first, zero, lambda key, j: b.icmp_unsigned("<=", key, own))
        count = add(first, end, count, in_vector)
        count = add(end, n, count, lambda key, j: b.icmp_unsigned("<", key, own))
        b.store(count, ranks, align=size)

    def typed(typing: Any, keys: Any, n: Any, first: Any, ranks: Any) -> Any:
        return inlined(emit, 4)

    return intrinsic(typed)


def _short(items: Any, key: Any, size: int) -> Any:
    rank, lanes, keys_of = ranking(size), 64 // size, unsigned if size == 4 else unsigned_longs
    cut = u4 if size == 4 else u8

    def sort_short(args: int, part: int, parts: int) -> None:
        """Rows of a few numbers."""
        a = longs(args)
        n, other = a[4], u8(a[5])
        keys = a[6] + 2 * SHORT * size * part
        k, found = keys_of(keys), keys_of(keys + SHORT * size)
        start, stop = rows(a[3], part, parts)
        for r in range(start, stop):
            x, v, p = items(a[0] + size * r * n), items(a[1] + size * r * n), longs(a[2] + 8 * r * n)
            for i in range(n):
                k[i] = cut(key(x[i]) ^ other)
            for i in range(0, n, lanes):
                rank(keys, n, i, keys + (SHORT + i) * size)
            for i in range(n):
                p[i8(found[i])] = i
            if a[1] != 0:
                for i in range(n):
                    v[i8(found[i])] = x[i]

    return sort_short


SHORT = 128  # numbers of a row for which there is room
short_f4, short_f8 = _short(floats, float_key, 4), _short(doubles, double_key, 8)
short_i4, short_i8 = _short(ints, int_key, 4), _short(longs, long_key, 8)
