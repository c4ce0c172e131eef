"""Convolutions with every option given."""

from __future__ import annotations

from typing import Any

from tour import Tensor
from tour.nn import functional as F


def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Tensor:
    """A convolution, or a transposed one, of as many dimensions as the input has behind (N, C).

    Examples:
        >>> import tour
        >>> tour.convolution(tour.ones(1, 1, 3), tour.ones(1, 1, 2), None, [1], [0], [1], False, [0], 1)
        tensor([[[2., 2.]]])
    """
    dims = input.dim() - 2
    if transposed:
        function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[dims - 1]
        return function(input, weight, bias, stride, padding, output_padding, groups, dilation)
    return (F.conv1d, F.conv2d, F.conv3d)[dims - 1](input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """A convolution over the first dimension of sequences (time, batch, channels), with a weight (width, channels, out).

    Examples:
        >>> import tour
        >>> tour.conv_tbc(tour.ones(3, 1, 1), tour.ones(2, 1, 1), tour.zeros(1)).flatten()
        tensor([2., 2.])
    """
    return F.conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad).permute(2, 0, 1)
