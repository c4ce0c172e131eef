"""Convolutions and transposed convolutions in one, two and three dimensions."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tour import Tensor
from tour._declare import primitive
from tour.autograd.both import reading
from tour.autograd.rule import vjp
from tour.nn.functional._dtypes import remedy
from tour.nn.functional._sizes import Ints, ntuple, with_batch
from tour.nn.kernels import convolution as kernels

__all__ = [
    "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
]  # fmt: skip

Sizes = tuple[int, ...]


# --- The primitives: a convolution and its two gradients are each other's gradients, so every order is covered --------------


@primitive(kernels.conv)
def convolution(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Tensor:
    """Cross-correlation of a batch (N, C, *size) with weights (O, C / groups, *kernel)."""
    ...


@primitive(kernels.conv_input_grad)
def convolution_input_grad(
    g: Tensor, weight: Tensor, input_shape: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Tensor:
    """Gradient of `convolution` with respect to its input; also the transposed convolution."""
    ...


@primitive(kernels.conv_weight_grad)
def convolution_weight_grad(
    g: Tensor, input: Tensor, weight_shape: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Tensor:
    """Gradient of `convolution` with respect to its weight."""
    ...


_conv, _to_input, _to_weight = map(reading, (convolution, convolution_input_grad, convolution_weight_grad))


def _cropped(x: Any, shape: Sizes) -> Any:
    """A convolution's result without what an output padding of a whole stride or more adds."""
    return x if x.shape == shape else x[tuple(slice(n) for n in shape)]


vjp(
    convolution,
    input=lambda g, weight, input_shape, stride, padding, dilation, groups: _to_input(
        g, weight.conj(), input_shape, stride, padding, dilation, groups
    ),
    weight=lambda g, input, weight_shape, stride, padding, dilation, groups: _to_weight(
        g, input.conj(), weight_shape, stride, padding, dilation, groups
    ),
    bias=lambda g: g.sum((0, *range(2, g.ndim))),
)
vjp(
    convolution_input_grad,
    g=lambda h, g_shape, weight, stride, padding, dilation, groups: _cropped(
        _conv(h, weight.conj(), None, stride, padding, dilation, groups), g_shape
    ),
    weight=lambda h, g, weight_shape, stride, padding, dilation, groups: _to_weight(
        g.conj(), h, weight_shape, stride, padding, dilation, groups
    ),
)
vjp(
    convolution_weight_grad,
    g=lambda h, input, stride, padding, dilation, groups: _conv(
        input.conj(), h, None, stride, padding, dilation, groups
    ),
    input=lambda h, g, input_shape, stride, padding, dilation, groups: _to_input(
        g, h, input_shape, stride, padding, dilation, groups
    ),
)


# --- What programs call ---------------------------------------------------------------------------------------------------


def check_channels(
    input: Tensor, weight: Tensor, bias: Tensor | None, groups: int, dims: int, transposed: bool
) -> None:
    """Refuse operands of a convolution that do not fit, naming what would.

    Raises:
        RuntimeError: If dimensions, channels, groups, bias or dtypes do not fit.
    """
    given, kernel = input._a.shape, weight._a.shape
    if len(kernel) != dims + 2:
        raise RuntimeError(
            f"expected a weight of {dims + 2} dimensions for a {dims}D convolution, but got {list(kernel)}"
        )
    out_channels = kernel[1] * groups if transposed else kernel[0]
    in_channels = kernel[0] if transposed else kernel[1] * groups
    if groups <= 0 or kernel[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0 and divisible by it, "
            f"but got weight of size {list(kernel)} instead"
        )
    if given[1] != in_channels:
        kind = f"transposed={int(transposed)}, " if transposed else ""
        raise RuntimeError(
            f"Given {kind}groups={groups}, weight of size {list(kernel)}, expected input{list(given)} to have "
            f"{in_channels} channels, but got {given[1]} channels instead"
        )
    if bias is not None and bias._a.shape != (out_channels,):
        raise RuntimeError(
            f"Given weight of size {list(kernel)}, expected bias to be 1-dimensional with {out_channels} elements, "
            f"but got bias of size {list(bias.shape)} instead"
        )
    d = weight._a.dtype
    if input._a.dtype != d or (bias is not None and bias._a.dtype != d):
        other = weight.dtype if bias is None or input.dtype is not weight.dtype else bias.dtype
        raise RuntimeError(
            f"Input type ({input.dtype.name}) and weight or bias type ({other.name}) should be the same; use "
            f"{remedy(input, other)}"
        )


