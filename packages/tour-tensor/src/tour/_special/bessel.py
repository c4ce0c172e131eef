"""Bessel functions of the first and second kind, of orders zero and one."""

from __future__ import annotations

import math

import numpy as np

from . import _fits
from ._apply import Array, Fit, elementwise, ratio, split

# Up to 5, rational functions of x², with the zeros of J taken out; beyond, sines and cosines of x itself, which NumPy
# reduces exactly, times slowly varying factors. Near their zeros (but the first of J) the functions are accurate
# relative to their amplitude √(2/πx), not to themselves.
_EDGE = 5.0
# Zeros of J0 and J1: the first as head and tail, then the square of the second.
_J0_ZEROS = (2.404825557695773, -1.176691651530894e-16, 30.471262343662087)
_J1_ZEROS = (3.8317059702075125, -1.5269184090088067e-16, 49.2184563216946)


def _small_j(x: Array, fit: Fit, zeros: tuple[float, float, float]) -> Array:
    """J0(x) or J1(x)/x for 0 <= x <= 5."""
    first, tail, second_squared = zeros
    z = x * x
    y = ratio(z, fit)
    y *= z - second_squared
    y *= ((x - first) - tail) * (x + first)
    return y


def _small_j0(x: Array) -> Array:
    return _small_j(x, _fits.J0, _J0_ZEROS)


def _small_j1(x: Array) -> Array:
    return _small_j(x, _fits.J1, _J1_ZEROS) * x


def _small_y0(x: Array) -> Array:
    y = np.log(x) * _small_j0(x)
    y *= 2.0 / math.pi
    y += ratio(x * x - 12.5, _fits.Y0)
    return y


def _small_y1(x: Array) -> Array:
    y = np.log(x) * _small_j1(x)
    y -= 1.0 / x
    y *= 2.0 / math.pi
    y += x * ratio(x * x - 12.5, _fits.Y1)
    np.copyto(y, -np.inf, where=x == 0.0)
    return y


def _waves(x: Array, p: Fit, q: Fit) -> tuple[Array, Array, Array, Array]:
    """(P + Q) (cos x, sin x) and (P - Q) (cos x, sin x), over √(πx)."""
    r = np.reciprocal(x)
    z = r * r
    q_over_x = ratio(z, q) * r
    both = ratio(z, p)
    scale = np.reciprocal(math.sqrt(math.pi) * np.sqrt(x))
    cosine, sine = np.cos(x) * scale, np.sin(x) * scale
    add, subtract = both + q_over_x, both - q_over_x
    return add * cosine, add * sine, subtract * cosine, subtract * sine


def _large_j0(x: Array) -> Array:
    cosine, _, _, sine = _waves(x, _fits.P0, _fits.Q0)
    return cosine + sine


def _large_y0(x: Array) -> Array:
    _, sine, cosine, _ = _waves(x, _fits.P0, _fits.Q0)
    return sine - cosine


def _large_j1(x: Array) -> Array:
    _, sine, cosine, _ = _waves(x, _fits.P1, _fits.Q1)
    return sine - cosine


def _large_y1(x: Array) -> Array:
    cosine, _, _, sine = _waves(x, _fits.P1, _fits.Q1)
    return -(cosine + sine)


@elementwise
def bessel_j0(x: Array) -> Array:
    """Bessel function of the first kind of order 0, even in x; NaN at infinity. Error 3.9 ulp of its amplitude."""
    a = np.abs(x)
    return split(a <= _EDGE, _small_j0, _large_j0, a)


@elementwise
def bessel_j1(x: Array) -> Array:
    """Bessel function of the first kind of order 1, odd in x; NaN at infinity. Error 4.8 ulp of its amplitude."""
    a = np.abs(x)
    return split(a <= _EDGE, _small_j1, _large_j1, a) * np.copysign(1.0, x)


@elementwise
def bessel_y0(x: Array) -> Array:
    """Bessel function of the second kind of order 0; -inf at zero, NaN below it and at infinity.

    Error 5 ulp of its amplitude.
    """
    return split(x <= _EDGE, _small_y0, _large_y0, x)


@elementwise
def bessel_y1(x: Array) -> Array:
    """Bessel function of the second kind of order 1; -inf at zero, NaN below it and at infinity.

    Error 5.5 ulp of its amplitude.
    """
    return split(x <= _EDGE, _small_y1, _large_y1, x)


@elementwise
def spherical_bessel_j0(x: Array) -> Array:
    """Spherical Bessel function of the first kind of order 0, sin(x)/x; one at zero, zero at infinity. Error 1.3 ulp."""
    y = np.sin(x)
    y /= x
    np.copyto(y, 1.0, where=x == 0.0)
    np.copyto(y, 0.0, where=np.isinf(x))
    return y
