"""Gradients of circular and hyperbolic functions."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from tour._activations import tanh_grad
from tour._core import ndarray
from tour.autograd.both import one_minus
from tour.autograd.rule import vjp
from tour.ops import trigonometry as op


def _sinc_slope(x: Any) -> Any:
    angle = x * pi
    return np.where(x == 0, 0, (angle * np.cos(angle) - np.sin(angle)) / (angle * x))


vjp(op.sin, input=lambda g, input: g * np.cos(input).conj())
vjp(op.cos, input=lambda g, input: -g * np.sin(input).conj())
vjp(op.tan, input=lambda g, out: g * (out * out + 1).conj())
vjp(op.asin, input=lambda g, input: g / np.sqrt(1 - input * input).conj())
vjp(op.acos, input=lambda g, input: -g / np.sqrt(1 - input * input).conj())
vjp(op.atan, input=lambda g, input: g / (input * input + 1).conj())
vjp(op.sinh, input=lambda g, input: g * np.cosh(input).conj())
vjp(op.cosh, input=lambda g, input: g * np.sinh(input).conj())
vjp(
    op.tanh,
    input=lambda g, out: tanh_grad(g, out) if type(g) is type(out) is ndarray else g * one_minus(out * out).conj(),
)
vjp(op.asinh, input=lambda g, input: g / np.sqrt(input * input + 1).conj())
vjp(op.acosh, input=lambda g, input: g / (np.sqrt(input + 1) * np.sqrt(input - 1)).conj())
vjp(op.atanh, input=lambda g, input: g / (1 - input * input).conj())
vjp(
    op.atan2,
    input=lambda g, input, other: g * (other / (input * input + other * other)),
    other=lambda g, input, other: g * (-input / (input * input + other * other)),
)
vjp(op.sinc, input=lambda g, input: g * _sinc_slope(input).conj())
vjp(op.deg2rad, input=lambda g: g * (pi / 180))
vjp(op.rad2deg, input=lambda g: g * (180 / pi))
