"""Average pooling and power-average pooling: the mean of each window, or its norm."""

from __future__ import annotations

from math import prod

from tour import Tensor
from tour._declare import primitive
from tour._shapes import count_windows
from tour._storing import store
from tour.autograd.both import reading
from tour.autograd.rule import vjp
from tour.nn.functional._sizes import Ints, ntuple, pool_stride, with_batch
from tour.nn.functional.pooling import check_pool
from tour.nn.kernels import pooling as kernels

__all__ = ["avg_pool1d", "avg_pool2d", "avg_pool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d"]

Sizes = tuple[int, ...]


@primitive(kernels.avg_pool)
def avg_pooling(
    input: Tensor, kernel: Sizes, stride: Sizes, padding: Sizes,
    ceil_mode: bool, count_include_pad: bool, divisor_override: int | None,
) -> Tensor:  # fmt: skip
    """Mean of each window of a batch (N, C, *size)."""
    ...


@primitive(kernels.avg_pool_grad)
def avg_pooling_grad(
    g: Tensor, input_shape: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes,
    count_include_pad: bool, divisor_override: int | None,
) -> Tensor:  # fmt: skip
    """Gradient of `avg_pooling`: what arrives at a window is shared among its elements."""
    ...


_avg, _avg_grad = reading(avg_pooling), reading(avg_pooling_grad)


def _again(
    h: Tensor, out_shape: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, count: bool, divisor: int | None
) -> Tensor:
    """The pooling whose gradient came from an output of `out_shape`; only that shape tells whether it rounded up."""
    ceil_mode = out_shape[2:] != count_windows(h.shape[2:], kernel, stride, padding, (1,) * len(kernel))
    return _avg(h, kernel, stride, padding, ceil_mode, count, divisor)  # type: ignore[no-any-return]


vjp(
    avg_pooling,
    input=lambda g, input_shape, kernel, stride, padding, count_include_pad, divisor_override: _avg_grad(
        g, input_shape, kernel, stride, padding, count_include_pad, divisor_override
    ),
)
vjp(
    avg_pooling_grad,
    g=lambda h, g_shape, kernel, stride, padding, count_include_pad, divisor_override: _again(
        h, g_shape, kernel, stride, padding, count_include_pad, divisor_override
    ),
)


def _avg_pool(
    input: Tensor, kernel_size: Ints, stride: Ints | None, padding: Ints,
    ceil_mode: bool, count_include_pad: bool, divisor_override: int | None, dims: int,
) -> Tensor:  # fmt: skip
    kernel = ntuple(kernel_size, dims, "kernel_size")
    steps = pool_stride(stride, kernel)
    pads = ntuple(padding, dims, "padding")
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")

    def run(x: Tensor) -> Tensor:
        check_pool(x, kernel, steps, pads, (1,) * dims, ceil_mode)
        return avg_pooling(x, kernel, steps, pads, ceil_mode, count_include_pad, divisor_override)

    return with_batch(run, input, dims, f"avg_pool{dims}d")  # type: ignore[no-any-return]


def avg_pool1d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    ceil_mode: bool = False, count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    """Mean of each window of a signal.

    Args:
        input: Shape (N, C, L) or (C, L).
        kernel_size: Size of the window.
        stride: Step of the window; the window's size if None.
        padding: Zeros added on both sides.
        ceil_mode: Whether a last window may hang over the border.
        count_include_pad: Whether the zeros of the padding count.

    Raises:
        RuntimeError: If the window does not fit the input.

    Examples:
        >>> import tour
        >>> avg_pool1d(tour.tensor([[[1.0, 3.0, 2.0, 6.0]]]), 2)
        tensor([[[2., 4.]]])
    """
    return _avg_pool(input, kernel_size, stride, padding, ceil_mode, count_include_pad, None, 1)


