"""Cross entropy and the negative log likelihood of classes."""

from __future__ import annotations

from typing import Any

import numpy as np

import tour
from tour import Tensor
from tour._core import held, wrap
from tour._declare import primitive
from tour.autograd.both import differentiate
from tour.autograd.rule import joint_vjp
from tour.nn.functional._reduction import check_reduction, legacy_reduction, reduced
from tour.nn.functional._sizes import all_below
from tour.nn.functional.linear_maps import linear
from tour.nn.kernels import softmax as kernels

__all__ = ["cross_entropy", "linear_cross_entropy", "nll_loss"]


@primitive(kernels.cross_entropy, aside=True)
def _cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, label_smoothing: float
) -> tuple[Tensor, Tensor]:
    """Cross entropy of each sample, and the softmax of the input, which its gradient needs."""
    ...


@joint_vjp(_cross_entropy, "input")
def _(
    g: Any, wanted: Any, input: Any, target: Any, weight: Any, ignore_index: int, label_smoothing: float, rest: Any
) -> tuple[Any, ...]:
    if isinstance(g, Tensor):
        target, weight = (None if x is None else tour.as_tensor(x) for x in (target, weight))
        return differentiate(
            lambda x: cross_entropy_expression(x, target, weight, ignore_index, label_smoothing), (input,), wanted, g
        )
    return (kernels.cross_entropy_grad(g, rest[0], target, weight, ignore_index, label_smoothing),)


def cross_entropy_expression(
    input: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int = -100, label_smoothing: float = 0.0
) -> Tensor:
    """The cross entropy of each sample written in other ops; the kernel's oracle, and its second derivative."""
    logs = input.log_softmax(1)
    keep = target != ignore_index
    safe = tour.where(keep, target, 0)
    shape = (-1, *(1,) * (input.dim() - 2))
    scaled = logs if weight is None else logs * weight.reshape(shape)
    losses = -scaled.gather(1, safe.unsqueeze(1)).squeeze(1) * (1 - label_smoothing)
    if label_smoothing:
        losses = losses - scaled.sum(1) * (label_smoothing / input.shape[1])
    kept: Tensor = tour.where(keep, losses, 0.0)
    return kept


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross entropy between logits and classes: `-log softmax(input)[target]`.

    Args:
        input: Logits of shape (N, C, ...) or (C,).
        target: Class indices of shape (N, ...), or class probabilities of `input`'s shape.
        weight: Weight of each class, shape (C,).
        size_average: Deprecated.
        ignore_index: Samples of this class do not count.
        reduce: Deprecated.
        reduction: `"mean"` (weighted by class), `"sum"` or `"none"`.
        label_smoothing: Share of the target spread over all classes, between 0 and 1.

    Raises:
        ValueError: If the batch sizes differ, or the reduction is unknown.
        IndexError: If a target is out of range.
        RuntimeError: If shapes or dtypes do not fit, or `label_smoothing` is out of range.

    Examples:
        >>> import tour
        >>> cross_entropy(tour.tensor([[2.0, 0.0]]), tour.tensor([0]))
        tensor(0.1269)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if input.dim() == 1:
        losses = cross_entropy(
            input.unsqueeze(0), target.unsqueeze(0), weight, None, ignore_index, None, "none", label_smoothing
        )
        if reduction == "none":
            return losses.squeeze(0)
        if reduction == "mean" and weight is not None and not target.is_floating_point():
            return losses.sum() / class_weight_sum(target.unsqueeze(0), weight, ignore_index, input)
        return losses.sum()
    if target._a.dtype.kind not in "iub" and target.is_floating_point():
        if ignore_index >= 0:
            raise RuntimeError(
                f"ignore_index is not supported for floating point target, but got {ignore_index}; leave it out, or give class indices"
            )
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing)
    all_count = check_classes(input, target, weight, ignore_index, "cross_entropy")
    losses, _ = _cross_entropy(input, target, weight, ignore_index, label_smoothing)
    if reduction == "mean":
        if all_count and weight is None and losses.numel():
            return losses.mean()
        return losses.sum() / class_weight_sum(target, weight, ignore_index, input)
    return reduced(losses, reduction)


def class_weight_sum(target: Tensor, weight: Tensor | None, ignore_index: int, input: Tensor) -> float | Tensor:
    """What the mean over classes divides by: the number of samples that count, or the sum of their classes' weights."""
    if weight is None:
        count = (target._a != ignore_index).sum()
        return (
            int(count) if type(target._a) is np.ndarray else wrap(count.astype(input._a.dtype))
        )  # on a device nobody waits
    return tour.as_tensor(kernels.class_weights(target._a, weight._a, ignore_index, input._a.dtype)).sum()


def _soft_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float
) -> Tensor:
    """Cross entropy with a probability for each class."""
    if input.dim() == target.dim() + 1:
        raise RuntimeError(
            f"expected target dtype to be Long or Byte for classes of shape {list(target.shape)}, but got {target.dtype.name}; use "
            f"target.long(), or give probabilities of the input's shape {list(input.shape)}"
        )
    if input.shape[:1] != target.shape[:1]:
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({len(target) if target.dim() else 1})."
        )
    if input.shape != target.shape:
        raise RuntimeError(
            f"cross_entropy: class probabilities need the input's shape {list(input.shape)}, but target has {list(target.shape)}"
        )
    classes = input.shape[1]
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    terms = input.log_softmax(1) * target
    if weight is not None:
        terms = terms * weight.reshape(-1, *(1,) * (input.dim() - 2))
    losses = -terms.sum(1)
    return losses.sum() / (losses.numel() or float("nan")) if reduction == "mean" else reduced(losses, reduction)


