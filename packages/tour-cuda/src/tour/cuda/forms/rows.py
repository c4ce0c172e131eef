"""Softmax along any dimension, and cross entropy over class indices."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tour.cuda._faults import flag
from tour.cuda._launch import Array, Kernel, dense, elements, empty, rows, serves, three

_rows, _columns = Kernel("rows.softmax_rows"), Kernel("rows.softmax_columns")
_grad_rows, _grad_columns = Kernel("rows.softmax_grad_rows"), Kernel("rows.softmax_grad_columns")
_cross_entropy, _cross_entropy_grad = Kernel("rows.cross_entropy"), Kernel("rows.cross_entropy_grad")


def _along(by_rows: Kernel, by_columns: Kernel, axis: int, logarithm: bool, *inputs: Array) -> Any:
    shape = inputs[-1].shape
    if not serves(*inputs) or any(a.shape != shape for a in inputs):
        return NotImplemented
    inputs = tuple(map(dense, inputs))
    out = empty(shape, inputs[0].dtype, inputs[0])
    if out.size:
        outer, n, inner = three(shape, axis % max(len(shape), 1))
        if inner == 1:
            by_rows(rows(outer, n), *inputs, out, outer, n, int(logarithm))
        else:
            by_columns(elements(outer * inner), *inputs, out, outer, n, inner, int(logarithm))
    return out


def softmax(x: Array, axis: int) -> Any:
    """exp(x) / sum(exp(x))."""
    return _along(_rows, _columns, axis, False, x)


def softmax_grad(g: Array, y: Array, axis: int) -> Any:
    """y (g - sum(g y))."""
    return _along(_grad_rows, _grad_columns, axis, False, g, y)


def log_softmax(x: Array, axis: int) -> Any:
    """x - log(sum(exp(x)))."""
    return _along(_rows, _columns, axis, True, x)


def log_softmax_grad(g: Array, y: Array, axis: int) -> Any:
    """g - exp(y) sum(g)."""
    return _along(_grad_rows, _grad_columns, axis, True, g, y)


def _last(x: Array) -> Array:
    """(N, C, *size) with the classes last, contiguous."""
    if x.ndim > 2:
        x = x.reshape(x.shape[0], x.shape[1], prod(x.shape[2:])).swapaxes(1, 2)
    return dense(x)


def _second(x: Array, shape: tuple[int, ...]) -> Array:
    """The inverse of `_last`, contiguous."""
    if len(shape) == 2:
        return x
    return dense(x.reshape(shape[0], prod(shape[2:]), shape[1]).swapaxes(1, 2)).reshape(shape)


def cross_entropy(
    logits: Array, target: Array, weight: Array | None = None, ignore_index: int = -100, label_smoothing: float = 0.0
) -> Any:
    """Cross entropy of each sample, and its probabilities."""
    if not serves(logits, weight) or logits.ndim < 2:
        return NotImplemented
    x, index = _last(logits), dense(target, np.int64)
    n = logits.shape[1]
    losses, probabilities = empty(target.shape, x.dtype, x), empty(x.shape, x.dtype, x)
    if x.size:
        _cross_entropy(
            rows(target.size, n), x, index, dense(weight), losses, probabilities, target.size, n, ignore_index,
            float(label_smoothing), flag(x),
        )  # fmt: skip
    return losses, _second(probabilities, logits.shape)


def cross_entropy_grad(
    g: Array, probabilities: Array, target: Array, weight: Array | None = None,
    ignore_index: int = -100, label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    """Gradient of the logits."""
    if not serves(g, probabilities, weight):
        return NotImplemented
    p, index = _last(probabilities), dense(target, np.int64)
    grad, n = empty(p.shape, p.dtype, p), probabilities.shape[1]
    if p.size:
        _cross_entropy_grad(
            rows(target.size, n),
            dense(g),
            p,
            index,
            dense(weight),
            grad,
            target.size,
            n,
            ignore_index,
            float(label_smoothing),
        )
    return _second(grad, probabilities.shape)
