"""New tensors: from Python data, from NumPy, filled with a value, or counting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, _dtypes
from tour._core import wrap
from tour._devices import as_device, move
from tour._dtypes import FLOATING, FROM_NUMPY, as_dtype, as_numpy_dtype
from tour._operands import native
from tour._shapes import as_shape

if TYPE_CHECKING:
    from tour._devices import device as Device
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = [
    "arange", "as_tensor", "asarray", "empty", "empty_like", "eye", "from_numpy", "full", "full_like", "linspace", "ones",
    "ones_like", "tensor", "zeros", "zeros_like",
]  # fmt: skip


def finish(array: Any, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor round a fresh host array, moved to `device` (None: the default one), perhaps recording gradients."""
    where = as_device(device)
    t = wrap(array if where.type == "cpu" else move(array, where))
    return t.requires_grad_() if requires_grad else t


def raw_data(data: Any, dtype: Any = None) -> Any:
    """A fresh raw array for Python data: numbers, nested lists, arrays, tensors among them.

    Raises:
        ValueError: If nested lists have different lengths.
        TypeError: If something in there is no number.
    """
    target = as_numpy_dtype(dtype)
    if isinstance(data, _core.Tensor):
        return data._a.astype(target or data._a.dtype, copy=True)
    if isinstance(data, np.ndarray):
        return np.array(native(data), target, order="C", copy=True)
    data = _plain(data)
    try:
        array = np.array(data)
    except ValueError as error:
        raise ValueError(f"expected sequences of equal lengths at every depth: {error}") from None
    if array.dtype.kind not in "biufcV" or array.dtype.kind == "O":
        array = _from_objects(data, array, target)
    if target is None:
        target = _inferred(data, array)
    return array.astype(target, copy=False)


def _plain(data: Any) -> Any:
    """The data with tensors in nested lists made raw arrays."""
    if isinstance(data, _core.Tensor):
        return data._a
    if isinstance(data, (list, tuple)):
        return [_plain(x) for x in data] if any(isinstance(x, (list, tuple, _core.Tensor)) for x in data) else data
    if hasattr(data, "__array__") or isinstance(data, (bool, int, float, complex, np.generic)):
        return data
    if hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, (str, bytes, dict)):
        return [_plain(data[i]) for i in range(len(data))]
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type {type(data).__name__!r}")
    return data


def _from_objects(data: Any, array: Any, target: Any) -> Any:
    if array.dtype.kind == "O" and target is not None:  # integers beyond 64 bits
        return array.astype(target)
    first = next((x for x in array.ravel() if not isinstance(x, (bool, int, float, complex))), data)
    if isinstance(first, int):
        raise RuntimeError(f"Overflow when unpacking long: {first} does not fit int64")
    raise TypeError(
        f"new(): invalid data type {type(first).__name__!r}; expected numbers, nested lists of numbers, or arrays"
    )


def _inferred(data: Any, array: Any) -> Any:
    """The dtype of Python data: NumPy's own numbers keep theirs, Python's take the default ones."""
    if isinstance(data, (np.ndarray, np.generic)) or hasattr(data, "__array__"):
        return as_dtype(array.dtype).numpy
    if array.dtype.kind == "f":
        return _dtypes.default_numpy() if not _holds_arrays(data) else array.dtype
    if array.dtype.kind == "c":
        return _dtypes.default_complex().numpy
    return _dtypes.default_numpy() if not array.size else array.dtype


def _holds_arrays(data: Any) -> bool:
    while isinstance(data, (list, tuple)) and len(data):
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic))


