"""Dropout: elements set to zero at random during training."""

from __future__ import annotations

import tour
from tour import Tensor

__all__ = ["dropout"]


def check_probability(p: float) -> None:
    """Refuse a probability that is none.

    Raises:
        ValueError: If `p` is not between 0 and 1.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each element to zero with probability `p`, and divide the others by `1 - p`.

    The mask is the one PyTorch draws from the same seed on a CPU.

    Args:
        input: Any floating-point tensor.
        p: Probability of a zero.
        training: Whether to do anything at all.
        inplace: Whether to write into the input.

    Raises:
        ValueError: If `p` is not between 0 and 1.

    Examples:
        >>> import tour
        >>> dropout(tour.ones(3), 0.5, training=False)
        tensor([1., 1., 1.])
    """
    check_probability(p)
    if not training or p == 0 or not input.numel():
        return input
    mask = tour.zeros_like(input) if p == 1 else tour.empty_like(input).bernoulli_(1 - p).div_(1 - p)
    return input.mul_(mask) if inplace else input * mask
