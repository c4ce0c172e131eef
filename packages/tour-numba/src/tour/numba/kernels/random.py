"""The Mersenne Twister in vectors, and what goes number by number: shuffles, and rejection, which draws as it needs.

The state is NumPy's own MT19937 (M. Matsumoto and T. Nishimura, 1998): 624 words of 32 bits and the number of the next one, in place.
Every number is that of the NumPy kernel, bit for bit; nothing here may be reordered, and fused only where it is written.
"""

from __future__ import annotations

from math import ceil, log, sqrt
from typing import Any

import numpy as np
from llvmlite import ir

from numba import njit, types
from numba.extending import intrinsic
from tour._random_normals import COS, LN_2, LOG, QUARTER_PI, ROOT_HALF, SIN
from tour._random_sequential import HALF_LOG_2PI, STIRLING_TAILS, TINY
from tour.numba.kernels.memory import (
    bytes_,
    doubles,
    floats,
    function,
    ints,
    longs,
    rows,
    span,
    unsigned,
    unsigned_longs,
)
from tour.numba.kernels.scalar import HALF, ONE, as_bits, f4, from_bits

exact = njit(
    error_model="numpy", forceinline=True, fastmath=set()
)  # none: left out, a caller's freedom would be taken over
i4, u4, u8 = np.int32, np.uint32, np.uint64
WORDS, MIDDLE = 624, 397

# --- Words ------------------------------------------------------------------------------------------------------------------------

UPPER, LOWER, MATRIX, NONE, UNIT = u4(0x80000000), u4(0x7FFFFFFF), u4(0x9908B0DF), u4(0), u4(1)
TEMPER_B, TEMPER_C = u4(0x9D2C5680), u4(0xEFC60000)


@exact
def _cross(key: Any, i: int, following: int, other: int) -> None:
    mixed = u4(u4(key[i] & UPPER) | u4(key[following] & LOWER))
    key[i] = u4(key[other] ^ u4(mixed >> UNIT)) ^ (MATRIX if u4(mixed & UNIT) != NONE else NONE)


@function
def _twist(key: Any) -> None:
    """The next 624 words of the state; each stretch reads only what the one before it wrote."""
    for i in range(WORDS - MIDDLE):
        _cross(key, i, i + 1, i + MIDDLE)
    for i in range(WORDS - MIDDLE, WORDS - 1):
        _cross(key, i, i + 1, i + MIDDLE - WORDS)
    _cross(key, WORDS - 1, 0, MIDDLE - 1)


@exact
def _tempered(y: Any) -> Any:
    y = u4(y ^ u4(y >> u4(11)))
    y = u4(y ^ u4(u4(y << u4(7)) & TEMPER_B))
    y = u4(y ^ u4(u4(y << u4(15)) & TEMPER_C))
    return u4(y ^ u4(y >> u4(18)))


@function
def _fill(state: int, out: Any, n: int) -> None:
    key, place = unsigned(state), ints(state + 4 * WORDS)
    position: Any = np.int64(place[0])
    done = 0
    while done < n:
        if position == WORDS:
            _twist(key)
            position = 0
        m: Any = min(n - done, WORDS - position)
        for i in range(m):
            out[done + i] = _tempered(key[position + i])
        done += m
        position += m
    place[0] = i4(position)


def words(args: int, part: int, parts: int) -> None:
    """The next words."""
    a = longs(args)
    _fill(a[0], unsigned(a[1]), a[2])


def pairs(args: int, part: int, parts: int) -> None:
    """The next pairs of words, the first one in the high half."""
    a = longs(args)
    n = a[2]
    _fill(a[0], unsigned(a[1]), 2 * n)
    q = unsigned_longs(a[1])
    for i in range(n):
        q[i] = u8(q[i] << u8(32)) | u8(q[i] >> u8(32))


# --- Chances ----------------------------------------------------------------------------------------------------------------------

DRAWN = 512  # numbers for which words are made at a time: they stay in the cache
DIGITS = u8(2**53 - 1)


def _chances(items: Any, number: Any) -> Any:
    def chances(args: int, part: int, parts: int) -> None:
        """Ones where the uniform number of two words is below a limit, zeros elsewhere."""
        a = longs(args)
        out, n, limit = items(a[1]), a[2], u8(a[3])
        q = unsigned_longs(a[4])
        for begin in range(0, n, DRAWN):
            m = min(DRAWN, n - begin)
            _fill(a[0], unsigned(a[4]), 2 * m)
            for j in range(m):
                u = u8(u8(q[j] << u8(32)) | u8(q[j] >> u8(32))) & DIGITS
                out[begin + j] = number(1) if u < limit else number(0)

    return chances


