"""Resizing of signals, images and volumes."""

from __future__ import annotations

import math
import warnings
from typing import Any

import tour
from tour import Tensor
from tour._declare import primitive
from tour.autograd.both import reading
from tour.autograd.rule import vjp
from tour.nn.functional._sizes import Ints
from tour.nn.kernels import interpolation as kernels

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

Sizes = tuple[int, ...]
Scales = tuple[float | None, ...]

# The modes, by the number of spatial dimensions they work in.
MODES = {
    "nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3),
    "linear": (1,), "bilinear": (2,), "trilinear": (3,), "bicubic": (2,), "lanczos": (2,),
}  # fmt: skip
LINEAR = {"linear", "bilinear", "trilinear", "bicubic"}


@primitive(kernels.interpolate)
def resizing(input: Tensor, size: Sizes, mode: str, align_corners: bool, scales: Scales, antialias: bool) -> Tensor:
    """A batch (N, C, *old) resized to (N, C, *size)."""
    ...


@primitive(kernels.interpolate_grad)
def resizing_grad(
    g: Tensor, input_shape: Sizes, mode: str, align_corners: bool, scales: Scales, antialias: bool
) -> Tensor:
    """Gradient of `resizing`."""
    ...


_resize, _resize_grad = reading(resizing), reading(resizing_grad)
vjp(
    resizing,
    input=lambda g, input_shape, mode, align_corners, scales, antialias: _resize_grad(
        g, input_shape, mode, align_corners, scales, antialias
    ),
)
vjp(
    resizing_grad,
    g=lambda h, g_shape, mode, align_corners, scales, antialias: _resize(
        h, g_shape[2:], mode, align_corners, scales, antialias
    ),
)


