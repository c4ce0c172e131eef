"""Losses that compare: pairs, orders and triplets."""

from __future__ import annotations

from collections.abc import Callable

import tour
from tour import Tensor
from tour.nn.functional._reduction import legacy_reduction, reduced, same_dims
from tour.nn.functional.distance import pairwise_distance

__all__ = [
    "cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss", "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]  # fmt: skip


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Distances of pairs: `x` where the target is 1 (alike), `max(0, margin - x)` where it is -1.

    Args:
        input: Distances of any shape.
        target: 1 or -1; shapes broadcast.
        margin: How far apart unlike pairs should be.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> hinge_embedding_loss(tour.tensor([0.5, 0.25]), tour.tensor([1, -1]), reduction="none")
        tensor([0.5000, 0.7500])
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    apart = tour.where(target != 1, (margin - input).clamp(min=0), 0)
    return reduced(apart + tour.where(target != -1, input, 0), reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Angles of pairs: `1 - cos` where the target is 1 (alike), `max(0, cos - margin)` where it is -1.

    Args:
        input1: Vectors of shape (N, D) or (D,).
        input2: Vectors of the same shape.
        target: 1 or -1, shape (N,) or ().
        margin: The largest cosine that unlike pairs may have.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        RuntimeError: If the shapes do not fit.

    Examples:
        >>> import tour
        >>> cosine_embedding_loss(tour.tensor([[1.0, 0.0]]), tour.tensor([[0.0, 1.0]]), tour.tensor([1]))
        tensor(1.)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if target.dim() > 1:
        raise RuntimeError(f"0D or 1D target tensor expected, multi-target not supported, but got {list(target.shape)}")
    if not input1.dim() == input2.dim() == target.dim() + 1:
        raise RuntimeError(
            f"{target.dim()}D target tensor expects {target.dim() + 1}D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    eps = 1e-12  # keeps the root's derivative finite; PyTorch's number
    norms = ((input1 * input1).sum(-1) + eps) * ((input2 * input2).sum(-1) + eps)
    cosine = (input1 * input2).sum(-1) / norms.sqrt()
    alike = tour.where(target == 1, 1 - cosine, 0)
    return reduced(alike + tour.where(target == -1, (cosine - margin).clamp(min=0), 0), reduction)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Orders of pairs: `max(0, -target (input1 - input2) + margin)`.

    Args:
        input1: Scores.
        input2: Scores of the same shape.
        target: 1 where `input1` should be larger, -1 where `input2` should.
        margin: By how much.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        RuntimeError: If the numbers of dimensions differ.

    Examples:
        >>> import tour
        >>> margin_ranking_loss(tour.tensor([1.0]), tour.tensor([3.0]), tour.tensor([1.0]))
        tensor(2.)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    same_dims("margin_ranking_loss : All input tensors should have same dimension", input1, input2, target)
    return reduced((-target * (input1 - input2) + margin).clamp(min=0), reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Distances to an anchor: `max(0, ‖anchor - positive‖_p - ‖anchor - negative‖_p + margin)` (Balntas et al., 2016).

    Args:
        anchor: Vectors of shape (N, D) or (D,).
        positive: Vectors that should be near the anchors.
        negative: Vectors that should be far from them.
        margin: How much farther.
        p: Order of the norm.
        eps: Added to each difference.
        swap: Whether the distance from positive to negative counts where it is the smaller one.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: If `margin` is not positive.
        RuntimeError: If the numbers of dimensions differ.

    Examples:
        >>> import tour
        >>> triplet_margin_loss(tour.zeros(1, 2), tour.ones(1, 2), 2 * tour.ones(1, 2), margin=2.0)
        tensor(0.5858)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    return _triplets(lambda a, b: pairwise_distance(a, b, p, eps), anchor, positive, negative, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with any distance.

    Args:
        anchor: Vectors of shape (N, D) or (D,).
        positive: Vectors that should be near the anchors.
        negative: Vectors that should be far from them.
        distance_function: Distance between two batches of vectors; `pairwise_distance` if None.
        margin: How much farther.
        swap: Whether the distance from positive to negative counts where it is the smaller one.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: If `margin` is not positive, or the reduction is unknown.
        RuntimeError: If the numbers of dimensions differ.

    Examples:
        >>> import tour
        >>> far = lambda a, b: (a - b).abs().max(-1).values
        >>> triplet_margin_with_distance_loss(tour.zeros(1, 2), tour.ones(1, 2), tour.ones(1, 2), distance_function=far)
        tensor(1.)
    """
    return _triplets(distance_function or pairwise_distance, anchor, positive, negative, margin, swap, reduction)


def _triplets(
    distance: Callable[[Tensor, Tensor], Tensor],
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    same_dims(
        "The anchor, positive, and negative tensors are expected to have the same number of dimensions",
        anchor,
        positive,
        negative,
    )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = tour.minimum(far, distance(positive, negative))
    return reduced((margin + near - far).clamp(min=0), reduction)
