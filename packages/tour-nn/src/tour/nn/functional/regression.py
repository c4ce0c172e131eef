"""Losses between numbers, and between distributions of numbers."""

from __future__ import annotations

import math
import warnings

import tour
from tour import Tensor
from tour._core import held
from tour.nn.functional._reduction import check_reduction, legacy_reduction, reduced, warn_of_broadcasting, weighted

__all__ = [
    "gaussian_nll_loss", "huber_loss", "kl_div", "l1_loss", "mse_loss", "poisson_nll_loss", "smooth_l1_loss",
]  # fmt: skip


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Mean absolute error: `|input - target|`.

    Args:
        input: Predictions of any shape.
        target: Values of the same shape.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.
        weight: Weight of each element; the mean divides by their sum.

    Raises:
        ValueError: If the reduction is unknown, or the weights have another shape.

    Examples:
        >>> import tour
        >>> l1_loss(tour.tensor([1.0, 2.0]), tour.tensor([1.0, 4.0]))
        tensor(1.)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    warn_of_broadcasting(input, target)
    return weighted((input - target).abs(), weight, reduction)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Mean squared error: `(input - target)**2`.

    Args:
        input: Predictions of any shape.
        target: Values of the same shape.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.
        weight: Weight of each element; the mean divides by their sum.

    Raises:
        ValueError: If the reduction is unknown, or the weights have another shape.

    Examples:
        >>> import tour
        >>> mse_loss(tour.tensor([1.0, 2.0]), tour.tensor([1.0, 4.0]))
        tensor(2.)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    warn_of_broadcasting(input, target)
    difference = input - target
    return weighted(difference * difference, weight, reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Squared error near zero, absolute error beyond: `d² / (2 beta)` where `|d| < beta`, else `|d| - beta / 2`.

    Args:
        input: Predictions of any shape.
        target: Values of the same shape.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.
        beta: Where the pieces meet; zero gives `l1_loss`.

    Raises:
        RuntimeError: If `beta` is negative.

    Examples:
        >>> import tour
        >>> smooth_l1_loss(tour.tensor([1.0, 2.0]), tour.tensor([1.5, 4.0]), reduction="none")
        tensor([0.1250, 1.5000])
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    warn_of_broadcasting(input, target)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, but got {beta}.")
    size = (input - target).abs()
    if beta == 0:
        return reduced(size, reduction)
    losses = _bent(size, beta)
    return reduced(losses if beta == 1 else losses / beta, reduction)


def _bent(size: Tensor, at: float) -> Tensor:
    """`size² / 2` up to `at`, `at (size - at / 2)` beyond: one formula for both, as choosing takes more passes."""
    near = size.clamp(max=at)
    return near * (size - 0.5 * near)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Squared error near zero, linear beyond (Huber, 1964): `d² / 2` where `|d| <= delta`, else `delta (|d| - delta / 2)`.

    Args:
        input: Predictions of any shape.
        target: Values of the same shape.
        reduction: `"mean"`, `"sum"` or `"none"`.
        delta: Where the pieces meet.
        weight: Weight of each element; unlike in `mse_loss` the mean divides by the number of elements.

    Raises:
        RuntimeError: If `delta` is not positive.
        ValueError: If the reduction is unknown, or the weights have another shape.

    Examples:
        >>> import tour
        >>> huber_loss(tour.tensor([1.0, 2.0]), tour.tensor([1.5, 5.0]), reduction="none", delta=2.0)
        tensor([0.1250, 4.0000])
    """
    check_reduction(reduction)
    warn_of_broadcasting(input, target)
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, but got {delta}.")
    losses = _bent((input - target).abs(), delta)
    if weight is None or reduction != "mean":
        return weighted(losses, weight, reduction)
    return weighted(losses, weight, "none").mean()


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood of counts: `exp(input) - target input`, up to `log(target!)`.

    Args:
        input: Logarithms of expected counts, or expected counts.
        target: Counts.
        log_input: Whether `input` holds logarithms; else the loss is `input - target log(input + eps)`.
        full: Whether to add Stirling's approximation of `log(target!)` where the target exceeds 1.
        size_average: Deprecated.
        eps: Keeps the logarithm finite.
        reduce: Deprecated.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: If the reduction is unknown.

    Examples:
        >>> import tour
        >>> poisson_nll_loss(tour.zeros(2), tour.tensor([0.0, 3.0]))
        tensor(1.)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        many = tour.where(target > 1, target, 1)
        stirling = many * many.log() - many + 0.5 * (2 * math.pi * many).log()
        losses = losses + tour.where(target > 1, stirling, 0)
    return reduced(losses, reduction)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """Negative log likelihood of normal variables: `(log(var) + (input - target)² / var) / 2`.

    Args:
        input: Expected values.
        target: Samples.
        var: Variances: a number, or of the input's shape, or of it with the last dimension 1 or missing.
        full: Whether to add the constant `log(2 pi) / 2`.
        eps: The least variance; gradients ignore this limit.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: If a variance is negative or has a wrong shape, or the reduction is unknown.

    Examples:
        >>> import tour
        >>> gaussian_nll_loss(tour.zeros(2), tour.ones(2), 1.0)
        tensor(0.5000)
    """
    if isinstance(var, float):
        if var < 0:
            raise ValueError(f"var has negative entry/entries: {var}")
        var = tour.full_like(input, var)
    elif bool((held(var._a) < 0).any()):
        raise ValueError("var has negative entry/entries")
    var = _beside(var, input)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid; choose 'none', 'mean' or 'sum'")
    var = var + (var.clamp(min=eps) - var).detach()
    losses = 0.5 * (var.log() + (input - target) ** 2 / var)
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def _beside(var: Tensor, input: Tensor) -> Tensor:
    """Variances in a shape that broadcasts against the input, in one dimension at most.

    Raises:
        ValueError: If the shape does not fit.
    """
    if var.shape == input.shape:
        return var
    if var.shape == input.shape[:-1]:
        return var.unsqueeze(-1)
    if var.dim() == input.dim() and [m for n, m in zip(input.shape, var.shape, strict=True) if n != m] == [1]:
        return var
    raise ValueError(f"var is of incorrect size: {list(var.shape)} for an input of {list(input.shape)}")


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Kullback-Leibler divergence of distributions: `target (log(target) - input)`.

    Args:
        input: Log-probabilities.
        target: Probabilities, or log-probabilities.
        size_average: Deprecated.
        reduce: Deprecated.
        reduction: `"batchmean"` (the sum divided by the number of samples), `"mean"` (over all elements), `"sum"` or `"none"`.
        log_target: Whether `target` holds log-probabilities.

    Raises:
        ValueError: If the reduction is unknown.

    Examples:
        >>> import tour
        >>> kl_div(tour.tensor([[0.5, 0.5]]).log(), tour.tensor([[1.0, 0.0]]), reduction="batchmean")
        tensor(0.6931)
    """
    if size_average is None and reduce is None and reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. 'batchmean' divides only by "
            "the batch size, and aligns with the KL div math definition.",
            stacklevel=2,
        )
    reduction = legacy_reduction(size_average, reduce, reduction)
    losses = target.exp() * (target - input) if log_target else tour.xlogy(target, target) - target * input
    if reduction == "batchmean":
        return losses.sum() / input.shape[0] if input.dim() else losses.sum()
    return reduced(losses, reduction)
