"""Gradients of convolutions as functions, without a backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tour import Tensor
from tour._shapes import count_windows
from tour.nn.functional._sizes import Ints, ntuple
from tour.nn.functional.convolution import convolution_input_grad, convolution_weight_grad

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]


def _run(
    gradient: Callable[..., Any], g: Tensor, other: Tensor, size: Any,
    stride: Ints, padding: Ints, dilation: Ints, groups: int, dims: int,
) -> Tensor:  # fmt: skip
    step, pad, gap = (ntuple(x, dims, n) for x, n in ((stride, "stride"), (padding, "padding"), (dilation, "dilation")))
    wanted, there = tuple(size), tuple(other.shape)
    input, weight = (wanted, there) if gradient is convolution_input_grad else (there, wanted)
    if len(input) != dims + 2 or len(weight) != dims + 2:
        raise RuntimeError(
            f"expected {dims + 2} dimensions of input and weight, got sizes {list(input)} and {list(weight)}"
        )
    if groups < 1 or weight[0] % groups or input[1] != weight[1] * groups:
        raise RuntimeError(
            f"a weight of size {list(weight)} in {groups} groups does not fit an input of size {list(input)}"
        )
    result = input[0], weight[0], *count_windows(input[2:], weight[2:], step, pad, gap)
    if g.shape != result:
        raise RuntimeError(
            f"grad_output must be of size {list(result)}, as the convolution's result is, got {list(g.shape)}"
        )
    return gradient(g, other, wanted, step, pad, gap, groups)  # type: ignore[no-any-return]


def conv1d_input(
    input_size: Any,
    weight: Tensor,
    grad_output: Tensor,
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Gradient of `conv1d` with respect to its input.

    Args:
        input_size: Shape of the input.
        weight: The weight.
        grad_output: Gradient of the result.
        stride: As given to `conv1d`; likewise the others.

    Examples:
        >>> import tour
        >>> conv1d_input((1, 1, 3), tour.tensor([[[1.0, 2.0]]]), tour.ones(1, 1, 2))
        tensor([[[1., 3., 2.]]])
    """
    return _run(convolution_input_grad, grad_output, weight, input_size, stride, padding, dilation, groups, 1)


