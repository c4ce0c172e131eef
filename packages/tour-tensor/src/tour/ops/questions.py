"""Questions about tensors, and constants."""

from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING, Any

from tour import _core
from tour._calling import numpy_too
from tour._compiled import set_threads
from tour._dtypes import FROM_NUMPY
from tour._layouts import layout, strided
from tour._storage import UntypedStorage

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "e", "get_device", "get_num_interop_threads", "get_num_threads", "inf", "is_complex", "is_floating_point", "is_inference",
    "is_nonzero", "is_same_size", "is_signed", "is_storage", "is_tensor", "nan", "newaxis", "numel", "pi", "set_num_interop_threads",
    "set_num_threads", "typename",
]  # fmt: skip

pi, e, inf, nan, newaxis = math.pi, math.e, math.inf, math.nan, None


def is_tensor(obj: Any) -> bool:
    """Whether an object is a tensor.

    Examples:
        >>> import tour
        >>> tour.is_tensor(tour.zeros(2)), tour.is_tensor([0, 0])
        (True, False)
    """
    return isinstance(obj, _core.Tensor)


def is_storage(obj: Any) -> bool:
    """Whether an object is a tensor's storage.

    Examples:
        >>> import tour
        >>> tour.is_storage(tour.ones(2).untyped_storage()), tour.is_storage(tour.ones(2))
        (True, False)
    """
    return isinstance(obj, UntypedStorage)


@numpy_too
def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are real floating-point numbers.

    Examples:
        >>> import tour
        >>> tour.is_floating_point(tour.zeros(2))
        True
    """
    return FROM_NUMPY[input._a.dtype].is_floating_point


@numpy_too
def is_complex(input: Tensor) -> bool:
    """Whether the elements are complex.

    Examples:
        >>> import tour
        >>> tour.is_complex(tour.tensor(1j)), tour.is_complex(tour.tensor(1.0))
        (True, False)
    """
    return FROM_NUMPY[input._a.dtype].is_complex


@numpy_too
def is_inference(input: Tensor) -> bool:
    """Whether a tensor was made in an `inference_mode` block; it can be neither saved for a backward pass nor written outside.

    Examples:
        >>> import tour
        >>> with tour.inference_mode():
        ...     x = tour.ones(2)
        >>> tour.is_inference(x), x.clone().is_inference()
        (True, False)
    """
    return _core.is_inference(input)


def is_signed(input: Tensor) -> bool:
    """Whether the elements may be negative.

    Examples:
        >>> import tour
        >>> tour.is_signed(tour.tensor(1)), tour.is_signed(tour.tensor(1, dtype=tour.uint8))
        (True, False)
    """
    return input._a.dtype.kind not in "bu"


@numpy_too
def is_nonzero(input: Tensor) -> bool:
    """Whether the only element of a tensor is not zero.

    Raises:
        RuntimeError: If there are more elements, or none.

    Examples:
        >>> import tour
        >>> tour.is_nonzero(tour.tensor([2.0]))
        True
    """
    if input._a.size != 1:
        many = "more than one value" if input._a.size else "no values"
        raise RuntimeError(f"Boolean value of Tensor with {many} is ambiguous")
    return bool(input._a.item())


@numpy_too
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape.

    Examples:
        >>> import tour
        >>> tour.is_same_size(tour.ones(2, 3), tour.ones(3, 2))
        False
    """
    return bool(input._a.shape == other._a.shape)


@numpy_too
def numel(input: Tensor) -> int:
    """Number of elements.

    Examples:
        >>> import tour
        >>> tour.numel(tour.zeros(2, 3))
        6
    """
    return int(input._a.size)


def typename(obj: Any) -> str:
    """The name of an object's type with its module; of a tensor, PyTorch's legacy name.

    Examples:
        >>> import tour
        >>> tour.typename(tour.zeros(2))
        'tour.FloatTensor'
    """
    if is_tensor(obj):
        return str(obj.type())
    module = "" if type(obj).__module__ in ("builtins", "__builtin__") else type(obj).__module__ + "."
    return module + type(obj).__name__


# --- Threads ----------------------------------------------------------------------------------------------------------------


class _Threads:
    count = 0  # 0: as many as NumPy's libraries think best


def _controller() -> Any:
    """threadpoolctl's view of NumPy's libraries, or None where it is not installed."""
    try:
        return importlib.import_module("threadpoolctl").ThreadpoolController()
    except ModuleNotFoundError:
        return None


def threads_wanted() -> int:
    """The number given to `set_num_threads`, or 0."""
    return _Threads.count


def get_num_threads() -> int:
    """How many threads compute: the number given to `set_num_threads`, else what NumPy's linear algebra uses, as far as it can be told.

    Examples:
        >>> import tour
        >>> tour.get_num_threads() >= 1
        True
    """
    if _Threads.count:
        return _Threads.count
    controller = _controller()
    return max((int(x["num_threads"]) for x in controller.info()), default=1) if controller is not None else 1


def set_num_threads(num: int) -> None:
    """Let compiled kernels (tour-numba) use this many threads, and NumPy's linear algebra where threadpoolctl is installed.

    Raises:
        RuntimeError: If the number is not positive.

    Examples:
        >>> import tour
        >>> before = tour.get_num_threads()
        >>> tour.set_num_threads(1)
        >>> tour.set_num_threads(before)
    """
    if num < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    _Threads.count = num
    set_threads()
    controller = _controller()
    if controller is not None:
        controller.limit(limits=num)


def get_num_interop_threads() -> int:
    """1: operations run one after the other.

    Examples:
        >>> import tour
        >>> tour.get_num_interop_threads()
        1
    """
    return 1


def set_num_interop_threads(num: int) -> None:
    """Do nothing: operations run one after the other.

    Raises:
        RuntimeError: If the number is not positive.

    Examples:
        >>> import tour
        >>> tour.set_num_interop_threads(4)
        >>> tour.get_num_interop_threads()
        1
    """
    if num < 1:
        raise RuntimeError("set_num_interop_threads expects a positive integer")


def get_device(input: Tensor) -> int:
    """The number of the tensor's device; -1 for the CPU.

    Examples:
        >>> import tour
        >>> tour.get_device(tour.ones(2))
        -1
    """
    where = input.device
    return -1 if where.type == "cpu" else where.index or 0


class Questions:
    """Questions, as methods."""

    __slots__ = ()

    is_floating_point, is_complex, is_signed, is_nonzero = is_floating_point, is_complex, is_signed, is_nonzero
    is_inference = is_inference
    numel = nelement = numel
    get_device = get_device

    def ndimension(self: Any) -> int:
        """Number of dimensions.

        Examples:
            >>> import tour
            >>> tour.ones(2, 3).ndimension()
            2
        """
        return int(self._a.ndim)

    @property
    def layout(self) -> layout:
        """How the elements are stored; always `tour.strided`.

        Examples:
            >>> import tour
            >>> tour.ones(2).layout
            tour.strided
        """
        return strided
