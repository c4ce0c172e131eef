"""Activation functions of a number and some constants, and their gradients, element by element, in single and double precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.numba.kernels import scalar
from tour.numba.kernels.memory import doubles, floats, longs, span
from tour.numba.kernels.scalar import careful


def _kernels(items: Any, number: Any, exp: Any, expm1: Any) -> Any:
    """The kernels for numbers of a kind, in the order of their names below. NaN stays NaN everywhere.

    Args:
        items: Makes a pointer to such numbers of an address.
        number: Their type.
        exp: Their exponential.
        expm1: That less one.
    """
    ZERO, HALF, THREE, SIX = (number(n) for n in (0, 0.5, 3, 6))

    def function(formula: Any) -> Any:
        """x, a[0], to y, a[1]; the constants stand behind the number of elements."""

        def kernel(args: int, part: int, parts: int) -> None:
            a, numbers = longs(args), doubles(args)
            x, y = items(a[0]), items(a[1])
            p, q, r = number(numbers[3]), number(numbers[4]), number(numbers[5])
            start, stop = span(a[2], part, parts)
            for i in range(start, stop):
                y[i] = formula(x[i], p, q, r)

        return kernel

    def gradient(formula: Any) -> Any:
        """Of g, a[0], and x, a[1], to y, a[2]."""

        def kernel(args: int, part: int, parts: int) -> None:
            a, numbers = longs(args), doubles(args)
            g, x, y = items(a[0]), items(a[1]), items(a[2])
            p, q, r = number(numbers[4]), number(numbers[5]), number(numbers[6])
            start, stop = span(a[3], part, parts)
            for i in range(start, stop):
                y[i] = formula(g[i], x[i], p, q, r)

        return kernel

    @careful
    def leaky_relu(x: Any, slope: Any, q: Any, r: Any) -> Any:
        return x if x > ZERO else x * slope

    @careful
    def leaky_relu_grad(g: Any, x: Any, slope: Any, q: Any, r: Any) -> Any:
        return g if x > ZERO else g * slope

    @careful
    def elu(x: Any, alpha: Any, scale: Any, rate: Any) -> Any:
        below = expm1(ZERO if x > ZERO else x * rate) * (alpha * scale)
        return x * scale if x > ZERO else below

    @careful
    def elu_grad(g: Any, x: Any, alpha: Any, scale: Any, rate: Any) -> Any:
        below = exp(ZERO if x > ZERO else x * rate) * (alpha * scale * rate)
        return g * (scale if x > ZERO else below)

    @careful
    def hardsigmoid(x: Any, p: Any, q: Any, r: Any) -> Any:
        y = x + THREE
        y = ZERO if y < ZERO else y
        return (SIX if y > SIX else y) / SIX

    @careful
    def hardswish(x: Any, p: Any, q: Any, r: Any) -> Any:
        return x * hardsigmoid(x, p, q, r)

    @careful
    def hardswish_grad(g: Any, x: Any, p: Any, q: Any, r: Any) -> Any:
        between = g * (x / THREE + HALF)
        return ZERO if x <= -THREE else (g if x >= THREE else between)

    @careful
    def threshold(x: Any, least: Any, value: Any, r: Any) -> Any:
        return value if x <= least else x

    @careful
    def softshrink(x: Any, by: Any, q: Any, r: Any) -> Any:
        c = by if x > by else x
        return x - (-by if c < -by else c)

    @careful
    def hardshrink(x: Any, by: Any, q: Any, r: Any) -> Any:
        return ZERO if abs(x) <= by else x

    functions = (leaky_relu, elu, hardsigmoid, hardswish, threshold, softshrink, hardshrink)
    return (*map(function, functions), *map(gradient, (leaky_relu_grad, elu_grad, hardswish_grad)))


(
    leaky_relu_4, elu_4, hardsigmoid_4, hardswish_4, threshold_4, softshrink_4, hardshrink_4, leaky_relu_grad_4, elu_grad_4,
    hardswish_grad_4,
) = _kernels(floats, np.float32, scalar.exp, scalar.expm1)  # fmt: skip
(
    leaky_relu_8, elu_8, hardsigmoid_8, hardswish_8, threshold_8, softshrink_8, hardshrink_8, leaky_relu_grad_8, elu_grad_8,
    hardswish_grad_8,
) = _kernels(doubles, np.float64, scalar.exp_double, scalar.expm1_double)  # fmt: skip
