"""Patches of images as columns, and back, as layers."""

from __future__ import annotations

from tour import Tensor
from tour.nn import functional as F
from tour.nn.functional._sizes import Ints
from tour.nn.modules.module import Module

__all__ = ["Fold", "Unfold"]


class Unfold(Module):
    """All windows of images (N, C, H, W) as columns (N, C * KH * KW, windows).

    Args:
        kernel_size: Size of the window.
        dilation: Distance between the elements of a window.
        padding: Zeros added on both sides.
        stride: Step of the window.

    Examples:
        >>> import tour
        >>> Unfold(2)(tour.ones(1, 3, 4, 4)).shape
        tour.Size([1, 12, 9])
    """

    def __init__(self, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """Take the windows of images."""
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """Sizes, for the printed tree."""
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Unfold):
    """Columns (N, C * KH * KW, windows) summed back into images (N, C, H, W).

    Args:
        output_size: Size (H, W) of the images.
        kernel_size: Size of the window.
        dilation: Distance between the elements of a window.
        padding: Zeros that `Unfold` added on both sides.
        stride: Step of the window.

    Examples:
        >>> import tour
        >>> Fold((4, 4), 2)(tour.ones(1, 12, 9)).shape
        tour.Size([1, 3, 4, 4])
    """

    def __init__(
        self, output_size: Ints, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """Sum windows into images."""
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """Sizes, for the printed tree."""
        return f"output_size={self.output_size}, {super().extra_repr()}"
