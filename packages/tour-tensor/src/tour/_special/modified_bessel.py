"""Modified Bessel functions of orders zero and one, plain and exponentially scaled."""

from __future__ import annotations

import math

import numpy as np

from . import _fits
from ._apply import Array, Fit, elementwise, horner, ratio, split

_LOG_TWO = math.log(2.0)
_EDGE = 10.0  # of the I; the K change at 1


def _scaled_large(a: Array, fit: Fit) -> Array:
    """exp(-a) I(a) for a >= 10."""
    y = horner(20.0 / a - 1.0, fit[0])
    y /= np.sqrt(a)
    return y


def _large(a: Array, fit: Fit) -> Array:
    """I(a) for a >= 10, with exp(a) as a square, which overflows only where I(a) does."""
    e = np.exp(0.5 * a)
    y = _scaled_large(a, fit)
    y *= e
    y *= e
    return y


@elementwise
def i0(x: Array) -> Array:
    """Modified Bessel function of the first kind of order 0, even in x; NaN at infinity. Error 4.9 ulp."""
    return split(np.abs(x) <= _EDGE, _i0_small, lambda a: _large(a, _fits.I0_LARGE), np.abs(x))


@elementwise
def i0e(x: Array) -> Array:
    """exp(-|x|) i0(x). Error 3 ulp."""
    a = np.abs(x)
    return split(a <= _EDGE, lambda a: _i0_small(a) * np.exp(-a), lambda a: _scaled_large(a, _fits.I0_LARGE), a)


@elementwise
def i1(x: Array) -> Array:
    """Modified Bessel function of the first kind of order 1, odd in x; NaN at infinity. Error 4.2 ulp."""
    a = np.abs(x)
    return np.copysign(split(a <= _EDGE, _i1_small, lambda a: _large(a, _fits.I1_LARGE), a), x)


@elementwise
def i1e(x: Array) -> Array:
    """exp(-|x|) i1(x). Error 4.7 ulp."""
    a = np.abs(x)
    y = split(a <= _EDGE, lambda a: _i1_small(a) * np.exp(-a), lambda a: _scaled_large(a, _fits.I1_LARGE), a)
    return np.copysign(y, x)


def _i0_small(a: Array) -> Array:
    return horner(a * a, _fits.I0[0])


def _i1_small(a: Array) -> Array:
    y = horner(a * a, _fits.I1[0])
    y *= a
    return y


def _k0_small(x: Array) -> Array:
    z = x * x
    y = ratio(z, _fits.K0)
    y -= (np.log(x) - _LOG_TWO) * horner(z, _fits.I0_NEAR[0])
    return y


def _k1_small(x: Array) -> Array:
    z = x * x
    y = ratio(z, _fits.K1)
    y += (np.log(x) - _LOG_TWO) * horner(z, _fits.I1_NEAR[0])
    y *= x
    y += 1.0 / x
    np.copyto(y, np.inf, where=x == 0.0)
    return y


def _k_large(x: Array, fit: Fit) -> Array:
    """exp(x) K(x) for x >= 1."""
    y = ratio(np.reciprocal(x), fit)
    y /= np.sqrt(x)
    return y


@elementwise
def modified_bessel_k0(x: Array) -> Array:
    """Modified Bessel function of the second kind of order 0; infinite at zero, NaN below it. Error 4.1 ulp."""
    return split(x <= 1.0, _k0_small, lambda x: _k_large(x, _fits.K0_LARGE) * np.exp(-x), x)


@elementwise
def modified_bessel_k1(x: Array) -> Array:
    """Modified Bessel function of the second kind of order 1; infinite at zero, NaN below it. Error 5.4 ulp."""
    return split(x <= 1.0, _k1_small, lambda x: _k_large(x, _fits.K1_LARGE) * np.exp(-x), x)


@elementwise
def scaled_modified_bessel_k0(x: Array) -> Array:
    """exp(x) modified_bessel_k0(x). Error 4.6 ulp."""
    return split(x <= 1.0, lambda x: _k0_small(x) * np.exp(x), lambda x: _k_large(x, _fits.K0_LARGE), x)


@elementwise
def scaled_modified_bessel_k1(x: Array) -> Array:
    """exp(x) modified_bessel_k1(x). Error 5 ulp."""
    return split(x <= 1.0, lambda x: _k1_small(x) * np.exp(x), lambda x: _k_large(x, _fits.K1_LARGE), x)
