"""Other dtypes, other devices, other orders in memory, and copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, _dtypes
from tour._calling import numpy_too
from tour._copying import dense
from tour._core import Op, as_array, inference_of, wrap
from tour._declare import mapped
from tour._devices import as_device, device, device_of, move
from tour._dtypes import as_dtype
from tour._errors import argument_error
from tour._layouts import checked, contiguous_format, empty_in, lies_in, memory_format, preserve_format

if TYPE_CHECKING:
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = ["clone", "detach", "detach_"]

_CAST = Op("to_dtype", ("input", "dtype"))
_MOVE = Op("to_device", ("input", "device"))
_CLONE = Op("clone", ("input",))


# --- dtype and device ----------------------------------------------------------------------------------------------------------


def astype(input: Tensor, dtype: Dtype) -> Tensor:
    """The tensor itself if it has that dtype, otherwise a copy in it; a recorded op."""
    a = input._a
    target = dtype.numpy
    if a.dtype is target:
        return input
    return mapped(_CAST, cast_array(a, dtype), input, dtype)  # type: ignore[no-any-return]


# What PyTorch does before rounding to float8, where ml_dtypes gives NaN: e4m3fn, which has no infinity, takes its largest number;
# e8m0fnu, which has neither a sign nor zero, the absolute value and its smallest number.
_FLOAT8: dict[str, Any] = {
    "float8_e4m3fn": lambda a: np.clip(a.astype(np.float32), -448, 448),
    "float8_e8m0fnu": lambda a: np.maximum(np.abs(a.astype(np.float32)), np.float32(2**-127)),
}


def cast_array(a: Any, dtype: Dtype) -> Any:
    """A raw array in another dtype: the real part where that is real; numbers out of range wrap as in C."""
    target = dtype.numpy
    if dtype.name in _FLOAT8:
        a = as_array(_FLOAT8[dtype.name](a.real if a.dtype.kind == "c" else a))
    if (a.dtype.kind in "biu" and target.itemsize > 2) or (
        a.dtype.kind == "f" == target.kind and target.itemsize >= a.dtype.itemsize
    ):
        return a.astype(target)
    if a.dtype.kind == "c" and not dtype.is_complex and dtype.rank != _dtypes.BOOLEAN:
        a = a.real
    with np.errstate(invalid="ignore", over="ignore"):
        return a.astype(target)


def to(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The tensor in another dtype, on another device, or both: itself where nothing changes.

    Args:
        input: Any tensor.
        args: A dtype, a device, both (device first), or a tensor to be like; then `non_blocking` and `copy`.
        kwargs: The same by name: `dtype`, `device`, `other`, `non_blocking`, `copy`, `memory_format`.

    Raises:
        TypeError: If the arguments make no such form.

    Examples:
        >>> import tour
        >>> tour.tensor([1, 2]).to(tour.float64)
        tensor([1., 2.], dtype=tour.float64)
    """
    where, d, copy = target_of(args, kwargs)
    format = kwargs.get("memory_format")
    t = input if d is None else astype(input, d)
    if where is not None:
        waits = not kwargs.get("non_blocking", next((x for x in args if isinstance(x, bool)), False))
        t = to_device(t, where, waits)
    if copy and t is input:
        return clone(t, memory_format=format)
    return t if format is None or format is preserve_format else contiguous(t, format)


_TO_NAMES = frozenset(("device", "dtype", "other", "non_blocking", "copy", "memory_format", "tensor"))


def target_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[device | None, Dtype | None, bool]:
    """Device, dtype and copy flag from the forms that `to` accepts.

    Raises:
        TypeError: If the arguments make no such form.
    """
    where, d, flags = kwargs.get("device"), kwargs.get("dtype"), []
    if not _TO_NAMES.issuperset(kwargs):
        raise _no_form(args, kwargs)
    other = kwargs.get("other", kwargs.get("tensor"))
    given = list(args) if other is None else [*args, other]
    for i, x in enumerate(given):
        if isinstance(x, bool):
            flags.append(x)  # non_blocking, then copy
        elif x is None and i < 2:
            continue
        elif isinstance(x, _core.Tensor) and i == 0:
            where, d = x.device, x.dtype
        elif isinstance(x, (str, device, int)) and i == 0 and where is None:
            where = x
        elif d is None and _is_dtype(x) and i < 2:
            d = x
        else:
            raise _no_form(args, kwargs)
    return (
        None if where is None else as_device(where),
        None if d is None else as_dtype(d),
        kwargs.get("copy", len(flags) > 1 and flags[1]),
    )


def _is_dtype(x: Any) -> bool:
    return isinstance(x, (_dtypes.dtype, np.dtype)) or (
        isinstance(x, type) and (issubclass(x, np.generic) or x in (bool, int, float, complex))
    )


