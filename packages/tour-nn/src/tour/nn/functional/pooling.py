"""Pooling: one number for each window of a signal, image or volume."""

from __future__ import annotations

from typing import Any

from tour import Tensor
from tour._declare import primitive
from tour.autograd.both import reading
from tour.autograd.rule import joint_vjp, vjp
from tour.nn.functional._sizes import Ints, ntuple, with_batch
from tour.nn.kernels import pooling as kernels

__all__ = [
    "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices",
]  # fmt: skip

Sizes = tuple[int, ...]


@primitive(kernels.max_pool)
def max_pooling(
    input: Tensor, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> Tensor:
    """Largest element of each window of a batch (N, C, *size)."""
    ...


@primitive(kernels.max_pool_with_indices)
def max_pooling_with_indices(
    input: Tensor, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> tuple[Tensor, Tensor]:
    """Largest element of each window, and where it stands in its plane."""
    ...


@primitive(kernels.max_pool_grad)
def max_pooling_grad(
    g: Tensor, input: Tensor, out: Tensor, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
) -> Tensor:
    """Gradient of `max_pooling`: what arrives at a window goes to its largest element."""
    ...


@primitive(kernels.scatter)
def scatter_to_plane(values: Tensor, indices: Tensor, size: Sizes) -> Tensor:
    """Values (N, C, *output) added at flat indices of planes of zeros (N, C, *size)."""
    ...


@primitive(kernels.gather)
def gather_from_plane(input: Tensor, indices: Tensor) -> Tensor:
    """Elements of planes (N, C, *size) at flat indices (N, C, *output)."""
    ...


_max_grad, _scatter, _gather = map(reading, (max_pooling_grad, scatter_to_plane, gather_from_plane))


vjp(
    max_pooling,
    input=lambda g, input, kernel, stride, padding, dilation, out: _max_grad(
        g, input, out, kernel, stride, padding, dilation
    ),
)


@joint_vjp(max_pooling_grad, "g")
def _(
    h: Any, wanted: Any, input: Any, out: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
) -> tuple[Any]:
    raw, pooled = (x._a if isinstance(x, Tensor) else x for x in (input, out))
    ceil_mode = pooled.shape[2:] != kernels.pool_size(raw.shape[2:], kernel, stride, padding, dilation, False)
    return (_gather(h, kernels.max_pool_with_indices(raw, kernel, stride, padding, dilation, ceil_mode)[1]),)


vjp(max_pooling_with_indices, input=lambda g, input_shape, out: _scatter(g[0], out[1], input_shape[2:]))
vjp(scatter_to_plane, values=lambda g, indices: _gather(g, indices))
vjp(gather_from_plane, input=lambda g, indices, input_shape: _scatter(g, indices, input_shape[2:]))


def check_pool(input: Tensor, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool) -> None:
    """Refuse windows that cannot be laid over the input.

    Raises:
        RuntimeError: If a size is not positive, the padding exceeds half the kernel, or nothing would be left.
    """
    if min(kernel) <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got {list(kernel)}")
    if min(stride) <= 0:
        raise RuntimeError(f"stride should be greater than zero, but got {list(stride)}")
    if min(dilation) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {list(dilation)}")
    if any(p < 0 or p > (d * (k - 1) + 1) // 2 for p, k, d in zip(padding, kernel, dilation, strict=True)):
        raise RuntimeError(
            f"pad should be at most half of effective kernel size, but got pad={list(padding)}, kernel_size={list(kernel)}"
        )
    out = kernels.pool_size(input.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    if min(out) < 1:
        raise RuntimeError(
            f"Given input size: {list(input.shape[1:])}. Calculated output size: {list(out)}. Output size is too small"
        )


def _max_pool(
    input: Tensor,
    kernel_size: Ints,
    stride: Any,
    padding: Ints,
    dilation: Ints,
    ceil_mode: bool,
    return_indices: bool,
    dims: int,
) -> Any:
    kernel = ntuple(kernel_size, dims, "kernel_size")
    steps = kernel if stride is None or stride == [] else ntuple(stride, dims, "stride")
    pads, gaps = ntuple(padding, dims, "padding"), ntuple(dilation, dims, "dilation")

    def run(x: Tensor) -> Any:
        check_pool(x, kernel, steps, pads, gaps, ceil_mode)
        return (max_pooling_with_indices if return_indices else max_pooling)(x, kernel, steps, pads, gaps, ceil_mode)

    return with_batch(run, input, dims, f"max_pool{dims}d")


def max_pool1d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """Largest element of each window of a signal.

    Args:
        input: Shape (N, C, L) or (C, L).
        kernel_size: Size of the window.
        stride: Step of the window; the window's size if None.
        padding: Minus infinity added on both sides.
        dilation: Distance between the elements of a window.
        ceil_mode: Whether a last window may hang over the border.
        return_indices: Whether to give the flat index of each maximum in its plane as well.

    Returns:
        Shape (N, C, L'); with `return_indices` a pair.

    Examples:
        >>> import tour
        >>> max_pool1d(tour.tensor([[[1.0, 3.0, 2.0, 5.0]]]), 2)
        tensor([[[3., 5.]]])
    """
    return _max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 1)


def max_pool2d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """Largest element of each window of an image (N, C, H, W) or (C, H, W); arguments as in `max_pool1d`.

    Examples:
        >>> import tour
        >>> max_pool2d(tour.arange(16.0).reshape(1, 4, 4), 2)
        tensor([[[ 5.,  7.],
                 [13., 15.]]])
    """
    return _max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 2)


def max_pool3d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """Largest element of each window of a volume (N, C, D, H, W) or (C, D, H, W); arguments as in `max_pool1d`.

    Examples:
        >>> import tour
        >>> max_pool3d(tour.ones(1, 2, 2, 2), 2).shape
        tour.Size([1, 1, 1, 1])
    """
    return _max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 3)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`max_pool1d` with the flat index of each maximum."""
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)  # type: ignore[no-any-return]


def max_pool2d_with_indices(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`max_pool2d` with the flat index of each maximum in its plane."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)  # type: ignore[no-any-return]


def max_pool3d_with_indices(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`max_pool3d` with the flat index of each maximum in its volume."""
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)  # type: ignore[no-any-return]
