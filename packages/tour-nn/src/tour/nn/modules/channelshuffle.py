"""Interleaving groups of channels, as a layer."""

from __future__ import annotations

from tour import Tensor
from tour.nn import functional as F
from tour.nn.modules.module import Module

__all__ = ["ChannelShuffle"]


class ChannelShuffle(Module):
    """Interleaves the channels of several groups: (N, g C, ...) seen as (N, g, C, ...) and transposed.

    Args:
        groups: The number g of groups.

    Examples:
        >>> import tour
        >>> ChannelShuffle(2)(tour.arange(4.0).reshape(1, 4, 1)).flatten()
        tensor([0., 2., 1., 3.])
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        """Rearrange channels."""
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        """Number of groups, for the printed tree."""
        return f"groups={self.groups}"
