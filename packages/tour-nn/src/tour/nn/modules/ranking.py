"""Losses that compare pairs, orders and triplets, as modules."""

from __future__ import annotations

from collections.abc import Callable

from tour import Tensor
from tour.nn import functional as F
from tour.nn.modules._loss import _Loss
from tour.nn.modules.distance import PairwiseDistance

__all__ = [
    "CosineEmbeddingLoss", "HingeEmbeddingLoss", "MarginRankingLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss",
]  # fmt: skip

Distance = Callable[[Tensor, Tensor], Tensor]


class HingeEmbeddingLoss(_Loss):
    """Distances of pairs, alike or not; see `tour.nn.functional.hinge_embedding_loss`.

    Args:
        margin: How far apart unlike pairs should be.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> HingeEmbeddingLoss()(tour.tensor([0.5, 0.25]), tour.tensor([1, -1]))
        tensor(0.6250)
    """

    def __init__(
        self, margin: float = 1.0, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of distances against 1 (alike) and -1."""
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(_Loss):
    """Angles of pairs, alike or not; see `tour.nn.functional.cosine_embedding_loss`.

    Args:
        margin: The largest cosine that unlike pairs may have.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> CosineEmbeddingLoss()(tour.tensor([[1.0, 0.0]]), tour.tensor([[0.0, 1.0]]), tour.tensor([1]))
        tensor(1.)
    """

    def __init__(
        self, margin: float = 0.0, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """The loss of vectors (N, D) against 1 (alike) and -1."""
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(_Loss):
    """Orders of pairs; see `tour.nn.functional.margin_ranking_loss`.

    Args:
        margin: How far apart scores should be.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> MarginRankingLoss()(tour.tensor([1.0]), tour.tensor([3.0]), tour.tensor([1.0]))
        tensor(2.)
    """

    def __init__(
        self, margin: float = 0.0, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """The loss of scores against 1 (the first is larger) and -1."""
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class TripletMarginLoss(_Loss):
    """Distances to an anchor; see `tour.nn.functional.triplet_margin_loss`.

    Args:
        margin: How much farther negatives should be.
        p: Order of the norm.
        eps: Added to each difference.
        swap: Whether the distance from positive to negative counts where it is the smaller one.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> TripletMarginLoss(margin=2.0)(tour.zeros(1, 2), tour.ones(1, 2), 2 * tour.ones(1, 2))
        tensor(0.5858)
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        if margin <= 0:
            raise ValueError(f"TripletMarginLoss: expected margin to be greater than 0, got {margin} instead")
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """The loss of vectors (N, D)."""
        return F.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, reduction=self.reduction
        )


class TripletMarginWithDistanceLoss(_Loss):
    """Distances to an anchor, by any measure; see `tour.nn.functional.triplet_margin_with_distance_loss`.

    Args:
        distance_function: Distance between two batches of vectors; `PairwiseDistance` if None.
        margin: How much farther negatives should be.
        swap: Whether the distance from positive to negative counts where it is the smaller one.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> TripletMarginWithDistanceLoss(margin=2.0)(tour.zeros(1, 2), tour.ones(1, 2), 2 * tour.ones(1, 2))
        tensor(0.5858)
    """

    def __init__(
        self,
        *,
        distance_function: Distance | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        if margin <= 0:
            raise ValueError(
                f"TripletMarginWithDistanceLoss: expected margin to be greater than 0, got {margin} instead"
            )
        self.distance_function: Distance = PairwiseDistance() if distance_function is None else distance_function
        self.margin = margin
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """The loss of vectors (N, D)."""
        return F.triplet_margin_with_distance_loss(
            anchor, positive, negative, distance_function=self.distance_function, margin=self.margin, swap=self.swap,
            reduction=self.reduction,
        )  # fmt: skip
