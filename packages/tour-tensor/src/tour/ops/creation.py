"""New tensors from data: Python numbers and lists, NumPy arrays, other tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, _dtypes
from tour._core import held, wrap
from tour._devices import as_device, move
from tour._dtypes import FROM_NUMPY, as_dtype, as_numpy_dtype
from tour._operands import native

if TYPE_CHECKING:
    from tour._devices import device as Device
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = ["as_tensor", "asarray", "from_numpy", "frombuffer", "scalar_tensor", "tensor"]


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
    if type(data) is not np.ndarray and held(data) is not data:  # an array round another one
        return data.astype(target or data.dtype, copy=True)
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


def frombuffer(buffer: Any, *, dtype: Dtype, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A vector that shares the memory of an object with Python's buffer protocol.

    Args:
        buffer: For example `bytes` (read-only), `bytearray`, `array.array`, `mmap`.
        dtype: How to read its bytes.
        count: How many elements; -1 for as many as there are.
        offset: Where to begin, in bytes.
        requires_grad: Whether operations on it are recorded.

    Raises:
        ValueError: If the bytes are too few, or not a whole number of elements.

    Examples:
        >>> import tour
        >>> tour.frombuffer(bytearray([1, 2, 3]), dtype=tour.uint8)
        tensor([1, 2, 3], dtype=tour.uint8)
    """
    d = as_dtype(dtype)
    size = memoryview(buffer).nbytes
    if not size or not count:
        raise ValueError(f"both buffer length ({size}) and count ({count}) must not be 0")
    if not 0 <= offset < size:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({size} bytes) - 1"
        )
    if count < 0 and (size - offset) % d.itemsize:
        raise ValueError(
            f"buffer length ({size - offset} bytes) after offset must be a multiple of element size ({d.itemsize})"
        )
    if count > 0 and offset + count * d.itemsize > size:
        raise ValueError(
            f"requested buffer length ({count} * {d.itemsize} bytes) after offset must not be greater than {size}"
        )
    t = wrap(np.frombuffer(buffer, d.numpy, count, offset))
    return t.requires_grad_() if requires_grad else t


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


def scalar_tensor(
    s: complex,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor without dimensions for a number, in the default dtype unless another is given.

    Examples:
        >>> import tour
        >>> tour.scalar_tensor(2)
        tensor(2.)
    """
    return finish(raw_data(s, _dtypes.get_default_dtype() if dtype is None else dtype), device, requires_grad)
