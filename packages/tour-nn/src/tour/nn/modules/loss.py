"""Losses as modules."""

from __future__ import annotations

from tour import Tensor
from tour.nn import functional as F
from tour.nn.functional.loss import legacy_reduction
from tour.nn.modules.module import Module

__all__ = ["CrossEntropyLoss", "MSELoss", "NLLLoss"]


class _Loss(Module):
    reduction: str

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = legacy_reduction(size_average, reduce, reduction)


class _WeightedLoss(_Loss):
    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class CrossEntropyLoss(_WeightedLoss):
    """Cross entropy between logits and classes; see `tour.nn.functional.cross_entropy`.

    Args:
        weight: Weight of each class.
        size_average: Deprecated.
        ignore_index: Samples of this class do not count.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.
        label_smoothing: Share of the target spread over all classes.

    Examples:
        >>> import tour
        >>> CrossEntropyLoss()(tour.zeros(1, 2), tour.tensor([1]))
        tensor(0.6931)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of logits (N, C, ...) against class indices (N, ...) or probabilities (N, C, ...)."""
        return F.cross_entropy(
            input, target, self.weight, None, self.ignore_index, None, self.reduction, self.label_smoothing
        )


class NLLLoss(_WeightedLoss):
    """Negative log likelihood of log-probabilities; see `tour.nn.functional.nll_loss`.

    Args:
        weight: Weight of each class.
        size_average: Deprecated.
        ignore_index: Samples of this class do not count.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> NLLLoss()(tour.tensor([[-0.5, -1.0]]), tour.tensor([1]))
        tensor(1.)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of log-probabilities (N, C, ...) against class indices (N, ...)."""
        return F.nll_loss(input, target, self.weight, None, self.ignore_index, None, self.reduction)


class MSELoss(_Loss):
    """Mean squared error; see `tour.nn.functional.mse_loss`.

    Args:
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> MSELoss()(tour.tensor([1.0, 2.0]), tour.tensor([1.0, 4.0]))
        tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of predictions against values of the same shape."""
        return F.mse_loss(input, target, reduction=self.reduction)
