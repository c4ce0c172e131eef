"""Pooling: one number for each window of a signal, image or volume."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import tour
from tour import Tensor
from tour._core import held, ndarray, wrap
from tour._declare import primitive
from tour._shapes import count_windows
from tour.autograd.both import reading
from tour.autograd.rule import joint_vjp, vjp
from tour.nn.functional._sizes import Ints, ntuple, pool_stride, with_batch
from tour.nn.kernels import pooling as kernels

__all__ = [
    "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices",
    "max_unpool1d", "max_unpool2d", "max_unpool3d",
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
    g: Tensor, input: Tensor, pooled: Tensor, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
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


@primitive(kernels.max_unpool)
def max_unpooling(input: Tensor, indices: Tensor, size: Sizes) -> Tensor:
    """Elements (N, C, *output) written at flat indices of planes of zeros (N, C, *size)."""
    ...


_max_grad, _scatter, _gather = map(reading, (max_pooling_grad, scatter_to_plane, gather_from_plane))
_with_indices = reading(max_pooling_with_indices)


def _to_pooled(
    g: Any, input: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> Any:
    # The largest elements are found again, for a tenth of what their gradient costs: users write over the result.
    if not isinstance(input, Tensor):
        return _max_grad(g, input, None, kernel, stride, padding, dilation)
    out = kernels.max_pool(input._a, kernel, stride, padding, dilation, ceil_mode)
    return _max_grad(g, input, wrap(out), kernel, stride, padding, dilation)


vjp(max_pooling, input=_to_pooled)


@joint_vjp(max_pooling_grad, "g")
def _(
    h: Any, wanted: Any, input: Any, pooled: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
) -> tuple[Any]:
    raw, largest = (x._a if isinstance(x, Tensor) else x for x in (input, pooled))
    ceil_mode = largest.shape[2:] != count_windows(raw.shape[2:], kernel, stride, padding, dilation, False)
    return (_gather(h, _with_indices(raw, kernel, stride, padding, dilation, ceil_mode)[1]),)


vjp(max_pooling_with_indices, input=lambda g, input_shape, rest: _scatter(g[0], rest[0], input_shape[2:]))
vjp(max_unpooling, input=lambda g, indices: _gather(g, indices))
vjp(scatter_to_plane, values=lambda g, indices: _gather(g, indices))
vjp(gather_from_plane, input=lambda g, indices, input_shape: _scatter(g, indices, input_shape[2:]))


def check_pool(input: Tensor, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool) -> None:
    """Refuse windows that cannot be laid over the input; see `_check_windows`."""
    _check_windows(input._a.shape, kernel, stride, padding, dilation, ceil_mode)


@lru_cache(maxsize=256)
def _check_windows(
    shape: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> None:
    """Refuse windows that cannot be laid over an input of this shape.

    Raises:
        RuntimeError: If a size is not positive, the padding exceeds half the kernel, or nothing is there or would be left.
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
    if 0 in shape[1:]:
        raise RuntimeError(
            f"Expected a tensor with optional 0 dim batch size for input, but got sizes {list(shape[1:])} without the batch"
        )
    out = count_windows(shape[2:], kernel, stride, padding, dilation, ceil_mode)
    if min(out) < 1:
        raise RuntimeError(
            f"Given input size: {list(shape)}. Calculated output size: {list(out)}. Output size is too small: a window of "
            f"{list(kernel)} does not fit; pad the input, or take a smaller kernel_size"
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
    steps = pool_stride(stride, kernel)
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

    Args:
        input: Shape (N, C, H, W) or (C, H, W).
        kernel_size: Size of the window: one number for both dimensions, or (KH, KW).
        stride: Step of the window, likewise; the window's size if None.
        padding: Minus infinity added on both sides, likewise; at most half the window.
        dilation: Distance between the elements of a window, likewise.
        ceil_mode: Whether a last window may hang over the border.
        return_indices: Whether to give the flat index of each maximum in its plane as well.

    Returns:
        Shape (N, C, H', W'), and with `return_indices` int64 indices of the same shape, both without N where the input
        has none, with H' = (H + 2 padding - dilation (KH - 1) - 1) // stride + 1 and W' likewise; `ceil_mode` rounds
        up.

    Raises:
        RuntimeError: If the input has other dimensions, the padding is too large, or no window fits.

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

    Args:
        input: Shape (N, C, D, H, W) or (C, D, H, W).
        kernel_size: Size of the window: one number for all three dimensions, or (KD, KH, KW).
        stride: Step of the window, likewise; the window's size if None.
        padding: Minus infinity added on both sides, likewise; at most half the window.
        dilation: Distance between the elements of a window, likewise.
        ceil_mode: Whether a last window may hang over the border.
        return_indices: Whether to give the flat index of each maximum in its volume as well.

    Returns:
        Shape (N, C, D', H', W'), and with `return_indices` int64 indices of the same shape, both without N where the
        input has none, with D' = (D + 2 padding - dilation (KD - 1) - 1) // stride + 1 and H', W' likewise; `ceil_mode`
        rounds up.

    Raises:
        RuntimeError: If the input has other dimensions, the padding is too large, or no window fits.

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
    """`max_pool1d` with the flat index of each maximum.

    Args:
        input: Shape (N, C, L) or (C, L).
        kernel_size: Size of the window.
        stride: Step of the window; the window's size if None.
        padding: Minus infinity added on both sides; at most half the window.
        dilation: Distance between the elements of a window.
        ceil_mode: Whether a last window may hang over the border.
        return_indices: Not looked at: the indices always come.

    Returns:
        The maxima (N, C, L') and their int64 indices of the same shape, both without N where the input has none, with
        L' = (L + 2 padding - dilation (K - 1) - 1) // stride + 1; `ceil_mode` rounds up.

    Raises:
        RuntimeError: If the input has other dimensions, the padding is too large, or no window fits.

    Examples:
        >>> import tour
        >>> tour.nn.functional.max_pool1d_with_indices(tour.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
        (tensor([[3., 2.]]), tensor([[1, 2]]))
    """
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)  # type: ignore[no-any-return]


def max_pool2d_with_indices(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`max_pool2d` with the flat index of each maximum in its plane.

    Args:
        input: Shape (N, C, H, W) or (C, H, W).
        kernel_size: Size of the window: one number for both dimensions, or (KH, KW).
        stride: Step of the window, likewise; the window's size if None.
        padding: Minus infinity added on both sides, likewise; at most half the window.
        dilation: Distance between the elements of a window, likewise.
        ceil_mode: Whether a last window may hang over the border.
        return_indices: Not looked at: the indices always come.

    Returns:
        The maxima (N, C, H', W') and their int64 indices of the same shape, both without N where the input has none,
        with H' = (H + 2 padding - dilation (KH - 1) - 1) // stride + 1 and W' likewise; `ceil_mode` rounds up.

    Raises:
        RuntimeError: If the input has other dimensions, the padding is too large, or no window fits.

    Examples:
        >>> import tour
        >>> tour.nn.functional.max_pool2d_with_indices(tour.tensor([[[1.0, 3.0], [2.0, 0.0]]]), 2)
        (tensor([[[3.]]]), tensor([[[1]]]))
    """
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)  # type: ignore[no-any-return]


def max_pool3d_with_indices(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`max_pool3d` with the flat index of each maximum in its volume.

    Args:
        input: Shape (N, C, D, H, W) or (C, D, H, W).
        kernel_size: Size of the window: one number for all three dimensions, or (KD, KH, KW).
        stride: Step of the window, likewise; the window's size if None.
        padding: Minus infinity added on both sides, likewise; at most half the window.
        dilation: Distance between the elements of a window, likewise.
        ceil_mode: Whether a last window may hang over the border.
        return_indices: Not looked at: the indices always come.

    Returns:
        The maxima (N, C, D', H', W') and their int64 indices of the same shape, both without N where the input has
        none, with D' = (D + 2 padding - dilation (KD - 1) - 1) // stride + 1 and H', W' likewise; `ceil_mode` rounds
        up.

    Raises:
        RuntimeError: If the input has other dimensions, the padding is too large, or no window fits.

    Examples:
        >>> import tour
        >>> tour.nn.functional.max_pool3d_with_indices(tour.arange(8.0).reshape(1, 2, 2, 2), 2)
        (tensor([[[[7.]]]]), tensor([[[[7]]]]))
    """
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)  # type: ignore[no-any-return]


# --- Its partial inverse ----------------------------------------------------------------------------------------------------


def _unpooled_size(
    input: Tensor, kernel: Sizes, stride: Sizes, padding: Sizes, output_size: Any, dims: int
) -> tuple[int, ...]:
    """The size that was pooled: as given, if it is near what kernel and stride say.

    Raises:
        ValueError: If the given size is too far off.
    """
    sizes = input.shape[-dims:]
    plain = tuple((n - 1) * s + k - 2 * p for n, k, s, p in zip(sizes, kernel, stride, padding, strict=True))
    if output_size is None:
        return plain
    given = tuple(output_size)
    given = given[2:] if len(given) == dims + 2 else given
    if len(given) != dims:
        raise ValueError(
            f"output_size should be a sequence containing {dims} or {dims + 2} elements, but it has a length of "
            f"'{len(given)}'"
        )
    for d, (n, m, s) in enumerate(zip(plain, given, stride, strict=True)):
        if not n - s < m < n + s:
            raise ValueError(f"invalid output_size {given} (dim {d} must be between {n - s} and {n + s})")
    return given


def _max_unpool(
    input: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None, padding: Ints, output_size: Any, dims: int
) -> Tensor:
    name = f"max_unpool{dims}d"
    kernel = ntuple(kernel_size, dims, "kernel_size")
    steps = pool_stride(stride, kernel)
    if input.dim() not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got input of size: "
            f"{list(input.shape)}"
        )
    size = _unpooled_size(input, kernel, steps, ntuple(padding, dims, "padding"), output_size, dims)
    if indices.dtype is not tour.int64:
        raise RuntimeError(f"{name}: elements in indices should be type int64 but got: {indices.dtype.name}")
    if indices.shape != input.shape:
        raise RuntimeError(
            f"{name}: Expected shape of indices to be same as that of the input tensor ({list(input.shape)}), but got "
            f"{list(indices.shape)}"
        )
    if min(size) < 0:
        raise RuntimeError(f"{name}: input {list(input.shape)} would give an output of negative size {list(size)}")
    if 0 in input.shape[input.dim() - dims - 1 :]:
        raise RuntimeError(
            f"{name}: Expected input to have non-zero size for non-batch dimensions, but got {list(input.shape)}"
        )
    raw = held(indices._a)
    if type(raw) is not ndarray:
        raw.within(0, prod(size), name)  # a device tells at the next synchronisation
    elif (wrong := (raw < 0) | (raw >= prod(size))).any():
        raise RuntimeError(f"{name}: found an invalid max index: {raw[wrong][0]} (output planes are {list(size)})")
    if input.dim() == dims + 1:
        return max_unpooling(input.unsqueeze(0), indices.unsqueeze(0), size).squeeze(0)
    return max_unpooling(input, indices, size)


