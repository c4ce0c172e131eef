"""Losses between scores and classes, as modules."""

from __future__ import annotations

import warnings

from tour import Tensor
from tour.nn import functional as F
from tour.nn.functional.ctc import Lengths
from tour.nn.modules._loss import _Loss, _WeightedLoss

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CrossEntropyLoss", "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss", "MultiMarginLoss", "NLLLoss", "NLLLoss2d", "SoftMarginLoss",
]  # fmt: skip


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


class NLLLoss2d(NLLLoss):
    """The deprecated name of `NLLLoss`.

    Examples:
        >>> import warnings
        >>> import tour
        >>> with warnings.catch_warnings(action="ignore"):
        ...     loss = tour.nn.NLLLoss2d()
        >>> loss(tour.full((1, 2, 3, 3), 0.5).log(), tour.zeros(1, 3, 3, dtype=tour.int64))
        tensor(0.6931)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        warnings.warn(
            "`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in replacement.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__(weight, size_average, ignore_index, reduce, reduction)


class BCELoss(_WeightedLoss):
    """Cross entropy of binary decisions from probabilities; see `tour.nn.functional.binary_cross_entropy`.

    Args:
        weight: Weight of each element.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> BCELoss()(tour.tensor([0.5]), tour.tensor([1.0]))
        tensor(0.6931)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of probabilities against targets between 0 and 1."""
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """Cross entropy of binary decisions from logits; see `tour.nn.functional.binary_cross_entropy_with_logits`.

    Args:
        weight: Weight of each element.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.
        pos_weight: Weight of positive targets.

    Examples:
        >>> import tour
        >>> BCEWithLogitsLoss()(tour.zeros(1), tour.ones(1))
        tensor(0.6931)
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of logits against targets between 0 and 1."""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class SoftMarginLoss(_Loss):
    """Logistic loss of decisions between 1 and -1; see `tour.nn.functional.soft_margin_loss`.

    Args:
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> SoftMarginLoss()(tour.zeros(2), tour.tensor([1.0, -1.0]))
        tensor(0.6931)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores against 1 and -1."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """Binary cross entropy from logits, averaged over classes; see `tour.nn.functional.multilabel_soft_margin_loss`.

    Args:
        weight: Weight of each class.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> MultiLabelSoftMarginLoss()(tour.zeros(1, 2), tour.tensor([[0.0, 1.0]]))
        tensor(0.6931)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of logits (N, C) against 0 and 1."""
        return F.multilabel_soft_margin_loss(input, target, self.weight, reduction=self.reduction)


class MultiLabelMarginLoss(_Loss):
    """Hinge between target classes and others; see `tour.nn.functional.multilabel_margin_loss`.

    Args:
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> MultiLabelMarginLoss()(tour.tensor([0.1, 0.2, 0.4, 0.8]), tour.tensor([3, 0, -1, 1]))
        tensor(0.8500)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores (N, C) against lists of classes that end at -1."""
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiMarginLoss(_WeightedLoss):
    """Hinge between the target class and others; see `tour.nn.functional.multi_margin_loss`.

    Args:
        p: 1 or 2.
        margin: How far the target's score should be above the others.
        weight: Weight of each class.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> MultiMarginLoss()(tour.tensor([[0.1, 0.2, 0.4, 0.8]]), tour.tensor([3]))
        tensor(0.3250)
    """

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError(f"only p == 1 and p == 2 supported, but got p={p}")
        if weight is not None and weight.dim() != 1:
            raise ValueError(f"MultiMarginLoss: expected weight to be None or 1D tensor, got {weight.dim()}D instead")
        self.p = p
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores (N, C) against classes (N,)."""
        return F.multi_margin_loss(input, target, self.p, self.margin, self.weight, reduction=self.reduction)


class CTCLoss(_Loss):
    """Likelihood of sequences of labels under any alignment; see `tour.nn.functional.ctc_loss`.

    Args:
        blank: The class that means no label.
        reduction: `"mean"`, `"sum"` or `"none"`.
        zero_infinity: Whether samples too short for their targets lose nothing.

    Examples:
        >>> import tour
        >>> CTCLoss()(tour.full((2, 1, 2), 0.5).log(), tour.tensor([[1]]), [2], [1])
        tensor(0.2877)
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(self, log_probs: Tensor, targets: Tensor, input_lengths: Lengths, target_lengths: Lengths) -> Tensor:
        """The loss of log-probabilities (T, N, C) against labels."""
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )
