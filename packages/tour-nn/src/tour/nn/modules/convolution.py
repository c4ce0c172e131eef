"""Convolutions and transposed convolutions as layers."""

from __future__ import annotations

import math
from typing import Any

import tour
from tour import Tensor
from tour.nn import functional as F
from tour.nn import init
from tour.nn.functional._sizes import Ints, ntuple
from tour.nn.modules.module import Module
from tour.nn.parameter import Parameter

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What convolutions of every dimension share: the parameters, their initial values, and how they print.

    Weight and bias begin uniform between ±1/√(in_channels / groups · kernel elements).
    """

    dims: int
    transposed = False
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints,
        padding: Ints | str,
        dilation: Ints,
        output_padding: Ints,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError(f"in_channels must be divisible by groups, but got {in_channels} and {groups}")
        if out_channels % groups:
            raise ValueError(f"out_channels must be divisible by groups, but got {out_channels} and {groups}")
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string {padding!r}, should be one of ('same', 'valid')")
        if padding_mode not in PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {PADDING_MODES}, but got padding_mode={padding_mode!r}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = ntuple(kernel_size, self.dims, "kernel_size")
        self.stride = ntuple(stride, self.dims, "stride")
        self.padding = padding if isinstance(padding, str) else ntuple(padding, self.dims, "padding")
        self.dilation = ntuple(dilation, self.dims, "dilation")
        self.output_padding = ntuple(output_padding, self.dims, "output_padding")
        self.groups = groups
        self.padding_mode = padding_mode
        if padding == "same" and any(s != 1 for s in self.stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = Parameter(tour.empty(first, second // groups, *self.kernel_size, device=device, dtype=dtype))
        self.register_parameter(
            "bias", Parameter(tour.empty(out_channels, device=device, dtype=dtype)) if bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in = self.weight.shape[1] * math.prod(self.kernel_size)
            if fan_in:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def _padded(self, input: Tensor) -> tuple[Tensor, Any]:
        """The input and the padding that is left to do: modes other than zeros pad beforehand."""
        if self.padding_mode == "zeros":
            return input, self.padding
        return F.pad(input, self._sides(), mode=self.padding_mode), 0

    def _sides(self) -> list[int]:
        """Padding on both sides of each dimension, the last dimension first, as `F.pad` takes it."""
        if self.padding == "valid":
            return [0] * (2 * self.dims)
        if self.padding == "same":
            total = [d * (k - 1) for k, d in zip(self.kernel_size, self.dilation, strict=True)]
            return [side for t in reversed(total) for side in (t // 2, t - t // 2)]
        return [p for p in reversed(self.padding) for _ in range(2)]  # type: ignore[misc]

    def extra_repr(self) -> str:
        """Sizes, and options that are not at their defaults, for the printed tree."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        zero, one = (0,) * self.dims, (1,) * self.dims
        if self.padding != zero:
            text += f", padding={self.padding}"
        if self.dilation != one:
            text += f", dilation={self.dilation}"
        if self.output_padding != zero:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class _Conv(_ConvNd):
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Ints, stride: Ints = 1, padding: Ints | str = 0,
        dilation: Ints = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros",
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            0,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )


