"""Gradients of activation functions."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

import tour
from tour._activations import elu_grad, gelu_grad, hardswish_grad, leaky_relu_grad, relu_grad, silu_grad
from tour._core import as_array, ndarray
from tour.autograd.both import masked, reading
from tour.autograd.rule import tensor_vjp, vjp
from tour.ops import activations as op
from tour.ops.math import sigmoid

_gelu_slope, _silu_slope, _mish_slope, _sigmoid = map(reading, (op.gelu_slope, op.silu_slope, op.mish_slope, sigmoid))


def _to_relu(g: Any, out: Any) -> Any:
    return masked(g, out != 0) if isinstance(g, tour.Tensor) else relu_grad(as_array(g), out)


vjp(op.relu, input=_to_relu)


def _to_leaky_relu(g: Any, input: Any, negative_slope: float) -> Any:
    if type(g) is type(input) is ndarray:
        return leaky_relu_grad(g, input, negative_slope)
    return np.where(input > 0, g, g * negative_slope)


def _to_elu(g: Any, input: Any, alpha: float, scale: float, rate: float) -> Any:
    if type(g) is type(input) is ndarray:
        return elu_grad(g, input, alpha, scale, rate)
    return g * np.where(input > 0, scale, np.exp(np.minimum(input, 0) * rate) * (alpha * scale * rate))


def _to_hardswish(g: Any, input: Any) -> Any:
    if type(g) is type(input) is ndarray:
        return hardswish_grad(g, input)
    return np.where(input < 3, masked(g * (input / 3 + 0.5), input > -3), g)


vjp(op._LEAKY_RELU, input=_to_leaky_relu)
vjp(op._ELU, input=_to_elu)
vjp(
    op._prelu,
    input=lambda g, input, weight: np.where(input > 0, g, g * weight),
    weight=lambda g, input: masked(g * input, input <= 0),
)
vjp(op._HARDTANH, input=lambda g, input, min_val, max_val: masked(g, (input > min_val) & (input < max_val)))
vjp(op._HARDSIGMOID, input=lambda g, input: masked(g / 6, (input > -3) & (input < 3)))
vjp(op._HARDSWISH, input=_to_hardswish)
vjp(op._THRESHOLD, input=lambda g, input, threshold: masked(g, input > threshold))
vjp(op._SOFTSHRINK, input=lambda g, input, lambd: masked(g, np.abs(input) > lambd))
vjp(op._HARDSHRINK, input=lambda g, input, lambd: masked(g, np.abs(input) > lambd))

# --- Smooth ones: their slopes are ops with kernels of their own, differentiated below where somebody asks for more -----------


def _to_gelu(g: Any, input: Any, approximate: str) -> Any:
    if type(g) is type(input) is ndarray:
        return gelu_grad(g, input, approximate)
    return g * _gelu_slope(input, approximate)


def _to_silu(g: Any, input: Any) -> Any:
    return silu_grad(g, input) if type(g) is type(input) is ndarray else g * _silu_slope(input).conj()


vjp(op._GELU, input=_to_gelu)
vjp(op._SILU, input=_to_silu)
vjp(op._MISH, input=lambda g, input: g * _mish_slope(input))
vjp(op._LOGSIGMOID, input=lambda g, input: g * _sigmoid(-input))
vjp(
    op._SOFTPLUS,
    input=lambda g, input, beta, threshold: np.where(input * beta > threshold, g, g * _sigmoid(input * beta)),
)


def _gelu_curve(g: Any, input: Any, approximate: str) -> Any:
    """Second derivative of gelu."""
    x = input
    if approximate == "none":
        return g * tour.exp(x * x / -2) * (2 - x * x) / sqrt(2 * pi)
    k, c = sqrt(2 / pi), 0.044715
    t = tour.tanh(k * (x + c * x**3))
    first, second = k * (1 + 3 * c * x * x), 6 * k * c * x
    return g * (1 - t * t) * (first + x * (second - 2 * t * first * first) / 2)


def _silu_curve(g: Any, input: Any) -> Any:
    s = tour.sigmoid(input)
    return g * (s * (1 - s) * (2 + input * (1 - 2 * s))).conj()


def _mish_curve(g: Any, input: Any) -> Any:
    t, s = tour.tanh(op.softplus(input)), tour.sigmoid(input)
    return g * (1 - t * t) * s * (2 + input * (1 - s - 2 * t * s))


tensor_vjp(op.gelu_slope, input=_gelu_curve)
tensor_vjp(op.silu_slope, input=_silu_curve)
tensor_vjp(op.mish_slope, input=_mish_curve)
