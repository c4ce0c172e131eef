"""What losses share: how the losses of samples become one number, and the warnings about targets."""

from __future__ import annotations

import warnings
from typing import Any

from tour import Tensor

REDUCTIONS = ("none", "mean", "sum")


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """The losses as they are, their mean, or their sum.

    Raises:
        ValueError: If `reduction` is none of `"none"`, `"mean"`, `"sum"`.
    """
    check_reduction(reduction)
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses


def check_reduction(reduction: str) -> None:
    """Refuse an unknown reduction.

    Raises:
        ValueError: Names it.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"{reduction} is not a valid value for reduction; choose 'none', 'mean' or 'sum'")


def legacy_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction that PyTorch's deprecated pair of flags asks for, with its warning."""
    if size_average is None and reduce is None:
        return reduction
    chosen = "none" if reduce is False else "sum" if size_average is False else "mean"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{chosen}' instead.", stacklevel=3
    )
    return chosen


def weighted(losses: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    """`reduced`, with a weight for each element; the mean divides by the sum of the weights.

    Raises:
        ValueError: If the weights have another shape than the losses, or the reduction is unknown.
    """
    if weight is None:
        return reduced(losses, reduction)
    if weight.shape != losses.shape:
        raise ValueError(
            f"Weights and input must have the same size, but got {list(weight.shape)} and {list(losses.shape)}."
        )
    if reduction == "mean":
        return (losses * weight).sum() / weight.sum()
    return reduced(losses * weight, reduction)


def warn_of_broadcasting(input: Tensor, target: Tensor) -> None:
    """Warn when a target would silently be repeated to the shape of the input: it is nearly always a mistake."""
    if input.shape != target.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will likely "
            "lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,
        )


def same_dims(message: str, *tensors: Any) -> None:
    """Refuse tensors of different numbers of dimensions.

    Raises:
        RuntimeError: With the message and the shapes.
    """
    if len({t.dim() for t in tensors}) > 1:
        raise RuntimeError(f"{message}, but got shapes {', '.join(str(list(t.shape)) for t in tensors)}")
