"""The Airy function."""

from __future__ import annotations

import math

import numpy as np

from . import _fits
from ._apply import Array, elementwise, fill, head, horner, ratio

_AT_ZERO = 0.3550280538878172  # Ai(0) and Ai'(0)
_SLOPE = -0.2588194037928068


@elementwise
def airy_ai(x: Array) -> Array:
    """Airy function Ai(x); zero from x = 108 on, oscillating for negative x, NaN at -inf.

    Error 6.5 ulp down to x = -2, from there 2.7 ulp of its amplitude.
    """
    y = np.empty_like(x)
    large, negative = x > 1.0, x < -2.0
    fill(y, ~(large | negative), _near, x)
    fill(y, large, _decaying, x)
    fill(y, negative, _waving, x)
    return y


def _near(x: Array) -> Array:
    """The two power series in x³ (DLMF 9.4.1)."""
    z = x * x * x
    y = _SLOPE * horner(z, _fits.AIRY_ODD[0])
    y *= x
    y += _AT_ZERO * horner(z, _fits.AIRY_EVEN[0])
    return y


def _decaying(x: Array) -> Array:
    x = np.minimum(x, 120.0)
    zeta, rest = _two_thirds_power(x)
    y = ratio(np.reciprocal(zeta), _fits.AIRY_LARGE)
    y *= np.exp(-zeta)
    y *= 1.0 - rest
    y /= np.sqrt(np.sqrt(x)) * (2.0 * math.sqrt(math.pi))
    return y


def _waving(x: Array) -> Array:
    t = -x
    zeta, rest = _two_thirds_power(t)
    s, c = np.sin(zeta), np.cos(zeta)
    s, c = s + rest * c, c - rest * s
    r = np.reciprocal(zeta)
    z = r * r
    p, q = ratio(z, _fits.AIRY_P), ratio(z, _fits.AIRY_Q) * r
    y: Array = c * (p - q) + s * (p + q)  # P cos(ζ - π/4) + Q sin(ζ - π/4), times √2
    y /= np.sqrt(np.sqrt(t)) * math.sqrt(2.0 * math.pi)
    return y


def _two_thirds_power(t: Array) -> tuple[Array, Array]:
    """ζ = ⅔ t^1.5 and what it lacks: rounding ζ alone would cost exp(-ζ) and sin(ζ) a relative error of ζ ulps."""
    s = np.sqrt(t)
    h, k = head(s), head(t)
    missing = ((t - h * h) - (s - h) * (s + h)) / (2.0 * s)  # √t - s
    product, rest = k * h, k * (s - h) + (t - k) * s + t * missing  # t^1.5
    two_thirds = head(product * (2.0 / 3.0))
    rest = (2.0 * product - 3.0 * two_thirds) / 3.0 + rest * (2.0 / 3.0)
    zeta = two_thirds + rest
    return zeta, (two_thirds - zeta) + rest
