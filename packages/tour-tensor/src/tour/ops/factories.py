"""New tensors of a given shape: zeros, ones, one value, or whatever the memory holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, _dtypes
from tour._calling import numpy_too
from tour._core import held, with_room, wrap
from tour._dtypes import FROM_NUMPY, as_dtype
from tour._errors import check_out
from tour._layouts import empty_in, preserve_format
from tour._layouts import strided as strided_layout
from tour._python_data import raw_data
from tour._shapes import as_shape, is_int
from tour._storing import store
from tour._strides import strided
from tour.ops.creation import finish

if TYPE_CHECKING:
    from tour._devices import device as Device
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = [
    "empty", "empty_like", "empty_permuted", "empty_strided", "full", "full_like", "ones", "ones_like", "zeros", "zeros_like",
]  # fmt: skip


def made(name: str, array: Any, out: Any, layout: Any, device: Any, requires_grad: bool, value: Any = None) -> Tensor:
    """A tensor round a fresh host array, or `out` with its values; `value` is what fills it, if it is the same everywhere.

    Raises:
        RuntimeError: If the layout is not strided, or integers should record gradients.
    """
    if layout is not None and layout is not strided_layout:
        raise RuntimeError(f"{name}(): tensors are strided, got layout {layout}")
    if out is not None:
        return store(out, wrap(array), name)  # type: ignore[no-any-return]
    return finish(array, device, requires_grad, value)


def sizes_of(name: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape from varargs or a tuple, refused where a size is negative."""
    try:
        shape = as_shape(size, name)
    except TypeError:
        got = next((type(n).__name__ for n in size if not is_int(n)), "no size")
        raise TypeError(f"{name}(): argument 'size' (position 1) must be tuple of ints, not {got}") from None
    if shape and min(shape) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    return shape


def new_dtype(name: str, dtype: Any, out: Any) -> Any:
    """NumPy's dtype for a new tensor: as given, or that of `out`, or the default.

    Raises:
        TypeError: If `dtype` is none, or `out` is no tensor.
        RuntimeError: If it is not that of `out`.
    """
    check_out(name, out)
    if dtype is None:
        return _dtypes.default_numpy() if out is None else out._a.dtype
    if isinstance(dtype, str):
        raise TypeError(f"{name}(): argument 'dtype' must be tour.dtype, not str")
    target = as_dtype(dtype)
    if out is not None and out._a.dtype != target.numpy:
        raise RuntimeError(f"dtype {target.name} does not match dtype of out parameter ({out.dtype.name})")
    return target.numpy


