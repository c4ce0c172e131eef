"""Dropout as layers: they act in training mode only."""

from __future__ import annotations

from tour import Tensor
from tour.nn import functional as F
from tour.nn.functional.dropout import check_probability
from tour.nn.modules.module import Module

__all__ = ["Dropout"]


class _Dropout(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        check_probability(p)
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Probability, for the printed tree."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Sets elements to zero with probability `p` in training, and divides the others by `1 - p`.

    Args:
        p: Probability of a zero.
        inplace: Whether to write into the input.

    Examples:
        >>> import tour
        >>> Dropout(0.5).eval()(tour.ones(2))
        tensor([1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop elements of a tensor of any shape."""
        return F.dropout(input, self.p, self.training, self.inplace)