chances_1, chances_4, chances_8 = _chances(bytes_, np.uint8), _chances(floats, f4), _chances(doubles, np.float64)


def _dropout(items: Any, number: Any, size: int) -> Any:
    def dropout(args: int, part: int, parts: int) -> None:
        """The product of numbers with a mask of zeros and some value, and the mask, or only a block of it (`each` is 0)."""
        a = longs(args)
        n, limit, value, each = a[4], u8(a[5]), number(doubles(args)[6]), a[8]
        q = unsigned_longs(a[7])
        for begin in range(0, n, DRAWN):
            m = min(DRAWN, n - begin)
            _fill(a[0], unsigned(a[7]), 2 * m)
            x, y = items(a[1] + size * begin), items(a[2] + size * begin)
            mask = items(a[3] + size * begin * each)
            for j in range(m):
                u = u8(u8(q[j] << u8(32)) | u8(q[j] >> u8(32))) & DIGITS
                mask[j] = value if u < limit else number(0)
            for j in range(m):
                y[j] = x[j] * mask[j]

    return dropout


dropout_4, dropout_8 = _dropout(floats, f4, 4), _dropout(doubles, np.float64, 8)


@exact
def _word(key: Any, position: int) -> Any:
    """The next word, and where the one after it is."""
    if position == WORDS:
        _twist(key)
        position = 0
    return u8(_tempered(key[position])), position + 1


SMALLEST_UNIT = 2.0**-53


@exact
def _unit(key: Any, position: int) -> Any:
    """A double uniform in [0, 1), and where the next word is."""
    high, position = _word(key, position)
    low, position = _word(key, position)
    return np.float64(np.int64(u8(u8(high << u8(32)) | low) & DIGITS)) * SMALLEST_UNIT, position


# --- Normals, 16 at a time -----------------------------------------------------------------------------------------------------------


def _of_floats(name: str, count: int) -> Any:
    """One of LLVM's functions of float32."""
    kind = ir.FloatType()

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        declared = builder.module.declare_intrinsic(name, [kind], ir.FunctionType(kind, [kind] * count))
        return builder.call(declared, args)

    return types.float32(*[types.float32] * count), generate


@intrinsic
def _fused(typing: Any, x: Any, y: Any, z: Any) -> Any:
    """x y + z, rounded once."""
    return _of_floats("llvm.fma", 3)


@intrinsic
def _root(typing: Any, x: Any) -> Any:
    """Square root in single precision."""
    return _of_floats("llvm.sqrt", 1)


L8, L7, L6, L5, L4, L3, L2, L1, L0 = map(f4, LOG)
S2, S1, S0 = map(f4, SIN)
C2, C1, C0 = map(f4, COS)
Q0, Q1, Q2 = QUARTER_PI
LN_2_HIGH, LN_2_LOW = LN_2
ROOT_HALF_BITS, MANTISSA = i4(ROOT_HALF), i4(23)
LOW_24, PER_24 = u4(2**24 - 1), f4(2.0**-24)
ANGLE, EIGHTHS, MINUS_TWO = f4(2 * np.pi) * f4(2.0**-24), f4(4 / np.pi), f4(-2)


@exact
def _log(x: Any) -> Any:
    """Natural logarithm of a number from 2⁻²⁴ to 1."""
    exponent = i4(i4(as_bits(x) - ROOT_HALF_BITS) >> MANTISSA)
    m = from_bits(i4(as_bits(x) - i4(exponent << MANTISSA))) - ONE
    e, square = f4(exponent), m * m
    y = _fused(L8, m, L7)
    y = _fused(y, m, L6)
    y = _fused(y, m, L5)
    y = _fused(y, m, L4)
    y = _fused(y, m, L3)
    y = _fused(y, m, L2)
    y = _fused(y, m, L1)
    y = _fused(y, m, L0)
    y = _fused(y * m, square, e * LN_2_LOW)
    y = y - square * HALF
    y = y + m
    return y + e * LN_2_HIGH


