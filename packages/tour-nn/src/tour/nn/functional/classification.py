"""Losses of binary and multi-label decisions, and margins between classes."""

from __future__ import annotations

from typing import Any

import numpy as np

import tour
from tour import Tensor
from tour._core import held
from tour._declare import primitive
from tour.autograd.both import reading
from tour.autograd.rule import tensor_vjp, vjp
from tour.nn.functional._reduction import check_reduction, legacy_reduction, reduced
from tour.nn.kernels import loss as kernels

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "multi_margin_loss", "multilabel_margin_loss",
    "multilabel_soft_margin_loss", "soft_margin_loss",
]  # fmt: skip


@primitive(kernels.binary_cross_entropy)
def _binary_cross_entropy(input: Tensor, target: Tensor) -> Tensor:
    """Cross entropy of each element, without weights."""
    ...


_EPS = 9.999999960041972e-13  # 1e-12 in single precision: PyTorch's number in every dtype

tensor_vjp(
    _binary_cross_entropy,
    input=lambda g, input, target: g * (input - target) / ((1 - input) * input).clamp(min=_EPS),
    target=lambda g, input: g * ((1 - input).log() - input.log()),
)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Cross entropy of binary decisions: `-(t log(x) + (1 - t) log(1 - x))`, with logarithms of at least -100.

    Args:
        input: Probabilities, of any shape.
        target: Probabilities (0 or 1 for certain ones) of the same shape.
        weight: Weight of each element; shapes broadcast.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: If the shapes differ.
        RuntimeError: If an input is not between 0 and 1, or the dtypes differ.

    Examples:
        >>> import tour
        >>> binary_cross_entropy(tour.tensor([0.5]), tour.tensor([1.0]))
        tensor(0.6931)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. Please "
            "ensure they have the same size."
        )
    if input.dtype is not target.dtype:
        raise RuntimeError(
            f"Found dtype {target.dtype.name} but expected {input.dtype.name}; use target.to(input.dtype)"
        )
    raw = held(input._a)
    if not ((raw >= 0) & (raw <= 1)).all():
        raise RuntimeError(
            "all elements of input should be between 0 and 1; apply sigmoid first, or use binary_cross_entropy_with_logits"
        )
    losses = _binary_cross_entropy(input, target)
    return reduced(losses if weight is None else losses * weight, reduction)


@primitive(kernels.cross_entropy_of_logits, broadcasts=True)
def _cross_entropy_of_logits(input: Tensor, target: Tensor) -> Tensor:
    """Cross entropy of each element from logits, without weights."""
    ...


_WIDE = (np.dtype(np.float32), np.dtype(np.float64))
_sigmoid = reading(tour.sigmoid)


def _to_logits(g: Any, input: Any, target: Any) -> Any:
    slope = _sigmoid(input)
    if type(slope) is not np.ndarray:
        return g * (slope - target)
    slope -= target
    slope *= g
    return slope