class Conv1d(_Conv):
    """Convolution over signals (N, in_channels, L) or (in_channels, L); see `tour.nn.functional.conv1d`.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Size of the window.
        stride: Step of the window.
        padding: Elements added on both sides, `"same"` or `"valid"`.
        dilation: Distance between the taps of the kernel.
        groups: Number of groups of channels that do not see each other.
        bias: Whether to add a bias.
        padding_mode: `"zeros"`, `"reflect"`, `"replicate"` or `"circular"`.
        device: Where the parameters live.
        dtype: Their dtype.

    Attributes:
        weight: Shape (out_channels, in_channels / groups, K).
        bias: Shape (out_channels,), or None.

    Examples:
        >>> import tour
        >>> Conv1d(2, 4, 3)(tour.ones(1, 2, 8)).shape
        tour.Size([1, 4, 6])
    """

    dims = 1

    def forward(self, input: Tensor) -> Tensor:
        """Convolve a batch of signals, or one."""
        x, padding = self._padded(input)
        return F.conv1d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv2d(_Conv):
    """Convolution over images (N, in_channels, H, W) or (in_channels, H, W); arguments as for `Conv1d`.

    Attributes:
        weight: Shape (out_channels, in_channels / groups, KH, KW).
        bias: Shape (out_channels,), or None.

    Examples:
        >>> import tour
        >>> Conv2d(3, 8, kernel_size=3, padding=1)(tour.ones(1, 3, 5, 5)).shape
        tour.Size([1, 8, 5, 5])
    """

    dims = 2

    def forward(self, input: Tensor) -> Tensor:
        """Convolve a batch of images, or one."""
        x, padding = self._padded(input)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv3d(_Conv):
    """Convolution over volumes (N, in_channels, D, H, W) or (in_channels, D, H, W); arguments as for `Conv1d`.

    Attributes:
        weight: Shape (out_channels, in_channels / groups, KD, KH, KW).
        bias: Shape (out_channels,), or None.

    Examples:
        >>> import tour
        >>> Conv3d(1, 2, 2)(tour.ones(1, 1, 3, 3, 3)).shape
        tour.Size([1, 2, 2, 2, 2])
    """

    dims = 3

    def forward(self, input: Tensor) -> Tensor:
        """Convolve a batch of volumes, or one."""
        x, padding = self._padded(input)
        return F.conv3d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class _ConvTranspose(_ConvNd):
    transposed = True

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Ints, stride: Ints = 1, padding: Ints = 0,
        output_padding: Ints = 0, groups: int = 1, bias: bool = True, dilation: Ints = 1, padding_mode: str = "zeros",
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias, padding_mode,
            device, dtype,
        )  # fmt: skip

    def _extra(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """The output padding that gives `output_size`.

        Raises:
            ValueError: If no output padding gives that size.
        """
        if output_size is None:
            return self.output_padding
        sizes = tuple(output_size)[-self.dims :]
        padding: Any = self.padding
        extra = []
        for i, (n, wanted) in enumerate(zip(input.shape[-self.dims :], sizes, strict=True)):
            least = (n - 1) * self.stride[i] - 2 * padding[i] + self.dilation[i] * (self.kernel_size[i] - 1) + 1
            if not least <= wanted < least + self.stride[i]:
                raise ValueError(
                    f"requested an output size of {sizes}, but valid sizes range from {least} to {least + self.stride[i] - 1} in "
                    f"dimension {i} (for an input of {list(input.shape[-self.dims :])})"
                )
            extra.append(wanted - least)
        return tuple(extra)


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution over signals (N, in_channels, L); see `tour.nn.functional.conv_transpose1d`.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Size of the window.
        stride: Step of the convolution that this transposes.
        padding: Its padding.
        output_padding: Added to one side of the output.
        groups: Number of groups of channels that do not see each other.
        bias: Whether to add a bias.
        dilation: Distance between the taps of the kernel.
        padding_mode: Only `"zeros"`.
        device: Where the parameters live.
        dtype: Their dtype.

    Attributes:
        weight: Shape (in_channels, out_channels / groups, K).
        bias: Shape (out_channels,), or None.

    Examples:
        >>> import tour
        >>> ConvTranspose1d(2, 4, 2, stride=2)(tour.ones(1, 2, 3)).shape
        tour.Size([1, 4, 6])
    """

    dims = 1

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """Spread a batch of signals, or one, to `output_size` if it is given."""
        extra = self._extra(input, output_size)
        return F.conv_transpose1d(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation  # type: ignore[arg-type]
        )  # fmt: skip


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution over images (N, in_channels, H, W); arguments as for `ConvTranspose1d`.

    Examples:
        >>> import tour
        >>> ConvTranspose2d(2, 4, 2, stride=2)(tour.ones(1, 2, 3, 3)).shape
        tour.Size([1, 4, 6, 6])
    """

    dims = 2

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """Spread a batch of images, or one, to `output_size` if it is given."""
        extra = self._extra(input, output_size)
        return F.conv_transpose2d(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation  # type: ignore[arg-type]
        )  # fmt: skip


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution over volumes (N, in_channels, D, H, W); arguments as for `ConvTranspose1d`.

    Examples:
        >>> import tour
        >>> ConvTranspose3d(1, 2, 2)(tour.ones(1, 1, 2, 2, 2)).shape
        tour.Size([1, 2, 3, 3, 3])
    """

    dims = 3

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """Spread a batch of volumes, or one, to `output_size` if it is given."""
        extra = self._extra(input, output_size)
        return F.conv_transpose3d(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation  # type: ignore[arg-type]
        )  # fmt: skip
