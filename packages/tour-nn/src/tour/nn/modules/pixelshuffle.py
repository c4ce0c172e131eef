"""Moving channels into space and back, as layers."""

from __future__ import annotations

from tour import Tensor
from tour.nn import functional as F
from tour.nn.modules.module import Module

__all__ = ["PixelShuffle", "PixelUnshuffle"]


class PixelShuffle(Module):
    """Moves channels into space: (..., C r², H, W) to (..., C, H r, W r).

    Args:
        upscale_factor: The factor r.

    Examples:
        >>> import tour
        >>> PixelShuffle(2)(tour.ones(1, 8, 3, 3)).shape
        tour.Size([1, 2, 6, 6])
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Rearrange images."""
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        """Factor, for the printed tree."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Moves space into channels: (..., C, H r, W r) to (..., C r², H, W).

    Args:
        downscale_factor: The factor r.

    Examples:
        >>> import tour
        >>> PixelUnshuffle(2)(tour.ones(1, 2, 6, 6)).shape
        tour.Size([1, 8, 3, 3])
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Rearrange images."""
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        """Factor, for the printed tree."""
        return f"downscale_factor={self.downscale_factor}"
