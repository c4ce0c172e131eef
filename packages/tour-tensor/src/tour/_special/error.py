"""The error function, its complement, and its inverse."""

from __future__ import annotations

import numpy as np

from . import _fits
from ._apply import Array, elementwise, fill, head, horner, ratio


def exp_square(x: Array, factor: float) -> Array:
    """exp(factor x²) to about an ulp, although x² is rounded: the square of its head is exact."""
    h = head(x)
    y = np.exp(factor * h * h)
    y *= np.exp(factor * (x - h) * (x + h))
    return y


def erfcx_far(x: Array) -> Array:
    """exp(x²) erfc(x) for x >= 0.5."""
    x = x + 2.75
    y = ratio(1.0 - 5.5 / x, _fits.ERFCX)
    y /= x
    return y


def erfc_inverse(p: Array) -> Array:
    """x with erfc(x) = 2 p for p below 0.0019; infinite at zero, NaN below it."""
    r = np.sqrt(-np.log(p))
    x = ratio(np.minimum(r, 6.1) - 2.5, _fits.TAIL)
    fill(x, r > 6.0, _erfc_inverse_far, r)
    return x


def _erfc_inverse_far(r: Array) -> Array:
    x = ratio(np.minimum(r, 27.4) - 6.0, _fits.FAR_TAIL)
    np.copyto(x, np.inf, where=r == np.inf)
    return x


def erf_inverse_central(y: Array, w: Array) -> Array:
    """erfinv(y) for w = -log(1 - y²) <= 5."""
    x = ratio(w, _fits.ERFINV)
    x *= y
    return x


def erf_near(x: Array) -> Array:
    """erf(x) for |x| <= 1."""
    y = ratio(x * x, _fits.ERF)
    y *= x
    y += x
    return y


def _erf_far(x: Array) -> Array:
    a = np.minimum(np.abs(x), 6.0)  # erf(6) rounds to one
    y = ratio(np.reciprocal(a), _fits.ERFC_BY_EXP)
    y *= np.exp(-a * a)
    y = 1.0 - y
    return np.copysign(y, x)


def _erf_single_near(x: Array) -> Array:
    y = horner(x * x, _fits.ERF_SINGLE[0])
    y *= x
    y += x
    return y


def _erf_single(x: Array) -> Array:
    y = _erf_single_near(x)
    fill(y, np.abs(x) >= 1, _erf_single_far, x)
    return y


def _erf_single_far(x: Array) -> Array:
    a: Array = np.minimum(np.abs(x), np.float32(4))  # erf(4) rounds to one
    y = ratio(np.reciprocal(a), _fits.ERFC_BY_EXP_SINGLE)
    y *= np.exp(-a * a)
    y = 1 - y
    return np.copysign(y, x)


@elementwise(single=_erf_single)
def erf(x: Array) -> Array:
    """Error function, 2/√π ∫₀ˣ exp(-t²) dt. Error 1.1 ulp, in float32 1.2."""
    y = erf_near(x)
    fill(y, np.abs(x) >= 1.0, _erf_far, x)
    return y


def erfc_single(x: Array) -> Array:
    """erfc in float64 to the precision of float32, also as ndtr has it."""
    x = x.astype(np.float64, copy=False)
    y = 1.0 - _erf_single_near(x)
    fill(y, np.abs(x) >= 0.5, _erfc_single_far, x)
    return y


def _erfc_single_far(x: Array) -> Array:
    a = np.abs(x)
    y = ratio(np.reciprocal(a), _fits.ERFC_SINGLE)
    y *= np.exp(-a * a)
    return np.where(x < 0.0, 2.0 - y, y)


@elementwise(single=erfc_single)
def erfc(x: Array) -> Array:
    """Complementary error function, 1 - erf(x), also where that is small. Error 5.1 ulp, in float32 0.7."""
    y = 1.0 - erf_near(x)
    fill(y, np.abs(x) >= 0.5, _erfc_far, x)
    return y


def _erfc_far(x: Array) -> Array:
    a = np.minimum(np.abs(x), 28.0)
    y = exp_square(a, -1.0)
    y *= erfcx_far(a)
    return np.where(x < 0.0, 2.0 - y, y)


@elementwise
def erfcx(x: Array) -> Array:
    """exp(x²) erfc(x), about 1/(x√π) for large x, infinite below -26.6. Error 3.9 ulp."""
    y = 1.0 - erf_near(x)
    y *= np.exp(x * x)
    fill(y, x >= 0.5, erfcx_far, x)
    fill(y, x <= -0.5, _erfcx_negative, x)
    return y


def _erfcx_negative(x: Array) -> Array:
    a = np.minimum(-x, 28.0)
    y = exp_square(a, 1.0)
    y *= 2.0
    y -= erfcx_far(a)
    return y


@elementwise
def erfinv(y: Array) -> Array:
    """Inverse error function on [-1, 1]; infinite at the ends, NaN outside. Error 4.1 ulp."""
    a = np.abs(y)
    w = -np.log((1.0 - a) * (1.0 + a))
    x = erf_inverse_central(y, w)
    fill(x, w > 5.0, _erfinv_tail, y)
    return x


def _erfinv_tail(y: Array) -> Array:
    return np.copysign(erfc_inverse(0.5 * (1.0 - np.abs(y))), y)
