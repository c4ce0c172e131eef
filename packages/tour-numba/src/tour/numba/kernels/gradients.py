"""Gradients of activation functions, element by element: g times the slope, in one pass over g and the input or the result."""

from __future__ import annotations

from typing import Any

from tour.numba.kernels import elementwise
from tour.numba.kernels.memory import floats, longs, span
from tour.numba.kernels.scalar import ONE, careful


def _times(slope: Any) -> Any:
    """The kernel that multiplies g, a[0], by the slope at a[1], into a[2]."""

    def kernel(args: int, part: int, parts: int) -> None:
        a = longs(args)
        g, x, y = floats(a[0]), floats(a[1]), floats(a[2])
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


gelu, gelu_tanh = _times(elementwise._gelu_slope), _times(elementwise._gelu_tanh_slope)
silu = _times(elementwise._silu_slope)
sigmoid, tanh = _times(_sigmoid_slope), _times(_tanh_slope)  # from the result