def interpolate(
    input: Tensor,
    size: Ints | None = None,
    scale_factor: float | tuple[float, ...] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resize signals, images or volumes.

    Args:
        input: Shape (N, C, *size) with one to three sizes.
        size: The new size; one number serves all dimensions.
        scale_factor: What to multiply the size by, instead.
        mode: `"nearest"`, `"nearest-exact"`, `"area"`; `"linear"` (signals), `"bilinear"`, `"bicubic"`, `"lanczos"` (images),
            `"trilinear"` (volumes).
        align_corners: Whether the centres of the corner pixels match, instead of their outer edges.
        recompute_scale_factor: Whether positions follow from the rounded size instead of `scale_factor`.
        antialias: Whether shrinking averages over all pixels (`"bilinear"`, `"bicubic"`; `"lanczos"` always does).

    Raises:
        ValueError: If size, scale and options contradict each other or the mode.
        NotImplementedError: If the mode does not fit the number of dimensions.

    Examples:
        >>> import tour
        >>> interpolate(tour.tensor([[[0.0, 1.0]]]), size=4, mode="linear")
        tensor([[[0.0000, 0.2500, 0.7500, 1.0000]]])
    """
    dims = input.dim() - 2
    _check_options(mode, align_corners, antialias, dims)
    new, scales = _new_size(input, size, scale_factor, recompute_scale_factor, dims)
    _check_mode(input, mode, dims)
    if min((*input.shape[2:], *new)) <= 0:
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input {list(input.shape[2:])} and output {list(new)}"
        )
    if 0 in input.shape[1:]:
        raise RuntimeError(
            f"Non-empty {input.dim()}D data tensor expected but got a tensor with sizes {list(input.shape)}"
        )
    options = (new, mode, bool(align_corners), scales, antialias)
    if input.dtype is tour.uint8:
        return resizing(input.float(), *options).round().clamp(0, 255).to(tour.uint8)
    if not input.is_floating_point():
        raise NotImplementedError(f"interpolate is not implemented for {input.dtype.name}; use .float()")
    if input.dtype.itemsize < 4:
        return resizing(input.float(), *options).to(input.dtype)
    return resizing(input, *options)


def _check_options(mode: str, align_corners: bool | None, antialias: bool, dims: int) -> None:
    if mode == "lanczos":
        if not antialias:
            raise ValueError("Lanczos mode requires antialias=True")
        if align_corners:
            raise ValueError("Lanczos mode does not support align_corners=True")
    elif mode not in LINEAR and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and dims == 2):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )


def _check_mode(input: Tensor, mode: str, dims: int) -> None:
    if dims in MODES.get(mode, ()):
        return
    if mode in ("linear", "bilinear", "trilinear") and 1 <= dims <= 3:
        raise NotImplementedError(f"Got {dims + 2}D input, but {mode} mode needs {MODES[mode][0] + 2}D input")
    raise NotImplementedError(
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.dim()}D) for the modes: {' | '.join(MODES)} "
        f"(got {mode})"
    )


def _new_size(input: Tensor, size: Any, scale_factor: Any, recompute: bool | None, dims: int) -> tuple[Sizes, Scales]:
    """The new size, and the scale factors where they set the positions."""
    old = input.shape[2:]
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    what, given = ("output size", size) if size is not None else ("scale_factor", scale_factor)
    values = tuple(given) if isinstance(given, tuple | list) else (given,) * dims
    if len(values) != dims:
        raise ValueError(
            f"Input and {what} must have the same number of spatial dimensions, but got input with spatial dimensions of "
            f"{list(old)} and {what} of {values}. Please provide input tensor in (N, C, d1, d2, ...,dK) format."
        )
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        return tuple(int(n) for n in values), ()
    new = tuple(math.floor(float(n * s)) for n, s in zip(old, values, strict=True))
    return new, () if recompute else tuple(float(s) for s in values)


def upsample(
    input: Tensor,
    size: Ints | None = None,
    scale_factor: float | tuple[float, ...] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The deprecated name of `interpolate`.

    Args:
        input: Shape (N, C, *size) with one to three sizes.
        size: The new size; one number serves all dimensions.
        scale_factor: What to multiply the size by, where `size` is None.
        mode: How to fill in, as in `interpolate`.
        align_corners: As in `interpolate`; None counts as False, and is the only choice where the mode is not a linear
            or cubic one.

    Returns:
        Shape (N, C, *new size).

    Raises:
        ValueError: If both or neither of size and scale are given, or they do not go with the input or the mode.
        NotImplementedError: If the mode does not fit the number of dimensions, or the dtype is neither a floating-point
            one nor uint8.
        RuntimeError: If a size is, or would be, 0.

    Warns:
        UserWarning: That the name is deprecated.

    Examples:
        >>> import warnings, tour
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     upsample(tour.ones(1, 1, 1), 2)
        tensor([[[1., 1.]]])
    """
    warnings.warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Tensor, size: Ints | None = None, scale_factor: float | tuple[float, ...] | None = None
) -> Tensor:
    """The deprecated name of `interpolate(..., mode="nearest")`.

    Args:
        input: Shape (N, C, *size) with one to three sizes.
        size: The new size; one number serves all dimensions.
        scale_factor: What to multiply the size by, where `size` is None.

    Returns:
        Shape (N, C, *new size).

    Raises:
        ValueError: If both or neither of size and scale are given, or there are too many or too few numbers.
        NotImplementedError: If the mode does not fit the number of dimensions, or the dtype is neither a floating-point
            one nor uint8.
        RuntimeError: If a size is, or would be, 0.

    Warns:
        UserWarning: That the name is deprecated.

    Examples:
        >>> import warnings
        >>> import tour
        >>> with warnings.catch_warnings(action="ignore"):
        ...     tour.nn.functional.upsample_nearest(tour.tensor([[[[0.0, 1.0]]]]), scale_factor=2)
        tensor([[[[0., 0., 1., 1.],
                  [0., 0., 1., 1.]]]])
    """
    warnings.warn(
        "`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2
    )
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(
    input: Tensor, size: Ints | None = None, scale_factor: float | tuple[float, ...] | None = None
) -> Tensor:
    """The deprecated name of `interpolate(..., mode="bilinear", align_corners=True)`.

    Args:
        input: Shape (N, C, H, W).
        size: The new size (H', W'), or one number for both.
        scale_factor: What to multiply the size by, where `size` is None.

    Returns:
        Shape (N, C, H', W').

    Raises:
        ValueError: If both or neither of size and scale are given, or there are too many or too few numbers.
        NotImplementedError: If the mode does not fit the number of dimensions, or the dtype is neither a floating-point
            one nor uint8.
        RuntimeError: If a size is, or would be, 0.

    Warns:
        UserWarning: That the name is deprecated.

    Examples:
        >>> import warnings
        >>> import tour
        >>> with warnings.catch_warnings(action="ignore"):
        ...     tour.nn.functional.upsample_bilinear(tour.tensor([[[[0.0, 1.0]]]]), size=(1, 3))
        tensor([[[[0.0000, 0.5000, 1.0000]]]])
    """
    warnings.warn(
        "`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2
    )
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
