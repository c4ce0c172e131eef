"""Orthogonal polynomials of a whole degree n, which is a second array; of a fractional one, its whole part.

Degrees below zero, and NaN, give zero. The Chebyshev polynomials take their recurrence up to degree 8 and their closed
forms from there on, the others always their recurrence, so that their time grows with the largest degree.

Errors, up to degree 30, in ulp of the larger of the value and one: Chebyshev and Legendre on [-1.5, 1.5] 40, Laguerre on
[-9, 9] 100, Hermite on [-4, 4] 2500, by cancellation against terms of that many times its size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ._apply import Array, Formula, elementwise, fill


def _recur(n: Array, first: Array, step: Callable[[int, Array, Array], Array]) -> Array:
    """p_n from p_0 = 1, p_1 and p_{k+1} = step(k, p_k, p_{k-1})."""
    y = np.where(n == 0.0, 1.0, np.where(n == 1.0, first, 0.0))
    before, now = np.ones_like(first), first
    for k in range(1, int(np.max(np.where(np.isfinite(n), n, 1.0)) if n.size else 1)):
        before, now = now, step(k, now, before)
        fill(y, n == k + 1, np.positive, now)
    return y


@dataclass(frozen=True)
class _Chebyshev:
    """A kind: f((n + add) θ) / f(add θ) where x = cos θ and f is the cosine or the sine."""

    first: Formula  # degree one
    add: float
    sine: bool
    mirror: str  # the kind that it is, up to sign, at -x

    def __call__(self, x: Array, n: Array) -> Array:
        n = np.trunc(n)
        large = (n > 8.0) & np.isfinite(n)
        y = _recur(np.where(large, 0.0, n), self.first(x), lambda k, now, before: (x + x) * now - before)
        fill(y, large & (x >= 0.0), self.closed, x, n)
        fill(y, large & ~(x >= 0.0), self.mirrored, x, n)
        return y

    def closed(self, x: Array, n: Array) -> Array:
        """For x >= 0; beyond one the angle is imaginary, at one a ratio of sines is that of angles."""
        y = np.ones_like(x) if not self.sine else (n + self.add) / self.add
        f, g = (np.sin, np.sinh) if self.sine else (np.cos, np.cosh)
        fill(y, x < 1.0, lambda t, n: f((n + self.add) * t) / f(self.add * t), np.arccos(x), n)
        fill(y, x > 1.0, lambda t, n: g((n + self.add) * t) / g(self.add * t), np.arccosh(x), n)
        fill(y, np.isnan(x), np.positive, x)
        return y

    def mirrored(self, x: Array, n: Array) -> Array:
        """For x < 0, by parity."""
        return _KINDS[self.mirror].closed(-x, n) * (1.0 - 2.0 * np.mod(n, 2.0))


_KINDS = {
    "t": _Chebyshev(np.positive, 0.0, sine=False, mirror="t"),
    "u": _Chebyshev(lambda x: x + x, 1.0, sine=True, mirror="u"),
    "v": _Chebyshev(lambda x: x + x - 1.0, 0.5, sine=False, mirror="w"),
    "w": _Chebyshev(lambda x: x + x + 1.0, 0.5, sine=True, mirror="v"),
}


@elementwise
def chebyshev_polynomial_t(x: Array, n: Array) -> Array:
    """Chebyshev polynomial of the first kind, T_n(cos θ) = cos nθ."""
    return _KINDS["t"](x, n)


@elementwise
def chebyshev_polynomial_u(x: Array, n: Array) -> Array:
    """Chebyshev polynomial of the second kind, U_n(cos θ) = sin (n+1)θ / sin θ."""
    return _KINDS["u"](x, n)


@elementwise
def chebyshev_polynomial_v(x: Array, n: Array) -> Array:
    """Chebyshev polynomial of the third kind, V_n(cos θ) = cos (n+½)θ / cos ½θ."""
    return _KINDS["v"](x, n)


@elementwise
def chebyshev_polynomial_w(x: Array, n: Array) -> Array:
    """Chebyshev polynomial of the fourth kind, W_n(cos θ) = sin (n+½)θ / sin ½θ."""
    return _KINDS["w"](x, n)


@elementwise
def shifted_chebyshev_polynomial_t(x: Array, n: Array) -> Array:
    """T_n(2x - 1), orthogonal on [0, 1]."""
    return _KINDS["t"](x + x - 1.0, n)


@elementwise
def shifted_chebyshev_polynomial_u(x: Array, n: Array) -> Array:
    """U_n(2x - 1), orthogonal on [0, 1]."""
    return _KINDS["u"](x + x - 1.0, n)


@elementwise
def shifted_chebyshev_polynomial_v(x: Array, n: Array) -> Array:
    """V_n(2x - 1), orthogonal on [0, 1]."""
    return _KINDS["v"](x + x - 1.0, n)


@elementwise
def shifted_chebyshev_polynomial_w(x: Array, n: Array) -> Array:
    """W_n(2x - 1), orthogonal on [0, 1]."""
    return _KINDS["w"](x + x - 1.0, n)


@elementwise
def hermite_polynomial_h(x: Array, n: Array) -> Array:
    """Physicists' Hermite polynomial, H_{n+1} = 2x H_n - 2n H_{n-1}; NaN above degree 512."""
    return _hermite(x, n, 2.0)


@elementwise
def hermite_polynomial_he(x: Array, n: Array) -> Array:
    """Probabilists' Hermite polynomial, He_{n+1} = x He_n - n He_{n-1}; NaN above degree 512."""
    return _hermite(x, n, 1.0)


def _hermite(x: Array, n: Array, factor: float) -> Array:
    n = np.trunc(n)
    slope, high = factor * x, (n > 512.0) & np.isfinite(n)
    y = _recur(np.where(high, 0.0, n), slope, lambda k, now, before: slope * now - (factor * k) * before)
    np.copyto(y, np.nan, where=high)
    return y


@elementwise
def laguerre_polynomial_l(x: Array, n: Array) -> Array:
    """Laguerre polynomial, (n+1) L_{n+1} = (2n + 1 - x) L_n - n L_{n-1}."""
    return _recur(np.trunc(n), 1.0 - x, lambda k, now, before: ((2 * k + 1 - x) * now - k * before) / (k + 1))


@elementwise
def legendre_polynomial_p(x: Array, n: Array) -> Array:
    """Legendre polynomial, (n+1) P_{n+1} = (2n+1) x P_n - n P_{n-1}."""
    return _recur(np.trunc(n), x, lambda k, now, before: ((2 * k + 1) * x * now - k * before) / (k + 1))