def _no_form(args: Any, kwargs: Any) -> TypeError:
    got = ", ".join([*(type(x).__name__ for x in args), *(f"{k}={type(v).__name__}" for k, v in kwargs.items())])
    return TypeError(
        f"to() received an invalid combination of arguments - got ({got}), but expected one of: (dtype), (device), "
        "(device, dtype), (tensor), each with non_blocking, copy and memory_format"
    )


def to_device(input: Tensor, where: device, waits: bool = True) -> Tensor:
    """The tensor on a device: itself if it is there already; a recorded op. Copies from pinned memory need not be waited for."""
    here = device_of(input._a)
    if here == where or (here.type == where.type == "cpu"):
        return input
    array = move(input._a, where, waits)
    return input if array is input._a else mapped(_MOVE, array, input, here)


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor in the dtype and on the device of another one: itself where nothing changes.

    Examples:
        >>> import tour
        >>> tour.tensor([1, 2]).type_as(tour.empty(1))
        tensor([1., 2.])
    """
    return to(input, other)


def legacy_type(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of the tensor's legacy type; or, with a dtype or such a type or name, the tensor in it.

    Examples:
        >>> import tour
        >>> tour.zeros(2).type()
        'tour.FloatTensor'
        >>> tour.zeros(2).type("tour.LongTensor")
        tensor([0, 0])
    """
    from tour import _legacy

    if dtype is None:
        return _legacy.name_of(input)
    where, d = _legacy.device_and_dtype(dtype)
    t = astype(input, d)
    return t if isinstance(dtype, _dtypes.dtype) else to_device(t, device(where))


# --- Copies -------------------------------------------------------------------------------------------------------------------


def clone(input: Tensor, *, memory_format: Any = preserve_format) -> Tensor:
    """A copy with its own memory, through which gradients flow.

    Args:
        input: Any tensor.
        memory_format: The order of the copy's elements in memory, by default that of `input`.

    Examples:
        >>> import tour
        >>> a = tour.zeros(2)
        >>> b = a.clone()
        >>> b[0] = 1
        >>> a
        tensor([0., 0.])
    """
    try:
        a = input._a
    except AttributeError:
        raise argument_error("clone", "input", input) from None
    if memory_format is preserve_format or memory_format is None:
        return mapped(_CLONE, a.copy(order="K") if 0 not in a.strides else a.copy(), input)  # type: ignore[no-any-return]
    return mapped(_CLONE, _laid_out(a, memory_format, "clone"), input)  # type: ignore[no-any-return]


def _laid_out(a: Any, format: Any, name: str) -> Any:
    """A copy of a raw array in a memory format."""
    if not checked(format, a.ndim, name):
        return dense(a)
    out = empty_in(a.shape, a.dtype, format, name, like=a)
    out[...] = a
    return out


def contiguous(input: Tensor, memory_format: Any = contiguous_format) -> Tensor:
    """The tensor itself if its elements lie in a memory format (by default row-major) without gaps, otherwise a copy that does.

    Examples:
        >>> import tour
        >>> t = tour.arange(6).reshape(2, 3).T
        >>> t.is_contiguous(), t.contiguous().is_contiguous()
        (False, True)
    """
    if memory_format is contiguous_format:
        if input._a.flags.c_contiguous:
            return input
        return mapped(_CLONE, dense(input._a), input)  # type: ignore[no-any-return]
    checked(memory_format, input._a.ndim, "contiguous")
    if lies_in(input._a, memory_format):
        return input
    return mapped(_CLONE, _laid_out(input._a, memory_format, "contiguous"), input)  # type: ignore[no-any-return]


@numpy_too
def detach(input: Tensor) -> Tensor:
    """A tensor that shares memory with this one but not its history.

    Examples:
        >>> import tour
        >>> x = tour.ones(2, requires_grad=True)
        >>> tour.detach(2 * x)
        tensor([2., 2.])
    """
    t = wrap(input._a)
    t._parent = inference_of(input)
    return t


def detach_(input: Tensor) -> Tensor:
    """Forget the tensor's history; returns the tensor itself.

    Examples:
        >>> import tour
        >>> y = 2 * tour.ones(2, requires_grad=True)
        >>> y.requires_grad, tour.detach_(y).requires_grad
        (True, False)
    """
    return input.detach_()


