"""Losses between numbers, and between distributions of numbers, as modules."""

from __future__ import annotations

from tour import Tensor
from tour.nn import functional as F
from tour.nn.modules._loss import _Loss

__all__ = ["GaussianNLLLoss", "HuberLoss", "KLDivLoss", "L1Loss", "MSELoss", "PoissonNLLLoss", "SmoothL1Loss"]


class L1Loss(_Loss):
    """Mean absolute error; see `tour.nn.functional.l1_loss`.

    Args:
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> L1Loss()(tour.tensor([1.0, 2.0]), tour.tensor([1.0, 4.0]))
        tensor(1.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of predictions against values of the same shape."""
        return F.l1_loss(input, target, reduction=self.reduction)


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


class SmoothL1Loss(_Loss):
    """Squared error near zero, absolute error beyond; see `tour.nn.functional.smooth_l1_loss`.

    Args:
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.
        beta: Where the pieces meet.

    Examples:
        >>> import tour
        >>> SmoothL1Loss()(tour.tensor([2.0]), tour.tensor([4.0]))
        tensor(1.5000)
    """

    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean", beta: float = 1.0
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of predictions against values of the same shape."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """Squared error near zero, linear beyond; see `tour.nn.functional.huber_loss`.

    Args:
        reduction: `"mean"`, `"sum"` or `"none"`.
        delta: Where the pieces meet.

    Examples:
        >>> import tour
        >>> HuberLoss()(tour.tensor([2.0]), tour.tensor([4.0]))
        tensor(1.5000)
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        if not isinstance(delta, float | int):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of predictions against values of the same shape."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class PoissonNLLLoss(_Loss):
    """Negative log likelihood of counts; see `tour.nn.functional.poisson_nll_loss`.

    Args:
        log_input: Whether predictions are logarithms of expected counts.
        full: Whether to add Stirling's approximation of `log(target!)`.
        size_average: Deprecated.
        eps: Keeps the logarithm finite.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> PoissonNLLLoss()(tour.zeros(2), tour.tensor([0.0, 3.0]))
        tensor(1.)
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of predictions against counts."""
        return F.poisson_nll_loss(input, target, self.log_input, self.full, eps=self.eps, reduction=self.reduction)


class GaussianNLLLoss(_Loss):
    """Negative log likelihood of normal variables; see `tour.nn.functional.gaussian_nll_loss`.

    Args:
        full: Whether to add the constant `log(2 pi) / 2`.
        eps: The least variance.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Examples:
        >>> import tour
        >>> GaussianNLLLoss()(tour.zeros(2), tour.ones(2), tour.ones(2))
        tensor(0.5000)
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        """The loss of expected values and variances against samples."""
        return F.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)


class KLDivLoss(_Loss):
    """Kullback-Leibler divergence of distributions; see `tour.nn.functional.kl_div`.

    Args:
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"batchmean"`, `"mean"`, `"sum"` or `"none"`.
        log_target: Whether targets are log-probabilities.

    Examples:
        >>> import tour
        >>> KLDivLoss(reduction="batchmean")(tour.tensor([[0.5, 0.5]]).log(), tour.tensor([[1.0, 0.0]]))
        tensor(0.6931)
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of log-probabilities against probabilities."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)
