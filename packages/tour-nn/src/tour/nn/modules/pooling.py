"""Pooling as layers."""

from __future__ import annotations

from typing import Any

from tour import Tensor
from tour.nn import functional as F
from tour.nn.functional._sizes import Ints
from tour.nn.modules.module import Module

__all__ = ["MaxPool1d", "MaxPool2d", "MaxPool3d"]


class _MaxPool(Module):
    def __init__(
        self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
        return_indices: bool = False, ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        """Sizes, for the printed tree."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )

    def _pool(self, function: Any, input: Tensor) -> Any:
        return function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class MaxPool1d(_MaxPool):
    """Largest element of each window of signals (N, C, L) or (C, L).

    Args:
        kernel_size: Size of the window.
        stride: Step of the window; the window's size if None.
        padding: Minus infinity added on both sides.
        dilation: Distance between the elements of a window.
        return_indices: Whether to give the flat index of each maximum as well.
        ceil_mode: Whether a last window may hang over the border.

    Examples:
        >>> import tour
        >>> MaxPool1d(2)(tour.tensor([[1.0, 3.0, 2.0, 5.0]]))
        tensor([[3., 5.]])
    """

    def forward(self, input: Tensor) -> Any:
        """Pool a batch of signals, or one."""
        return self._pool(F.max_pool1d, input)


class MaxPool2d(_MaxPool):
    """Largest element of each window of images (N, C, H, W) or (C, H, W); arguments as for `MaxPool1d`.

    Examples:
        >>> import tour
        >>> MaxPool2d(2)(tour.ones(1, 1, 4, 4)).shape
        tour.Size([1, 1, 2, 2])
    """

    def forward(self, input: Tensor) -> Any:
        """Pool a batch of images, or one."""
        return self._pool(F.max_pool2d, input)


class MaxPool3d(_MaxPool):
    """Largest element of each window of volumes (N, C, D, H, W) or (C, D, H, W); arguments as for `MaxPool1d`.

    Examples:
        >>> import tour
        >>> MaxPool3d(2)(tour.ones(1, 1, 2, 2, 2)).shape
        tour.Size([1, 1, 1, 1, 1])
    """

    def forward(self, input: Tensor) -> Any:
        """Pool a batch of volumes, or one."""
        return self._pool(F.max_pool3d, input)
