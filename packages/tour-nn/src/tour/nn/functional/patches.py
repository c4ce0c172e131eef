"""Patches of images as columns, and back."""

from __future__ import annotations

import math

import tour
from tour import Tensor
from tour._declare import primitive
from tour._shapes import count_windows
from tour.autograd.both import reading
from tour.autograd.rule import vjp
from tour.nn.functional._sizes import Ints, ntuple
from tour.nn.kernels import windows

__all__ = ["fold", "unfold"]

Sizes = tuple[int, ...]


@primitive(windows.im2col)
def patches(input: Tensor, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Tensor:
    """All windows of a batch (N, C, *size) as columns (N, C * kernel elements, windows)."""
    ...


@primitive(windows.col2im)
def patch_sums(input: Tensor, size: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Tensor:
    """Columns summed back into a batch (N, C, *size)."""
    ...


_patches, _patch_sums = reading(patches), reading(patch_sums)
vjp(
    patches,
    input=lambda g, input_shape, kernel, stride, padding, dilation: _patch_sums(
        g, input_shape[2:], kernel, stride, padding, dilation
    ),
)
vjp(
    patch_sums,
    input=lambda g, kernel, stride, padding, dilation: _patches(g, kernel, stride, padding, dilation),
)


def _blocks(size: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, name: str) -> Sizes:
    """How many windows fit along each dimension.

    Raises:
        RuntimeError: If a size is not positive, or no window fits.
    """
    for what, values, least in (
        ("kernel size", kernel, 1), ("dilation", dilation, 1), ("padding", padding, 0), ("stride", stride, 1)
    ):  # fmt: skip
        if min(values) < least:
            raise RuntimeError(
                f"{what} should be {'greater than zero' if least else 'non-negative'}, but got {list(values)}"
            )
    out = count_windows(size, kernel, stride, padding, dilation)
    if min(out) < 1:
        raise RuntimeError(
            f"{name}: Given spatial size {tuple(size)}, kernel_size={kernel}, dilation={dilation}, padding={padding}, "
            f"stride={stride}, calculated shape of the array of sliding blocks as {out}, but its components must be at least one; "
            "pad the input, or take a smaller kernel_size"
        )
    return out


def unfold(input: Tensor, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1) -> Tensor:
    """All windows of images as columns.

    Args:
        input: Shape (N, C, H, W) or (C, H, W).
        kernel_size: Size of the window.
        dilation: Distance between the elements of a window.
        padding: Zeros added on both sides.
        stride: Step of the window.

    Returns:
        Shape (N, C * KH * KW, windows), or without N.

    Raises:
        RuntimeError: If no window fits.

    Examples:
        >>> import tour
        >>> unfold(tour.arange(6.0).reshape(1, 2, 3), 2)
        tensor([[0., 1.],
                [1., 2.],
                [3., 4.],
                [4., 5.]])
    """
    if input.dim() not in (3, 4) or 0 in input.shape[input.dim() - 3 :]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but "
            f"got: {list(input.shape)}"
        )
    if not (input.is_floating_point() or input.is_complex() or input.dtype is tour.bool):
        raise NotImplementedError(f"unfold is not implemented for {input.dtype.name}; use .float()")
    kernel, gaps = ntuple(kernel_size, 2, "kernel_size"), ntuple(dilation, 2, "dilation")
    pads, steps = ntuple(padding, 2, "padding"), ntuple(stride, 2, "stride")
    _blocks(input.shape[-2:], kernel, steps, pads, gaps, "unfold")
    if input.dim() == 3:
        return patches(input.unsqueeze(0), kernel, steps, pads, gaps).squeeze(0)
    return patches(input, kernel, steps, pads, gaps)


def fold(
    input: Tensor, output_size: Ints, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1
) -> Tensor:
    """Columns summed back into images: the transpose of `unfold`.

    Args:
        input: Shape (N, C * KH * KW, windows), or without N.
        output_size: Size (H, W) of the images.
        kernel_size: Size of the window.
        dilation: Distance between the elements of a window.
        padding: Zeros that `unfold` added on both sides.
        stride: Step of the window.

    Returns:
        Shape (N, C, H, W), or without N.

    Raises:
        RuntimeError: If the shape of the columns does not fit.

    Examples:
        >>> import tour
        >>> fold(tour.ones(4, 2), (2, 3), 2)
        tensor([[[1., 2., 1.],
                 [1., 2., 1.]]])
    """
    if input.dim() not in (2, 3) or 0 in input.shape[input.dim() - 2 :]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but "
            f"got: {list(input.shape)}"
        )
    if not (input.is_floating_point() or input.is_complex() or input.dtype is tour.bool):
        raise NotImplementedError(f"fold is not implemented for {input.dtype.name}; use .float()")
    size, kernel = ntuple(output_size, 2, "output_size"), ntuple(kernel_size, 2, "kernel_size")
    gaps, pads, steps = ntuple(dilation, 2, "dilation"), ntuple(padding, 2, "padding"), ntuple(stride, 2, "stride")
    out = _blocks(size, kernel, steps, pads, gaps, "fold")
    if input.shape[-2] % math.prod(kernel):
        raise RuntimeError(
            f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got {input.shape[-2]} "
            f"and kernel_size={kernel}."
        )
    if input.shape[-1] != math.prod(out):
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={kernel}, dilation={gaps}, padding={pads}, stride={steps}, expected size of "
            f"input's dimension 2 to match the calculated number of sliding blocks {' * '.join(map(str, out))} = "
            f"{math.prod(out)}, but got {input.shape[-1]}"
        )
    if input.dim() == 2:
        return patch_sums(input.unsqueeze(0), size, kernel, steps, pads, gaps).squeeze(0)
    return patch_sums(input, size, kernel, steps, pads, gaps)
