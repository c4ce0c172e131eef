"""Gradients of activation functions: g times the slope."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.numba import _memory as memory
from tour.numba._native import Kernel
from tour.numba.forms._sharing import pair, parts_for

Array = Any

_gelu, _gelu_tanh = {memory.F32: Kernel("gradients.gelu")}, {memory.F32: Kernel("gradients.gelu_tanh")}
_silu, _sigmoid, _tanh = pair("gradients.silu"), pair("gradients.sigmoid"), pair("gradients.tanh")


def _times(kernels: dict[Any, Kernel], g: Array, x: Array) -> Any:
    kernel = kernels.get(g.dtype)
    if kernel is None or type(x) is not np.ndarray or x.dtype is not g.dtype or g.shape != x.shape:
        return NotImplemented
    y = memory.empty(g.shape, g.dtype)
    kernel(parts_for(g.size, 1 << 14), memory.dense(g), memory.dense(x), y, g.size)
    return y


def gelu_grad(g: Array, x: Array, approximate: str) -> Any:
    """g times the slope of gelu at x."""
    return _times(_gelu_tanh if approximate == "tanh" else _gelu, g, x)


def silu_grad(g: Array, x: Array) -> Any:
    """g times the slope of silu at x."""
    return _times(_silu, g, x)


def sigmoid_grad(g: Array, y: Array) -> Any:
    """g y (1 - y)."""
    return _times(_sigmoid, g, y)


def tanh_grad(g: Array, y: Array) -> Any:
    """g (1 - y²)."""
    return _times(_tanh, g, y)
