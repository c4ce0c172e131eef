"""The Hurwitz zeta function and the derivatives of digamma."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ._apply import Array, apply, elementwise, fill
from .gamma import digamma, trigamma

# Terms summed one by one, and then the Euler-Maclaurin coefficients B(2j)/(2j)! (Cephes zeta.c takes 9 and 12).
_TERMS = 12
_BERNOULLI = (
    1 / 12,
    -1 / 720,
    1 / 30240,
    -1 / 1209600,
    1 / 47900160,
    -691 / 1307674368000,
    1 / 74724249600,
    -3617 / 10670622842880000,
    43867 / 5109094217170944000,
)


def _hurwitz(s: Array, q: Array, unit: float) -> Array:
    """Σ_k ((q + k) unit)^-s for s > 1, q > 0, smallest terms first; ``unit`` is a power of two."""
    total = _tail(np.minimum(s, 1100.0), q + _TERMS, unit)  # for larger s the tail is nothing beside the first term
    for k in range(_TERMS - 1, -1, -1):
        total += np.power((q + k) * unit, -s)
    return total


def _tail(s: Array, a: Array, unit: float) -> Array:
    """Euler-Maclaurin: the sum from ``a`` on, as an integral, half of the first term, and derivatives at ``a``."""
    power = np.power(a * unit, -s)
    scale = np.reciprocal(a * a)
    term = s / a
    series = term * _BERNOULLI[0]
    for j, b in enumerate(_BERNOULLI[1:], 1):
        term *= (s + (2 * j - 1)) * (s + 2 * j) * scale
        series += term * b
    series += 0.5
    series += a / (s - 1.0)
    series *= power
    return series


def _below_zero(s: Array, q: Array, unit: float) -> Array:
    """Σ_k (q + k)^-s for q < 0 and whole s: the negative terms are themselves a difference of two such sums."""
    sign = np.where(np.mod(s, 2.0) == 0.0, 1.0, -1.0)
    y = _hurwitz(s, np.ceil(q) - q, unit) - _hurwitz(s, 1.0 - q, unit)
    y *= sign
    y += _hurwitz(s, q - np.floor(q), unit)
    return y


def _zeta(s: Array, q: Array, unit: float = 1.0) -> Array:
    y = np.full_like(q, np.nan)
    positive = q > 0.0
    fill(y, positive, partial(_hurwitz, unit=unit), s, q)
    fill(y, ~positive & (s == np.floor(s)), partial(_below_zero, unit=unit), s, q)
    np.copyto(y, np.inf, where=~positive & (q == np.floor(q)))
    np.copyto(y, np.nan, where=s < 1.0)
    np.copyto(y, np.inf, where=s == 1.0)
    return y


@elementwise
def zeta(s: Array, q: Array) -> Array:
    """Hurwitz zeta function, Σ_{k>=0} (q + k)^-s.

    Infinite at s = 1 and where q is zero or a negative integer; NaN for s < 1, and for q < 0 unless s is whole.
    Error 4 ulp for small s, growing with s to 110 ulp at s = 40, as rounding q + k costs s times as much.
    """
    return _zeta(s, q)


def polygamma(n: int, x: Array) -> Array:
    """The n-th derivative of digamma, (-1)^(n+1) n! zeta(n + 1, x).

    n! is taken into the sum as a power of two to every term, so that neither it nor zeta overflows on its own.
    Error 9 ulp for n <= 10; near the zeros below x = 0, of the larger of the value and one.
    """
    if n < 2:
        return (digamma, trigamma)[n](x)
    factorial, s = math.factorial(n), float(n + 1)
    bits = factorial.bit_length() // (n + 1)
    scale = factorial / (1 << bits * (n + 1)) * (1 if n % 2 else -1)
    return apply(lambda x: scale * _zeta(np.full_like(x, s), x, 0.5**bits), x)
