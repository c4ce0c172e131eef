"""The logarithm of the gamma function and its derivatives."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from . import _fits
from ._apply import Array, apply, elementwise, fill, ratio, split

_HALF_LOG_TWO_PI = 0.9189385332046728
# The positive zero of digamma, less one: head and tail.
_DIGAMMA_ROOT = (0.46163214496836236, -1.5522348162858677e-17)


def from_integer(x: Array) -> Array:
    """x less the nearest integer, exactly: what sin(πx) and tan(πx) need."""
    return x - np.rint(x)


def _shifted(x: Array) -> Array:
    """u with 0 <= u <= 2 for 0 <= x <= 3: x - 1, or x below one, where the recurrence goes up to 1 + u."""
    return x - (x >= 1.0)


@elementwise
def lgamma(x: Array) -> Array:
    """log |Γ(x)|; infinite at zero, the negative integers and both infinities.

    Error 3.6 ulp for x > 0, relative also at the zeros 1 and 2; below, 5.2 ulp of the larger of the value and one.
    """
    a = np.abs(x)
    y = split(a < 3.0, _lgamma_small, _lgamma_large, a)
    fill(y, x < 0.0, _lgamma_negative, a, y)
    return y


def _lgamma_small(x: Array) -> Array:
    u = _shifted(x)
    y = ratio(u, _fits.LGAMMA)
    y *= u
    y *= u - 1.0
    fill(y, x < 1.0, lambda y, x: y - np.log(x), y, x)
    return y


def _lgamma_large(x: Array) -> Array:
    r = np.reciprocal(x)
    y = (x - 0.5) * (np.log(x) - 1.0) + (_HALF_LOG_TWO_PI - 0.5)
    y += r * ratio(r * r, _fits.LGAMMA_LARGE)
    return y


def _lgamma_negative(a: Array, y: Array) -> Array:
    """lgamma(-a) by reflection, where y is lgamma(a)."""
    s = np.abs(np.sin(np.pi * from_integer(a)))
    return np.where(s > 0.0, math.log(math.pi) - np.log(s) - np.log(a) - y, np.inf)


def multigammaln(a: npt.ArrayLike, p: int) -> Array:
    """log of the multivariate gamma function of dimension p, Σ_{j<p} lgamma(a - j/2) + p (p-1)/4 log π.

    Error 2.6 ulp for p = 3.
    """
    halves = range(p)

    def formula(a: Array) -> Array:
        y = lgamma(a)
        for j in halves[1:]:
            y += lgamma(a - 0.5 * j)
        y += 0.25 * p * (p - 1) * math.log(math.pi)
        return y

    return apply(formula, a)


@elementwise
def digamma(x: Array) -> Array:
    """Derivative of lgamma; infinite at ±0 with the other sign, NaN at the negative integers and at -inf.

    Error 3.4 ulp for x > 0, relative also at the zero there; below, 5.8 ulp of the larger of the value and one.
    """
    a = np.abs(x)
    y = split(a < 3.0, _digamma_small, _digamma_large, a)
    fill(y, x < 0.0, _digamma_negative, a, y)
    fill(y, x == 0.0, lambda x: np.copysign(np.inf, -x), x)
    return y


def _digamma_small(x: Array) -> Array:
    head, tail = _DIGAMMA_ROOT
    u = _shifted(x)
    y = ratio(u, _fits.DIGAMMA)
    y *= (u - head) - tail
    fill(y, x < 1.0, lambda y, x: y - 1.0 / x, y, x)
    return y


def _digamma_large(x: Array) -> Array:
    r = np.reciprocal(x)
    y = r * ratio(r * r, _fits.DIGAMMA_LARGE)
    y -= 0.5
    y *= r
    y += np.log(x)
    return y


def _digamma_negative(a: Array, y: Array) -> Array:
    """digamma(-a) by reflection, where y is digamma(a)."""
    r = from_integer(a)
    at_next = np.where(a > 1e-300, y + 1.0 / a, 0.0)  # digamma(1 + a), or what does not matter
    return np.where(r != 0.0, at_next + np.pi / np.tan(np.pi * r), np.nan)


@elementwise
def trigamma(x: Array) -> Array:
    """Second derivative of lgamma; infinite at zero and the negative integers. Error 4.4 ulp."""
    a = np.abs(x)
    y = split(a < 3.0, _trigamma_small, _trigamma_large, a)
    fill(y, x < 0.0, _trigamma_negative, a, y)
    return y


def _trigamma_small(x: Array) -> Array:
    y = ratio(_shifted(x), _fits.TRIGAMMA)
    fill(y, x < 1.0, lambda y, x: y + 1.0 / (x * x), y, x)
    return y


def _trigamma_large(x: Array) -> Array:
    r = np.reciprocal(x)
    z = r * r
    y = z * ratio(z, _fits.TRIGAMMA_LARGE)
    y += 0.5 * r
    y += 1.0
    y *= r
    return y


def _trigamma_negative(a: Array, y: Array) -> Array:
    """trigamma(-a) by reflection, where y is trigamma(a)."""
    at_next = np.where(a > 1e-150, y - 1.0 / (a * a), 0.0)  # trigamma(1 + a), or what does not matter
    return np.square(np.pi / np.sin(np.pi * from_integer(a))) - at_next
