"""Images in space: reading them at points, and rearranging pixels and channels."""

from __future__ import annotations

import math
import warnings
from itertools import product
from typing import Any

import tour
from tour import Tensor
from tour._declare import primitive
from tour.autograd.both import differentiate
from tour.autograd.rule import joint_vjp
from tour.nn.kernels import grid_sample as kernels

__all__ = [
    "affine_grid", "channel_shuffle", "grid_sample", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle",
]  # fmt: skip

WARNING = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
    "align_corners=True if the old behavior is desired."
)


# --- Reading at points ----------------------------------------------------------------------------------------------------------


@primitive(kernels.grid_sample)
def grid_sampling(input: Tensor, grid: Tensor, mode: str, padding_mode: str, align_corners: bool) -> Tensor:
    """A batch (N, C, *size) read at points (N, *output, dims)."""
    ...


@joint_vjp(grid_sampling, "input", "grid")
def _(g: Any, wanted: Any, input: Any, grid: Any, mode: str, padding_mode: str, align_corners: bool) -> Any:
    if isinstance(g, Tensor):
        return differentiate(
            lambda x, points: _sampled(x, points, mode, padding_mode, align_corners), (input, grid), wanted, g
        )
    return kernels.grid_sample_grad(g, input, grid, mode, padding_mode, align_corners, wanted)


def _sampled(x: Tensor, grid: Tensor, mode: str, padding_mode: str, align_corners: bool) -> Tensor:
    """`grid_sampling` in other ops: each neighbour's weight is the polynomial that its derivatives describe."""
    size, points = x.shape[2:], grid.flatten(1, -2)
    offset = points - points.detach()
    dimensions = kernels.taps(size, grid._a, mode, padding_mode, align_corners)
    planes = tour.constant_pad_nd(x.flatten(2), (0, 1))
    total = tour.zeros(*x.shape[:2], points.shape[1], dtype=x.dtype, device=x.device)
    for chosen in product(*dimensions):
        weight = math.prod(_weight(tap, offset[..., -1 - k]) for k, tap in enumerate(chosen))
        where = tour.as_tensor(kernels.place(chosen, size), device=x.device)
        total = total + planes.gather(2, where.unsqueeze(1).expand(-1, x.shape[1], -1)) * weight.unsqueeze(1)
    return total.reshape(*x.shape[:2], *grid.shape[1:-1])


def _weight(tap: kernels.Tap, offset: Tensor) -> Any:
    """A weight as a Taylor polynomial in the (vanishing) offset of its point."""
    coefficients = (tap.weight, tap.slope, *(d / math.factorial(n) for n, d in enumerate(tap.higher, 2)))
    return sum(tour.as_tensor(c, device=offset.device) * offset**n for n, c in enumerate(coefficients))


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Read images or volumes at given points (spatial transformers; Jaderberg et al., 2015, arXiv:1506.02025).

    Args:
        input: Shape (N, C, H, W) or (N, C, D, H, W).
        grid: Points of shape (N, H', W', 2) or (N, D', H', W', 3), from -1 to 1, x first.
        mode: `"bilinear"`, `"nearest"`, or `"bicubic"` (images only).
        padding_mode: What lies outside: `"zeros"`, `"border"` or `"reflection"`.
        align_corners: Whether -1 and 1 are the centres of the corner pixels, instead of their outer edges.

    Returns:
        Shape (N, C, H', W') or (N, C, D', H', W').

    Raises:
        ValueError: If a mode is unknown.
        RuntimeError: If shapes or dtypes do not fit.

    Examples:
        >>> import tour
        >>> x = tour.arange(4.0).reshape(1, 1, 2, 2)
        >>> grid_sample(x, tour.zeros(1, 1, 1, 2), align_corners=False)
        tensor([[[[1.5000]]]])
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: {mode!r}"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"{padding_mode!r}"
        )
    if align_corners is None:
        warnings.warn(WARNING, stacklevel=2)
    _check_grid(input, grid, mode)
    return grid_sampling(input, grid, mode, padding_mode, bool(align_corners))


def _check_grid(input: Tensor, grid: Tensor, mode: str) -> None:
    shapes = f"input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
    if input.dim() not in (4, 5) or grid.dim() != input.dim():
        raise RuntimeError(
            f"grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got {shapes}"
        )
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(f"grid_sampler(): expected grid and input to have same batch size, but got {shapes}")
    dims = input.dim() - 2
    if grid.shape[-1] != dims:
        raise RuntimeError(f"grid_sampler(): expected grid to have size {dims} in last dimension, but got {shapes}")
    if 0 in input.shape[2:]:
        raise RuntimeError(f"grid_sampler(): expected input to have non-empty spatial dimensions, but got {shapes}")
    if mode == "bicubic" and dims != 2:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if input.dtype is not grid.dtype:
        raise RuntimeError(
            f"expected input and grid of the same dtype, but got {input.dtype.name} and {grid.dtype.name}"
        )


def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """The points at which `grid_sample` reads to transform images or volumes by affine maps.

    Args:
        theta: Maps of shape (N, 2, 3) or (N, 3, 4).
        size: Size of the result: (N, C, H, W) or (N, C, D, H, W).
        align_corners: Whether -1 and 1 are the centres of the corner pixels, instead of their outer edges.

    Returns:
        Points of shape (N, H, W, 2) or (N, D, H, W, 3).

    Raises:
        ValueError: If `theta` does not fit `size`.
        NotImplementedError: If `size` has neither 4 nor 5 numbers.

    Examples:
        >>> import tour
        >>> affine_grid(tour.eye(2, 3).reshape(1, 2, 3), (1, 1, 1, 2), align_corners=False)
        tensor([[[[-0.5000,  0.0000],
                  [ 0.5000,  0.0000]]]])
    """
    size = tuple(int(n) for n in size)
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype.name}")
    if len(size) not in (4, 5):
        raise NotImplementedError(
            f"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size {size}."
        )
    dims = len(size) - 2
    if theta.dim() != 3 or theta.shape[1:] != (dims, dims + 1):
        raise ValueError(
            f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size {size}. Got {list(theta.shape)}."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    if align_corners is None:
        warnings.warn(WARNING, stacklevel=2)
    if align_corners and min(size[2:]) == 1:
        warnings.warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True: they are at 0.",
            stacklevel=2,
        )
    axes = [_centres(n, bool(align_corners), theta) for n in size[2:]]
    points = [
        *reversed(tour.meshgrid(*axes, indexing="ij")),
        tour.ones(size[2:], dtype=theta.dtype, device=theta.device),
    ]
    base = tour.stack(points, -1).reshape(1, -1, dims + 1)
    return (base @ theta.transpose(1, 2)).reshape(size[0], *size[2:], dims)


