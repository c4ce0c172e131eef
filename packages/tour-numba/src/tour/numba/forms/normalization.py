"""Layer, root-mean-square, batch and group normalisation, and their gradients."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from tour._widening import add_up
from tour.numba import _memory as memory
from tour.numba._native import Kernel
from tour.numba.forms._sharing import pair, parts_for

Array = Any
LEAST = 1 << 14  # elements of a part
SHORTEST = 16  # elements of a channel's run from which vectors gain

_layer_norm, _layer_norm_grad = pair("rows.layer_norm"), pair("rows.layer_norm_grad")
_rms_norm, _rms_norm_grad = pair("rows.rms_norm"), pair("rows.rms_norm_grad")
_batch_norm, _batch_norm_grad = pair("channels.batch_norm"), pair("channels.batch_norm_grad")
_group_norm, _group_norm_grad = pair("channels.group_norm"), pair("channels.group_norm_grad")


@lru_cache(maxsize=64)
def _constant(n: int, value: float, dtype: Any = memory.F32) -> Array:
    a = np.full(n, value, dtype)
    a.setflags(write=False)
    return a


def _serves(kernels: dict[Any, Kernel], x: Array, *arrays: Array | None) -> bool:
    """Whether there is a kernel for the dtype of all these, and anything to do."""
    dtype = x.dtype
    for a in arrays:
        if a is not None and a.dtype is not dtype:
            return False
    return dtype in kernels and x.size > 0


def _or(a: Array | None, n: int, value: float, dtype: Any = memory.F32) -> Array:
    """Weights or biases, flat; a constant where there are none."""
    return _constant(n, value, dtype) if a is None else memory.dense(a)


def _parts(size: int, units: int) -> int:
    return max(1, min(parts_for(size, LEAST), units)) if size >= 2 * LEAST else 1


def layer_norm(x: Array, shape: tuple[int, ...], weight: Array | None, bias: Array | None, eps: float) -> Any:
    """(x - mean) / sqrt(var + eps) * weight + bias over the last dimensions."""
    n = prod(shape)
    if not _serves(_layer_norm, x, weight, bias):
        return NotImplemented
    rows = x.size // n
    y, mean, rstd = memory.empty(x.shape, x.dtype), memory.empty((rows, 1), x.dtype), memory.empty((rows, 1), x.dtype)
    inputs = memory.dense(x), _or(weight, n, 1, x.dtype), _or(bias, n, 0, x.dtype)
    _layer_norm[x.dtype](_parts(x.size, rows), *inputs, y, mean, rstd, rows, n, float(eps))
    return y, mean, rstd


def layer_norm_grad(
    g: Array, x: Array, shape: tuple[int, ...], mean: Array, rstd: Array, weight: Array | None, wanted: Any
) -> Any:
    """Gradients of `layer_norm`."""
    n = prod(shape)
    if not _serves(_layer_norm_grad, x, g, mean, rstd, weight):
        return NotImplemented
    rows = x.size // n
    parts = _parts(x.size, rows)
    sums = shape if parts == 1 else (parts, *shape)
    grad, weight_grad, bias_grad = (
        memory.empty(x.shape, x.dtype),
        memory.empty(sums, x.dtype),
        memory.empty(sums, x.dtype),
    )
    inputs = memory.dense(g), memory.dense(x), mean, rstd, _or(weight, n, 1, x.dtype)
    scratch = memory.empty(sums, x.dtype), memory.empty(sums, x.dtype)
    _layer_norm_grad[x.dtype](parts, *inputs, grad, *scratch, rows, n, weight_grad, bias_grad)
    if parts > 1:
        weight_grad, bias_grad = np.add.reduce(weight_grad, 0), np.add.reduce(bias_grad, 0)
    return grad if wanted[0] else None, weight_grad if wanted[1] else None, bias_grad if wanted[2] else None


def rms_norm(x: Array, shape: tuple[int, ...], weight: Array | None, eps: float) -> Any:
    """x / sqrt(mean(x ** 2) + eps) * weight over the last dimensions."""
    n = prod(shape)
    if not _serves(_rms_norm, x, weight):
        return NotImplemented
    rows = x.size // n
    y, root = memory.empty(x.shape, x.dtype), memory.empty((rows, 1), x.dtype)
    _rms_norm[x.dtype](_parts(x.size, rows), memory.dense(x), _or(weight, n, 1, x.dtype), y, root, rows, n, float(eps))
    return y, root


def rms_norm_grad(g: Array, x: Array, shape: tuple[int, ...], rrms: Array, weight: Array | None, wanted: Any) -> Any:
    """Gradients of `rms_norm`."""
    n = prod(shape)
    if not _serves(_rms_norm_grad, x, g, rrms, weight):
        return NotImplemented
    rows = x.size // n
    parts = _parts(x.size, rows)
    grad, sums = memory.empty(x.shape, x.dtype), memory.empty((2, parts, n), x.dtype)
    inputs = memory.dense(g), memory.dense(x), memory.dense(rrms), _or(weight, n, 1, x.dtype)
    _rms_norm_grad[x.dtype](parts, *inputs, grad, sums[1], rows, n, sums[0])
    return grad if wanted[0] else None, np.add.reduce(sums[0], 0).reshape(shape) if wanted[1] else None


def batch_norm(x: Array, weight: Array | None, bias: Array | None, eps: float) -> Any:
    """Each channel by its own mean and variance."""
    samples, channels, size = len(x), x.shape[1], prod(x.shape[2:])
    if not _serves(_batch_norm, x, weight, bias) or size < SHORTEST:
        return NotImplemented
    y, mean, var = (
        memory.empty(x.shape, x.dtype),
        memory.empty((channels,), x.dtype),
        memory.empty((channels,), x.dtype),
    )
    inputs = memory.dense(x), _or(weight, channels, 1, x.dtype), _or(bias, channels, 0, x.dtype)
    _batch_norm[x.dtype](_parts(x.size, channels), *inputs, y, mean, var, samples, channels, size, float(eps))
    return y, mean, var


def batch_norm_grad(
    g: Array, x: Array, mean: Array, var: Array, weight: Array | None, eps: float, wanted: Any, training: bool
) -> Any:
    """Gradients of `batch_norm`, where the batch's own statistics were used."""
    samples, channels, size = len(x), x.shape[1], prod(x.shape[2:])
    if not training or not _serves(_batch_norm_grad, x, g, mean, var, weight) or size < SHORTEST:
        return NotImplemented
    grad, dw, db = (
        memory.empty(x.shape, x.dtype),
        memory.empty((channels,), x.dtype),
        memory.empty((channels,), x.dtype),
    )
    inputs = memory.dense(g), memory.dense(x), memory.dense(mean), memory.dense(var), _or(weight, channels, 1, x.dtype)
    _batch_norm_grad[x.dtype](_parts(x.size, channels), *inputs, grad, dw, db, samples, channels, size, float(eps))
    return grad if wanted[0] else None, dw if wanted[1] else None, db if wanted[2] else None