def empty(
    *size: Any,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor whose elements are whatever the memory holds.

    Args:
        size: Sizes, as varargs or a tuple.
        out: A tensor to write the result into.
        dtype: The element type, by default the default dtype.
        layout: Accepted for PyTorch's sake.
        device: Where to put it.
        requires_grad: Whether operations on it are recorded.
        pin_memory: Accepted for PyTorch's sake.
        memory_format: The order of the elements in memory.

    Examples:
        >>> import tour
        >>> tour.empty(2, 3).shape
        tour.Size([2, 3])
    """
    shape = sizes_of("empty", size)
    array = empty_in(shape, new_dtype("empty", dtype, out), memory_format, "empty")
    if out is not None:
        return out if out._a.shape == shape else store(out, wrap(array), "empty")
    return made("empty", array, out, layout, device, requires_grad, 0)


def zeros(
    *size: Any,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of zeros.

    Args:
        size: Sizes, as varargs or a tuple.
        out: A tensor to write the result into.
        dtype: The element type, by default the default dtype.
        layout: Accepted for PyTorch's sake.
        device: Where to put it.
        requires_grad: Whether operations on it are recorded.
        pin_memory: Accepted for PyTorch's sake.

    Examples:
        >>> import tour
        >>> tour.zeros(2)
        tensor([0., 0.])
    """
    target = new_dtype("zeros", dtype, out)
    try:
        array = np.zeros(size if len(size) != 1 else size[0], target)
    except (TypeError, ValueError):
        array = np.zeros(sizes_of("zeros", size), target)
    return made("zeros", array, out, layout, device, requires_grad, 0)


def ones(
    *size: Any,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of ones.

    Args:
        size: Sizes, as varargs or a tuple.
        out: A tensor to write the result into.
        dtype: The element type, by default the default dtype.
        layout: Accepted for PyTorch's sake.
        device: Where to put it.
        requires_grad: Whether operations on it are recorded.
        pin_memory: Accepted for PyTorch's sake.

    Examples:
        >>> import tour
        >>> tour.ones(2)
        tensor([1., 1.])
    """
    target = new_dtype("ones", dtype, out)
    try:
        array = np.empty(size if len(size) != 1 else size[0], target)
    except (TypeError, ValueError):
        array = np.empty(sizes_of("ones", size), target)
    array[...] = 1
    return made("ones", array, out, layout, device, requires_grad, 1)


def full(
    size: Any,
    fill_value: Any,
    *,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor filled with one value, whose type decides the dtype unless one is given.

    Args:
        size: Sizes, as a tuple.
        fill_value: A number, or a tensor without dimensions.
        out: A tensor to write the result into.
        dtype: The element type.
        layout: Accepted for PyTorch's sake.
        device: Where to put it.
        requires_grad: Whether operations on it are recorded.
        pin_memory: Accepted for PyTorch's sake.

    Examples:
        >>> import tour
        >>> tour.full((2,), 7)
        tensor([7, 7])
    """
    target = raw_data(fill_value).dtype if dtype is None and out is None else new_dtype("full", dtype, out)
    one = _one(fill_value, target)
    array = np.full(sizes_of("full", (size,)), one, target)
    return made("full", array, out, layout, device, requires_grad, one)


def _one(value: Any, target: Any) -> Any:
    """A value in the dtype of what it fills.

    Raises:
        RuntimeError: If it is complex and the dtype is not.
    """
    one = np.asarray(value._a if isinstance(value, _core.Tensor) else value)
    if one.dtype.kind == "c" and target.kind != "c":
        raise RuntimeError(
            f"value cannot be converted to type {FROM_NUMPY[target].name} without overflow: it is complex"
        )
    return one.astype(target)


def empty_strided(
    size: Any,
    stride: Any,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of a given shape and strides (in elements) whose elements are whatever the memory holds.

    Examples:
        >>> import tour
        >>> tour.empty_strided((2, 2), (1, 2)).stride()
        (1, 2)
    """
    shape, steps = sizes_of("empty_strided", (size,)), as_shape((stride,), "empty_strided")
    if len(shape) != len(steps):
        raise RuntimeError(f"mismatch in length of strides and shape: {len(steps)} and {len(shape)}")
    count = 1 + sum((n - 1) * s for n, s in zip(shape, steps, strict=True)) if all(shape) else 0
    line = np.empty(count, new_dtype("empty_strided", dtype, None))
    array = strided(line, shape, tuple([s * line.itemsize for s in steps]))
    return made("empty_strided", array, None, layout, device, requires_grad)


def empty_permuted(
    size: Any,
    physical_layout: Any,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor whose dimensions lie in memory in a given order, and whose elements are whatever the memory holds.

    Args:
        size: Sizes.
        physical_layout: The dimensions from the slowest to the fastest.
        dtype: The element type.
        layout: Accepted for PyTorch's sake.
        device: Where to put it.
        requires_grad: Whether operations on it are recorded.
        pin_memory: Accepted for PyTorch's sake.

    Examples:
        >>> import tour
        >>> tour.empty_permuted((2, 3, 4), (2, 0, 1)).stride()
        (3, 1, 6)
    """
    shape, order = sizes_of("empty_permuted", (size,)), as_shape((physical_layout,), "empty_permuted")
    if len(order) != len(shape):
        raise RuntimeError(
            f"Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = {len(shape)} is not "
            f"equal to len(physical_layout) = {len(order)}"
        )
    if sorted(order) != list(range(len(shape))):
        wrong = next((d for d in order if not 0 <= d < len(shape)), None)
        if wrong is not None:
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {len(shape) - 1}, but got {wrong})"
            )
        raise RuntimeError(f"Duplicate dim not allowed: physical_layout {list(order)}")
    array = np.empty([shape[i] for i in order], new_dtype("empty_permuted", dtype, None)).transpose(np.argsort(order))
    return made("empty_permuted", array, None, layout, device, requires_grad)


# --- Like another tensor --------------------------------------------------------------------------------------------------------


def like(input: Tensor, array: Any, device: Any, requires_grad: bool) -> Tensor:
    """A fresh host array as a tensor beside `input`, or on the device that is named."""
    return finish(with_room(array, input._a), input.device if device is None else device, requires_grad)


def _empty_like(input: Tensor, dtype: Any, format: Any, name: str, device: Any) -> Any:
    """An uninitialised array of a tensor's shape, with its dimensions in the same order of memory unless a format is named."""
    a = input._a
    target = a.dtype if dtype is None else as_dtype(dtype).numpy
    if type(inner := held(a)) is not np.ndarray and device is None:
        if type(a) is type(inner) and (format is None or format is preserve_format) and 0 not in a.strides:
            return np.empty_like(a, target)
        return empty_in(a.shape, target, None if format is preserve_format else format, name, like=inner)
    if format is None or format is preserve_format:
        return np.empty_like(a, target) if type(a) is np.ndarray and 0 not in a.strides else np.empty(a.shape, target)
    return empty_in(a.shape, target, format, name)


@numpy_too
def empty_like(
    input: Tensor,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: Any = preserve_format,
) -> Tensor:
    """An uninitialised tensor of `input`'s shape, and of its dtype and device unless others are given.

    Examples:
        >>> import tour
        >>> tour.empty_like(tour.zeros(2)).shape
        tour.Size([2])
    """
    array = _empty_like(input, dtype, memory_format, "empty_like", device)
    return like(input, array, device, requires_grad)


@numpy_too
def zeros_like(
    input: Tensor,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: Any = preserve_format,
) -> Tensor:
    """Zeros of `input`'s shape, and of its dtype and device unless others are given.

    Examples:
        >>> import tour
        >>> tour.zeros_like(tour.ones(2))
        tensor([0., 0.])
    """
    array = _empty_like(input, dtype, memory_format, "zeros_like", device)
    array[...] = 0
    return like(input, array, device, requires_grad)


@numpy_too
def ones_like(
    input: Tensor,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: Any = preserve_format,
) -> Tensor:
    """Ones of `input`'s shape, and of its dtype and device unless others are given.

    Examples:
        >>> import tour
        >>> tour.ones_like(tour.zeros(2))
        tensor([1., 1.])
    """
    array = _empty_like(input, dtype, memory_format, "ones_like", device)
    array[...] = 1
    return like(input, array, device, requires_grad)


@numpy_too
def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: Any = preserve_format,
) -> Tensor:
    """One value in `input`'s shape, and in its dtype and device unless others are given.

    Examples:
        >>> import tour
        >>> tour.full_like(tour.zeros(2), 7)
        tensor([7., 7.])
    """
    array = _empty_like(input, dtype, memory_format, "full_like", device)
    array[...] = _one(fill_value, array.dtype)
    return like(input, array, device, requires_grad)