def _centres(n: int, align_corners: bool, like: Tensor) -> Tensor:
    """Where the centres of n pixels lie between -1 and 1."""
    if n == 1:
        return tour.zeros(1, dtype=like.dtype, device=like.device)
    line = tour.linspace(-1, 1, n, dtype=like.dtype, device=like.device)
    return line if align_corners else line * ((n - 1) / n)


# --- Rearranging --------------------------------------------------------------------------------------------------------------


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels moved into space: (..., C r², H, W) to (..., C, H r, W r) (Shi et al., 2016, arXiv:1609.05158).

    Args:
        input: At least three dimensions.
        upscale_factor: The factor r.

    Raises:
        RuntimeError: If the channels are not divisible by r².

    Examples:
        >>> import tour
        >>> pixel_shuffle(tour.arange(4.0).reshape(4, 1, 1), 2)
        tensor([[[0., 1.],
                 [2., 3.]]])
    """
    r = upscale_factor
    if input.dim() < 3:
        raise RuntimeError(
            f"pixel_shuffle expects input to have at least 3 dimensions, but got input with {input.dim()} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    *lead, c, h, w = input.shape
    if c % (r * r):
        raise RuntimeError(
            f"pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but "
            f"input.size(-3)={c} is not divisible by {r * r}: {list(input.shape)}"
        )
    split = input.reshape(math.prod(lead), c // (r * r), r, r, h, w)
    return split.permute(0, 1, 4, 2, 5, 3).reshape(*lead, c // (r * r), h * r, w * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Space moved into channels: (..., C, H r, W r) to (..., C r², H, W); undoes `pixel_shuffle`.

    Args:
        input: At least three dimensions.
        downscale_factor: The factor r.

    Raises:
        RuntimeError: If height or width are not divisible by r.

    Examples:
        >>> import tour
        >>> pixel_unshuffle(tour.arange(4.0).reshape(1, 2, 2), 2).flatten()
        tensor([0., 1., 2., 3.])
    """
    r = downscale_factor
    if input.dim() < 3:
        raise RuntimeError(
            f"pixel_unshuffle expects input to have at least 3 dimensions, but got input with {input.dim()} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    *lead, c, h, w = input.shape
    for name, n, at in (("height", h, -2), ("width", w, -1)):
        if n % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({at})={n} is not divisible "
                f"by {r}"
            )
    split = input.reshape(math.prod(lead), c, h // r, r, w // r, r)
    return split.permute(0, 1, 3, 5, 2, 4).reshape(*lead, c * r * r, h // r, w // r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Channels of several groups interleaved: (N, g C, ...) seen as (N, g, C, ...) and transposed.

    Args:
        input: At least three dimensions.
        groups: The number g of groups.

    Raises:
        RuntimeError: If the channels are not divisible by `groups`.

    Examples:
        >>> import tour
        >>> channel_shuffle(tour.arange(4.0).reshape(1, 4, 1), 2).flatten()
        tensor([0., 2., 1., 3.])
    """
    if input.dim() <= 2:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups: {groups}")
    n, c, *size = input.shape
    if c % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups.")
    return input.reshape(n, groups, c // groups, *size).transpose(1, 2).reshape(input.shape)


native_channel_shuffle = channel_shuffle
