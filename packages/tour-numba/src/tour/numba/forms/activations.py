"""Activation functions of elements and constants, and the gradients of some."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.numba import _memory as memory
from tour.numba._native import Kernel
from tour.numba.forms._sharing import pair, parts_for

Array = Any
LEAST = 1 << 15  # elements of a part
NUMBERS = 3  # that a kernel reads

_leaky_relu, _elu = pair("activations.leaky_relu"), pair("activations.elu")
_hardsigmoid, _hardswish = pair("activations.hardsigmoid"), pair("activations.hardswish")
_threshold, _softshrink, _hardshrink = (
    pair("activations.threshold"),
    pair("activations.softshrink"),
    pair("activations.hardshrink"),
)
_leaky_relu_grad, _elu_grad, _hardswish_grad = (
    pair("activations.leaky_relu_grad"),
    pair("activations.elu_grad"),
    pair("activations.hardswish_grad"),
)


def _each(kernels: dict[Any, Kernel], x: Array, *numbers: float) -> Any:
    kernel = kernels.get(x.dtype)
    if kernel is None:
        return NotImplemented
    y = memory.empty(x.shape, x.dtype)
    constants = (*map(float, numbers), *(0.0,) * (NUMBERS - len(numbers)))
    kernel(parts_for(x.size, LEAST), memory.dense(x), y, x.size, *constants)
    return y


def _times(kernels: dict[Any, Kernel], g: Array, x: Array, *numbers: float) -> Any:
    kernel = kernels.get(g.dtype)
    if kernel is None or type(x) is not np.ndarray or x.dtype is not g.dtype or g.shape != x.shape:
        return NotImplemented
    y = memory.empty(g.shape, g.dtype)
    constants = (*map(float, numbers), *(0.0,) * (NUMBERS - len(numbers)))
    kernel(parts_for(g.size, LEAST), memory.dense(g), memory.dense(x), y, g.size, *constants)
    return y


def leaky_relu(x: Array, slope: float) -> Any:
    """x above zero, slope x below."""
    return _each(_leaky_relu, x, slope)


def leaky_relu_grad(g: Array, x: Array, slope: float) -> Any:
    """g where x is above zero, slope g elsewhere."""
    return _times(_leaky_relu_grad, g, x, slope)


def elu(x: Array, alpha: float, scale: float, rate: float) -> Any:
    """scale x above zero, scale alpha (exp(rate x) - 1) below."""
    return _each(_elu, x, alpha, scale, rate)


def elu_grad(g: Array, x: Array, alpha: float, scale: float, rate: float) -> Any:
    """g times the slope of elu at x."""
    return _times(_elu_grad, g, x, alpha, scale, rate)


def hardsigmoid(x: Array) -> Any:
    """(x + 3) / 6, kept between 0 and 1."""
    return _each(_hardsigmoid, x)


def hardswish(x: Array) -> Any:
    """x hardsigmoid(x)."""
    return _each(_hardswish, x)


def hardswish_grad(g: Array, x: Array) -> Any:
    """g times the slope of hardswish at x."""
    return _times(_hardswish_grad, g, x)


def threshold(x: Array, threshold: float, value: float) -> Any:
    """x above the threshold, the value elsewhere."""
    return _each(_threshold, x, threshold, value)


def softshrink(x: Array, lambd: float) -> Any:
    """x moved towards zero."""
    return _each(_softshrink, x, lambd)


def hardshrink(x: Array, lambd: float) -> Any:
    """x, and zero near zero."""
    return _each(_hardshrink, x, lambd)
