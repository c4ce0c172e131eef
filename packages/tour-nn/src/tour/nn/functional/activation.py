"""Activation functions."""

from __future__ import annotations

import tour
from tour import Tensor

__all__ = ["relu"]


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """`max(x, 0)` of each element; NaN stays NaN.

    Examples:
        >>> import tour
        >>> relu(tour.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    return input.relu_() if inplace else tour.relu(input)
