"""New tensors from data: Python numbers and lists, NumPy arrays, other tensors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, _dtypes
from tour._core import wrap
from tour._devices import as_device, filled, move
from tour._dtypes import FROM_NUMPY, as_dtype, as_numpy_dtype, get_default_dtype
from tour._operands import native
from tour._python_data import raw_data

if TYPE_CHECKING:
    from tour._devices import device as Device
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = ["as_tensor", "asarray", "from_file", "from_numpy", "frombuffer", "scalar_tensor", "tensor"]


def finish(array: Any, device: Any = None, requires_grad: bool = False, value: Any = None) -> Tensor:
    """A tensor round a fresh host array, moved to `device` (None: the default one), perhaps recording gradients.

    An array that is full of one `value` is not sent, but filled there.
    """
    where = as_device(device)
    if where.type != "cpu":
        array = move(array, where) if value is None else filled(array, value, where)
    t = wrap(array)
    return t.requires_grad_() if requires_grad else t


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
        RuntimeError: If a number does not fit an integer `dtype`.

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
        ValueError: If its byte order is not that of the machine.

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
    if not ndarray.dtype.isnative:
        raise ValueError(
            f"given numpy array has byte order different from the native byte order ({ndarray.dtype}), which tensors cannot share; "
            "pass array.astype(array.dtype.newbyteorder('='))"
        )
    if ndarray.dtype not in FROM_NUMPY:
        raise TypeError(
            f"can't convert np.ndarray of type {ndarray.dtype}. The supported types are: "
            f"{', '.join(d.name for d in _dtypes.ALL)}"
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


def from_file(
    filename: str | os.PathLike[str],
    shared: bool | None = None,
    size: int = 0,
    *,
    dtype: Dtype | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A vector in the memory of a file.

    Args:
        filename: The file.
        shared: Whether what is written into the tensor is written into the file, which is made if there is none.
        size: How many elements.
        dtype: Their dtype; the default one if None.
        requires_grad: Whether operations on it are recorded.

    Raises:
        FileNotFoundError: If there is no such file and it is not shared.
        RuntimeError: If the file is too small and not shared.

    Examples:
        >>> import tempfile, tour
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     t = tour.from_file(f"{folder}/numbers", shared=True, size=3).fill_(7)
        ...     tour.from_file(f"{folder}/numbers", size=3)
        tensor([7., 7., 7.])
    """
    d = get_default_dtype() if dtype is None else as_dtype(dtype)
    have = os.path.getsize(filename) if os.path.exists(filename) or not shared else 0
    if have < size * d.itemsize:
        if not shared:
            raise RuntimeError(
                f"file {filename} has {have} bytes, but {size} elements of {d.name} take {size * d.itemsize}"
            )
        with open(filename, "ab") as file:
            file.truncate(size * d.itemsize)
    if not size:
        return finish(np.empty(0, d.numpy), None, requires_grad)
    array = np.memmap(filename, d.numpy, "r+" if shared else "c", shape=(size,)).view(np.ndarray)
    return finish(array, None, requires_grad)


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
