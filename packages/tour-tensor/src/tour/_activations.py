"""Activation functions and their slopes on raw arrays, run block by block; where they branch, they do so without branching."""

from __future__ import annotations

import math
from itertools import count
from typing import Any

import numpy as np

from tour import _special
from tour._compiled import OFTEN, compilable, often
from tour._core import OPS, kernel_for, ndarray
from tour._kernels import BLOCK, MANY, ONE, ZEROS, blocked, bounded, in_single, keep


def relu(a: Any) -> Any:
    """max(a, 0); NaN stays NaN, as in PyTorch."""
    if a.size <= BLOCK and type(a) is ndarray and (zeros := ZEROS.get(a.dtype)) is not None:
        if a.size < 256 or not a.flags.c_contiguous:
            return np.maximum(a, zeros[0])
        if a.size >= MANY:
            often()  # next time it will be one call without rows of zeros, if that can be had
        return np.maximum(a, zeros[1][: a.size] if a.ndim == 1 else zeros[1][: a.size].reshape(a.shape))
    return bounded(a, 0)


@compilable()
def relu_grad(g: Any, out: Any) -> Any:
    """g where the result of relu is not zero: a NaN lets its gradient through, as in PyTorch."""
    return keep(g, out != 0)


_negative, _exp, _add, _reciprocal = np.negative, np.exp, np.add, np.reciprocal  # four look-ups less in a small sigmoid


_calls = count(1).__next__  # of the two formulas that machine code would shorten most


@blocked
def sigmoid(a: Any) -> Any:
    """1 / (1 + exp(-a)); also complex."""
    if _calls() == OFTEN:
        often()
    y = _negative(a)
    _exp(y, y)
    _add(y, ONE.get(a.dtype, 1), y)
    return _reciprocal(y, y)


@blocked
def elu(a: Any, alpha: float, scale: float, rate: float) -> Any:
    """scale a above zero, scale alpha (exp(rate a) - 1) below: one of the two terms is always zero."""
    y = np.minimum(a, 0)
    if rate != 1:
        y *= rate
    np.expm1(y, out=y)
    y *= alpha * scale
    y += np.maximum(a, 0) if scale == 1 else np.maximum(a, 0) * scale
    return y


@blocked
def leaky_relu(a: Any, slope: float) -> Any:
    """a above zero, slope a below."""
    y = a * slope
    return np.maximum(y, a, out=y) if 0 <= slope <= 1 else np.where(a > 0, a, y)


@in_single
def prelu(a: Any, weight: Any) -> Any:
    """a above zero, weight a below; weights broadcast."""
    return np.maximum(a, 0) + weight * np.minimum(a, 0)


def _erf(a: Any) -> Any:
    """The error function; that of another device is its kernel of the op."""
    return _special.erf(a) if type(a) is ndarray else kernel_for(OPS["erf"], a)(a)


@blocked
def gelu(a: Any, approximate: str) -> Any:
    """a Φ(a), with Φ by the error function or a hyperbolic tangent."""
    y = np.tanh(_inner(a)) if approximate == "tanh" else _erf(a * math.sqrt(0.5))
    y += 1
    y *= a
    y *= 0.5
    return y


def _inner(a: Any) -> Any:
    y = a * a
    y *= 0.044715
    y += 1
    y *= a
    y *= math.sqrt(2 / math.pi)
    return y


@blocked
def gelu_slope(a: Any, approximate: str) -> Any:
    """Derivative of `gelu`."""
    if approximate == "tanh":
        t = np.tanh(_inner(a))
        rest = 1 - t * t
        rest *= a
        rest *= (a * a * 0.134145 + 1) * math.sqrt(2 / math.pi)
        rest += t
    else:
        rest = a * a
        rest *= -0.5
        np.exp(rest, out=rest)
        rest *= a * math.sqrt(2 / math.pi)
        rest += _erf(a * math.sqrt(0.5))
    rest += 1
    rest *= 0.5
    return rest


@blocked
def silu(a: Any) -> Any:
    """a sigmoid(a)."""
    if _calls() == OFTEN:
        often()
    y = _negative(a)
    _exp(y, y)
    _add(y, ONE.get(a.dtype, 1), y)
    return np.divide(a, y, y)


@blocked
def silu_slope(a: Any) -> Any:
    """Derivative of `silu`."""
    s = sigmoid(a)
    y = 1 - s
    y *= a
    y += 1
    y *= s
    return y