def group_norm(x: Array, groups: int, weight: Array | None, bias: Array | None, eps: float) -> Any:
    """Each sample over groups of channels."""
    samples, channels, size = len(x), x.shape[1], prod(x.shape[2:])
    if not _serves(_group_norm, x, weight, bias) or size < SHORTEST:
        return NotImplemented
    units = samples * groups
    y, mean, rstd = memory.empty(x.shape, x.dtype), memory.empty((units, 1), x.dtype), memory.empty((units, 1), x.dtype)
    inputs = memory.dense(x), _or(weight, channels, 1, x.dtype), _or(bias, channels, 0, x.dtype)
    _group_norm[x.dtype](
        _parts(x.size, units), *inputs, y, mean, rstd, samples, groups, channels // groups, size, float(eps)
    )  # fmt: skip
    return y, mean, rstd


def group_norm_grad(
    g: Array, x: Array, groups: int, mean: Array, rstd: Array, weight: Array | None, wanted: Any
) -> Any:
    """Gradients of `group_norm`."""
    samples, channels, size = len(x), x.shape[1], prod(x.shape[2:])
    if not _serves(_group_norm_grad, x, g, mean, rstd, weight) or size < SHORTEST:
        return NotImplemented
    grad, sums = memory.empty(x.shape, x.dtype), memory.empty((2, samples, channels), x.dtype)
    inputs = memory.dense(g), memory.dense(x), memory.dense(mean), memory.dense(rstd), _or(weight, channels, 1, x.dtype)
    _group_norm_grad[x.dtype](
        _parts(x.size, samples * groups), *inputs, grad, sums[0], sums[1], samples, groups, channels // groups, size
    )  # fmt: skip
    dw, db = add_up(sums, 1)
    return grad if wanted[0] else None, dw if wanted[1] else None, db if wanted[2] else None
