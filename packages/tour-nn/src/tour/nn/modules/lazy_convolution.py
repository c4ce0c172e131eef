"""Convolutions that take the number of their input channels from the first input."""

from __future__ import annotations

from typing import Any

from tour import Tensor
from tour.nn.functional._sizes import Ints
from tour.nn.modules.convolution import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    _ConvNd,
)
from tour.nn.modules.lazy import LazyModuleMixin
from tour.nn.parameter import UninitializedParameter

__all__ = [
    "LazyConv1d", "LazyConv2d", "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
]  # fmt: skip


class _LazyConvNd(LazyModuleMixin, _ConvNd):
    """What lazy convolutions share: they wait with weight and bias."""

    def _wait(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.register_parameter("bias", UninitializedParameter(device=device, dtype=dtype) if bias else None)

    def reset_parameters(self) -> None:
        """Draw the parameters, once their shapes are known."""
        if self.in_channels and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor, *_: Any) -> None:
        """Take the number of input channels from the first input.

        Raises:
            RuntimeError: If the input has a wrong number of dimensions.
            ValueError: If the channels cannot be grouped.
        """
        if not self.has_uninitialized_params():
            return
        if input.dim() not in (self.dims + 1, self.dims + 2):
            raise RuntimeError(
                f"Expected {self.dims + 1}D (unbatched) or {self.dims + 2}D (batched) input to {type(self).__name__}, but got "
                f"input of size: {list(input.shape)}"
            )
        self.in_channels = input.shape[-self.dims - 1]
        if self.in_channels % self.groups:
            raise ValueError(f"in_channels must be divisible by groups, but got {self.in_channels} and {self.groups}")
        first, second = self.out_channels, self.in_channels
        if self.transposed:
            first, second = second, first
        if isinstance(self.weight, UninitializedParameter):
            self.weight.materialize((first, second // self.groups, *self.kernel_size))
        if isinstance(self.bias, UninitializedParameter):
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


class _LazyConv(_LazyConvNd):
    def __init__(
        self, out_channels: int, kernel_size: Ints, stride: Ints = 1, padding: Ints | str = 0, dilation: Ints = 1,
        groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self._wait(out_channels, bias, device, dtype)


class _LazyConvTranspose(_LazyConvNd):
    def __init__(
        self, out_channels: int, kernel_size: Ints, stride: Ints = 1, padding: Ints = 0, output_padding: Ints = 0,
        groups: int = 1, bias: bool = True, dilation: Ints = 1, padding_mode: str = "zeros",
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode, device, dtype
        )  # fmt: skip
        self._wait(out_channels, bias, device, dtype)


class LazyConv1d(_LazyConv, Conv1d):
    """A `Conv1d` that takes `in_channels` from its first input.

    Examples:
        >>> import tour
        >>> layer = LazyConv1d(4, 3)
        >>> _ = layer(tour.ones(1, 2, 8))
        >>> layer
        Conv1d(2, 4, kernel_size=(3,), stride=(1,))
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """A `Conv2d` that takes `in_channels` from its first input.

    Examples:
        >>> import tour
        >>> layer = tour.nn.LazyConv2d(8, 3)
        >>> layer(tour.randn(1, 3, 6, 6)).shape, layer.weight.shape
        (tour.Size([1, 8, 4, 4]), tour.Size([8, 3, 3, 3]))
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """A `Conv3d` that takes `in_channels` from its first input.

    Examples:
        >>> import tour
        >>> layer = tour.nn.LazyConv3d(8, 3)
        >>> layer(tour.randn(1, 3, 6, 6, 6)).shape, layer.weight.shape
        (tour.Size([1, 8, 4, 4, 4]), tour.Size([8, 3, 3, 3, 3]))
    """

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """A `ConvTranspose1d` that takes `in_channels` from its first input.

    Examples:
        >>> import tour
        >>> layer = tour.nn.LazyConvTranspose1d(8, 3)
        >>> layer(tour.randn(1, 3, 6)).shape, layer.weight.shape
        (tour.Size([1, 8, 8]), tour.Size([3, 8, 3]))
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """A `ConvTranspose2d` that takes `in_channels` from its first input.

    Examples:
        >>> import tour
        >>> layer = tour.nn.LazyConvTranspose2d(8, 3)
        >>> layer(tour.randn(1, 3, 6, 6)).shape, layer.weight.shape
        (tour.Size([1, 8, 8, 8]), tour.Size([3, 8, 3, 3]))
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """A `ConvTranspose3d` that takes `in_channels` from its first input.

    Examples:
        >>> import tour
        >>> layer = tour.nn.LazyConvTranspose3d(8, 3)
        >>> layer(tour.randn(1, 3, 6, 6, 6)).shape, layer.weight.shape
        (tour.Size([1, 8, 8, 8, 8]), tour.Size([3, 8, 3, 3, 3]))
    """

    cls_to_become = ConvTranspose3d
