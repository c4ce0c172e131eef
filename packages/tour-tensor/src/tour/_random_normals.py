"""Normal numbers of uniforms: PyTorch's float32 ones bit for bit on every machine, float64 ones to rounding.

PyTorch makes those in float32 by the Box-Muller transform, with logarithm, sine and cosine from the Cephes library (S. L. Moshier,
1989; single precision), whose steps a processor with AVX2 fuses: `a · b + c` is rounded once. Here the product and the sum of such a
step are formed in float64, which holds the product exactly, and then rounded.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

PIECE = 1 << 13  # pairs made at a time, so that the steps' arrays stay in a core's cache
_SINGLE = np.float32
LOG = [
    *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
    *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
]
SIN = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]
COS = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]
LN_2 = _SINGLE(0.693359375), _SINGLE(-2.12194440e-4)  # their sum; the first has so few digits that products are exact
QUARTER_PI = [_SINGLE(c) for c in (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)]
ROOT_HALF = 0x3F3504F3  # the bits of √½


def standard_normals(rest: Array, angle: Array, out: Array) -> None:
    """Into `out[0]` the cosines and into `out[1]` the sines of the angles, times √(-2 log(rest)); all float32, of one length."""
    space = np.empty((2, min(rest.size, PIECE)))
    for start in range(0, rest.size, PIECE):
        piece = slice(start, start + PIECE)
        wide = space[:, : rest[piece].size]
        radius = _log(rest[piece], *wide)
        radius *= _SINGLE(-2)
        np.sqrt(radius, out=radius)
        sines, cosines = _sin_cos(angle[piece], *wide)
        np.multiply(radius, cosines, out=out[0, piece])
        np.multiply(radius, sines, out=out[1, piece])


def _log(x: Array, wide: Array, wide_x: Array) -> Array:
    """Natural logarithm of numbers from 2⁻²⁴ to 1, which are written as (1 + m) · 2ᵉ with 1 + m from √½ to √2."""
    bits = x.view(np.int32)
    exponent = (bits - ROOT_HALF) >> 23
    m = (bits - (exponent << 23)).view(_SINGLE)
    m -= 1
    e = exponent.astype(_SINGLE)
    square = m * m
    y = _polynomial(LOG, m, wide, wide_x)
    y *= m
    np.copyto(wide, y)
    wide *= square
    wide += e * LN_2[1]
    np.copyto(y, wide, casting="same_kind")
    square *= _SINGLE(0.5)
    y -= square
    y += m
    e *= LN_2[0]
    y += e
    return y


def _sin_cos(angle: Array, wide: Array, wide_x: Array) -> tuple[Array, Array]:
    """Sine and cosine of angles from 0 to 2π, from those of the rest to the nearest even multiple of π/4."""
    octant = (angle * _SINGLE(4 / math.pi)).astype(np.int32)
    octant += 1
    octant &= ~1
    multiple = octant.astype(_SINGLE)
    for part in QUARTER_PI:
        angle += multiple * part
    square = angle * angle
    cosine = _polynomial(COS, square, wide, wide_x)
    cosine *= square
    np.copyto(wide, cosine)
    wide *= square
    wide -= square * _SINGLE(0.5)
    np.copyto(cosine, wide, casting="same_kind")
    cosine += 1
    sine = _polynomial(SIN, square, wide, wide_x)
    sine *= square
    np.copyto(wide, sine)
    wide *= angle
    wide += angle
    np.copyto(sine, wide, casting="same_kind")
    octant >>= 1
    _to_quadrants(sine, cosine, octant)
    return sine, cosine


def _to_quadrants(sine: Array, cosine: Array, quadrant: Array) -> None:
    """From sine and cosine of the rest to those of the angle: in every other quadrant they change places; signs are bits."""
    last = 8 * quadrant.itemsize - 1
    s, c = sine.view(quadrant.dtype), cosine.view(quadrant.dtype)
    differing = (s ^ c) & -(quadrant & 1)
    s ^= differing
    c ^= differing
    s ^= quadrant >> 1 << last
    c ^= quadrant + 1 >> 1 << last


def _polynomial(coefficients: list[float], x: Array, wide: Array, wide_x: Array) -> Array:
    """A polynomial by Horner's rule, each step rounded to float32 once; `wide` and `wide_x` are room for float64."""
    np.copyto(wide_x, x)
    y = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        np.copyto(wide, y)
        wide *= wide_x
        wide += float(_SINGLE(c))
        np.copyto(y, wide, casting="same_kind")
    return y


# ---- float64 ----------------------------------------------------------------------------------------------------------

_HALF_PI = (
    float.fromhex("0x1.921fb544p+0"),
    float.fromhex("0x1.0b4611a626331p-34"),
)  # up to four times the first is exact
_SINE = [  # of the least largest error up to π/4, from FreeBSD's k_sin.c (Sun Microsystems 1993)
    *(1.58969099521155010221e-10, -2.50507602534068634195e-08, 2.75573137070700676789e-06),
    *(-1.98412698298579493134e-04, 8.33333333332248946124e-03, -1.66666666666666324348e-01),
]


def double_normals(rest: Array, angle: Array, out: Array) -> None:
    """`standard_normals` in float64, without fused steps. Uses its arguments up."""
    np.log(rest, out=rest)
    rest *= -2
    np.sqrt(rest, out=rest)
    _double_sin_cos(angle, *out)
    out *= rest


def _double_sin_cos(angle: Array, cosine: Array, sine: Array) -> None:
    """Cosine and sine of angles from 0 to 2π, from the sine of what remains to the nearest multiple of π/2, within ±π/4."""
    quadrant = np.rint(angle * (2 / math.pi))
    angle -= np.multiply(quadrant, _HALF_PI[0], out=cosine)
    angle -= np.multiply(quadrant, _HALF_PI[1], out=cosine)
    turns = quadrant.astype(np.int64)
    square = np.multiply(angle, angle, out=quadrant)
    np.multiply(square, _SINE[0], out=sine)
    for c in _SINE[1:-1]:
        sine += c
        sine *= square
    sine += _SINE[-1]
    sine *= square
    sine *= angle
    sine += angle
    np.multiply(sine, sine, out=cosine)
    np.subtract(1, cosine, out=cosine)
    np.sqrt(cosine, out=cosine)
    _to_quadrants(sine, cosine, turns)