@exact
def _sin_cos(angle: Any) -> Any:
    """Sine and cosine of an angle from 0 to 2π."""
    octant = i4(i4(i4(angle * EIGHTHS) + i4(1)) & i4(~1))
    multiple = f4(octant)
    angle = angle + multiple * Q0
    angle = angle + multiple * Q1
    angle = angle + multiple * Q2
    square = angle * angle
    cosine = _fused(_fused(C2, square, C1), square, C0) * square
    cosine = _fused(cosine, square, -(square * HALF)) + ONE
    sine = _fused(_fused(_fused(S2, square, S1), square, S0) * square, angle, angle)
    changed = i4(octant & i4(2)) != i4(0)
    s, c = cosine if changed else sine, sine if changed else cosine
    s = from_bits(i4(as_bits(s) ^ i4(i4(octant >> i4(2)) << i4(31))))
    return s, from_bits(i4(as_bits(c) ^ i4(i4(i4(octant + i4(2)) >> i4(2)) << i4(31))))


@exact
def _pair(height: Any, turn: Any, std: Any, mean: Any) -> Any:
    """The cosine and the sine of two words."""
    radius = _root(_log(ONE - f4(i4(height & LOW_24)) * PER_24) * MINUS_TWO)
    s, c = _sin_cos(f4(i4(turn & LOW_24)) * ANGLE)
    return _fused(radius * c, std, mean), _fused(radius * s, std, mean)


