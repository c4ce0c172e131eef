"""Pooling as layers."""

from __future__ import annotations

from typing import Any

from tour import Tensor
from tour.nn import functional as F
from tour.nn.functional._sizes import Ints, ntuple
from tour.nn.modules.module import Module

__all__ = [
    "AvgPool1d", "AvgPool2d", "AvgPool3d", "LPPool1d", "LPPool2d", "LPPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d",
    "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d",
]  # fmt: skip


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


# --- Unpooling ----------------------------------------------------------------------------------------------------------------


class _MaxUnpool(Module):
    dims: int

    def __init__(self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0) -> None:
        super().__init__()
        self.kernel_size = ntuple(kernel_size, self.dims, "kernel_size")
        self.stride = self.kernel_size if stride is None else ntuple(stride, self.dims, "stride")
        self.padding = ntuple(padding, self.dims, "padding")

    def extra_repr(self) -> str:
        """Sizes, for the printed tree."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Puts maxima back where `MaxPool1d` found them in signals (N, C, L) or (C, L).

    Args:
        kernel_size: Size of the window.
        stride: Step of the window; the window's size if None.
        padding: Padding of the pooling.

    Examples:
        >>> import tour
        >>> MaxUnpool1d(2)(tour.ones(1, 1, 2), tour.zeros(1, 1, 2, dtype=tour.int64)).shape
        tour.Size([1, 1, 4])
    """

    dims = 1

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """Unpool a batch of signals, or one."""
        return F.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool2d(_MaxUnpool):
    """Puts maxima back where `MaxPool2d` found them in images (N, C, H, W) or (C, H, W); arguments as for `MaxUnpool1d`.

    Examples:
        >>> import tour
        >>> MaxUnpool2d(2)(tour.ones(1, 1, 2, 2), tour.zeros(1, 1, 2, 2, dtype=tour.int64)).shape
        tour.Size([1, 1, 4, 4])
    """

    dims = 2

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """Unpool a batch of images, or one."""
        return F.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool3d(_MaxUnpool):
    """Puts maxima back where `MaxPool3d` found them in volumes (N, C, D, H, W) or (C, D, H, W); arguments as for `MaxUnpool1d`.

    Examples:
        >>> import tour
        >>> MaxUnpool3d(2)(tour.ones(1, 1, 2, 2, 2), tour.zeros(1, 1, 2, 2, 2, dtype=tour.int64)).shape
        tour.Size([1, 1, 4, 4, 4])
    """

    dims = 3

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """Unpool a batch of volumes, or one."""
        return F.max_unpool3d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


# --- Averages -----------------------------------------------------------------------------------------------------------------


class _AvgPool(Module):
    def __init__(
        self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def extra_repr(self) -> str:
        """Sizes, for the printed tree."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """Mean of each window of signals (N, C, L) or (C, L).

    Args:
        kernel_size: Size of the window.
        stride: Step of the window; the window's size if None.
        padding: Zeros added on both sides.
        ceil_mode: Whether a last window may hang over the border.
        count_include_pad: Whether the zeros of the padding count.

    Examples:
        >>> import tour
        >>> AvgPool1d(2)(tour.tensor([[1.0, 3.0, 2.0, 6.0]]))
        tensor([[2., 4.]])
    """

    def __init__(
        self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:  # fmt: skip
        kernel = ntuple(kernel_size, 1, "kernel_size")
        steps = kernel if stride is None else ntuple(stride, 1, "stride")
        super().__init__(kernel, steps, ntuple(padding, 1, "padding"), ceil_mode, count_include_pad)

    def forward(self, input: Tensor) -> Tensor:
        """Pool a batch of signals, or one."""
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class AvgPool2d(_AvgPool):
    """Mean of each window of images (N, C, H, W) or (C, H, W); arguments as for `AvgPool1d`.

    Args:
        divisor_override: What to divide sums by, instead of the number of elements.

    Examples:
        >>> import tour
        >>> AvgPool2d(2)(tour.ones(1, 1, 4, 4)).shape
        tour.Size([1, 1, 2, 2])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pool a batch of images, or one."""
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool3d(_AvgPool):
    """Mean of each window of volumes (N, C, D, H, W) or (C, D, H, W); arguments as for `AvgPool2d`.

    Examples:
        >>> import tour
        >>> AvgPool3d(2)(tour.ones(1, 1, 4, 4, 4)).shape
        tour.Size([1, 1, 2, 2, 2])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pool a batch of volumes, or one."""
        return F.avg_pool3d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class _LPPool(Module):
    def __init__(
        self, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        """Power and sizes, for the printed tree."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """`(sum of x**p)**(1/p)` of each window of signals (N, C, L) or (C, L).

    Args:
        norm_type: The power p.
        kernel_size: Size of the window.
        stride: Step of the window; the window's size if None.
        ceil_mode: Whether a last window may hang over the border.

    Examples:
        >>> import tour
        >>> LPPool1d(2, 2)(tour.ones(1, 1, 4)).shape
        tour.Size([1, 1, 2])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pool a batch of signals, or one."""
        return F.lp_pool1d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool2d(_LPPool):
    """`(sum of x**p)**(1/p)` of each window of images (N, C, H, W) or (C, H, W); arguments as for `LPPool1d`.

    Examples:
        >>> import tour
        >>> LPPool2d(2, 2)(tour.ones(1, 1, 4, 4)).shape
        tour.Size([1, 1, 2, 2])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pool a batch of images, or one."""
        return F.lp_pool2d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool3d(_LPPool):
    """`(sum of x**p)**(1/p)` of each window of volumes (N, C, D, H, W) or (C, D, H, W); arguments as for `LPPool1d`.

    Examples:
        >>> import tour
        >>> LPPool3d(2, 2)(tour.ones(1, 1, 4, 4, 4)).shape
        tour.Size([1, 1, 2, 2, 2])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pool a batch of volumes, or one."""
        return F.lp_pool3d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)
