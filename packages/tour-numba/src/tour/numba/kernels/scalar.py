"""Functions of one number, in single precision unless their name says double, written so that LLVM computes a vector of them at a
time: without branches.

Only products and sums may be fused here. Reordering would undo the rounding by addition in `exp` and the order of polynomials.
"""

from __future__ import annotations

from math import factorial, log
from typing import Any

import numpy as np
from llvmlite import ir

from numba import njit, types
from numba.extending import intrinsic

f4 = np.float32
careful = njit(fastmath={"contract"}, error_model="numpy", forceinline=True)


@intrinsic
def as_bits(typing: Any, x: Any) -> Any:
    """The bits of a float32 as an integer."""
    return types.int32(types.float32), lambda context, builder, signature, args: builder.bitcast(
        args[0], ir.IntType(32)
    )


@intrinsic
def double_bits(typing: Any, x: Any) -> Any:
    """The bits of a float64 as an integer."""
    return types.int64(types.float64), lambda context, builder, signature, args: builder.bitcast(
        args[0], ir.IntType(64)
    )


@intrinsic
def from_bits(typing: Any, x: Any) -> Any:
    """The float32 that has these bits."""
    return types.float32(types.int32), lambda context, builder, signature, args: builder.bitcast(
        args[0], ir.FloatType()
    )


@intrinsic
def double_from_bits(typing: Any, x: Any) -> Any:
    """The float64 that has these bits."""
    return types.float64(types.int64), lambda context, builder, signature, args: builder.bitcast(
        args[0], ir.DoubleType()
    )


