"""Pooling to a given size: adaptive average and max pooling, and fractional max pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tour
from tour import Tensor
from tour._declare import primitive
from tour.autograd.both import reading
from tour.autograd.rule import vjp
from tour.nn.functional._sizes import Ints, ntuple, with_batch
from tour.nn.functional.pooling import scatter_to_plane
from tour.nn.kernels import adaptive_pooling as kernels

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d",
    "adaptive_max_pool1d", "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices", "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices",
    "fractional_max_pool2d", "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d", "fractional_max_pool3d_with_indices",
]  # fmt: skip

Sizes = tuple[int, ...]
OutputSize = int | None | tuple[int | None, ...]
Ratio = float | tuple[float, ...]


@primitive(kernels.adaptive_avg_pool)
def adaptive_avg_pooling(input: Tensor, output_size: Sizes) -> Tensor:
    """Mean of each bin of a batch (N, C, *size)."""
    ...


@primitive(kernels.adaptive_avg_pool_grad)
def adaptive_avg_pooling_grad(g: Tensor, input_shape: Sizes) -> Tensor:
    """Gradient of `adaptive_avg_pooling`: what arrives at a bin is shared among its elements."""
    ...


@primitive(kernels.adaptive_max_pool)
def adaptive_max_pooling(input: Tensor, output_size: Sizes) -> tuple[Tensor, Tensor]:
    """Largest element of each bin of a batch (N, C, *size), and where it stands in its plane."""
    ...


@primitive(kernels.fractional_max_pool)
def fractional_max_pooling(input: Tensor, kernel: Sizes, output_size: Sizes, samples: Tensor) -> tuple[Tensor, Tensor]:
    """Largest element of each pseudo-random window of a batch (N, C, *size), and where it stands in its plane."""
    ...


_avg, _avg_grad, _scatter = map(reading, (adaptive_avg_pooling, adaptive_avg_pooling_grad, scatter_to_plane))

vjp(adaptive_avg_pooling, input=lambda g, input_shape: _avg_grad(g, input_shape))
vjp(adaptive_avg_pooling_grad, g=lambda h, g_shape: _avg(h, g_shape[2:]))
vjp(adaptive_max_pooling, input=lambda g, input_shape, rest: _scatter(g[0], rest[0], input_shape[2:]))
vjp(fractional_max_pooling, input=lambda g, input_shape, rest: _scatter(g[0], rest[0], input_shape[2:]))


def _adaptive(function: Callable[..., Any], input: Tensor, output_size: OutputSize, dims: int, name: str) -> Any:
    """Check and complete the output size, then pool."""
    given = (output_size,) * dims if output_size is None or isinstance(output_size, int) else tuple(output_size)
    if len(given) == 1:
        given *= dims
    if dims > 1 and input.dim() <= len(given) and not isinstance(output_size, int | None):
        raise ValueError(
            f"{name}: Input dimension should be at least {len(given) + 1}, but got {list(input.shape)} for the output "
            f"size {list(given)}"
        )
    if len(given) != dims:
        raise RuntimeError(f"{name}: output_size must have {dims} elements, but got {list(given)}")
    if input.dim() < dims + 1:
        raise RuntimeError(f"{name}: Expected {dims + 1}D or {dims + 2}D tensor, but got {list(input.shape)}")
    first = (
        -dims if function is adaptive_avg_pooling and dims < 3 else -dims - 1
    )  # the others refuse no channels as well
    if input.dim() in (dims + 1, dims + 2) and 0 in input.shape[first:]:
        raise RuntimeError(
            f"{name}: Expected input to have non-zero size for non-batch dimensions, but input has sizes {list(input.shape)}"
        )
    sizes = tuple(n if m is None else m for m, n in zip(given, input.shape[-dims:], strict=True))
    if min(sizes) < 0:
        raise RuntimeError(f"{name}: elements of output_size must be greater than or equal to 0, but got {list(sizes)}")
    return with_batch(lambda x: function(x, sizes), input, dims, name)


def adaptive_avg_pool1d(input: Tensor, output_size: OutputSize) -> Tensor:
    """Mean of each of `output_size` bins that cover a signal evenly.

    Args:
        input: Shape (N, C, L) or (C, L).
        output_size: Number of bins; the input's length where None.

    Raises:
        RuntimeError: If the input is empty, or sizes do not fit.

    Examples:
        >>> import tour
        >>> adaptive_avg_pool1d(tour.arange(5.0).reshape(1, 1, 5), 3)
        tensor([[[0.5000, 2.0000, 3.5000]]])
    """
    return _adaptive(adaptive_avg_pooling, input, output_size, 1, "adaptive_avg_pool1d")  # type: ignore[no-any-return]


def adaptive_avg_pool2d(input: Tensor, output_size: OutputSize) -> Tensor:
    """Mean of each bin of an image (N, C, H, W) or (C, H, W); as `adaptive_avg_pool1d`.

    Examples:
        >>> import tour
        >>> adaptive_avg_pool2d(tour.arange(4.0).reshape(1, 2, 2), 1)
        tensor([[[1.5000]]])
    """
    return _adaptive(adaptive_avg_pooling, input, output_size, 2, "adaptive_avg_pool2d")  # type: ignore[no-any-return]


def adaptive_avg_pool3d(input: Tensor, output_size: OutputSize) -> Tensor:
    """Mean of each bin of a volume (N, C, D, H, W) or (C, D, H, W); as `adaptive_avg_pool1d`.

    Examples:
        >>> import tour
        >>> adaptive_avg_pool3d(tour.ones(1, 3, 3, 3), (1, None, 2)).shape
        tour.Size([1, 1, 3, 2])
    """
    return _adaptive(adaptive_avg_pooling, input, output_size, 3, "adaptive_avg_pool3d")  # type: ignore[no-any-return]


def adaptive_max_pool1d(input: Tensor, output_size: OutputSize, return_indices: bool = False) -> Any:
    """Largest element of each of `output_size` bins that cover a signal evenly.

    Args:
        input: Shape (N, C, L) or (C, L).
        output_size: Number of bins; the input's length where None.
        return_indices: Whether to give the flat index of each maximum in its plane as well.

    Raises:
        RuntimeError: If the input is empty, or sizes do not fit.

    Examples:
        >>> import tour
        >>> adaptive_max_pool1d(tour.tensor([[[3.0, 1.0, 2.0, 4.0]]]), 2)
        tensor([[[3., 4.]]])
    """
    pair = _adaptive(adaptive_max_pooling, input, output_size, 1, "adaptive_max_pool1d")
    return pair if return_indices else pair[0]


def adaptive_max_pool2d(input: Tensor, output_size: OutputSize, return_indices: bool = False) -> Any:
    """Largest element of each bin of an image (N, C, H, W) or (C, H, W); as `adaptive_max_pool1d`.

    Args:
        input: Shape (N, C, H, W) or (C, H, W).
        output_size: Number of bins (H', W'), or one number for both; None keeps the input's size in that dimension.
        return_indices: Whether to give the flat index of each maximum in its plane as well.

    Returns:
        Shape (N, C, H', W') or (C, H', W'); with `return_indices` a pair of that and the int64 indices of the same
        shape. Of n elements, bin i of m covers those from floor(i n / m) up to, and without, ceil((i + 1) n / m).

    Raises:
        RuntimeError: If the input has other dimensions, is empty but for N, or `output_size` has another length or is
            negative.
        ValueError: If `output_size` is a tuple and the input has no more dimensions than the tuple has numbers.

    Examples:
        >>> import tour
        >>> adaptive_max_pool2d(tour.arange(4.0).reshape(1, 2, 2), 1)
        tensor([[[3.]]])
    """
    pair = _adaptive(adaptive_max_pooling, input, output_size, 2, "adaptive_max_pool2d")
    return pair if return_indices else pair[0]


def adaptive_max_pool3d(input: Tensor, output_size: OutputSize, return_indices: bool = False) -> Any:
    """Largest element of each bin of a volume (N, C, D, H, W) or (C, D, H, W); as `adaptive_max_pool1d`.

    Args:
        input: Shape (N, C, D, H, W) or (C, D, H, W).
        output_size: Number of bins (D', H', W'), or one number for all three; None keeps the input's size in that
            dimension.
        return_indices: Whether to give the flat index of each maximum in its volume as well.

    Returns:
        Shape (N, C, D', H', W') or (C, D', H', W'); with `return_indices` a pair of that and the int64 indices of the
        same shape. Of n elements, bin i of m covers those from floor(i n / m) up to, and without, ceil((i + 1) n / m).

    Raises:
        RuntimeError: If the input has other dimensions, is empty but for N, or `output_size` has another length or is
            negative.
        ValueError: If `output_size` is a tuple and the input has no more dimensions than the tuple has numbers.

    Examples:
        >>> import tour
        >>> adaptive_max_pool3d(tour.ones(1, 3, 3, 3), 1)
        tensor([[[[1.]]]])
    """
    pair = _adaptive(adaptive_max_pooling, input, output_size, 3, "adaptive_max_pool3d")
    return pair if return_indices else pair[0]


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: OutputSize, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool1d` with the flat index of each maximum.

    Args:
        input: Shape (N, C, L) or (C, L).
        output_size: Number of bins; the input's length where None.
        return_indices: Not looked at: the indices always come.

    Returns:
        The maxima (N, C, L') or (C, L'), and their int64 indices of the same shape. Of n elements, bin i of m covers
        those from floor(i n / m) up to, and without, ceil((i + 1) n / m).

    Raises:
        RuntimeError: If the input has other dimensions, is empty but for N, or `output_size` has another length or is
            negative.

    Examples:
        >>> import tour
        >>> tour.nn.functional.adaptive_max_pool1d_with_indices(tour.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
        (tensor([[3., 2.]]), tensor([[1, 2]]))
    """
    return adaptive_max_pool1d(input, output_size, True)  # type: ignore[no-any-return]


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: OutputSize, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool2d` with the flat index of each maximum in its plane.

    Args:
        input: Shape (N, C, H, W) or (C, H, W).
        output_size: Number of bins (H', W'), or one number for both; None keeps the input's size in that dimension.
        return_indices: Not looked at: the indices always come.

    Returns:
        The maxima (N, C, H', W') or (C, H', W'), and their int64 indices of the same shape. Of n elements, bin i of m
        covers those from floor(i n / m) up to, and without, ceil((i + 1) n / m).

    Raises:
        RuntimeError: If the input has other dimensions, is empty but for N, or `output_size` has another length or is
            negative.
        ValueError: If `output_size` is a tuple and the input has no more dimensions than the tuple has numbers.

    Examples:
        >>> import tour
        >>> tour.nn.functional.adaptive_max_pool2d_with_indices(tour.tensor([[[1.0, 3.0], [2.0, 0.0]]]), 1)
        (tensor([[[3.]]]), tensor([[[1]]]))
    """
    return adaptive_max_pool2d(input, output_size, True)  # type: ignore[no-any-return]


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: OutputSize, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool3d` with the flat index of each maximum in its volume.

    Args:
        input: Shape (N, C, D, H, W) or (C, D, H, W).
        output_size: Number of bins (D', H', W'), or one number for all three; None keeps the input's size in that
            dimension.
        return_indices: Not looked at: the indices always come.

    Returns:
        The maxima (N, C, D', H', W') or (C, D', H', W'), and their int64 indices of the same shape. Of n elements, bin
        i of m covers those from floor(i n / m) up to, and without, ceil((i + 1) n / m).

    Raises:
        RuntimeError: If the input has other dimensions, is empty but for N, or `output_size` has another length or is
            negative.
        ValueError: If `output_size` is a tuple and the input has no more dimensions than the tuple has numbers.

    Examples:
        >>> import tour
        >>> tour.nn.functional.adaptive_max_pool3d_with_indices(tour.arange(8.0).reshape(1, 2, 2, 2), 1)
        (tensor([[[[7.]]]]), tensor([[[[7]]]]))
    """
    return adaptive_max_pool3d(input, output_size, True)  # type: ignore[no-any-return]


# --- Fractional max pooling ---------------------------------------------------------------------------------------------------


def _fractional(
    input: Tensor, kernel_size: Ints, output_size: Ints | None, output_ratio: Ratio | None,
    samples: Tensor | None, dims: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    name = f"fractional_max_pool{dims}d"
    kernel = ntuple(kernel_size, dims, "kernel_size")
    if input.dim() not in (dims + 1, dims + 2) or 0 in input.shape[input.dim() - dims - 1 :]:
        raise RuntimeError(
            f"{name}: Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim batch size for input, "
            f"but got: {list(input.shape)}"
        )
    if output_size is None:
        if output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
        ratios = (output_ratio,) * dims if isinstance(output_ratio, float | int) else tuple(output_ratio)
        if len(ratios) != dims:
            raise ValueError(f"{name} requires output_ratio to either be a single number or a tuple of {dims} numbers.")
        output_size = tuple(int(n * r) for n, r in zip(input.shape[-dims:], ratios, strict=True))
    out = ntuple(output_size, dims, "output_size")
    for n, k, m in zip(input.shape[-dims:], kernel, out, strict=True):
        if k < 1 or m < 1 or m + k - 1 > n:
            raise RuntimeError(
                f"{name}: kernel {list(kernel)} and output {list(out)} are too large relative to the input {list(input.shape)}: "
                "output + kernel - 1 may not exceed the input in any dimension"
            )
    if samples is None:
        count = 1 if input.dim() == dims + 1 else input.shape[0]
        samples = tour.rand(count, input.shape[-dims - 1], dims, dtype=input.dtype, device=input.device)
    if input.dim() == dims + 1:
        samples = samples[:1]  # PyTorch takes a single sample's from the first of a batch
    return with_batch(lambda x: fractional_max_pooling(x, kernel, out, samples), input, dims, name)  # type: ignore[no-any-return]


def fractional_max_pool2d(
    input: Tensor, kernel_size: Ints, output_size: Ints | None = None, output_ratio: Ratio | None = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """Largest element of pseudo-random windows of an image (Graham, 2014, arXiv:1412.6071).

    Args:
        input: Shape (N, C, H, W) or (C, H, W).
        kernel_size: Size of a window.
        output_size: Number of windows along each dimension.
        output_ratio: That number as a share of the input's size, between 0 and 1.
        return_indices: Whether to give the flat index of each maximum in its plane as well.
        _random_samples: Uniform numbers of shape (N, C, 2) that place the windows; drawn if None.

    Raises:
        ValueError: If neither size nor ratio is given.
        RuntimeError: If sizes do not fit.

    Examples:
        >>> import tour
        >>> fractional_max_pool2d(tour.ones(1, 6, 6), 2, output_ratio=0.5)
        tensor([[[1., 1., 1.],
                 [1., 1., 1.],
                 [1., 1., 1.]]])
    """
    pair = _fractional(input, kernel_size, output_size, output_ratio, _random_samples, 2)
    return pair if return_indices else pair[0]


def fractional_max_pool3d(
    input: Tensor, kernel_size: Ints, output_size: Ints | None = None, output_ratio: Ratio | None = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """Largest element of pseudo-random windows of a volume; arguments as in `fractional_max_pool2d`.

    Args:
        input: Shape (N, C, D, H, W) or (C, D, H, W).
        kernel_size: Size of a window: one number for all three, or three numbers.
        output_size: Number of windows along each dimension: one number or three numbers.
        output_ratio: That number as a share of the input's size, between 0 and 1; looked at only if `output_size` is
            None.
        return_indices: Whether to give the flat index of each maximum in its volume as well.
        _random_samples: Uniform numbers in [0, 1) of shape (N, C, 3) that place the windows; drawn if None.

    Returns:
        Shape (N, C, D', H', W') or (C, D', H', W'); with `return_indices` a pair of that and the int64 indices of the
        same shape.

    Raises:
        ValueError: If neither size nor ratio is given, or there are not 3 ratios.
        RuntimeError: If sizes do not fit: output + kernel - 1 may not exceed the input in any dimension.

    Examples:
        >>> import tour
        >>> fractional_max_pool3d(tour.ones(1, 4, 4, 4), 2, output_size=2).shape
        tour.Size([1, 2, 2, 2])
    """
    pair = _fractional(input, kernel_size, output_size, output_ratio, _random_samples, 3)
    return pair if return_indices else pair[0]


def fractional_max_pool2d_with_indices(
    input: Tensor, kernel_size: Ints, output_size: Ints | None = None, output_ratio: Ratio | None = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`fractional_max_pool2d` with the flat index of each maximum in its plane.

    Args:
        input: Shape (N, C, H, W) or (C, H, W).
        kernel_size: Size of a window: one number for both, or two numbers.
        output_size: Number of windows along each dimension: one number or two numbers.
        output_ratio: That number as a share of the input's size, between 0 and 1; looked at only if `output_size` is
            None.
        return_indices: Not looked at: the indices always come.
        _random_samples: Uniform numbers in [0, 1) of shape (N, C, 2) that place the windows; drawn if None.

    Returns:
        The maxima (N, C, H', W') or (C, H', W'), and their int64 indices of the same shape.

    Raises:
        ValueError: If neither size nor ratio is given, or there are not 2 ratios.
        RuntimeError: If sizes do not fit: output + kernel - 1 may not exceed the input in any dimension.

    Examples:
        >>> import tour
        >>> y, where = tour.nn.functional.fractional_max_pool2d_with_indices(tour.rand(1, 5, 5), 2, output_ratio=0.6)
        >>> y.shape, where.shape
        (tour.Size([1, 3, 3]), tour.Size([1, 3, 3]))
    """
    return _fractional(input, kernel_size, output_size, output_ratio, _random_samples, 2)


def fractional_max_pool3d_with_indices(
    input: Tensor, kernel_size: Ints, output_size: Ints | None = None, output_ratio: Ratio | None = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`fractional_max_pool3d` with the flat index of each maximum in its volume.

    Args:
        input: Shape (N, C, D, H, W) or (C, D, H, W).
        kernel_size: Size of a window: one number for all three, or three numbers.
        output_size: Number of windows along each dimension: one number or three numbers.
        output_ratio: That number as a share of the input's size, between 0 and 1; looked at only if `output_size` is
            None.
        return_indices: Not looked at: the indices always come.
        _random_samples: Uniform numbers in [0, 1) of shape (N, C, 3) that place the windows; drawn if None.

    Returns:
        The maxima (N, C, D', H', W') or (C, D', H', W'), and their int64 indices of the same shape.

    Raises:
        ValueError: If neither size nor ratio is given, or there are not 3 ratios.
        RuntimeError: If sizes do not fit: output + kernel - 1 may not exceed the input in any dimension.

    Examples:
        >>> import tour
        >>> y, where = tour.nn.functional.fractional_max_pool3d_with_indices(tour.rand(1, 5, 5, 5), 2, output_size=3)
        >>> y.shape, where.shape
        (tour.Size([1, 3, 3, 3]), tour.Size([1, 3, 3, 3]))
    """
    return _fractional(input, kernel_size, output_size, output_ratio, _random_samples, 3)
