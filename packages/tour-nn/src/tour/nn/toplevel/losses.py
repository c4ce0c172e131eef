"""Losses whose reduction is a number: 0 none, 1 the mean, 2 the sum."""

from __future__ import annotations

from typing import Any

from tour import Tensor
from tour.nn import functional as F
from tour.nn.functional._reduction import REDUCTIONS, reduced


def _named(reduction: int) -> str:
    if not 0 <= reduction < 3:
        raise ValueError(f"{reduction} is not a valid value for reduction; choose 0 (none), 1 (mean) or 2 (sum)")
    return REDUCTIONS[reduction]


def kl_div(input: Tensor, target: Tensor, reduction: int = 1, *, log_target: bool = False) -> Tensor:
    """`nn.functional.kl_div`, whose mean is taken over all elements without a warning.

    Examples:
        >>> import tour
        >>> tour.kl_div(tour.tensor([[0.5, 0.5]]).log(), tour.tensor([[0.25, 0.75]]), reduction=2)
        tensor(0.1308)
    """
    return reduced(F.kl_div(input, target, reduction="none", log_target=log_target), _named(reduction))


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1
) -> Tensor:
    """`nn.functional.margin_ranking_loss`.

    Examples:
        >>> import tour
        >>> tour.margin_ranking_loss(tour.tensor([1.0, 3.0]), tour.tensor([2.0, 1.0]), tour.tensor([1.0, 1.0]), reduction=0)
        tensor([1., 0.])
    """
    return F.margin_ranking_loss(input1, input2, target, margin, reduction=_named(reduction))


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 1) -> Tensor:
    """`nn.functional.hinge_embedding_loss`.

    Examples:
        >>> import tour
        >>> tour.hinge_embedding_loss(tour.tensor([0.25, 0.25]), tour.tensor([1, -1]), reduction=0)
        tensor([0.2500, 0.7500])
    """
    return F.hinge_embedding_loss(input, target, margin, reduction=_named(reduction))


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1
) -> Tensor:
    """`nn.functional.cosine_embedding_loss`.

    Examples:
        >>> import tour
        >>> a, b = tour.tensor([[1.0, 0.0]]), tour.tensor([[0.0, 1.0]])
        >>> tour.cosine_embedding_loss(a, b, tour.tensor([1]))
        tensor(1.)
    """
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=_named(reduction))


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: int = 1,
) -> Tensor:
    """`nn.functional.triplet_margin_loss`.

    Examples:
        >>> import tour
        >>> anchor, near, far = tour.tensor([[0.0]]), tour.tensor([[1.0]]), tour.tensor([[1.5]])
        >>> tour.triplet_margin_loss(anchor, near, far)
        tensor(0.5000)
    """
    return F.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=_named(reduction))


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int) -> Tensor:
    """`nn.functional.poisson_nll_loss`.

    Examples:
        >>> import tour
        >>> tour.poisson_nll_loss(tour.tensor([0.0, 1.0]), tour.tensor([2.0, 2.0]), True, False, 1e-8, 0)
        tensor([1.0000, 0.7183])
    """
    return F.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=_named(reduction))


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None, reduction: int = 1
) -> Tensor:
    """`nn.functional.binary_cross_entropy_with_logits`.

    Examples:
        >>> import tour
        >>> tour.binary_cross_entropy_with_logits(tour.tensor([0.0, 2.0]), tour.tensor([1.0, 1.0]), reduction=0)
        tensor([0.6931, 0.1269])
    """
    return F.binary_cross_entropy_with_logits(input, target, weight, reduction=_named(reduction), pos_weight=pos_weight)


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: int = 1,
    zero_infinity: bool = False,
) -> Tensor:
    """`nn.functional.ctc_loss`.

    Examples:
        >>> import tour
        >>> log_probs = tour.full((4, 1, 3), 1 / 3).log()
        >>> tour.ctc_loss(log_probs, tour.tensor([[1, 2]]), (4,), (2,), reduction=2)
        tensor(1.6864)
    """
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, _named(reduction), zero_infinity)