vjp(_cross_entropy_of_logits, input=_to_logits, target=lambda g, input: -g * input)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Cross entropy of binary decisions from logits: `(1 - t) x - (1 + (pos_weight - 1) t) log(sigmoid(x))`.

    Args:
        input: Logits, of any shape.
        target: Probabilities (0 or 1 for certain ones) of the same shape.
        weight: Weight of each element; shapes broadcast.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.
        pos_weight: Weight of positive targets; shapes broadcast.

    Raises:
        ValueError: If the shapes differ.
        RuntimeError: If the target is not floating-point.

    Examples:
        >>> import tour
        >>> binary_cross_entropy_with_logits(tour.zeros(1), tour.ones(1))
        tensor(0.6931)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    if not target.is_floating_point():
        raise RuntimeError(
            f"result type {input.dtype.name} can't be cast to the target's dtype {target.dtype.name}; use target.to(input.dtype)"
        )
    if (
        pos_weight is None
        and type(input._a) is type(target._a) is np.ndarray
        and input._a.dtype == target._a.dtype in _WIDE
    ):
        losses = _cross_entropy_of_logits(input, target)
        return reduced(losses if weight is None else losses * weight, reduction)
    logs = tour.ops.activations.logsigmoid(input)
    positive = logs if pos_weight is None else logs * (1 + (pos_weight - 1) * target)
    losses = (1 - target) * input - positive
    return reduced(losses if weight is None else losses * weight, reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Logistic loss of decisions between 1 and -1: `log(1 + exp(-target input))`.

    Args:
        input: Scores of any shape.
        target: 1 or -1, of the same shape.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> soft_margin_loss(tour.zeros(2), tour.tensor([1.0, -1.0]))
        tensor(0.6931)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    return reduced(-tour.ops.activations.logsigmoid(target * input), reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Binary cross entropy from logits, averaged over the classes of each sample.

    Args:
        input: Logits of shape (N, C) or (C,).
        target: 0 or 1, of the same shape.
        weight: Weight of each class; shapes broadcast.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"` (one number for each sample).

    Raises:
        ValueError: If the reduction is unknown.

    Examples:
        >>> import tour
        >>> multilabel_soft_margin_loss(tour.zeros(1, 2), tour.tensor([[0.0, 1.0]]))
        tensor(0.6931)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    log = tour.ops.activations.logsigmoid
    losses = -(target * log(input) + (1 - target) * log(-input))
    losses = losses if weight is None else losses * weight
    return reduced(losses.sum(-1) / input.shape[-1], reduction)


# --- Margins ------------------------------------------------------------------------------------------------------------------


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Hinge between each target class and each other one: the sum of `max(0, 1 - (x[j] - x[i])) / C`.

    Args:
        input: Scores of shape (N, C) or (C,).
        target: Classes of the same shape; each row's targets end at its first -1.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        RuntimeError: If shapes or dtypes do not fit, or a class is out of range.

    Examples:
        >>> import tour
        >>> multilabel_margin_loss(tour.tensor([0.1, 0.2, 0.4, 0.8]), tour.tensor([3, 0, -1, 1]))
        tensor(0.8500)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    if input.dim() > 2 or 0 in input.shape[1:]:
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}"
        )
    if target.shape != input.shape:
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    if target.dtype is not tour.int64:
        raise RuntimeError(f"expected target of dtype int64 but found {target.dtype.name}; use target.long()")
    classes = input.shape[-1] if input.dim() else 1
    x, y = input.reshape(-1, classes), target.reshape(-1, classes)
    if held(y._a).size and not -1 <= held(y._a).min() <= held(y._a).max() < classes:
        raise RuntimeError(f"argument #2 'target' is out of range: {target.tolist()} for {classes} classes")
    listed = (y < 0).cumsum(1) == 0
    y = tour.where(listed, y, 0)
    others = tour.zeros_like(y).scatter_reduce(1, y, listed.long(), "sum") == 0
    hinge = (1 - x.gather(1, y).unsqueeze(2) + x.unsqueeze(1)).clamp(min=0)
    pairs = listed.unsqueeze(2) & others.unsqueeze(1)
    losses = tour.where(pairs, hinge, 0).sum((1, 2)) / classes
    return reduced(losses if input.dim() == 2 else losses.reshape(()), reduction)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Hinge between the target class and each other one: the sum of `max(0, margin - x[y] + x[i])**p / C`.

    Args:
        input: Scores of shape (N, C) or (C,).
        target: Classes of shape (N,) or ().
        p: 1 or 2.
        margin: How far the target's score should be above the others.
        weight: Weight of each class, shape (C,).
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: If `p` is neither 1 nor 2.
        RuntimeError: If shapes or dtypes do not fit, or a class is out of range.

    Examples:
        >>> import tour
        >>> multi_margin_loss(tour.tensor([[0.1, 0.2, 0.4, 0.8]]), tour.tensor([3]))
        tensor(0.3250)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    if p not in (1, 2):
        raise ValueError(f"only p == 1 and p == 2 supported, but got p={p}")
    if weight is not None and weight.dim() != 1:
        raise ValueError(f"weight must be one-dimensional, but got {list(weight.shape)}")
    classes = input.shape[-1] if input.dim() else 1
    if input.dim() > 2 or not classes:
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}"
        )
    x = input.reshape(-1, classes)
    if target.dim() > 1 or target.numel() != x.shape[0]:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch size). "
            f"Expected target size [{x.shape[0]}], but got {list(target.shape)}"
        )
    if target.dtype is not tour.int64:
        raise RuntimeError(f"expected target of dtype int64 but found {target.dtype.name}; use target.long()")
    if weight is not None and weight.shape != (classes,):
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    if held(target._a).size and not 0 <= held(target._a).min() <= held(target._a).max() < classes:
        raise RuntimeError(f"target out of range: {target.tolist()} for {classes} classes")
    y = target.reshape(-1, 1)
    hinge = (margin - x.gather(1, y) + x).clamp(min=0)
    hinge = hinge if p == 1 else hinge * hinge
    if weight is not None:
        hinge = hinge * weight.index_select(0, y[:, 0]).unsqueeze(1)
    others = tour.arange(classes, device=input.device) != y
    losses = tour.where(others, hinge, 0).sum(1) / classes
    return reduced(losses if input.dim() == 2 or target.dim() else losses.reshape(()), reduction)
