"""The regularised incomplete gamma functions."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from . import _fits
from ._apply import Array, Formula, elementwise, fill, horner, ratio, split
from .error import erfc
from .gamma import lgamma

# Four regions, as in Cephes igam.c and Gautschi (1979): the power series of P below x = a, or for small x where P is
# the smaller; a series of Q for other small x; the continued fraction of Q; and Temme's uniform expansion where a is
# large and x near it.
_TEMME_FROM = 20.0
_TEMME_WIDTH = 0.34  # |x - a| / a


@elementwise
def gammainc(a: Array, x: Array) -> Array:
    """Regularised lower incomplete gamma function P(a, x) for a, x >= 0; NaN elsewhere and at (0, 0), (inf, inf).

    Error 3 ulp of one; 180 ulp of itself where P > 1e-10, more below, as exponents of that size are rounded.
    """
    return _regularised(a, x, upper=False)


@elementwise
def gammaincc(a: Array, x: Array) -> Array:
    """Regularised upper incomplete gamma function Q(a, x) = 1 - P(a, x), also where that is small; errors as of P."""
    return _regularised(a, x, upper=True)


def _regularised(a: Array, x: Array, upper: bool) -> Array:
    y = _edges(a, x)
    if upper:
        y = 1.0 - y
    inside = (a > 0.0) & (x > 0.0) & np.isfinite(a) & np.isfinite(x)
    middle = inside & (a >= _TEMME_FROM) & (np.abs(x - a) < _TEMME_WIDTH * a)
    below = inside & ~middle & np.where(x < 0.5, a * np.log(x) < -0.4, x < a)
    above = inside & ~middle & ~below
    fill(y, middle, partial(_temme, sign=1.0 if upper else -1.0), a, x)
    for region, formula, is_upper in (
        (below, _lower_series, False),
        (above & (x <= 2.0), _upper_series, True),
        (above & (x > 2.0) & (x < 6.0), _upper_fraction, True),
        (above & (x >= 6.0), _upper_fraction, True),  # needs a third of the depth
    ):
        fill(y, region, formula if upper == is_upper else _complement_of(formula), a, x)
    return y


def _complement_of(formula: Formula) -> Formula:
    return lambda a, x: 1.0 - formula(a, x)


def _edges(a: Array, x: Array) -> Array:
    """P at zeros and infinities, NaN elsewhere."""
    y = np.full_like(x, np.nan)
    valid = (a >= 0.0) & (x >= 0.0)
    zero, one = (x == 0.0) | (a == np.inf), (a == 0.0) | (x == np.inf)
    np.copyto(y, 0.0, where=valid & zero & ~one)
    np.copyto(y, 1.0, where=valid & one & ~zero)
    return y


def _phi(a: Array, x: Array) -> Array:
    """μ - log(1 + μ), where 1 + μ = x/a."""
    mu = (x - a) / a
    return split(np.abs(mu) < 0.36, lambda mu, r: _phi_near(mu), lambda mu, r: mu - np.log(r), mu, x / a)


def _phi_near(mu: Array) -> Array:
    """The same for |μ| < 0.38, without cancellation."""
    s = mu / (2.0 + mu)  # log(1 + μ) = 2 atanh(s), μ - 2s = μs
    z = s * s
    return s * (mu - 2.0 * z * ratio(z, _fits.ATANH_REST))


def _temme(a: Array, x: Array, sign: float) -> Array:
    """Q for sign 1, P for -1."""
    mu = (x - a) / a
    phi = _phi_near(mu)
    eta = np.copysign(np.sqrt(2.0 * phi), mu)
    r = np.reciprocal(a)
    series = np.zeros_like(a)
    for row in _fits.TEMME[::-1]:
        series *= r
        series += horner(eta, row)
    exponent = a * phi
    series *= np.exp(-exponent)
    series *= np.sqrt(r / (2.0 * math.pi))
    return 0.5 * erfc(sign * np.copysign(np.sqrt(exponent), mu)) + sign * series


def _factor(a: Array, x: Array) -> Array:
    """x^a exp(-x) / Γ(a + 1)."""
    return split(a < 3.0, _factor_small, _factor_large, a, x)


def _factor_small(a: Array, x: Array) -> Array:
    e = np.exp(-0.5 * x)  # its square underflows no earlier than the product
    y: Array = np.power(x, a) * e
    y *= np.exp(-lgamma(1.0 + a))
    y *= e
    return y


def _factor_large(a: Array, x: Array) -> Array:
    r = np.reciprocal(a)
    y = a * _phi(a, x)
    y += r * ratio(r * r, _fits.LGAMMA_LARGE)
    e: Array = np.exp(-y)
    e *= np.sqrt(r / (2.0 * math.pi))
    return e


def _lower_series(a: Array, x: Array) -> Array:
    """P = factor (1 + x/(a+1) + x²/((a+1)(a+2)) + ...), for x below a: at most 92 terms."""
    return _ascending(np.zeros_like(a), np.ones_like(a), a, x) * _factor(a, x)


def _ascending(total: Array, term: Array, below: Array, x: Array) -> Array:
    """``total`` plus terms, each x/(below + 1) times the one before; where they converge slowly, goes on alone."""
    total, term, below = total.copy(), term.copy(), below.copy()
    for _ in range(12):
        total += term
        below += 1.0
        term *= x
        term /= below
    if type(total) is np.ndarray:
        fill(total, term > 1e-17 * total, _ascending, total, term, below, x)
        return total
    for _ in range(80):  # on a device all elements go on together
        total += term
        below += 1.0
        term *= x
        term /= below
    return total


def _upper_series(a: Array, x: Array) -> Array:
    """Q = 1 - x^a/Γ(1+a) - x^a/Γ(a) Σ_{n>0} (-x)^n / ((a+n) n!), for a <= x <= 2."""
    term, total = np.ones_like(a), np.zeros_like(a)
    for n in range(1, 25):  # 2^25/25! is 2e-18
        term *= x
        term *= -1.0 / n
        total += term / (a + n)
    log_lead = a * np.log(x) - a * (a - 1.0) * ratio(a, _fits.LGAMMA)
    y: Array = -np.expm1(log_lead)
    y -= a * np.exp(log_lead) * total
    return y


def _upper_fraction(a: Array, x: Array) -> Array:
    """Q by Legendre's continued fraction, from as deep as the smallest x of the block needs (measured)."""
    depth = max(21, 3 + int(112.0 / x.min()))
    odd = x - a - 1.0
    f = odd + 2.0 * (depth + 1)
    for n in range(depth, 0, -1):
        f = odd + 2.0 * n + n * (a - n) / f
    return a * _factor(a, x) / f