def _of_two(name: str, single: bool = True) -> Any:
    """LLVM's minimum or maximum of two numbers; of a number and NaN it is the number."""
    real = types.float32 if single else types.float64

    def function(typing: Any, x: Any, y: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = ir.FloatType() if single else ir.DoubleType()
            declared = builder.module.declare_intrinsic(name, [kind], ir.FunctionType(kind, [kind, kind]))
            return builder.call(declared, args, fastmath=("nnan", "nsz", "reassoc"))

        return real(real, real), generate

    return intrinsic(function)


larger, smaller = _of_two("llvm.maxnum"), _of_two("llvm.minnum")
larger_double, smaller_double = _of_two("llvm.maxnum", single=False), _of_two("llvm.minnum", single=False)

# --- exp ----------------------------------------------------------------------------------------------------------------------
# exp(x) = 2^n exp(r), n = round(x / log 2), |r| <= log(2) / 2. n is read from the last bits of x / log 2 + 1.5 * 2^23. log 2 is
# taken in two pieces, the first with zeros at its end, so that n times it is exact (Cody and Waite, 1980). The polynomial
# minimises the largest relative error of 1 + r + r² P(r), which is 3e-9.

MAGIC, LOG2E = f4(12582912.0), f4(1.4426950408889634)
LN2_HIGH, LN2_LOW = f4(0.693359375), f4(-2.12194440e-4)
E4, E3, E2, E1, E0 = map(
    f4, (0.0013814537972956795, 0.008368745313524384, 0.041668390829691114, 0.16666520396840906, 0.4999999343189917)
)
LOWEST, HIGHEST = f4(-87.33), f4(88.37)  # 2^n is a normal number between
BIAS, ZERO, HALF, ONE, INFINITY = np.int32(127), f4(0), f4(0.5), f4(1), f4(np.inf)


@careful
def exp(x: Any) -> Any:
    """Exponential; error 1 ulp; 0 below -87.33, infinite above 88.37."""
    shifted = x * LOG2E + MAGIC
    whole = shifted - MAGIC
    r = x - whole * LN2_HIGH
    r = r - whole * LN2_LOW
    p = E4
    p = p * r + E3
    p = p * r + E2
    p = p * r + E1
    p = p * r + E0
    y = p * (r * r) + (r + ONE)
    y = y * from_bits((as_bits(shifted) - as_bits(MAGIC) + BIAS) << np.int32(23))
    y = ZERO if x < LOWEST else y
    return INFINITY if x > HIGHEST else y  # NaN is neither, and has stayed


@careful
def expm1(x: Any) -> Any:
    """exp(x) - 1 for x up to 88, as exact near zero; -1 below -87.33. Error 2 ulp."""
    shifted = x * LOG2E + MAGIC
    whole = shifted - MAGIC
    r = x - whole * LN2_HIGH
    r = r - whole * LN2_LOW
    p = E4
    p = p * r + E3
    p = p * r + E2
    p = p * r + E1
    p = p * r + E0
    y = p * (r * r) + r
    power = from_bits((as_bits(shifted) - as_bits(MAGIC) + BIAS) << np.int32(23))
    y = y * power + (power - ONE)
    return -ONE if x < LOWEST else y


# The same for float64, with Taylor's series, of whose terms the first that is left out is 4e-18.

MAGIC_8, LOG2E_8, LN2_HIGH_8, LN2_LOW_8 = (
    6755399441055744.0,
    1.4426950408889634,
    0.6931471803691238,
    1.9082149292705877e-10,
)
LOWEST_8 = -708.3
D13, D12, D11, D10, D9, D8, D7, D6, D5, D4, D3, D2 = (1 / factorial(k) for k in range(13, 1, -1))


@careful
def exp_double(x: Any) -> Any:
    """Exponential of a float64; 0 below -708.3, infinite above 709.4."""
    shifted = x * LOG2E_8 + MAGIC_8
    whole = shifted - MAGIC_8
    r = x - whole * LN2_HIGH_8
    r = r - whole * LN2_LOW_8
    p = D13
    p = p * r + D12
    p = p * r + D11
    p = p * r + D10
    p = p * r + D9
    p = p * r + D8
    p = p * r + D7
    p = p * r + D6
    p = p * r + D5
    p = p * r + D4
    p = p * r + D3
    p = p * r + D2
    y = p * (r * r) + (r + 1.0)
    y = y * double_from_bits((double_bits(shifted) - double_bits(MAGIC_8) + 1023) << 52)
    y = 0.0 if x < LOWEST_8 else y
    return np.inf if x > 709.4 else y


@careful
def expm1_double(x: Any) -> Any:
    """exp(x) - 1 of a float64 up to 709, as exact near zero; -1 below -708.3."""
    shifted = x * LOG2E_8 + MAGIC_8
    whole = shifted - MAGIC_8
    r = x - whole * LN2_HIGH_8
    r = r - whole * LN2_LOW_8
    p = D13
    p = p * r + D12
    p = p * r + D11
    p = p * r + D10
    p = p * r + D9
    p = p * r + D8
    p = p * r + D7
    p = p * r + D6
    p = p * r + D5
    p = p * r + D4
    p = p * r + D3
    p = p * r + D2
    y = p * (r * r) + r
    power = double_from_bits((double_bits(shifted) - double_bits(MAGIC_8) + 1023) << 52)
    y = y * power + (power - 1.0)
    return -1.0 if x < -708.3 else y


# 2^z with the same polynomial, log 2 multiplied into it: what is a multiple of something anyway is spared the products with log 2.

LN2 = log(2)
P4, P3, P2, P1, P0 = (f4(float(c) * LN2**k) for k, c in zip((6, 5, 4, 3, 2), (E4, E3, E2, E1, E0), strict=True))
LEAST_POWER, LINEAR = f4(-126), f4(LN2)


@careful
def power_of_two(z: Any) -> Any:
    """2^z for z up to 127; 0 below -126."""
    shifted = z + MAGIC
    r = z - (shifted - MAGIC)
    p = P4
    p = p * r + P3
    p = p * r + P2
    p = p * r + P1
    p = p * r + P0
    y = p * (r * r) + (LINEAR * r + ONE)
    y = y * from_bits((as_bits(shifted) - as_bits(MAGIC) + BIAS) << np.int32(23))
    return ZERO if z < LEAST_POWER else y


@careful
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return ONE / (ONE + exp(-x))


@careful
def sigmoid_double(x: Any) -> Any:
    """1 / (1 + exp(-x)) of a float64."""
    return 1.0 / (1.0 + exp_double(-x))


# log(1 + t) = 2 artanh(t / (2 + t)), for t from 0 to 1 a series in the square of at most 1/3.

A7, A6, A5, A4, A3, A2, A1 = (f4(1 / (2 * k + 1)) for k in range(7, 0, -1))
TWO = f4(2)


@careful
def log1p(t: Any) -> Any:
    """log(1 + t) for t from 0 to 1."""
    d = TWO + t
    s = t / d
    rest = (t - s * d - s * (t - (d - TWO))) / d  # what rounding took from d and s
    q = s * s
    p = A7
    p = p * q + A6
    p = p * q + A5
    p = p * q + A4
    p = p * q + A3
    p = p * q + A2
    p = p * q + A1
    return TWO * (p * q * s + rest + s)
