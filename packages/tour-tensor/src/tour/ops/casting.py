"""Other dtypes, other devices, and copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tour import _core, _dtypes
from tour._core import Op, wrap
from tour._declare import result
from tour._devices import as_device, device, device_of, move
from tour._dtypes import as_dtype

if TYPE_CHECKING:
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = ["clone"]

_CAST = Op("to_dtype", ("input", "dtype"))
_MOVE = Op("to_device", ("input", "device"))
_CLONE = Op("clone", ("input",))


def astype(input: Tensor, dtype: Dtype) -> Tensor:
    """The tensor itself if it has that dtype, otherwise a copy in it; a recorded op."""
    a = input._a
    target = dtype.numpy
    if a.dtype is target:
        return input
    if dtype.rank < _dtypes.COMPLEX and a.dtype.kind == "c":
        a = a.real
    return result(_CAST, a.astype(target), input, dtype)  # type: ignore[no-any-return]


def to(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The tensor in another dtype, on another device, or both: itself where nothing changes.

    Args:
        input: Any tensor.
        args: A dtype, a device, both (device first), or a tensor to be like; then `non_blocking` and `copy`.
        kwargs: The same by name: `dtype`, `device`, `other`, `non_blocking`, `copy`, `memory_format`.

    Examples:
        >>> import tour
        >>> tour.tensor([1, 2]).to(tour.float64)
        tensor([1., 2.], dtype=tour.float64)
    """
    where, d, copy = target_of(args, kwargs)
    t = input if d is None else astype(input, d)
    if where is not None:
        t = to_device(t, where)
    return clone(t) if copy and t is input else t


def target_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[device | None, Dtype | None, bool]:
    """Device, dtype and copy flag from the forms that `to` accepts."""
    where, d, copy = kwargs.get("device"), kwargs.get("dtype"), kwargs.get("copy", False)
    flags = []
    for x in (*args, *([kwargs["other"]] if "other" in kwargs else [])):
        if isinstance(x, _core.Tensor):
            where, d = x.device, x.dtype
        elif isinstance(x, bool):
            flags.append(x)
        elif isinstance(x, (str, device)) or (isinstance(x, int) and not isinstance(x, bool)):
            where = x
        elif x is not None:
            d = x
    if len(flags) > 1:
        copy = flags[1]
    return None if where is None else as_device(where), None if d is None else as_dtype(d), copy


def to_device(input: Tensor, where: device) -> Tensor:
    """The tensor on a device: itself if it is there already; a recorded op."""
    here = device_of(input._a)
    if here == where or (here.type == where.type == "cpu"):
        return input
    array = move(input._a, where)
    return input if array is input._a else result(_MOVE, array, input, here)  # type: ignore[no-any-return]


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy with its own memory, through which gradients flow.

    Examples:
        >>> import tour
        >>> a = tour.zeros(2)
        >>> b = a.clone()
        >>> b[0] = 1
        >>> a
        tensor([0., 0.])
    """
    return result(_CLONE, input._a.copy(order="K"), input)  # type: ignore[no-any-return]


def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself if its elements lie in row-major order without gaps, otherwise a copy that does."""
    if input._a.flags.c_contiguous:
        return input
    return result(_CLONE, input._a.copy(order="C"), input)  # type: ignore[no-any-return]


def detach(input: Tensor) -> Tensor:
    """A tensor that shares memory with this one but not its history."""
    return wrap(input._a)


class Casting:
    """Casts, moves and copies, as methods."""

    __slots__ = ()

    to, clone, contiguous, detach = to, clone, contiguous, detach

    def cpu(self: Any) -> Tensor:
        """The tensor on the CPU."""
        return to_device(self, device("cpu"))

    def cuda(self: Any, device: Any = None, non_blocking: bool = False) -> Tensor:
        """The tensor on a CUDA device (the current one unless `device` names another).

        Raises:
            RuntimeError: If no CUDA device can be used; the message says what is missing.
        """
        return to_device(self, as_device("cuda" if device is None else device))

    def float(self: Any) -> Tensor:
        """The tensor in float32."""
        return astype(self, _dtypes.float32)

    def double(self: Any) -> Tensor:
        """The tensor in float64."""
        return astype(self, _dtypes.float64)

    def half(self: Any) -> Tensor:
        """The tensor in float16."""
        return astype(self, _dtypes.float16)

    def bfloat16(self: Any) -> Tensor:
        """The tensor in bfloat16."""
        return astype(self, _dtypes.bfloat16)

    def long(self: Any) -> Tensor:
        """The tensor in int64."""
        return astype(self, _dtypes.int64)

    def int(self: Any) -> Tensor:
        """The tensor in int32."""
        return astype(self, _dtypes.int32)

    def short(self: Any) -> Tensor:
        """The tensor in int16."""
        return astype(self, _dtypes.int16)

    def char(self: Any) -> Tensor:
        """The tensor in int8."""
        return astype(self, _dtypes.int8)

    def byte(self: Any) -> Tensor:
        """The tensor in uint8."""
        return astype(self, _dtypes.uint8)

    def bool(self: Any) -> Tensor:
        """The tensor in bool: True where an element is not zero."""
        return astype(self, _dtypes.bool)
