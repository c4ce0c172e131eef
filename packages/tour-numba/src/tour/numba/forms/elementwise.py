"""Activation functions and their slopes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.numba import _memory as memory
from tour.numba._native import Kernel
from tour.numba.forms._sharing import parts_for

Array = Any


def _map(kernel: Kernel, x: Array, *numbers: float) -> Any:
    if x.dtype is not memory.F32:
        return NotImplemented
    x = memory.dense(x)
    y = memory.empty(x.shape)
    kernel(parts_for(x.size, 1 << 15), x, y, x.size, *numbers)
    return y


_gelu, _gelu_slope = Kernel("elementwise.gelu"), Kernel("elementwise.gelu_slope")
_gelu_tanh, _gelu_tanh_slope = Kernel("elementwise.gelu_tanh"), Kernel("elementwise.gelu_tanh_slope")
_sigmoid = Kernel("elementwise.sigmoid")
_at_least, _at_most = Kernel("elementwise.at_least"), Kernel("elementwise.at_most")
_relu_grad = Kernel("elementwise.relu_grad")
_logsigmoid, _softplus = Kernel("elementwise.logsigmoid"), Kernel("elementwise.softplus")
_silu, _silu_slope = Kernel("elementwise.silu"), Kernel("elementwise.silu_slope")


def gelu(x: Array, approximate: str) -> Any:
    """a Φ(a)."""
    return _map(_gelu_tanh if approximate == "tanh" else _gelu, x)


def gelu_slope(x: Array, approximate: str) -> Any:
    """Derivative of `gelu`."""
    return _map(_gelu_tanh_slope if approximate == "tanh" else _gelu_slope, x)


def sigmoid(x: Array) -> Any:
    """1 / (1 + exp(-x))."""
    return _map(_sigmoid, x)


def silu(x: Array) -> Any:
    """x sigmoid(x)."""
    return _map(_silu, x)


def silu_slope(x: Array) -> Any:
    """Derivative of `silu`."""
    return _map(_silu_slope, x)


def relu_grad(g: Array, out: Array) -> Any:
    """g where `out` is not zero."""
    if (
        type(g) is not np.ndarray
        or type(out) is not np.ndarray
        or g.shape != out.shape
        or not g.dtype is out.dtype is memory.F32
    ):
        return NotImplemented
    y = memory.empty(g.shape)
    _relu_grad(parts_for(g.size, 1 << 15), memory.dense(g), memory.dense(out), y, g.size)
    return y


def logsigmoid(x: Array) -> Any:
    """log(sigmoid(x))."""
    return _map(_logsigmoid, x)


def softplus(x: Array, beta: float, threshold: float) -> Any:
    """log(1 + exp(beta x)) / beta, and x where beta x is above the threshold."""
    return _map(_softplus, x, float(beta), float(threshold))


def beside(ufunc: np.ufunc, x: Array, number: float, out: Array | None) -> Any:
    """The larger (`np.maximum`) or smaller of each element and a number; written into `out` if that is given."""
    if x.dtype is not memory.F32 or number != number:
        return NotImplemented
    x = memory.dense(x)
    y = memory.empty(x.shape) if out is None else out
    (_at_least if ufunc is np.maximum else _at_most)(parts_for(x.size, 1 << 15), x, y, x.size, float(number))
    return y
