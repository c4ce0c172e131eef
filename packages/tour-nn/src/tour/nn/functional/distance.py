"""Distances and similarities between vectors."""

from __future__ import annotations

import tour
from tour import Tensor

__all__ = ["cosine_similarity", "pairwise_distance", "pdist"]


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Cosine of the angle between vectors: `x1 · x2 / (max(‖x1‖, eps) max(‖x2‖, eps))`.

    Args:
        x1: First vectors.
        x2: Second vectors; shapes broadcast.
        dim: The dimension that holds the vectors, after broadcasting.
        eps: The least norm to divide by.

    Raises:
        RuntimeError: If the tensors do not hold floating-point numbers.

    Examples:
        >>> import tour
        >>> cosine_similarity(tour.tensor([[1.0, 1.0]]), tour.tensor([[1.0, 0.0]]))
        tensor([0.7071])
    """
    kind = tour.result_type(x1, x2)
    if not kind.is_floating_point and not kind.is_complex:
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {kind.name}; use .float()")
    a, b = tour.broadcast_tensors(x1.to(kind), x2.to(kind))
    return (_unit(a, dim, eps) * _unit(b, dim, eps)).sum(dim)


def _unit(x: Tensor, dim: int, eps: float) -> Tensor:
    """Vectors divided by their norm; gradients ignore that the norm is at least `eps`, as in PyTorch."""
    norm = tour.norm(x, 2, dim, True)
    return x / (norm + (norm.clamp(min=eps) - norm).detach())


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """Distance between vectors of the last dimension: `‖x1 - x2 + eps‖_p`.

    Args:
        x1: Shape (N, D) or (D,).
        x2: The same shape, or one that broadcasts.
        p: Order of the norm.
        eps: Added to each difference, so that the root has a derivative.
        keepdim: Whether the last dimension stays, with size 1.

    Examples:
        >>> import tour
        >>> pairwise_distance(tour.tensor([[3.0, 4.0]]), tour.zeros(1, 2))
        tensor([5.0000])
    """
    difference = x1 - x2 + eps
    return tour.norm(difference, p, difference.dim() - 1, keepdim)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """Distance between every pair of rows: the upper triangle of `tour.cdist(input, input, p)`, row by row.

    Args:
        input: Shape (N, D).
        p: Order of the norm, from 0 to infinity.

    Returns:
        Shape (N (N - 1) / 2,).

    Raises:
        RuntimeError: If the input is not a matrix of floating-point numbers, or `p` is negative.

    Examples:
        >>> import tour
        >>> pdist(tour.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
        tensor([5.0000, 1.0000, 4.2426])
    """
    if input.dim() != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.dim()}D")
    if not input.is_floating_point():
        raise RuntimeError(f"pdist only supports floating-point dtypes, got {input.dtype.name}")
    if p < 0:
        raise RuntimeError(f"pdist only supports non-negative p values, got {p}")
    n = input.shape[0]
    first, second = tour.triu_indices(n, n, 1, device=input.device)
    return tour.norm(input.index_select(0, first) - input.index_select(0, second), p, 1)
