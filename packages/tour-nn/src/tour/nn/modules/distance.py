"""Distances and similarities as layers."""

from __future__ import annotations

from tour import Tensor
from tour.nn import functional as F
from tour.nn.modules.module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class PairwiseDistance(Module):
    """Distance between vectors of the last dimension; see `tour.nn.functional.pairwise_distance`.

    Args:
        p: Order of the norm.
        eps: Added to each difference.
        keepdim: Whether the last dimension stays, with size 1.

    Examples:
        >>> import tour
        >>> PairwiseDistance()(tour.tensor([[3.0, 4.0]]), tour.zeros(1, 2))
        tensor([5.0000])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Distances between vectors (N, D), or (D,)."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineSimilarity(Module):
    """Cosine of the angle between vectors; see `tour.nn.functional.cosine_similarity`.

    Args:
        dim: The dimension that holds the vectors.
        eps: The least norm to divide by.

    Examples:
        >>> import tour
        >>> CosineSimilarity(dim=0)(tour.tensor([1.0, 1.0]), tour.tensor([1.0, 0.0]))
        tensor(0.7071)
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Cosines of vectors along `dim`."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)