def avg_pool2d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
    *, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Mean of each window of an image (N, C, H, W) or (C, H, W); arguments as in `avg_pool1d`.

    Args:
        input: The images.
        kernel_size: Size of the window.
        stride: Step of the window.
        padding: Zeros added on both sides.
        ceil_mode: Whether a last window may hang over the border.
        count_include_pad: Whether the zeros of the padding count.
        divisor_override: What to divide sums by, instead of the number of elements.
        out: Where to write the result.

    Examples:
        >>> import tour
        >>> avg_pool2d(tour.arange(16.0).reshape(1, 4, 4), 2)
        tensor([[[ 2.5000,  4.5000],
                 [10.5000, 12.5000]]])
    """
    y = _avg_pool(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, 2)
    return y if out is None else store(out, y, "avg_pool2d")


def avg_pool3d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
    *, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Mean of each window of a volume (N, C, D, H, W) or (C, D, H, W); arguments as in `avg_pool2d`.

    Args:
        input: Shape (N, C, D, H, W) or (C, D, H, W).
        kernel_size: Size of the window: one number for all three dimensions, or (KD, KH, KW).
        stride: Step of the window, likewise; the window's size if None.
        padding: Zeros added on both sides, likewise; at most half the window.
        ceil_mode: Whether a last window may hang over the border.
        count_include_pad: Whether the zeros of the padding count.
        divisor_override: What to divide sums by; the number of elements that count if None.
        out: Where to write the result.

    Returns:
        Shape (N, C, D', H', W'), without N where the input has none, with D' = (D + 2 padding - KD) // stride + 1 and
        H', W' likewise; `ceil_mode` rounds up instead.

    Raises:
        RuntimeError: If the window does not fit the input, or `divisor_override` is 0.

    Examples:
        >>> import tour
        >>> avg_pool3d(tour.ones(1, 2, 2, 2), 2)
        tensor([[[[1.]]]])
    """
    y = _avg_pool(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, 3)
    return y if out is None else store(out, y, "avg_pool3d")


def _lp_pool(
    input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None, ceil_mode: bool, dims: int
) -> Tensor:
    kernel = ntuple(kernel_size, dims, "kernel_size")
    mean = _avg_pool(input.pow(norm_type), kernel, stride, 0, ceil_mode, True, None, dims)
    return (mean.sign() * mean.abs().relu() * prod(kernel)).pow(1.0 / norm_type)


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """Power-average pooling over a signal: `(sum of x**p)**(1/p)` of each window.

    Args:
        input: Shape (N, C, L) or (C, L).
        norm_type: The power p.
        kernel_size: Size of the window.
        stride: Step of the window; the window's size if None.
        ceil_mode: Whether a last window may hang over the border.

    Examples:
        >>> import tour
        >>> lp_pool1d(tour.tensor([[[3.0, 4.0]]]), 2, 2)
        tensor([[[5.]]])
    """
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, 1)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """Power-average pooling over an image (N, C, H, W) or (C, H, W); arguments as in `lp_pool1d`.

    Args:
        input: Shape (N, C, H, W) or (C, H, W).
        norm_type: The power p of `(sum of x**p)**(1/p)`, not 0: 1 gives the sum of each window.
        kernel_size: Size of the window: one number for both dimensions, or (KH, KW).
        stride: Step of the window, likewise; the window's size if None.
        ceil_mode: Whether a last window may hang over the border.

    Returns:
        Shape (N, C, H', W'), without N where the input has none, with H' = (H - KH) // stride + 1 and W' likewise;
        `ceil_mode` rounds up.

    Raises:
        RuntimeError: If the window does not fit the input.
        ZeroDivisionError: If `norm_type` is 0.

    Examples:
        >>> import tour
        >>> lp_pool2d(tour.ones(1, 2, 2), 2, 2)
        tensor([[[2.]]])
    """
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, 2)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """Power-average pooling over a volume (N, C, D, H, W) or (C, D, H, W); arguments as in `lp_pool1d`.

    Args:
        input: Shape (N, C, D, H, W) or (C, D, H, W).
        norm_type: The power p of `(sum of x**p)**(1/p)`, not 0: 1 gives the sum of each window.
        kernel_size: Size of the window: one number for all three dimensions, or (KD, KH, KW).
        stride: Step of the window, likewise; the window's size if None.
        ceil_mode: Whether a last window may hang over the border.

    Returns:
        Shape (N, C, D', H', W'), without N where the input has none, with D' = (D - KD) // stride + 1 and H', W'
        likewise; `ceil_mode` rounds up.

    Raises:
        RuntimeError: If the window does not fit the input.
        ZeroDivisionError: If `norm_type` is 0.

    Examples:
        >>> import tour
        >>> lp_pool3d(tour.ones(1, 2, 2, 2), 1, 2)
        tensor([[[[8.]]]])
    """
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, 3)