# --- Gradients: on the CPU compiled forms take one pass over their arguments, where these take one for the slope and one more ---


def _along(g: Any, slope: Any) -> Any:
    """`g * slope` for a slope made for this: into its memory, if it is an array."""
    return np.multiply(slope, g, slope) if type(slope) is ndarray and g.dtype is slope.dtype else g * slope


@compilable()
def gelu_grad(g: Any, a: Any, approximate: str) -> Any:
    """g times the slope of gelu at a."""
    return _along(g, gelu_slope(a, approximate))


@compilable()
def silu_grad(g: Any, a: Any) -> Any:
    """g times the slope of silu at a."""
    return _along(g, silu_slope(a).conj())


@compilable()
def sigmoid_grad(g: Any, y: Any) -> Any:
    """g times the slope of sigmoid where its result is y."""
    return _along(g, (y * (ONE.get(y.dtype, 1) - y)).conj())


@compilable()
def tanh_grad(g: Any, y: Any) -> Any:
    """g times the slope of tanh where its result is y."""
    return _along(g, (ONE.get(y.dtype, 1) - y * y).conj())


@compilable()
def leaky_relu_grad(g: Any, a: Any, slope: float) -> Any:
    """g where a is above zero, slope g elsewhere."""
    return np.where(a > 0, g, g * slope)


@compilable()
def elu_grad(g: Any, a: Any, alpha: float, scale: float, rate: float) -> Any:
    """g times the slope of elu at a."""
    return g * np.where(a > 0, scale, np.exp(np.minimum(a, 0) * rate) * (alpha * scale * rate))


@compilable()
def hardswish_grad(g: Any, a: Any) -> Any:
    """g times the slope of hardswish at a."""
    return np.where(a < 3, keep(g * (a / 3 + 0.5), a > -3), g)


def _softplus(z: Any) -> Any:
    y = np.abs(z)
    np.negative(y, out=y)
    np.exp(y, out=y)
    np.log1p(y, out=y)
    y += np.maximum(z, 0)
    return y


@blocked
def softplus(a: Any, beta: float, threshold: float) -> Any:
    """log(1 + exp(beta a)) / beta; a itself where beta a is above the threshold."""
    z = a if beta == 1 else a * beta
    y = _softplus(z)
    if beta != 1:
        y /= beta
    np.copyto(y, a, where=z > threshold)
    return y


@blocked
def logsigmoid(a: Any) -> Any:
    """log(sigmoid(a)) = -softplus(-a)."""
    y = _softplus(-a)
    return np.negative(y, out=y)


@blocked
def mish(a: Any) -> Any:
    """a tanh(softplus(a))."""
    y = np.tanh(_softplus(a))
    y *= a
    return y


@blocked
def mish_slope(a: Any) -> Any:
    """Derivative of `mish`."""
    t = np.tanh(_softplus(a))
    y = 1 - t * t
    y *= sigmoid(a)
    y *= a
    y += t
    return y


def hardtanh(a: Any, low: float, high: float) -> Any:
    """a kept between two bounds."""
    return bounded(a, low, high)


@blocked
def hardsigmoid(a: Any) -> Any:
    """(a + 3) / 6, kept between 0 and 1."""
    y = a + 3
    np.maximum(y, 0, out=y)
    np.minimum(y, 6, out=y)
    y /= 6
    return y


@blocked
def hardswish(a: Any) -> Any:
    """a hardsigmoid(a)."""
    y = hardsigmoid(a)
    y *= a
    return y


@compilable()
def threshold(a: Any, threshold: float, value: float) -> Any:
    """a above the threshold, the value elsewhere."""
    scalar = a.dtype.type
    return np.where(a <= scalar(threshold), scalar(value), a)


@blocked
def softshrink(a: Any, lambd: float) -> Any:
    """a moved towards zero by lambd, and zero where that would pass zero."""
    y = np.minimum(a, lambd)
    np.maximum(y, -lambd, out=y)
    return np.subtract(a, y, out=y)


@blocked
def hardshrink(a: Any, lambd: float) -> Any:
    """a, and zero between -lambd and lambd."""
    return a * (np.abs(a) > lambd)


@blocked
def softsign(a: Any) -> Any:
    """a / (1 + |a|)."""
    y = np.abs(a)
    y += 1
    return np.divide(a, y, out=y)
