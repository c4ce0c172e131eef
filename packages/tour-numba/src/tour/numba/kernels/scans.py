"""Running sums and products of rows, eight numbers at a time, and running extremes; the same of columns, a row at a time.

Within a vector each number is joined with the one before it, then with what stands two and four places before; the end of the vector before
is joined last. Single precision is added up and multiplied in double, as PyTorch does it. Doubles so large that their order decides
whether a sum overflows are added one by one.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from llvmlite import ir

from numba import njit, types
from numba.extending import intrinsic
from tour.numba.kernels.lanes import LONG, Code
from tour.numba.kernels.memory import doubles, floats, helper, ints, longs, rows, span

LANES = 8
DOUBLE = ir.DoubleType()
VECTOR = ir.VectorType(DOUBLE, LANES)
ORDER = ir.VectorType(ir.IntType(32), LANES)


# Below this no sum of eight numbers and one before them overflows.
SAFE = 2.0**1019


def _in_any_order(code: Code, v: Any, before: Any) -> Any:
    """Whether all of a vector, and the number before it, are so small that no sum of them overflows. NaN is not."""
    b = code.b
    magnitude = b.bitcast(v, ir.VectorType(LONG, LANES))  # doubles without their signs are in the order of their bits
    magnitude = b.and_(magnitude, ir.Constant(magnitude.type, [(1 << 63) - 1] * LANES))
    limit = struct.unpack("<q", struct.pack("<d", SAFE))[0]
    small = b.icmp_unsigned("<", magnitude, ir.Constant(magnitude.type, [limit] * LANES))
    all_small = b.icmp_unsigned("==", b.bitcast(small, ir.IntType(LANES)), ir.Constant(ir.IntType(LANES), -1))
    bits = b.and_(b.bitcast(before, LONG), ir.Constant(LONG, (1 << 63) - 1))
    return b.and_(all_small, b.icmp_unsigned("<", bits, ir.Constant(LONG, limit)))


def _scanning(kind: Any, size: int, join: str, neutral: float) -> Any:
    """A function `f(x, out, vectors, before)` that scans vectors of numbers; what the last one ends with."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(builder)
        b, number = builder, ir.VectorType(kind, LANES)
        x, out, vectors, start = args
        x, out = (b.inttoptr(p, ir.PointerType()) for p in (x, out))
        rest = ir.Constant(VECTOR, [neutral] * LANES)
        step = getattr(b, join)
        entry, test, body, done = b.block, *(b.append_basic_block(name) for name in ("test", "body", "done"))
        b.branch(test)
        b.position_at_end(test)
        i, before = b.phi(LONG), b.phi(DOUBLE)
        i.add_incoming(ir.Constant(LONG, 0), entry)
        before.add_incoming(start, entry)
        b.cbranch(b.icmp_signed("<", i, vectors), body, done)
        b.position_at_end(body)
        place = b.mul(i, ir.Constant(LONG, size * LANES))
        loaded = b.load(code.at(x, place), align=size, typ=number)
        following = b.add(i, ir.Constant(LONG, 1))

        def keep(whole: Any, after: Any) -> None:
            b.store(whole if size == 8 else b.fptrunc(whole, number), code.at(out, place), align=size)
            i.add_incoming(following, b.block)
            before.add_incoming(after, b.block)
            b.branch(test)

        if size == 8:
            together, one_by_one = (b.append_basic_block(name) for name in ("together", "one_by_one"))
            b.cbranch(_in_any_order(code, loaded, before), together, one_by_one)
            b.position_at_end(one_by_one)
            whole, last = ir.Constant(VECTOR, ir.Undefined), before
            for lane in (ir.Constant(ir.IntType(32), j) for j in range(LANES)):
                last = step(last, b.extract_element(loaded, lane))
                whole = b.insert_element(whole, last, lane)
            keep(whole, last)
            b.position_at_end(together)
        v = loaded if size == 8 else b.fpext(loaded, VECTOR)
        for d in (1, 2, 4):
            shifted = [LANES + j if j < d else j - d for j in range(LANES)]
            v = step(v, b.shuffle_vector(v, rest, ir.Constant(ORDER, shifted)))
        ends = b.insert_element(ir.Constant(VECTOR, ir.Undefined), before, ir.Constant(ir.IntType(32), 0))
        ends = b.shuffle_vector(ends, rest, ir.Constant(ORDER, [0] * LANES))
        whole = step(ends, v)
        keep(whole, step(before, b.extract_element(v, ir.Constant(ir.IntType(32), LANES - 1))))
        b.position_at_end(done)
        return before

    arguments = types.int64, types.int64, types.int64, types.float64
    return intrinsic(lambda typing, x, out, vectors, before: (types.float64(*arguments), generate))