@lru_cache(maxsize=256)
def check_kernel(size: Sizes, kernel: Sizes, padding: Sizes, dilation: Sizes) -> None:
    """Refuse a kernel that is larger than the padded input.

    Raises:
        RuntimeError: Names both sizes.
    """
    if min(kernel) <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got {' x '.join(map(str, kernel))}")
    padded = [n + 2 * p for n, p in zip(size, padding, strict=True)]
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    if any(n < r for n, r in zip(padded, reach, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, padded))}). Kernel size: "
            f"({' x '.join(map(str, reach))}). Kernel size can't be greater than actual input size; pad the input, or take a smaller kernel"
        )


def _convolve(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Ints,
    padding: Ints | str,
    dilation: Ints,
    groups: int,
    dims: int,
) -> Tensor:
    steps, gaps = ntuple(stride, dims, "stride"), ntuple(dilation, dims, "dilation")
    if min(steps) <= 0:
        raise RuntimeError("non-positive stride is not supported")
    if min(gaps) <= 0:
        raise RuntimeError("dilation should be greater than zero")

    def run(x: Tensor) -> Tensor:
        check_channels(x, weight, bias, groups, dims, transposed=False)
        y, pads = (
            (x, ntuple(padding, dims, "padding"))
            if not isinstance(padding, str)
            else _same(x, weight, padding, steps, gaps)
        )
        if min(pads) < 0:
            raise RuntimeError("negative padding is not supported")
        check_kernel(y._a.shape[2:], weight._a.shape[2:], pads, gaps)
        return convolution(y, weight, bias, steps, pads, gaps, groups)

    return with_batch(run, input, dims, f"conv{dims}d")  # type: ignore[no-any-return]