def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """Put maxima back where `max_pool1d` found them, zeros elsewhere.

    Args:
        input: Maxima of shape (N, C, L) or (C, L).
        indices: Where they stood, as `max_pool1d(..., return_indices=True)` gives them.
        kernel_size: Size of the window.
        stride: Step of the window; the window's size if None.
        padding: Padding of the pooling.
        output_size: Size of what was pooled, where kernel and stride do not tell.

    Raises:
        ValueError: If `output_size` does not fit.
        RuntimeError: If shapes, dtypes or indices do not fit.

    Examples:
        >>> import tour
        >>> x, where = max_pool1d(tour.tensor([[[1.0, 3.0, 5.0, 2.0]]]), 2, return_indices=True)
        >>> max_unpool1d(x, where, 2)
        tensor([[[0., 3., 5., 0.]]])
    """
    return _max_unpool(input, indices, kernel_size, stride, padding, output_size, 1)


def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """Put maxima back where `max_pool2d` found them; arguments as in `max_unpool1d`.

    Args:
        input: Maxima of shape (N, C, H, W) or (C, H, W).
        indices: Where they stood, flat in their plane, as `max_pool2d(..., return_indices=True)` gives them: int64, of
            the input's shape.
        kernel_size: Size of the window: one number for both dimensions, or (KH, KW).
        stride: Step of the window, likewise; the window's size if None.
        padding: Padding of the pooling, likewise.
        output_size: Size of what was pooled, with or without N and C in front; less than one stride away from the size
            below, which None takes.

    Returns:
        Shape (N, C, H', W'), without N where the input has none, with H' = (H - 1) stride + KH - 2 padding and W'
        likewise.

    Raises:
        ValueError: If `output_size` does not fit.
        RuntimeError: If shapes, dtypes or indices do not fit.

    Examples:
        >>> import tour
        >>> max_unpool2d(tour.tensor([[[7.0]]]), tour.tensor([[[3]]]), 2)
        tensor([[[0., 0.],
                 [0., 7.]]])
    """
    return _max_unpool(input, indices, kernel_size, stride, padding, output_size, 2)


def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """Put maxima back where `max_pool3d` found them; arguments as in `max_unpool1d`.

    Args:
        input: Maxima of shape (N, C, D, H, W) or (C, D, H, W).
        indices: Where they stood, flat in their volume, as `max_pool3d(..., return_indices=True)` gives them: int64, of
            the input's shape.
        kernel_size: Size of the window: one number for all three dimensions, or (KD, KH, KW).
        stride: Step of the window, likewise; the window's size if None.
        padding: Padding of the pooling, likewise.
        output_size: Size of what was pooled, with or without N and C in front; less than one stride away from the size
            below, which None takes.

    Returns:
        Shape (N, C, D', H', W'), without N where the input has none, with D' = (D - 1) stride + KD - 2 padding and H',
        W' likewise.

    Raises:
        ValueError: If `output_size` does not fit.
        RuntimeError: If shapes, dtypes or indices do not fit.

    Examples:
        >>> import tour
        >>> max_unpool3d(tour.ones(1, 1, 1, 1), tour.tensor([[[[0]]]]), 2).shape
        tour.Size([1, 2, 2, 2])
    """
    return _max_unpool(input, indices, kernel_size, stride, padding, output_size, 3)