def _running(items: Any, kind: Any, size: int, join: str, neutral: float, real: Any) -> Any:
    scan, adds = _scanning(kind, size, join, neutral), join == "fadd"

    def running(args: int, part: int, parts: int) -> None:
        a = longs(args)
        n = a[3]
        vectors = n // LANES
        start, stop = rows(a[2], part, parts)
        for r in range(start, stop):
            x, out = a[0] + size * r * n, a[1] + size * r * n
            before = scan(x, out, vectors, neutral)
            for j in range(LANES * vectors, n):
                number = np.float64(items(x)[j])
                before = before + number if adds else before * number
                items(out)[j] = real(before)

    return running


cumsum_4 = _running(floats, ir.FloatType(), 4, "fadd", -0.0, np.float32)
cumsum_8 = _running(doubles, DOUBLE, 8, "fadd", -0.0, np.float64)
cumprod_4 = _running(floats, ir.FloatType(), 4, "fmul", 1.0, np.float32)


def cumprod_8(args: int, part: int, parts: int) -> None:
    """One by one: a product of neighbours may be too large for what the whole is not."""
    a = longs(args)
    n = a[3]
    start, stop = rows(a[2], part, parts)
    for r in range(start, stop):
        x, out, product = doubles(a[0] + 8 * r * n), doubles(a[1] + 8 * r * n), 1.0
        for j in range(n):
            product *= x[j]
            out[j] = product


# --- Columns ----------------------------------------------------------------------------------------------------------------------
# Arrays are (count, n, width), and a part has columns of its own. Numbers are joined in their order.


@njit(error_model="numpy", forceinline=True, fastmath=set())
def _sum(a: float, b: float) -> float:
    return a + b


@njit(error_model="numpy", forceinline=True, fastmath=set())
def _product(a: float, b: float) -> float:
    return a * b


def _down(items: Any, size: int, real: Any, join: Any) -> Any:
    def down(args: int, part: int, parts: int) -> None:
        """In double precision; `state` has a number for each column."""
        a = longs(args)
        state, n, width = doubles(a[2]), a[4], a[5]
        start, stop = span(width, part, parts)
        for o in range(a[3]):
            for j in range(start, stop):
                first = items(a[0] + size * o * n * width)[j]
                state[j] = np.float64(first)
                items(a[1] + size * o * n * width)[j] = first
            for i in range(1, n):
                x, out = items(a[0] + size * (o * n + i) * width), items(a[1] + size * (o * n + i) * width)
                for j in range(start, stop):
                    state[j] = join(state[j], np.float64(x[j]))
                    out[j] = real(state[j])

    return down


cumsum_down_4, cumsum_down_8 = _down(floats, 4, np.float32, _sum), _down(doubles, 8, np.float64, _sum)
cumprod_down_4, cumprod_down_8 = _down(floats, 4, np.float32, _product), _down(doubles, 8, np.float64, _product)


# --- Extremes ---------------------------------------------------------------------------------------------------------------------


@helper
def _rising(x: Any, best: Any) -> Any:
    return x >= best


@helper
def _falling(x: Any, best: Any) -> Any:
    return x <= best


BLOCK = 64  # numbers that are looked at, a vector at a time, before any is taken


def _extremes(items: Any, size: int, reaches: Any) -> Any:
    def extremes(args: int, part: int, parts: int) -> None:
        """Running extremes, and for each where it stands: the latest of those that are equal; NaN is the most extreme."""
        a = longs(args)
        n = a[4]
        start, stop = rows(a[3], part, parts)
        for r in range(start, stop):
            x, values, places = items(a[0] + size * r * n), items(a[1] + size * r * n), longs(a[2] + 8 * r * n)
            best, at = x[0], 0
            for begin in range(0, n, BLOCK):
                end = min(begin + BLOCK, n)
                some = np.int32(0)
                for j in range(begin, end):
                    some |= np.int32(1) if reaches(x[j], best) or x[j] != x[j] else np.int32(0)
                if some != np.int32(0):
                    for j in range(begin, end):
                        fresh = reaches(x[j], best) or x[j] != x[j]
                        best, at = x[j] if fresh else best, j if fresh else at
                        values[j], places[j] = best, at
                else:
                    for j in range(begin, end):
                        values[j], places[j] = best, at

    return extremes


cummax_f4, cummin_f4 = _extremes(floats, 4, _rising), _extremes(floats, 4, _falling)
cummax_f8, cummin_f8 = _extremes(doubles, 8, _rising), _extremes(doubles, 8, _falling)
cummax_i4, cummin_i4 = _extremes(ints, 4, _rising), _extremes(ints, 4, _falling)
cummax_i8, cummin_i8 = _extremes(longs, 8, _rising), _extremes(longs, 8, _falling)
