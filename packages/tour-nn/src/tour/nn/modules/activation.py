"""Activation functions as layers."""

from __future__ import annotations

from tour import Tensor
from tour.nn import functional as F
from tour.nn.modules.module import Module

__all__ = ["ReLU"]


class ReLU(Module):
    """`max(x, 0)` of each element.

    Args:
        inplace: Whether to write into the input.

    Examples:
        >>> import tour
        >>> ReLU()(tour.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Rectify a tensor of any shape."""
        return F.relu(input, self.inplace)

    def extra_repr(self) -> str:
        """Whether it writes into its input, for the printed tree."""
        return "inplace=True" if self.inplace else ""