def normals(args: int, part: int, parts: int) -> None:
    """Of every 16 words 8 cosines and 8 sines (Box and Muller 1958), times a deviation, plus a mean.

    Loops over 8 neighbours are slow: some blocks are brought together in a part's scratch memory, and taken apart again.
    """
    a = longs(args)
    w, y = unsigned(a[0]), floats(a[1])
    start, stop = rows(a[2], part, parts)
    std, mean, size = f4(doubles(args)[3]), f4(doubles(args)[4]), a[6]
    scratch = a[5] + 8 * part * size
    heights, turns, first, second = (
        unsigned(scratch),
        unsigned(scratch + 4 * size),
        floats(scratch),
        floats(scratch + 4 * size),
    )
    for begin in range(start, stop, size // 8):
        blocks = min(size // 8, stop - begin)
        for block in range(blocks):
            at = 16 * (begin + block)
            for i in range(8):
                heights[8 * block + i], turns[8 * block + i] = w[at + i], w[at + 8 + i]
        for i in range(8 * blocks):
            first[i], second[i] = _pair(heights[i], turns[i], std, mean)
        for block in range(blocks):
            at = 16 * (begin + block)
            for i in range(8):
                y[at + i], y[at + 8 + i] = first[8 * block + i], second[8 * block + i]


# --- Shuffles ------------------------------------------------------------------------------------------------------------------------


def shuffle(args: int, part: int, parts: int) -> None:
    """Fisher and Yates, forwards: cell i changes places with one of those from i on, which a word chooses."""
    a = longs(args)
    w, cells, n = unsigned(a[0]), longs(a[1]), a[2]
    for i in range(n):
        cells[i] = i
    for i in range(n - 1):
        j = i + np.int64(u4(w[i] % u4(n - i)))
        cells[i], cells[j] = cells[j], cells[i]


# --- Rejection -----------------------------------------------------------------------------------------------------------------------


@exact
def _stirling_tail(k: Any) -> Any:
    """log k! less Stirling's approximation of it."""
    if k <= 9:
        return STIRLING_TAILS[np.int64(k)]
    square = (k + 1) * (k + 1)
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)


@exact
def _log_factorial(k: Any) -> Any:
    """log k!, by Stirling's approximation and its tail."""
    return HALF_LOG_2PI + (k + 0.5) * log(k + 1) - (k + 1) + _stirling_tail(k)


@exact
def _poisson_small(limit: Any, key: Any, at: int) -> Any:
    count = 0
    product, at = _unit(key, at)
    while product > limit:
        count += 1
        u, at = _unit(key, at)
        product *= u
    return count, at


@exact
def _poisson_hat(rate: Any) -> Any:
    b = 0.931 + 2.53 * sqrt(rate)
    v_r, log_alpha = 0.9277 - 3.6224 / (b - 2), log(1.1239 + 1.1328 / (b - 3.4))
    return -0.059 + 0.02483 * b, b, v_r, log(rate), log_alpha


@exact
def _poisson_large(rate: Any, hat: Any, key: Any, at: int) -> Any:
    """Transformed rejection (Hörmann 1993, PTRS)."""
    a, b, v_r, log_rate, log_alpha = hat
    while True:
        u, at = _unit(key, at)
        v, at = _unit(key, at)
        u -= 0.5
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = np.floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= v_r:
            return k, at
        if k < 0 or (us < 0.013 and v > us):
            continue
        height = log(max(v, TINY)) + log_alpha - log(a / (us * us) + b)
        if height <= -rate + k * log_rate - _log_factorial(k):
            return k, at


def poisson(args: int, part: int, parts: int) -> None:
    """A Poisson number for each rate."""
    a = longs(args)
    key, place = unsigned(a[0]), ints(a[0] + 4 * WORDS)
    rate, limit, out = doubles(a[1]), doubles(a[2]), longs(a[3])
    at, last, hat = np.int64(place[0]), 10.0, _poisson_hat(10.0)
    for i in range(a[4]):
        x = rate[i]
        if x >= 10:
            if x != last:
                last, hat = x, _poisson_hat(x)
            k, at = _poisson_large(x, hat, key, at)
            out[i] = np.int64(k)
        elif x > 0:
            out[i], at = _poisson_small(limit[i], key, at)
        else:
            out[i] = 0
    place[0] = i4(at)


@exact
def _binomial_small(total: Any, log_miss: Any, key: Any, at: int) -> Any:
    """Geometric waiting times until they exceed `total` trials."""
    hits, trials = 0.0, 0.0
    while True:
        u, at = _unit(key, at)
        trials += ceil(log(max(u, TINY)) / log_miss)
        if trials > total:
            return hits, at
        hits += 1.0


@exact
def _binomial_large(total: Any, p: Any, deviation: Any, mean: Any, odds: Any, mode: Any, key: Any, at: int) -> Any:
    """Transformed rejection with squeeze (Hörmann 1993, BTRS)."""
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    c = mean + 0.5
    v_r = 0.92 - 4.2 / b
    alpha = (2.83 + 5.1 / b) * deviation
    while True:
        u, at = _unit(key, at)
        v, at = _unit(key, at)
        u -= 0.5
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = np.floor((2 * a / us + b) * u + c)
        if k < 0 or k > total:
            continue
        if us >= 0.07 and v <= v_r:
            return k, at
        bound = (
            (mode + 0.5) * log((mode + 1) / (odds * (total - mode + 1)))
            + (total + 1) * log((total - mode + 1) / (total - k + 1))
            + (k + 0.5) * log(odds * (total - k + 1) / (k + 1))
            + _stirling_tail(mode)
            + _stirling_tail(total - mode)
            - _stirling_tail(k)
            - _stirling_tail(total - k)
        )
        if log(max(v, TINY) * alpha / (a / (us * us) + b)) <= bound:
            return k, at


def binomial(args: int, part: int, parts: int) -> None:
    """A binomial number for each row of constants; what needs no drawing has its number already."""
    a = longs(args)
    key, place, kind, out = unsigned(a[0]), ints(a[0] + 4 * WORDS), longs(a[1]), doubles(a[2])
    at, n = np.int64(place[0]), a[4]
    for i in range(n):
        if kind[i] < 0:
            continue
        row = doubles(a[3] + 8 * i)  # whose next number is n numbers on
        total, p, log_miss = row[0], row[n], row[2 * n]
        if kind[i] & 2:
            hits, at = _binomial_large(total, p, row[3 * n], row[4 * n], row[5 * n], row[6 * n], key, at)
        else:
            hits, at = _binomial_small(total, log_miss, key, at)
        out[i] = total - hits if kind[i] & 1 else hits
    place[0] = i4(at)


# --- Categories ----------------------------------------------------------------------------------------------------------------------


def found(args: int, part: int, parts: int) -> None:
    """The first place in a rising row whose number is not smaller, by halving without branches."""
    a = longs(args)
    wanted, out = doubles(a[1]), longs(a[2])
    count, n = a[4], a[5]
    start, stop = span(a[3] * count, part, parts)
    for i in range(start, stop):
        row, x = doubles(a[0] + 8 * n * (i // count)), wanted[i]
        first, left = 0, n
        while left > 1:
            half = left // 2
            first += half if row[first + half - 1] < x else 0
            left -= half
        out[i] = first + (1 if row[first] < x else 0)
