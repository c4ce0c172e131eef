"""Cross entropy over class indices: the softmax of `tour._softmax` fused with the choice of a class.

Arrays are seen as (outer, classes, inner) and processed in blocks of the outer dimension that stay in the cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tour._compiled import compilable
from tour._core import held, ndarray
from tour._softmax import blocks, shifted, three, total

Array = NDArray[Any]


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
    if weight is None:
        each = np.ones(keep.shape, dtype, like=held(keep))
    else:  # a function of NumPy's, because inside `vmap` the targets may be a batch and the weights not
        each = np.take_along_axis(weight, np.where(keep, target, 0).reshape(-1), 0).reshape(keep.shape)
    return np.where(keep, each, 0).astype(dtype, copy=False)


@compilable()
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
    if _plain(logits, target, weight, ignore_index, label_smoothing):
        y = logits - np.maximum.reduce(logits, 1, keepdims=True)
        picked = y[np.arange(len(y)), target]
        np.exp(y, y)
        sums = np.add.reduce(y, 1)
        y /= sums[:, None]
        return np.log(sums) - picked, y
    x, keep = three(logits, 1), target != ignore_index
    chosen = np.where(keep, target, 0).reshape(len(x), x.shape[2])
    probabilities = np.empty(x.shape, x.dtype, like=x)
    losses = np.empty(chosen.shape, x.dtype, like=x)
    with np.errstate(invalid="ignore", divide="ignore"):
        for b in blocks(x):
            y = shifted(x[b], probabilities[b])
            picked = y[_places(chosen[b])]
            smooth = _weighted_sum(y, weight) if label_smoothing else None
            np.exp(y, out=y)
            sums = total(y)
            y /= sums
            log_total = np.log(sums[:, 0])
            loss = np.subtract(log_total, picked, out=losses[b])
            if weight is not None:
                loss *= weight[chosen[b]]
            if smooth is not None:
                loss *= 1 - label_smoothing
                loss += label_smoothing / x.shape[1] * (_weight_total(weight, x.shape[1]) * log_total - smooth)
    losses[~keep.reshape(losses.shape)] = 0
    return losses.reshape(target.shape), probabilities.reshape(logits.shape)


@compilable(by=1)
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
    if _plain(probabilities, target, weight, ignore_index, label_smoothing):
        grad: Array = probabilities * g[:, None]
        grad[np.arange(len(g)), target] -= g
        return grad
    p, keep = three(probabilities, 1), target != ignore_index
    classes = p.shape[1]
    chosen = np.where(keep, target, 0).reshape(len(p), p.shape[2])
    g = np.where(keep, g, g.dtype.type(0)).reshape(chosen.shape)
    share = g if weight is None else g * weight[chosen]
    if not label_smoothing:
        grad = p * share[:, None]
    else:
        share = share * (1 - label_smoothing)
        spread = g * (label_smoothing / classes)
        grad = p * (share + spread * _weight_total(weight, classes))[:, None]
        grad -= spread[:, None] * (1 if weight is None else weight[:, None])
    grad[_places(chosen)] -= share
    return grad.reshape(probabilities.shape)


_SMALL = 1 << 12  # elements up to which the plain formula is faster


def _plain(x: Array, target: Array, weight: Array | None, ignore_index: int, label_smoothing: float) -> bool:
    """Whether few samples, of which none is ignored, are computed by the formula as it stands."""
    few = x.ndim == 2 and 0 < x.size <= _SMALL and type(x) is type(target) is ndarray
    return few and weight is None and not label_smoothing and not np.count_nonzero(target == ignore_index)


def _places(chosen: Array) -> tuple[Array, Array, Array]:
    """Index of the chosen class (outer, inner) of each sample."""
    return np.arange(len(chosen), like=chosen)[:, None], chosen, np.arange(chosen.shape[1], like=chosen)


def _weighted_sum(y: Array, weight: Array | None) -> Array:
    return total(y)[:, 0] if weight is None else np.tensordot(y, weight, (1, 0))


def _weight_total(weight: Array | None, classes: int) -> Any:
    return classes if weight is None else weight.sum()
