"""Look-ups in tables, with the table before the numbers of its rows."""

from __future__ import annotations

from tour import Tensor
from tour._core import wrote
from tour.nn import functional as F
from tour.nn.kernels.embedding import renorm_rows


def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:
    """`nn.functional.embedding`; no row is left without gradient where `padding_idx` is -1.

    Examples:
        >>> import tour
        >>> tour.embedding(tour.tensor([[1.0], [2.0]]), tour.tensor([1]))
        tensor([[2.]])
    """
    row = None if padding_idx < 0 else padding_idx
    return F.embedding(indices, weight, row, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)


def embedding_renorm_(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """Shrink the rows of a table that are named to a norm, in place.

    Examples:
        >>> import tour
        >>> tour.embedding_renorm_(tour.tensor([[3.0, 4.0], [3.0, 4.0]]), tour.tensor([0]), 1.0, 2.0)
        tensor([[0.6000, 0.8000],
                [3.0000, 4.0000]])
    """
    if renorm_rows(weight._a, indices._a, max_norm, norm_type):
        wrote(weight)
    return weight
