"""Types of tensors as PyTorch once had them: `FloatTensor(2, 3)`, `LongTensor([1, 2])`, `x.type("tour.FloatTensor")`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour import _core, _dtypes
from tour._core import ndarray, wrap
from tour._dtypes import FROM_NUMPY, as_dtype, dtype
from tour._operands import native
from tour._python_data import raw_data
from tour._shapes import Size, is_int

__all__ = [
    "BFloat16Tensor",
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "set_default_tensor_type",
]  # fmt: skip


class TensorType(type):
    """The type of CPU tensors of one dtype; calling it makes one, `isinstance` asks for it."""

    dtype: dtype

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, _core.Tensor) and x._a.dtype == cls.dtype.numpy and type(x._a) is ndarray

    def __call__(cls, *args: Any) -> Any:
        return wrap(legacy_array(args, cls.dtype, cls.__name__))


def legacy_array(args: tuple[Any, ...], d: dtype, name: str) -> Any:
    """The raw array of a legacy constructor: sizes give uninitialised memory, anything else is data.

    Raises:
        TypeError: If there are several arguments that are no sizes.
    """
    if all(is_int(x) and not isinstance(x, _core.Tensor) for x in args) or (
        len(args) == 1 and isinstance(args[0], Size)
    ):
        return np.empty(args[0] if args and isinstance(args[0], Size) else args or 0, d.numpy)
    if len(args) > 1:
        raise TypeError(f"{name}() takes sizes or one sequence, got {', '.join(type(x).__name__ for x in args)}")
    data = args[0]
    if isinstance(data, _core.Tensor):
        if data._a.dtype != d.numpy:
            raise TypeError(
                f"expected {d} (got {data.dtype}): {name}(tensor) shares memory; use .to({d}) or .type({d}) for a copy"
            )
        return data._a
    if isinstance(data, ndarray):
        return native(data).astype(d.numpy)
    if not hasattr(data, "__len__") or isinstance(data, (dict, set)):
        raise TypeError(f"{name}(): data must be a sequence (got {type(data).__name__})")
    return raw_data(data, d)


class FloatTensor(metaclass=TensorType):
    """Tensors of dtype float32.

    Examples:
        >>> import tour
        >>> tour.FloatTensor([1, 2])
        tensor([1., 2.])
    """

    dtype = _dtypes.float32


class DoubleTensor(metaclass=TensorType):
    """Tensors of dtype float64.

    Examples:
        >>> import tour
        >>> tour.DoubleTensor([1, 2])
        tensor([1., 2.], dtype=tour.float64)
    """

    dtype = _dtypes.float64


class HalfTensor(metaclass=TensorType):
    """Tensors of dtype float16.

    Examples:
        >>> import tour
        >>> tour.HalfTensor([1, 2])
        tensor([1., 2.], dtype=tour.float16)
    """

    dtype = _dtypes.float16


class BFloat16Tensor(metaclass=TensorType):
    """Tensors of dtype bfloat16.

    Examples:
        >>> import tour
        >>> tour.BFloat16Tensor([1, 2])
        tensor([1., 2.], dtype=tour.bfloat16)
    """

    dtype = _dtypes.bfloat16


class LongTensor(metaclass=TensorType):
    """Tensors of dtype int64.

    Examples:
        >>> import tour
        >>> tour.LongTensor([1.9, 2.1])
        tensor([1, 2])
    """

    dtype = _dtypes.int64


class IntTensor(metaclass=TensorType):
    """Tensors of dtype int32.

    Examples:
        >>> import tour
        >>> tour.IntTensor([1, 2])
        tensor([1, 2], dtype=tour.int32)
    """

    dtype = _dtypes.int32


class ShortTensor(metaclass=TensorType):
    """Tensors of dtype int16.

    Examples:
        >>> import tour
        >>> tour.ShortTensor([1, 2])
        tensor([1, 2], dtype=tour.int16)
    """

    dtype = _dtypes.int16


class CharTensor(metaclass=TensorType):
    """Tensors of dtype int8.

    Examples:
        >>> import tour
        >>> tour.CharTensor([1, -2])
        tensor([ 1, -2], dtype=tour.int8)
    """

    dtype = _dtypes.int8


class ByteTensor(metaclass=TensorType):
    """Tensors of dtype uint8.

    Examples:
        >>> import tour
        >>> tour.ByteTensor([1, 255])
        tensor([  1, 255], dtype=tour.uint8)
    """

    dtype = _dtypes.uint8


class BoolTensor(metaclass=TensorType):
    """Tensors of dtype bool.

    Examples:
        >>> import tour
        >>> tour.BoolTensor([1, 0])
        tensor([ True, False])
    """

    dtype = _dtypes.bool


_TYPES = (
    *(FloatTensor, DoubleTensor, HalfTensor, BFloat16Tensor, LongTensor),
    *(IntTensor, ShortTensor, CharTensor, ByteTensor, BoolTensor),
)
_NAMES = {t.dtype.name: t.__name__ for t in _TYPES} | {
    "complex64": "ComplexFloatTensor",
    "complex128": "ComplexDoubleTensor",
}
_BY_NAME = {name: getattr(_dtypes, d) for d, name in _NAMES.items()}


def set_default_tensor_type(t: Any, /) -> None:
    """Set the default dtype by a legacy type or its name; `set_default_dtype` is the newer form.

    Examples:
        >>> import tour
        >>> tour.set_default_tensor_type("tour.FloatTensor")
    """
    _dtypes.set_default_dtype(device_and_dtype(t)[1])


def name_of(t: Any) -> str:
    """The name of a tensor's legacy type, for example `"tour.cuda.FloatTensor"`."""
    d = FROM_NUMPY[t._a.dtype]
    where = "" if t.device.type == "cpu" else f"{t.device.type}."
    return f"tour.{where}{_NAMES.get(d.name, d.name.capitalize() + 'Tensor')}"


def device_and_dtype(x: Any) -> tuple[str, dtype]:
    """Where and what: from a dtype, a legacy type, or a name such as `"torch.cuda.FloatTensor"`.

    Raises:
        ValueError: If it names no type.
    """
    if isinstance(x, TensorType):
        return "cpu", x.dtype
    if not isinstance(x, str):
        return "cpu", as_dtype(x)
    *package, name = x.split(".")
    if package[:1] not in (["tour"], ["torch"]) or len(package) > 2 or (name not in _BY_NAME and name != "Tensor"):
        raise ValueError(f"invalid type: {x!r}; write a dtype, or a name such as 'tour.FloatTensor'")
    return (package[1] if len(package) > 1 else "cpu"), _BY_NAME[
        name
    ] if name != "Tensor" else _dtypes.get_default_dtype()
