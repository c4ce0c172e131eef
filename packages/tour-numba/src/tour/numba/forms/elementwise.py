"""Activation functions and their slopes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.numba import _memory as memory
from tour.numba._native import Kernel
from tour.numba._ufuncs import F64, OfKernel, chain
from tour.numba.forms._sharing import parts_for

Array = Any


_gelu, _gelu_slope = OfKernel("elementwise.gelu"), OfKernel("elementwise.gelu_slope")
_gelu_tanh, _gelu_tanh_slope = OfKernel("elementwise.gelu_tanh"), OfKernel("elementwise.gelu_tanh_slope")
_sigmoid, _logsigmoid = OfKernel("elementwise.sigmoid"), OfKernel("elementwise.logsigmoid")
_silu, _silu_slope = OfKernel("elementwise.silu"), OfKernel("elementwise.silu_slope")
_relu_grad = OfKernel("elementwise.relu_grad", 3)
_at_least, _at_most, _softplus = (Kernel(f"elementwise.{name}") for name in ("at_least", "at_most", "softplus"))


def _of_one(ufunc: OfKernel, x: Array) -> Any:
    return ufunc(x) if x.dtype is memory.F32 else NotImplemented


def _or_chain(ufunc: OfKernel, name: str, x: Array) -> Any:
    """A kernel for float32, NumPy's own loops in all threads for float64."""
    if x.dtype is F64 and (numpys := chain(name)) is not None:
        return numpys(x)
    return _of_one(ufunc, x)


def gelu(x: Array, approximate: str) -> Any:
    """a Φ(a)."""
    return _of_one(_gelu_tanh if approximate == "tanh" else _gelu, x)


def gelu_slope(x: Array, approximate: str) -> Any:
    """Derivative of `gelu`."""
    return _of_one(_gelu_tanh_slope if approximate == "tanh" else _gelu_slope, x)


def sigmoid(x: Array) -> Any:
    """1 / (1 + exp(-x))."""
    return _or_chain(_sigmoid, "sigmoid", x)


def silu(x: Array) -> Any:
    """x sigmoid(x)."""
    return _or_chain(_silu, "silu", x)


def silu_slope(x: Array) -> Any:
    """Derivative of `silu`."""
    return _of_one(_silu_slope, x)


def relu_grad(g: Array, out: Array) -> Any:
    """g where `out` is not zero."""
    if (
        type(g) is not np.ndarray
        or type(out) is not np.ndarray
        or g.shape != out.shape
        or not g.dtype is out.dtype is memory.F32
    ):
        return NotImplemented
    return _relu_grad(g, out)


def logsigmoid(x: Array) -> Any:
    """log(sigmoid(x))."""
    return _of_one(_logsigmoid, x)


def softplus(x: Array, beta: float, threshold: float) -> Any:
    """log(1 + exp(beta x)) / beta, and x where beta x is above the threshold."""
    if x.dtype is not memory.F32:
        return NotImplemented
    x = memory.dense(x)
    y = memory.empty(x.shape)
    _softplus(parts_for(x.size, 1 << 15), x, y, x.size, float(beta), float(threshold))
    return y


def beside(ufunc: np.ufunc, x: Array, number: float, out: Array | None) -> Any:
    """The larger (`np.maximum`) or smaller of each element and a number; written into `out` if that is given."""
    if x.dtype is not memory.F32 or number != number:
        return NotImplemented
    x = memory.dense(x)
    y = memory.empty(x.shape) if out is None else out
    (_at_least if ufunc is np.maximum else _at_most)(parts_for(x.size, 1 << 15), x, y, x.size, float(number))
    return y
