"""Softmax and its logarithm on raw arrays, with their gradients: blocks that stay in the cache, one pass over memory each.

Arrays are seen as (outer, classes, inner) and processed in blocks of the outer dimension.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tour._compiled import compilable
from tour._core import as_array, ndarray
from tour._kernels import in_single

Array = NDArray[Any]

_BLOCK = 1 << 18  # elements
_SMALL = 1 << 10  # elements up to which the plain formula is faster


@compilable()
@in_single
def softmax(x: Array, axis: int) -> Array:
    """exp(x) / sum(exp(x)) along an axis, shifted by the maximum so that nothing overflows.

    Examples:
        >>> softmax(np.array([1000.0, 1000.0]), 0)
        array([0.5, 0.5])
    """
    if _plain(x):
        y: Array = np.exp(x - np.maximum.reduce(x, axis, keepdims=True))
        y /= np.add.reduce(y, axis, keepdims=True)
        return y
    x3 = three(x, axis)
    y = np.empty_like(x3, order="C")
    for b in blocks(x3):
        part = shifted(x3[b], y[b])
        np.exp(part, out=part)
        part /= total(part)
    return y.reshape(x.shape)


@compilable()
@in_single
def softmax_grad(g: Array, y: Array, axis: int) -> Array:
    """Gradient of `softmax` from the gradient g of its result y: y (g - sum(g y))."""
    if _plain(y):
        grad: Array = y * (g - np.add.reduce(g * y, axis, keepdims=True))
        return grad
    g3, y3 = three(g, axis), three(y, axis)
    grad = np.empty_like(y3, order="C")
    for b in blocks(y3):
        part = np.subtract(g3[b], _dot(g3[b], y3[b]), out=grad[b])
        part *= y3[b]
    return grad.reshape(y.shape)


@compilable()
@in_single
def log_softmax(x: Array, axis: int) -> Array:
    """x - log(sum(exp(x))) along an axis, shifted by the maximum so that nothing overflows.

    Examples:
        >>> log_softmax(np.array([0.0, 1000.0]), 0)
        array([-1000.,     0.])
    """
    if _plain(x):
        y = x - np.maximum.reduce(x, axis, keepdims=True)
        y -= np.log(np.add.reduce(np.exp(y), axis, keepdims=True))
        return y
    x3 = three(x, axis)
    y = np.empty_like(x3, order="C")
    for b in blocks(x3):
        part = shifted(x3[b], y[b])
        part -= np.log(total(np.exp(part)))
    return y.reshape(x.shape)


@compilable()
@in_single
def log_softmax_grad(g: Array, y: Array, axis: int) -> Array:
    """Gradient of `log_softmax` from the gradient g of its result y: g - exp(y) sum(g)."""
    if _plain(y):
        grad: Array = g - np.exp(y) * np.add.reduce(g, axis, keepdims=True)
        return grad
    g3, y3 = three(g, axis), three(y, axis)
    grad = np.empty_like(y3, order="C")
    for b in blocks(y3):
        part = np.exp(y3[b], out=grad[b])
        part *= total(g3[b])
        np.subtract(g3[b], part, out=part)
    return grad.reshape(y.shape)


def _plain(x: Array) -> bool:
    """Whether the formula is best computed as it stands: on small arrays, and on another device's."""
    return x.ndim > 0 and x.size > 0 and (x.size <= _SMALL or type(x) is not ndarray)


def shifted(x: Array, out: Array) -> Array:
    """x minus its maximum along axis 1, so that its exponential does not overflow."""
    return np.subtract(x, np.maximum.reduce(x, 1, keepdims=True), out=out)


def total(y: Array) -> Array:
    """Sum along axis 1; rows of contiguous memory as a product, which is three times faster than a reduction."""
    if y.shape[2] == 1:
        return (y[:, :, 0] @ np.ones(y.shape[1], y.dtype, like=y))[:, None, None]
    return as_array(np.add.reduce(y, 1, keepdims=True))  # type: ignore[no-any-return]


def _dot(g: Array, y: Array) -> Array:
    if y.shape[2] == 1:
        return np.asarray(np.vecdot(g[:, :, 0], y[:, :, 0]))[:, None, None]
    return as_array(np.add.reduce(g * y, 1, keepdims=True))  # type: ignore[no-any-return]


def three(x: Array, axis: int) -> Array:
    """An array as (outer, axis, inner), without a copy where its strides allow; a number as a single class."""
    if not x.ndim:
        return x.reshape(1, 1, 1)
    axis %= x.ndim
    return x.reshape(prod(x.shape[:axis]), x.shape[axis], prod(x.shape[axis + 1 :]))


def blocks(x: Array) -> Iterator[slice]:
    """Slices of the outer dimension with about `_BLOCK` elements each; none where there is nothing to reduce."""
    if x.size:
        step = max(1, _BLOCK // (x.shape[1] * x.shape[2]))
        for start in range(0, len(x), step):
            yield slice(start, start + step)
