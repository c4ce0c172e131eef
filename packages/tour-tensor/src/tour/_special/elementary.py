"""Functions that are short formulas of exp, log and sin: the logistic function, entropies, sinc."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from . import _fits
from ._apply import Array, apply, elementwise, fill, horner


def _expit(x: Array) -> Array:
    y = np.exp(-x)
    y += 1
    np.reciprocal(y, out=y)
    fill(y, x < (-80 if x.dtype == np.float32 else -700), np.exp, x)  # where exp(-x) overflows, expit is exp(x)
    return y


@elementwise(single=_expit)
def expit(x: Array) -> Array:
    """Logistic function, 1 / (1 + exp(-x)). Error 1.7 ulp, in float32 2.4."""
    return _expit(x)


def logit(x: npt.ArrayLike, eps: float | None = None) -> Array:
    """log(x / (1 - x)); with ``eps``, of x clamped to [eps, 1 - eps]. Error 1.8 ulp, in float32 3."""

    def formula(x: Array) -> Array:
        if eps is not None:
            low = x.dtype.type(eps)
            high = 1 - low
            x = np.where(x < low, low, np.where(x > high, high, x))  # in PyTorch's order, should they cross
        y: Array = np.log(x / (1 - x))
        fill(y, np.abs(x - 0.5) < 0.25, lambda x: np.log1p((2 * x - 1) / (1 - x)), x)  # 2x - 1 is exact there
        return y

    return apply(formula, x, single=formula)


def _xlogy(x: Array, y: Array) -> Array:
    return _zero_times(x, y, np.log)


def _xlog1py(x: Array, y: Array) -> Array:
    return _zero_times(x, y, np.log1p)


def _zero_times(x: Array, y: Array, log: np.ufunc) -> Array:
    """x log(y), zero where x is, unless y is NaN."""
    z: Array = log(y)
    z *= x
    np.copyto(z, 0, where=(x == 0) & ~np.isnan(y))
    return z


@elementwise(single=_xlogy)
def xlogy(x: Array, y: Array) -> Array:
    """x log(y), zero where x is zero and y is not NaN. Error 1.3 ulp, in float32 2.5."""
    return _xlogy(x, y)


@elementwise(single=_xlog1py)
def xlog1py(x: Array, y: Array) -> Array:
    """x log(1 + y), zero where x is zero and y is not NaN. Error 1.5 ulp, in float32 2.2."""
    return _xlog1py(x, y)


def _entr(x: Array) -> Array:
    y = np.log(x)
    y *= -x
    np.copyto(y, 0, where=x == 0)
    np.copyto(y, -np.inf, where=x < 0)
    return y


@elementwise(single=_entr)
def entr(x: Array) -> Array:
    """Entropy term, -x log(x); zero at zero, -inf below. Error 1.3 ulp, in float32 2.6."""
    return _entr(x)


def sin_pi(r: Array) -> Array:
    """sin(πr) for |r| <= 1/2."""
    if r.dtype == np.float32:
        return np.sin(np.float32(np.pi) * r)  # NumPy vectorises this one
    y = horner(r * r, _fits.SIN_PI[0])
    y *= r
    return y


def _sinc(x: Array) -> Array:
    a = np.abs(x)
    r = a - 2 * np.rint(a / 2)  # in [-1, 1], exactly, with the sign of sin(πa)
    b = np.abs(r)
    y: Array = np.copysign(sin_pi(np.minimum(b, 1 - b)), r)
    y /= x.dtype.type(np.pi) * a
    np.copyto(y, 1, where=a == 0)
    return y


@elementwise(single=_sinc)
def sinc(x: Array) -> Array:
    """sin(πx) / (πx), one at zero; exactly zero at the other integers. Error 2.5 ulp, in float32 2.3."""
    return _sinc(x)
