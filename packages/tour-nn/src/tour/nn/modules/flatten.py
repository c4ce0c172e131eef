"""Dimensions joined and parted, as layers."""

from __future__ import annotations

from typing import Any

from tour import Tensor
from tour.nn.modules.module import Module

__all__ = ["Flatten", "Unflatten"]


class Flatten(Module):
    """Joins a range of dimensions into one; by default all but the batch.

    Args:
        start_dim: First dimension of the range.
        end_dim: Last dimension of the range.

    Examples:
        >>> import tour
        >>> Flatten()(tour.ones(2, 3, 4)).shape
        tour.Size([2, 12])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """The input with fewer dimensions; a view where possible."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The range, for the printed tree."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Parts one dimension into several.

    Args:
        dim: The dimension.
        unflattened_size: The sizes it becomes.

    Examples:
        >>> import tour
        >>> Unflatten(1, (3, 4))(tour.ones(2, 12)).shape
        tour.Size([2, 3, 4])
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        if not isinstance(dim, int):
            raise TypeError(
                f"unflattened_size must be tuple of ints, with an int dim; got dim of type {type(dim).__name__}"
            )
        if not isinstance(unflattened_size, tuple | list) or not all(isinstance(n, int) for n in unflattened_size):
            raise TypeError(f"unflattened_size must be a tuple of ints, but found {unflattened_size!r}")
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        """The input with more dimensions."""
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """The sizes, for the printed tree."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
