"""Gradients of activation functions, element by element: g times the slope, in one pass over g and the input or the result."""

from __future__ import annotations

from typing import Any

from tour.numba.kernels import elementwise
from tour.numba.kernels.memory import doubles, floats, longs, span
from tour.numba.kernels.scalar import ONE, careful, sigmoid_double


def _times(slope: Any, items: Any = floats) -> Any:
    """The kernel that multiplies g, a[0], by the slope at a[1], into a[2]."""

    def kernel(args: int, part: int, parts: int) -> None:
        a = longs(args)
        g, x, y = items(a[0]), items(a[1]), items(a[2])
        start, stop = span(a[3], part, parts)
        for i in range(start, stop):
            y[i] = g[i] * slope(x[i])

    return kernel


@careful
def _sigmoid_slope(y: Any) -> Any:
    return y * (ONE - y)


@careful
def _tanh_slope(y: Any) -> Any:
    return ONE - y * y


@careful
def _silu_slope_double(x: Any) -> Any:
    s = sigmoid_double(x)
    return s * (1.0 + x * (1.0 - s))


gelu, gelu_tanh = _times(elementwise._gelu_slope), _times(elementwise._gelu_tanh_slope)
silu_4, silu_8 = _times(elementwise._silu_slope), _times(_silu_slope_double, doubles)
sigmoid_4, sigmoid_8 = _times(_sigmoid_slope), _times(_sigmoid_slope, doubles)  # from the result
tanh_4, tanh_8 = _times(_tanh_slope), _times(_tanh_slope, doubles)
