"""PyTorch's float32 normals, 16 at a time, bit for bit on every machine.

PyTorch makes them of uniforms by the Box-Muller transform, with logarithm, sine and cosine from the Cephes library (S. L. Moshier,
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

PIECE = 1 << 14  # pairs made at a time, so that the steps' arrays stay in a core's cache
_SINGLE = np.float32
_LOG = [
    *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
    *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
]
_SIN = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]
_COS = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]
_LN_2 = _SINGLE(0.693359375), _SINGLE(-2.12194440e-4)  # their sum; the first has so few digits that products are exact
_QUARTER_PI = [_SINGLE(c) for c in (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)]
_ROOT_HALF = 0x3F3504F3  # the bits of √½


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
    exponent = (bits - _ROOT_HALF) >> 23
    m = (bits - (exponent << 23)).view(_SINGLE)
    m -= 1
    e = exponent.astype(_SINGLE)
    square = m * m
    y = _polynomial(_LOG, m, wide, wide_x)
    y *= m
    np.copyto(wide, y)
    wide *= square
    wide += e * _LN_2[1]
    np.copyto(y, wide, casting="same_kind")
    square *= _SINGLE(0.5)
    y -= square
    y += m
    e *= _LN_2[0]
    y += e
    return y


def _sin_cos(angle: Array, wide: Array, wide_x: Array) -> tuple[Array, Array]:
    """Sine and cosine of angles from 0 to 2π, from those of the rest to the nearest even multiple of π/4."""
    octant = (angle * _SINGLE(4 / math.pi)).astype(np.int32)
    octant += 1
    octant &= ~1
    multiple = octant.astype(_SINGLE)
    for part in _QUARTER_PI:
        angle += multiple * part
    square = angle * angle
    cosine = _polynomial(_COS, square, wide, wide_x)
    cosine *= square
    np.copyto(wide, cosine)
    wide *= square
    wide -= square * _SINGLE(0.5)
    np.copyto(cosine, wide, casting="same_kind")
    cosine += 1
    sine = _polynomial(_SIN, square, wide, wide_x)
    sine *= square
    np.copyto(wide, sine)
    wide *= angle
    wide += angle
    np.copyto(sine, wide, casting="same_kind")
    # In every other quadrant the two change places; signs are bits.
    s, c = sine.view(np.int32), cosine.view(np.int32)
    differing = (s ^ c) & -(octant >> 1 & 1)
    s ^= differing
    c ^= differing
    s ^= octant >> 2 << 31
    c ^= octant + 2 >> 2 << 31
    return sine, cosine


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