class Casting:
    """Casts, moves and copies, as methods."""

    __slots__ = ()

    to, type, type_as, clone, contiguous, detach = to, legacy_type, type_as, clone, contiguous, detach

    def is_contiguous(self: Any, memory_format: Any = contiguous_format) -> bool:
        """Whether the elements lie in a memory format, by default row-major, without gaps.

        Examples:
            >>> import tour
            >>> t = tour.ones(2, 3)
            >>> t.is_contiguous(), t.T.is_contiguous()
            (True, False)
        """
        return lies_in(self._a, memory_format)

    def cpu(self: Any, memory_format: Any = preserve_format) -> Tensor:
        """The tensor on the CPU.

        Examples:
            >>> import tour
            >>> t = tour.ones(2)
            >>> t.cpu() is t
            True
        """
        return _formed(to_device(self, device("cpu")), memory_format)

    def cuda(self: Any, device: Any = None, non_blocking: bool = False, memory_format: Any = preserve_format) -> Tensor:
        """The tensor on a CUDA device (the current one unless `device` names another), in the same order of memory.

        Args:
            device: Which one.
            non_blocking: Whether a copy from pinned memory may still run when this returns.
            memory_format: Another order of memory.

        Raises:
            RuntimeError: If no CUDA device can be used; the message says what is missing.

        Examples:
            >>> import tour
            >>> t = tour.ones(2)
            >>> (t.cuda() if tour.cuda.is_available() else t).sum().item()
            2.0
        """
        where = as_device("cuda" if device is None else device)
        return _formed(to_device(self, where, not non_blocking), memory_format)

    def float(self: Any, memory_format: Any = preserve_format) -> Tensor:
        """The tensor in float32.

        Examples:
            >>> import tour
            >>> tour.tensor([1, 2]).float()
            tensor([1., 2.])
        """
        return _formed(astype(self, _dtypes.float32), memory_format)

    def double(self: Any, memory_format: Any = preserve_format) -> Tensor:
        """The tensor in float64.

        Examples:
            >>> import tour
            >>> tour.tensor([0.5]).double()
            tensor([0.5000], dtype=tour.float64)
        """
        return _formed(astype(self, _dtypes.float64), memory_format)

    def half(self: Any, memory_format: Any = preserve_format) -> Tensor:
        """The tensor in float16.

        Examples:
            >>> import tour
            >>> tour.tensor([3.14159]).half()
            tensor([3.1406], dtype=tour.float16)
        """
        return _formed(astype(self, _dtypes.float16), memory_format)

    def bfloat16(self: Any, memory_format: Any = preserve_format) -> Tensor:
        """The tensor in bfloat16.

        Examples:
            >>> import tour
            >>> tour.tensor([3.14159]).bfloat16()
            tensor([3.1406], dtype=tour.bfloat16)
        """
        return _formed(astype(self, _dtypes.bfloat16), memory_format)

    def cfloat(self: Any, memory_format: Any = preserve_format) -> Tensor:
        """The tensor in complex64.

        Examples:
            >>> import tour
            >>> tour.tensor([1.0]).cfloat()
            tensor([1.+0.j])
        """
        return _formed(astype(self, _dtypes.complex64), memory_format)

    def cdouble(self: Any, memory_format: Any = preserve_format) -> Tensor:
        """The tensor in complex128.

        Examples:
            >>> import tour
            >>> tour.tensor([1.0]).cdouble()
            tensor([1.+0.j], dtype=tour.complex128)
        """
        return _formed(astype(self, _dtypes.complex128), memory_format)

    def long(self: Any, memory_format: Any = preserve_format) -> Tensor:
        """The tensor in int64.

        Examples:
            >>> import tour
            >>> tour.tensor([1.9, -1.9]).long()
            tensor([ 1, -1])
        """
        return _formed(astype(self, _dtypes.int64), memory_format)

    def int(self: Any, memory_format: Any = preserve_format) -> Tensor:
        """The tensor in int32.

        Examples:
            >>> import tour
            >>> tour.tensor([1.9, -1.9]).int()
            tensor([ 1, -1], dtype=tour.int32)
        """
        return _formed(astype(self, _dtypes.int32), memory_format)

    def short(self: Any, memory_format: Any = preserve_format) -> Tensor:
        """The tensor in int16.

        Examples:
            >>> import tour
            >>> tour.tensor([1.9, -1.9]).short()
            tensor([ 1, -1], dtype=tour.int16)
        """
        return _formed(astype(self, _dtypes.int16), memory_format)

    def char(self: Any, memory_format: Any = preserve_format) -> Tensor:
        """The tensor in int8.

        Examples:
            >>> import tour
            >>> tour.tensor([-1.9, 2.0]).char()
            tensor([-1,  2], dtype=tour.int8)
        """
        return _formed(astype(self, _dtypes.int8), memory_format)

    def byte(self: Any, memory_format: Any = preserve_format) -> Tensor:
        """The tensor in uint8.

        Examples:
            >>> import tour
            >>> tour.tensor([1.9, 255.0]).byte()
            tensor([  1, 255], dtype=tour.uint8)
        """
        return _formed(astype(self, _dtypes.uint8), memory_format)

    def bool(self: Any, memory_format: Any = preserve_format) -> Tensor:
        """The tensor in bool: True where an element is not zero.

        Examples:
            >>> import tour
            >>> tour.tensor([0.0, 0.5]).bool()
            tensor([False,  True])
        """
        return _formed(astype(self, _dtypes.bool), memory_format)


def _formed(t: Tensor, format: memory_format) -> Tensor:
    return t if format is preserve_format else contiguous(t, format)