def tensor(
    data: Any,
    *,
    dtype: Dtype | None = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor holding a copy of `data`.

    Args:
        data: A number, nested lists, a NumPy array, a tensor, or a mixture of them.
        dtype: The element type; by default floats become the default dtype and integers int64, arrays keep theirs.
        device: Where to put it.
        requires_grad: Whether operations on it are recorded.
        pin_memory: Accepted for PyTorch's sake.

    Raises:
        ValueError: If nested lists have different lengths.
        TypeError: If something in there is no number.

    Examples:
        >>> import tour
        >>> tour.tensor([[1, 2], [3, 4]]).dtype
        tour.int64
    """
    return finish(raw_data(data, dtype), device, requires_grad)


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """A tensor that shares the memory of a NumPy array; writing into one changes the other.

    Negative strides and read-only arrays are fine.

    Raises:
        TypeError: If it is no NumPy array, or of a dtype that no tensor has.

    Examples:
        >>> import numpy as np, tour
        >>> a = np.zeros(2)
        >>> t = tour.from_numpy(a)
        >>> a[0] = 5
        >>> t
        tensor([5., 0.], dtype=tour.float64)
    """
    if type(ndarray) is not np.ndarray:
        if not isinstance(ndarray, np.ndarray):
            raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
        ndarray = ndarray.view(np.ndarray)
    if ndarray.dtype not in FROM_NUMPY or not ndarray.dtype.isnative:
        raise TypeError(
            f"can't convert np.ndarray of type {ndarray.dtype}. The supported types are: "
            f"{', '.join(d.name for d in _dtypes.ALL)}, in native byte order"
        )
    return wrap(ndarray)


def as_tensor(data: Any, dtype: Dtype | None = None, device: Device | str | int | None = None) -> Tensor:
    """A tensor for `data`, sharing memory with a NumPy array or tensor where dtype and device allow it.

    Examples:
        >>> import numpy as np, tour
        >>> tour.as_tensor(np.ones(2, np.float32))
        tensor([1., 1.])
    """
    if isinstance(data, _core.Tensor):
        return data.to(device=device or data.device, dtype=dtype or data.dtype)  # type: ignore[no-any-return]
    if isinstance(data, np.ndarray):
        data = native(data)
        return finish(data.astype(as_numpy_dtype(dtype), copy=False) if dtype is not None else data, device)
    return finish(raw_data(data, dtype), device)


def asarray(
    obj: Any,
    *,
    dtype: Dtype | None = None,
    device: Device | str | int | None = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor for an array, a scalar, a sequence or a tensor; `copy=None` copies only where it must.

    Raises:
        ValueError: If `copy` is False and sharing is impossible.

    Examples:
        >>> import tour
        >>> tour.asarray([1.0, 2.0])
        tensor([1., 2.])
    """
    t = tensor(obj, dtype=dtype, device=device) if copy else as_tensor(obj, dtype, device)
    if copy is False and not (
        isinstance(obj, (_core.Tensor, np.ndarray)) and np.may_share_memory(t._a, np.asarray(obj))
    ):
        raise ValueError("can't alias the given object with the requested dtype and device; use copy=None or copy=True")
    return t.requires_grad_() if requires_grad else t


def _fill_dtype(dtype: Any) -> Any:
    return _dtypes.default_numpy() if dtype is None else as_dtype(dtype).numpy


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
    """A tensor of the given shape whose elements are whatever the memory holds.

    Examples:
        >>> import tour
        >>> tour.empty(2, 3).shape
        tour.Size([2, 3])
    """
    return finish(np.empty(as_shape(size, "empty"), _fill_dtype(dtype)), device, requires_grad)


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

    Examples:
        >>> import tour
        >>> tour.zeros(2)
        tensor([0., 0.])
    """
    return finish(np.zeros(as_shape(size, "zeros"), _fill_dtype(dtype)), device, requires_grad)


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

    Examples:
        >>> import tour
        >>> tour.ones(2)
        tensor([1., 1.])
    """
    return finish(np.ones(as_shape(size, "ones"), _fill_dtype(dtype)), device, requires_grad)


def full(
    size: Any,
    fill_value: complex,
    *,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor filled with one value, whose type decides the dtype unless one is given.

    Examples:
        >>> import tour
        >>> tour.full((2,), 7)
        tensor([7, 7])
    """
    value = fill_value._a if isinstance(fill_value, _core.Tensor) else fill_value
    target = raw_data(value).dtype if dtype is None else as_dtype(dtype).numpy
    return finish(
        np.full(as_shape((size,) if not isinstance(size, int) else (size,), "full"), value, target),
        device,
        requires_grad,
    )


def like(input: Tensor, array: Any, device: Any, requires_grad: bool) -> Tensor:
    """A fresh host array as a tensor beside `input`, or on the device that is named."""
    return finish(array, input.device if device is None else device, requires_grad)


def _like_dtype(input: Tensor, dtype: Any) -> Any:
    return input._a.dtype if dtype is None else as_dtype(dtype).numpy


def empty_like(
    input: Tensor,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """An uninitialised tensor of `input`'s shape, and of its dtype and device unless others are given."""
    return like(input, np.empty(input._a.shape, _like_dtype(input, dtype)), device, requires_grad)


def zeros_like(
    input: Tensor,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Zeros of `input`'s shape, and of its dtype and device unless others are given."""
    return like(input, np.zeros(input._a.shape, _like_dtype(input, dtype)), device, requires_grad)


def ones_like(
    input: Tensor,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Ones of `input`'s shape, and of its dtype and device unless others are given."""
    return like(input, np.ones(input._a.shape, _like_dtype(input, dtype)), device, requires_grad)


def full_like(
    input: Tensor,
    fill_value: complex,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """One value in `input`'s shape, and in its dtype and device unless others are given."""
    return like(input, np.full(input._a.shape, fill_value, _like_dtype(input, dtype)), device, requires_grad)


def arange(
    start: float,
    end: float | None = None,
    step: float = 1,
    *,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Numbers from `start` (0 if only one is given) up to but without `end`, `step` apart.

    Raises:
        RuntimeError: If `step` is 0 or leads away from `end`.

    Examples:
        >>> import tour
        >>> tour.arange(1, 7, 2)
        tensor([1, 3, 5])
    """
    if end is None:
        start, end = 0, start
    low, high, by = (x.item() if hasattr(x, "item") else x for x in (start, end, step))
    if by == 0:
        raise RuntimeError("step must be nonzero")
    if (high - low) * by < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    whole = all(isinstance(x, int) for x in (low, high, by))
    target = as_dtype(dtype).numpy if dtype is not None else np.dtype(np.int64) if whole else _dtypes.default_numpy()
    exact = np.int64 if FROM_NUMPY[target].rank < FLOATING and whole else np.float64
    count = -((low - high) // by) if whole else int(np.ceil((high - low) / by))
    values = np.arange(count, dtype=exact) * by + low
    return finish(values.astype(target, copy=False), device, requires_grad)


def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` evenly spaced numbers from `start` to `end`, both included.

    Examples:
        >>> import tour
        >>> tour.linspace(0, 1, 3)
        tensor([0.0000, 0.5000, 1.0000])
    """
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    low, high = (x.item() if hasattr(x, "item") else x for x in (start, end))
    return finish(np.linspace(low, high, steps).astype(_fill_dtype(dtype)), device, requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A matrix with ones on the diagonal and zeros elsewhere.

    Examples:
        >>> import tour
        >>> tour.eye(2)
        tensor([[1., 0.],
                [0., 1.]])
    """
    return finish(np.eye(n, m, dtype=_fill_dtype(dtype)), device, requires_grad)