def check_classes(input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, name: str) -> bool:
    """Refuse class targets that do not fit the scores.

    Returns:
        Whether it is known that no sample is ignored.

    Raises:
        ValueError: If the batch sizes differ.
        RuntimeError: If shapes or dtypes do not fit.
        IndexError: If a class is out of range.
    """
    shape, given = input._a.shape, target._a.shape
    if given[:1] != shape[:1]:
        raise ValueError(
            f"Expected input batch_size ({shape[0]}) to match target batch_size ({given[0] if given else 1})."
        )
    if target.dtype not in (tour.int64, tour.uint8):
        raise RuntimeError(
            f"{name}: expected target dtype to be Long or Byte, but got {target.dtype.name}; use target.long()"
        )
    classes, expected = shape[1], (*shape[:1], *shape[2:])
    if given != expected:
        raise RuntimeError(
            f"{name}: expected a target of shape {list(expected)} for input {list(shape)}, but got {list(given)}"
        )
    if weight is not None and weight._a.shape != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of "
            f"shape: {list(weight.shape)}"
        )
    raw: Any = held(target._a)
    if type(raw) is not np.ndarray:  # a device tells at the next synchronisation
        counted: Any = np.where(raw == ignore_index, 0, raw)
        counted.within(0, classes, name)
        return False
    if all_below(raw, classes):
        return not 0 <= ignore_index < classes
    wrong = ((raw < 0) | (raw >= classes)) & (raw != ignore_index)
    if wrong.any():
        raise IndexError(
            f"Target {raw[wrong][0]} is out of bounds: the input of shape {list(shape)} has {classes} classes"
        )
    return False


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood: `-input[target]`, for log-probabilities as `log_softmax` gives them.

    Args:
        input: Log-probabilities of shape (N, C, ...) or (C,).
        target: Class indices of shape (N, ...).
        weight: Weight of each class, shape (C,).
        size_average: Deprecated.
        ignore_index: Samples of this class do not count.
        reduce: Deprecated.
        reduction: `"mean"` (weighted by class), `"sum"` or `"none"`.

    Raises:
        ValueError: If the batch sizes differ.
        IndexError: If a target is out of range.

    Examples:
        >>> import tour
        >>> nll_loss(tour.tensor([[-0.5, -1.0]]), tour.tensor([1]))
        tensor(1.)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if input.dim() == 1:
        loss = nll_loss(input.unsqueeze(0), target.unsqueeze(0), weight, None, ignore_index, None, reduction)
        return loss.squeeze(0) if reduction == "none" else loss
    if check_classes(input, target, weight, ignore_index, "nll_loss") and weight is None and target.numel():
        return reduced(-input.gather(1, target.long().unsqueeze(1)).squeeze(1), reduction)
    keep = target != ignore_index
    picked = -input.gather(1, tour.where(keep, target.long(), 0).unsqueeze(1)).squeeze(1)
    weights = tour.as_tensor(
        kernels.class_weights(target._a, None if weight is None else weight._a, ignore_index, input._a.dtype)
    )
    losses = tour.where(keep, picked * weights, 0.0)
    return losses.sum() / weights.sum() if reduction == "mean" else reduced(losses, reduction)


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """Cross entropy of a linear map: `cross_entropy(linear(input, linear_weight, linear_bias), target)`.

    Args:
        input: Shape (N, in) or (in,).
        linear_weight: Shape (C, in), or (C, *size, in) for several predictions of each sample.
        target: Class indices of shape (N, *size), or class probabilities of shape (N, C, *size).
        linear_bias: Shape (C, *size), or None.
        weight: Weight of each class, shape (C,).
        reduction: `"mean"`, `"sum"` or `"none"`.
        ignore_index: Samples of this class do not count; -100 if None.
        label_smoothing: Share of the target spread over all classes.
        options: How PyTorch saves memory; accepted, and without effect on the numbers.

    Raises:
        RuntimeError: If shapes or dtypes do not fit.

    Examples:
        >>> import tour
        >>> linear_cross_entropy(tour.ones(1, 2), tour.zeros(3, 2), tour.tensor([0]))
        tensor(1.0986)
    """
    *size, features = linear_weight.shape
    if ignore_index is not None and target.is_floating_point():
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    if len(size) > 1 and input.dim() != 2:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} requires batched input, "
            f"(N, {features}), got unbatched input with shape {tuple(input.shape)}"
        )
    if input.dim() not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}: {list(input.shape)}")
    bias = None if linear_bias is None else linear_bias.flatten()
    logits = linear(input, linear_weight.reshape(-1, features), bias)
    logits = logits.reshape(*input.shape[:-1], *size)
    ignored = -100 if ignore_index is None else ignore_index
    return cross_entropy(logits, target, weight, None, ignored, None, reduction, label_smoothing)
