"""Softmax along the last dimension, and cross entropy over class indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.numba import _memory as memory
from tour.numba._native import Kernel
from tour.numba.forms._sharing import pair, parts_for

Array = Any
I64 = np.dtype(np.int64)
LEAST = 1 << 14  # elements of a part

_softmax, _softmax_grad = pair("rows.softmax"), pair("rows.softmax_grad")
_log_softmax, _log_softmax_grad = pair("rows.log_softmax"), pair("rows.log_softmax_grad")
_cross_entropy, _cross_entropy_grad = pair("rows.cross_entropy"), pair("rows.cross_entropy_grad")


def _along_rows(kernels: dict[Any, Kernel], axis: int, *inputs: Array) -> Any:
    shape, dtype = inputs[-1].shape, inputs[-1].dtype
    kernel = kernels.get(dtype)
    if (
        kernel is None
        or any(a.dtype is not dtype or a.shape != shape for a in inputs)
        or axis % max(len(shape), 1) != len(shape) - 1
    ):
        return NotImplemented
    out = memory.empty(shape, dtype)
    if out.size:
        n = shape[-1]
        kernel(parts_for(out.size, LEAST), *map(memory.dense, inputs), out, out.size // n, n)
    return out


def softmax(x: Array, axis: int) -> Any:
    """exp(x) / sum(exp(x))."""
    return _along_rows(_softmax, axis, x)


def softmax_grad(g: Array, y: Array, axis: int) -> Any:
    """y (g - sum(g y))."""
    return _along_rows(_softmax_grad, axis, g, y)


def log_softmax(x: Array, axis: int) -> Any:
    """x - log(sum(exp(x)))."""
    return _along_rows(_log_softmax, axis, x)


def log_softmax_grad(g: Array, y: Array, axis: int) -> Any:
    """g - exp(y) sum(g)."""
    return _along_rows(_log_softmax_grad, axis, g, y)


def _serves(x: Array, target: Array, weight: Array | None, label_smoothing: float) -> bool:
    return x.dtype in _cross_entropy and x.ndim == 2 and target.dtype is I64 and weight is None and not label_smoothing


def cross_entropy(
    logits: Array, target: Array, weight: Array | None = None, ignore_index: int = -100, label_smoothing: float = 0.0
) -> Any:
    """Cross entropy of each sample, and its probabilities; without weights of classes."""
    if not _serves(logits, target, weight, label_smoothing) or not logits.size:
        return NotImplemented
    n, classes = logits.shape
    dtype = logits.dtype
    losses, probabilities = memory.empty((n,), dtype), memory.empty((n, classes), dtype)
    _cross_entropy[dtype](
        parts_for(n * classes, LEAST), memory.dense(logits), memory.dense(target), losses, probabilities,
        n, classes, ignore_index,
    )  # fmt: skip
    return losses, probabilities


def cross_entropy_grad(
    g: Array, probabilities: Array, target: Array, weight: Array | None = None,
    ignore_index: int = -100, label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    """g (p - onehot(t))."""
    if not _serves(probabilities, target, weight, label_smoothing) or g.dtype is not probabilities.dtype:
        return NotImplemented
    n, classes = probabilities.shape
    grad = memory.empty((n, classes), g.dtype)
    _cross_entropy_grad[g.dtype](
        parts_for(n * classes, LEAST), memory.dense(g), memory.dense(probabilities), memory.dense(target), grad,
        n, classes, ignore_index,
    )  # fmt: skip
    return grad