def _same(x: Tensor, weight: Tensor, padding: str, stride: Sizes, dilation: Sizes) -> tuple[Tensor, Sizes]:
    """Input and padding for `padding="same"` or `"valid"`; an odd total pads one more on the right."""
    none = (0,) * len(stride)
    if padding == "valid":
        return x, none
    if padding != "same":
        raise RuntimeError(f"Invalid padding string {padding!r}, should be one of 'valid', 'same'")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    total = [d * (k - 1) for k, d in zip(weight.shape[2:], dilation, strict=True)]
    if any(t % 2 for t in total):
        from tour.nn.functional.padding import pad

        sides = [side for t in reversed(total) for side in (0, t % 2)]
        x = pad(x, sides)
    return x, tuple(t // 2 for t in total)


def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None,
    stride: Ints = 1, padding: Ints | str = 0, dilation: Ints = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Convolution over a signal.

    Args:
        input: Shape (N, C, L) or (C, L).
        weight: Shape (O, C / groups, K).
        bias: Shape (O,), or None.
        stride: Step of the window.
        padding: Zeros added on both sides, or `"same"`, or `"valid"`.
        dilation: Distance between the taps of the kernel.
        groups: Number of groups of channels that do not see each other.

    Returns:
        Shape (N, O, L'), with L' = (L + 2 padding - dilation (K - 1) - 1) // stride + 1.

    Examples:
        >>> import tour
        >>> conv1d(tour.ones(1, 1, 4), tour.ones(1, 1, 2))
        tensor([[[2., 2., 2.]]])
    """
    return _convolve(input, weight, bias, stride, padding, dilation, groups, 1)


def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None,
    stride: Ints = 1, padding: Ints | str = 0, dilation: Ints = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Convolution over an image: input (N, C, H, W) or (C, H, W), weight (O, C / groups, KH, KW); the rest as in `conv1d`.

    Args:
        input: Shape (N, C, H, W) or (C, H, W).
        weight: Shape (O, C / groups, KH, KW), of the input's dtype.
        bias: Shape (O,), or None for no bias.
        stride: Step of the window: one number for both dimensions, or two numbers.
        padding: Zeros added on both sides, likewise; or `"valid"` for none, or `"same"` for an output of the input's
            size, which takes a stride of 1.
        dilation: Distance between the taps of the kernel, likewise.
        groups: Number of groups of channels that do not see each other; divides C and O.

    Returns:
        Shape (N, O, H', W'), without N where the input has none, with
        H' = (H + 2 padding - dilation (KH - 1) - 1) // stride + 1 and W' likewise.

    Raises:
        RuntimeError: If dimensions, channels, groups or dtypes do not fit, or the kernel is larger than the padded
            input.

    Examples:
        >>> import tour
        >>> conv2d(tour.ones(1, 1, 3, 3), tour.ones(1, 1, 2, 2))
        tensor([[[[4., 4.],
                  [4., 4.]]]])
    """
    return _convolve(input, weight, bias, stride, padding, dilation, groups, 2)


def conv3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None,
    stride: Ints = 1, padding: Ints | str = 0, dilation: Ints = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Convolution over a volume: input (N, C, D, H, W) or (C, D, H, W), weight (O, C / groups, KD, KH, KW); the rest as in `conv1d`.

    Args:
        input: Shape (N, C, D, H, W) or (C, D, H, W).
        weight: Shape (O, C / groups, KD, KH, KW), of the input's dtype.
        bias: Shape (O,), or None for no bias.
        stride: Step of the window: one number for all three dimensions, or three numbers.
        padding: Zeros added on both sides, likewise; or `"valid"` for none, or `"same"` for an output of the input's
            size, which takes a stride of 1.
        dilation: Distance between the taps of the kernel, likewise.
        groups: Number of groups of channels that do not see each other; divides C and O.

    Returns:
        Shape (N, O, D', H', W'), without N where the input has none, with
        D' = (D + 2 padding - dilation (KD - 1) - 1) // stride + 1 and H', W' likewise.

    Raises:
        RuntimeError: If dimensions, channels, groups or dtypes do not fit, or the kernel is larger than the padded
            input.

    Examples:
        >>> import tour
        >>> conv3d(tour.ones(1, 1, 2, 2, 2), tour.ones(1, 1, 2, 2, 2)).shape
        tour.Size([1, 1, 1, 1, 1])
    """
    return _convolve(input, weight, bias, stride, padding, dilation, groups, 3)


def _convolve_transposed(
    input: Tensor, weight: Tensor, bias: Tensor | None,
    stride: Ints, padding: Ints, output_padding: Ints, groups: int, dilation: Ints, dims: int,
) -> Tensor:  # fmt: skip
    steps, pads = ntuple(stride, dims, "stride"), ntuple(padding, dims, "padding")
    extra, gaps = ntuple(output_padding, dims, "output_padding"), ntuple(dilation, dims, "dilation")
    if any(e >= max(s, d) for e, s, d in zip(extra, steps, gaps, strict=True)):
        raise RuntimeError(
            f"output padding must be smaller than either stride or dilation, but got output_padding={list(extra)}, "
            f"stride={list(steps)}, dilation={list(gaps)}"
        )

    def run(x: Tensor) -> Tensor:
        check_channels(x, weight, bias, groups, dims, transposed=True)
        size = [
            (n - 1) * s - 2 * p + d * (k - 1) + e + 1
            for n, k, s, p, d, e in zip(x.shape[2:], weight.shape[2:], steps, pads, gaps, extra, strict=True)
        ]
        if min(size) < 1:
            raise RuntimeError(
                f"Given input size per channel: {list(x.shape[2:])}. Calculated output size per channel: {size}. Output size is too small"
            )
        y = convolution_input_grad(x, weight, (x.shape[0], weight.shape[1] * groups, *size), steps, pads, gaps, groups)
        return y if bias is None else y + bias.reshape(-1, *(1,) * dims)

    return with_batch(run, input, dims, f"conv_transpose{dims}d")  # type: ignore[no-any-return]


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """Convolution over a sequence whose dimensions are time, batch, channels.

    Args:
        input: Shape (T, N, C).
        weight: Shape (K, C, O).
        bias: Shape (O,).
        pad: Zeros added on both sides.

    Returns:
        Shape (T + 2 pad - K + 1, N, O).

    Raises:
        RuntimeError: If sizes do not fit.

    Examples:
        >>> import tour
        >>> conv_tbc(tour.ones(5, 2, 3), tour.ones(2, 3, 4), tour.zeros(4)).shape
        tour.Size([4, 2, 4])
    """
    return conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad).permute(2, 0, 1)


def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None,
    stride: Ints = 1, padding: Ints = 0, output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Tensor:  # fmt: skip
    """Transposed convolution over a signal: the gradient of `conv1d` with respect to its input, as a layer.

    Args:
        input: Shape (N, C, L) or (C, L).
        weight: Shape (C, O / groups, K).
        bias: Shape (O,), or None.
        stride: Step of the convolution that this transposes.
        padding: Its padding.
        output_padding: Added to one side of the output.
        groups: Number of groups of channels that do not see each other.
        dilation: Distance between the taps of the kernel.

    Returns:
        Shape (N, O, L'), with L' = (L - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1.

    Examples:
        >>> import tour
        >>> conv_transpose1d(tour.ones(1, 1, 2), tour.ones(1, 1, 2))
        tensor([[[1., 2., 1.]]])
    """
    return _convolve_transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, 1)


def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None,
    stride: Ints = 1, padding: Ints = 0, output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Tensor:  # fmt: skip
    """Transposed convolution over an image: weight (C, O / groups, KH, KW); the rest as in `conv_transpose1d`.

    Args:
        input: Shape (N, C, H, W) or (C, H, W).
        weight: Shape (C, O / groups, KH, KW), of the input's dtype.
        bias: Shape (O,), or None for no bias.
        stride: Step of the convolution that this transposes: one number for both dimensions, or two numbers.
        padding: Its padding, likewise.
        output_padding: Added to one side of the output, likewise; smaller than stride or dilation.
        groups: Number of groups of channels that do not see each other; divides C and O.
        dilation: Distance between the taps of the kernel: one number for both dimensions, or two numbers.

    Returns:
        Shape (N, O, H', W'), without N where the input has none, with
        H' = (H - 1) stride - 2 padding + dilation (KH - 1) + output_padding + 1 and W' likewise.

    Raises:
        RuntimeError: If dimensions, channels, groups or dtypes do not fit, `output_padding` is too large, or the output
            would be empty.

    Examples:
        >>> import tour
        >>> conv_transpose2d(tour.ones(1, 1, 2, 2), tour.ones(1, 1, 2, 2), stride=2).shape
        tour.Size([1, 1, 4, 4])
    """
    return _convolve_transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, 2)


def conv_transpose3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None,
    stride: Ints = 1, padding: Ints = 0, output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Tensor:  # fmt: skip
    """Transposed convolution over a volume: weight (C, O / groups, KD, KH, KW); the rest as in `conv_transpose1d`.

    Args:
        input: Shape (N, C, D, H, W) or (C, D, H, W).
        weight: Shape (C, O / groups, KD, KH, KW), of the input's dtype.
        bias: Shape (O,), or None for no bias.
        stride: Step of the convolution that this transposes: one number for all three dimensions, or three numbers.
        padding: Its padding, likewise.
        output_padding: Added to one side of the output, likewise; smaller than stride or dilation.
        groups: Number of groups of channels that do not see each other; divides C and O.
        dilation: Distance between the taps of the kernel: one number for all three dimensions, or three numbers.

    Returns:
        Shape (N, O, D', H', W'), without N where the input has none, with
        D' = (D - 1) stride - 2 padding + dilation (KD - 1) + output_padding + 1 and H', W' likewise.

    Raises:
        RuntimeError: If dimensions, channels, groups or dtypes do not fit, `output_padding` is too large, or the output
            would be empty.

    Examples:
        >>> import tour
        >>> conv_transpose3d(tour.ones(1, 1, 1, 1, 1), tour.ones(1, 1, 2, 2, 2)).shape
        tour.Size([1, 1, 2, 2, 2])
    """
    return _convolve_transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, 3)