def conv1d_weight(
    input: Tensor,
    weight_size: Any,
    grad_output: Tensor,
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Gradient of `conv1d` with respect to its weight, which has the shape `weight_size`; as `conv1d_input`.

    Args:
        input: The input, (N, C, L).
        weight_size: Shape of the weight, (O, C / groups, K).
        grad_output: Gradient of the result, (N, O, L').
        stride: Step of the window, as given to `conv1d`.
        padding: Zeros added on both sides; names such as `"same"` are not taken.
        dilation: Distance between the taps of the kernel.
        groups: Number of groups of channels.

    Returns:
        The gradient, of shape `weight_size`.

    Raises:
        RuntimeError: If `grad_output` is larger than `input` allows or channels do not fit.

    Examples:
        >>> import tour
        >>> conv1d_weight(tour.tensor([[[1.0, 2.0, 4.0]]]), (1, 1, 2), tour.ones(1, 1, 2))
        tensor([[[3., 6.]]])
    """
    return _run(convolution_weight_grad, grad_output, input, weight_size, stride, padding, dilation, groups, 1)


def conv2d_input(
    input_size: Any,
    weight: Tensor,
    grad_output: Tensor,
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Gradient of `conv2d` with respect to its input; as `conv1d_input`.

    Args:
        input_size: Shape of the input, (N, C, H, W); several can give one result, so it does not follow from the
            others.
        weight: The weight, (O, C / groups, KH, KW).
        grad_output: Gradient of the result, (N, O, H', W').
        stride: Step of the window, as given to `conv2d`: one number for both dimensions, or two numbers.
        padding: Zeros added on both sides, likewise; names such as `"same"` are not taken.
        dilation: Distance between the taps of the kernel, likewise.
        groups: Number of groups of channels.

    Returns:
        The gradient, of shape `input_size`.

    Raises:
        RuntimeError: If there is no batch dimension, the channels of `grad_output` and `weight` differ, or stride,
            padding or dilation have another length.

    Examples:
        >>> import tour
        >>> conv2d_input((1, 1, 2, 2), tour.ones(1, 1, 2, 2), tour.ones(1, 1, 1, 1)).sum()
        tensor(4.)
    """
    return _run(convolution_input_grad, grad_output, weight, input_size, stride, padding, dilation, groups, 2)


def conv2d_weight(
    input: Tensor,
    weight_size: Any,
    grad_output: Tensor,
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Gradient of `conv2d` with respect to its weight; as `conv1d_weight`.

    Args:
        input: The input, (N, C, H, W).
        weight_size: Shape of the weight, (O, C / groups, KH, KW).
        grad_output: Gradient of the result, (N, O, H', W').
        stride: Step of the window, as given to `conv2d`: one number for both dimensions, or two numbers.
        padding: Zeros added on both sides, likewise; names such as `"same"` are not taken.
        dilation: Distance between the taps of the kernel, likewise.
        groups: Number of groups of channels.

    Returns:
        The gradient, of shape `weight_size`.

    Raises:
        RuntimeError: If there is no batch dimension, `grad_output` is larger than `input` allows, channels do not fit,
            or stride, padding or dilation have another length.

    Examples:
        >>> import tour
        >>> conv2d_weight(tour.ones(1, 1, 2, 2), (1, 1, 2, 2), tour.ones(1, 1, 1, 1)).sum()
        tensor(4.)
    """
    return _run(convolution_weight_grad, grad_output, input, weight_size, stride, padding, dilation, groups, 2)


def conv3d_input(
    input_size: Any,
    weight: Tensor,
    grad_output: Tensor,
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Gradient of `conv3d` with respect to its input; as `conv1d_input`.

    Args:
        input_size: Shape of the input, (N, C, D, H, W); several can give one result, so it does not follow from the
            others.
        weight: The weight, (O, C / groups, KD, KH, KW).
        grad_output: Gradient of the result, (N, O, D', H', W').
        stride: Step of the window, as given to `conv3d`: one number for all three dimensions, or three numbers.
        padding: Zeros added on both sides, likewise; names such as `"same"` are not taken.
        dilation: Distance between the taps of the kernel, likewise.
        groups: Number of groups of channels.

    Returns:
        The gradient, of shape `input_size`.

    Raises:
        RuntimeError: If there is no batch dimension, the channels of `grad_output` and `weight` differ, or stride,
            padding or dilation have another length.

    Examples:
        >>> import tour
        >>> conv3d_input((1, 1, 2, 2, 2), tour.ones(1, 1, 2, 2, 2), tour.ones(1, 1, 1, 1, 1)).sum()
        tensor(8.)
    """
    return _run(convolution_input_grad, grad_output, weight, input_size, stride, padding, dilation, groups, 3)


def conv3d_weight(
    input: Tensor,
    weight_size: Any,
    grad_output: Tensor,
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Gradient of `conv3d` with respect to its weight; as `conv1d_weight`.

    Args:
        input: The input, (N, C, D, H, W).
        weight_size: Shape of the weight, (O, C / groups, KD, KH, KW).
        grad_output: Gradient of the result, (N, O, D', H', W').
        stride: Step of the window, as given to `conv3d`: one number for all three dimensions, or three numbers.
        padding: Zeros added on both sides, likewise; names such as `"same"` are not taken.
        dilation: Distance between the taps of the kernel, likewise.
        groups: Number of groups of channels.

    Returns:
        The gradient, of shape `weight_size`.

    Raises:
        RuntimeError: If there is no batch dimension, `grad_output` is larger than `input` allows, channels do not fit,
            or stride, padding or dilation have another length.

    Examples:
        >>> import tour
        >>> conv3d_weight(tour.ones(1, 1, 2, 2, 2), (1, 1, 2, 2, 2), tour.ones(1, 1, 1, 1, 1)).sum()
        tensor(8.)
    """
    return _run(convolution_weight_grad, grad_output, input, weight_size, stride, padding, dilation, groups, 3)
