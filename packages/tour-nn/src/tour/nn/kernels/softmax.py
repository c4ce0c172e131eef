"""Softmax, its logarithm, and the cross entropy that fuses both with the choice of a class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def softmax(x: Array, axis: int) -> Array:
    """exp(x) / sum(exp(x)) along axis, shifted by the maximum so that nothing overflows.

    Examples:
        >>> softmax(np.array([1000.0, 1000.0]), 0)
        array([0.5, 0.5])
    """
    with np.errstate(invalid="ignore"):  # inf - inf: the answer is NaN
        y: Array = np.subtract(x, np.max(x, axis, keepdims=True, initial=-np.inf))
        np.exp(y, out=y)
        y /= np.add.reduce(y, axis, keepdims=True)
    return y


def softmax_grad(g: Array, y: Array, axis: int) -> Array:
    """Gradient of `softmax` from the gradient g of its result y: y (g - sum(g y))."""
    inner = np.vecdot(np.moveaxis(g, axis, -1), np.moveaxis(y, axis, -1))
    grad: Array = g - np.expand_dims(inner, axis)
    grad *= y
    return grad


def log_softmax(x: Array, axis: int) -> Array:
    """x - log(sum(exp(x))) along axis, shifted by the maximum so that nothing overflows.

    Examples:
        >>> log_softmax(np.array([0.0, 1000.0]), 0)
        array([-1000.,     0.])
    """
    with np.errstate(invalid="ignore"):
        y: Array = np.subtract(x, np.max(x, axis, keepdims=True, initial=-np.inf))
        y -= np.log(np.add.reduce(np.exp(y), axis, keepdims=True))
    return y


def log_softmax_grad(g: Array, y: Array, axis: int) -> Array:
    """Gradient of `log_softmax` from the gradient g of its result y: g - exp(y) sum(g)."""
    grad: Array = np.exp(y)
    grad *= np.add.reduce(g, axis, keepdims=True)
    np.subtract(g, grad, out=grad)
    return grad


def class_weights(target: Array, weight: Array | None, ignore_index: int, dtype: np.dtype[Any]) -> Array:
    """Weight of each sample: that of its class, zero where ignored. Their sum divides the mean of a loss.

    Args:
        target: Class indices of any shape.
        weight: Weight of each class, or None.
        ignore_index: The class that does not count.
        dtype: Type of the result.

    Examples:
        >>> class_weights(np.array([0, 2, -100]), np.array([0.5, 1.0, 2.0]), -100, np.dtype("f4"))
        array([0.5, 2. , 0. ], dtype=float32)
    """
    keep = target != ignore_index
    each = np.ones(keep.shape, dtype) if weight is None else weight[np.where(keep, target, 0)]
    return np.where(keep, each, 0).astype(dtype, copy=False)


def cross_entropy(
    logits: Array,
    target: Array,
    weight: Array | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> tuple[Array, Array]:
    """Cross entropy of each sample, not reduced, and the class probabilities for `cross_entropy_grad`.

    Args:
        logits: Shape (N, C, *size).
        target: Class indices, shape (N, *size).
        weight: Weight of each class, shape (C,), or None.
        ignore_index: Samples with this target lose nothing.
        label_smoothing: Share of the target given to all classes alike.

    Returns:
        Losses of shape (N, *size), each already weighted, and softmax(logits) of shape (N, C, *size).

    Examples:
        >>> cross_entropy(np.zeros((1, 2)), np.array([1]))[0].round(4)
        array([0.6931])
    """
    keep = target != ignore_index
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.subtract(logits, np.max(logits, 1, keepdims=True, initial=-np.inf))
        chosen = np.take_along_axis(y, np.where(keep, target, 0)[:, None], 1)[:, 0]
        smooth = _class_sum(y, weight) if label_smoothing else None
        np.exp(y, out=y)
        total = np.add.reduce(y, 1, keepdims=True)
        y /= total
        total = np.log(total[:, 0])
        losses = total - chosen
        if weight is not None:
            losses *= weight[np.where(keep, target, 0)]
        if smooth is not None:
            losses *= 1 - label_smoothing
            losses += label_smoothing / logits.shape[1] * (_weight_sum(logits, weight) * total - smooth)
    return np.where(keep, losses, losses.dtype.type(0)), y


def cross_entropy_grad(
    g: Array,
    probabilities: Array,
    target: Array,
    weight: Array | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> Array:
    """Gradient of `cross_entropy` with respect to the logits, from the gradient g (N, *size) of the losses.

    With w the class weights and e the smoothing, each sample of target t gives
    g [((1 - e) w_t + e mean(w)) p - (1 - e) w_t onehot(t) - e w / C].
    """
    keep = target != ignore_index
    safe, classes = np.where(keep, target, 0), probabilities.shape[1]
    g = np.where(keep, g, g.dtype.type(0))
    share = g * (1 - label_smoothing)
    if weight is not None:
        share *= weight[safe]
    spread = label_smoothing / classes * g
    grad: Array = probabilities * (share + spread * _weight_sum(probabilities, weight))[:, None]
    if label_smoothing:
        grad -= spread[:, None] * (1 if weight is None else weight.reshape(-1, *(1,) * (g.ndim - 1)))
    place = safe[:, None]
    np.put_along_axis(grad, place, np.take_along_axis(grad, place, 1) - share[:, None], 1)
    return grad


def _class_sum(y: Array, weight: Array | None) -> Array:
    return np.asarray(np.add.reduce(y, 1) if weight is None else np.tensordot(y, weight, (1, 0)))


def _weight_sum(logits: Array, weight: Array | None) -> Any:
    return logits.shape[1] if weight is None else weight.sum()
