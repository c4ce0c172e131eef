"""Activation functions and their slopes, element by element: x -> y, in single precision."""

from __future__ import annotations

from math import log
from typing import Any

from tour.numba.kernels import scalar
from tour.numba.kernels.memory import doubles, floats, helper, longs, span
from tour.numba.kernels.scalar import ONE, ZERO, careful, f4

INV_SQRT_2PI = f4(0.3989422804014327)
TWICE, CUBIC, CUBIC3 = f4(2 * 0.7978845608028654), f4(0.044715), f4(0.134145)
FAR = f4(1e4)


FLOAT = 4  # bytes


def _of_one(function: Any) -> Any:
    """The kernel of a function of one number, for a ufunc."""

    def kernel(args: int, part: int, parts: int) -> None:
        a = longs(args)
        start, stop = span(a[2], part, parts)
        if a[3] == FLOAT and a[4] == FLOAT:
            x, y = floats(a[0]), floats(a[1])
            for i in range(start, stop):
                y[i] = function(x[i])
        else:
            for i in range(start, stop):
                floats(a[1] + i * a[4])[0] = function(floats(a[0] + i * a[3])[0])

    return kernel


@helper
def _operands(args: int, part: int, parts: int) -> Any:
    a = longs(args)
    start, stop = span(a[2], part, parts)
    return floats(a[0]), floats(a[1]), start, stop


# Φ(-|x|) = exp(-x²/2) t P(t), t = 1 / (1 + RATE |x|), in the manner of Hastings (1955); the error of P is 4e-10. It serves both
# sides without a branch, and the slope shares its exponential.

HALVED = f4(-0.5 / log(2))
RATE = f4(0.34 * 0.7071067811865476)
H6, H5, H4, H3, H2, H1, H0 = (
    f4(c / 2)
    for c in (
        -0.2469838410615921, 1.0876164436340332, -1.2509969472885132, 1.2111986875534058, -0.2860437035560608, 0.3050616979598999,
        0.18014761805534363,
    )
)  # fmt: skip


@careful
def _normal(x: Any) -> Any:
    """Φ(x) and exp(-x²/2)."""
    e, t = scalar.power_of_two(HALVED * (x * x)), ONE / (ONE + RATE * abs(x))
    p = H6
    p = p * t + H5
    p = p * t + H4
    p = p * t + H3
    p = p * t + H2
    p = p * t + H1
    p = p * t + H0
    tail = p * t * e
    return ONE - tail if x > ZERO else tail, e


@careful
def _gelu(x: Any) -> Any:
    return x * _normal(x)[0]


@careful
def _gelu_slope(x: Any) -> Any:
    below, e = _normal(x)
    return below + x * INV_SQRT_2PI * e


# (1 + tanh(u)) / 2 is sigmoid(2u).


@careful
def _gelu_tanh(x: Any) -> Any:
    return x * scalar.sigmoid(TWICE * x * (ONE + CUBIC * x * x))


@careful
def _gelu_tanh_slope(x: Any) -> Any:
    s = scalar.sigmoid(TWICE * x * (ONE + CUBIC * x * x))
    square = FAR if x * x > FAR else x * x  # s (1 - s) is zero there, and must not meet infinity
    return s + s * (ONE - s) * x * (TWICE * (ONE + CUBIC3 * square))


@careful
def _silu(x: Any) -> Any:
    return x * scalar.sigmoid(x)


@careful
def _silu_slope(x: Any) -> Any:
    s = scalar.sigmoid(x)
    return s * (ONE + x * (ONE - s))


gelu, gelu_slope = _of_one(_gelu), _of_one(_gelu_slope)  # x Φ(x), and Φ(x) + x φ(x)
gelu_tanh, gelu_tanh_slope = _of_one(_gelu_tanh), _of_one(_gelu_tanh_slope)
sigmoid, silu, silu_slope = _of_one(scalar.sigmoid), _of_one(_silu), _of_one(_silu_slope)


def relu_grad(args: int, part: int, parts: int) -> None:
    """g where the result of relu is not zero, for a ufunc."""
    a = longs(args)
    start, stop = span(a[3], part, parts)
    if a[4] == FLOAT and a[5] == FLOAT and a[6] == FLOAT:
        g, x, y = floats(a[0]), floats(a[1]), floats(a[2])
        for i in range(start, stop):
            y[i] = g[i] if x[i] != ZERO else ZERO
    else:
        for i in range(start, stop):
            x = floats(a[1] + i * a[5])
            floats(a[2] + i * a[6])[0] = floats(a[0] + i * a[4])[0] if x[0] != ZERO else ZERO


@careful
def _softplus(x: Any) -> Any:
    above = ZERO if x < ZERO else x  # NaN stays
    return above + scalar.log1p(scalar.exp(-abs(x)))


@careful
def _logsigmoid(x: Any) -> Any:
    return -_softplus(-x)


logsigmoid = _of_one(_logsigmoid)


def softplus(args: int, part: int, parts: int) -> None:
    """log(1 + exp(beta x)) / beta, and x where beta x is above the threshold."""
    x, y, start, stop = _operands(args, part, parts)
    beta, threshold = f4(doubles(args)[3]), f4(doubles(args)[4])
    for i in range(start, stop):
        z = x[i] * beta
        y[i] = x[i] if z > threshold else _softplus(z) / beta


def at_least(args: int, part: int, parts: int) -> None:
    """max(x, bound); NaN stays."""
    x, y, start, stop = _operands(args, part, parts)
    bound = f4(doubles(args)[3])
    for i in range(start, stop):
        y[i] = bound if x[i] < bound else x[i]  # NaN stays


def at_most(args: int, part: int, parts: int) -> None:
    """min(x, bound); NaN stays."""
    x, y, start, stop = _operands(args, part, parts)
    bound = f4(doubles(args)[3])
    for i in range(start, stop):
        y[i] = bound if x[i] > bound else x[i]
