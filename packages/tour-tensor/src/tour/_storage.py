"""Where a tensor's elements are: its memory as PyTorch's storage, flags about it, and exchange by DLPack without a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._core import root_of, sockets, wrap, wrote
from tour._errors import argument_error
from tour._operands import tensor_argument

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["UntypedStorage", "from_dlpack", "to_dlpack"]


class UntypedStorage:
    """The memory that a tensor and its views share.

    Examples:
        >>> import tour
        >>> x = tour.zeros(4)
        >>> x[2:].untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
        True
    """

    __slots__ = ("_root",)

    def __init__(self, root: Any) -> None:
        self._root = root

    def data_ptr(self) -> int:
        """Address of the first byte."""
        return address(self._root)

    def nbytes(self) -> int:
        """How many bytes there are."""
        return int(self._root.nbytes)

    size = nbytes

    def __len__(self) -> int:
        return self.nbytes()

    def is_shared(self) -> bool:
        """False: other processes do not see this memory."""
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self._root is other._root

    def __hash__(self) -> int:
        return id(self._root)

    def __repr__(self) -> str:
        return f"[tour.storage.UntypedStorage of size {self.nbytes()}]"


def address(a: Any) -> int:
    """Address of a raw array's first element."""
    return int(a.__array_interface__["data"][0]) if type(a) is _core.ndarray else int(a.data.ptr)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor that shares the memory of any array that speaks DLPack: NumPy's, PyTorch's, CuPy's, JAX's.

    Args:
        ext_tensor: The array, or a DLPack capsule of host memory.
        device: Where to move it; None leaves it.
        copy: True always copies, False never; None copies only where it must.

    Raises:
        TypeError: If it does not speak DLPack.

    Examples:
        >>> import numpy as np, tour
        >>> a = np.zeros(2)
        >>> t = tour.from_dlpack(a)
        >>> a[0] = 1
        >>> t
        tensor([1., 0.], dtype=tour.float64)
    """
    if type(ext_tensor).__name__ == "PyCapsule":
        ext_tensor = _Capsule(ext_tensor)
    if not hasattr(ext_tensor, "__dlpack__"):
        raise argument_error("from_dlpack", "ext_tensor", ext_tensor, "an array with __dlpack__")
    kind = ext_tensor.__dlpack_device__()[0] if hasattr(ext_tensor, "__dlpack_device__") else 1
    if int(kind) == _CPU:
        array = np.from_dlpack(ext_tensor, copy=copy) if copy is not None else np.from_dlpack(ext_tensor)
    else:
        from tour._devices import backend

        array = backend("cuda").from_dlpack(ext_tensor)  # type: ignore[attr-defined]
    t = wrap(array)
    return t if device is None else t.to(device)


def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule of a tensor's memory, for libraries that take no objects with `__dlpack__`.

    Examples:
        >>> import tour
        >>> capsule = tour.to_dlpack(tour.ones(2))
        >>> tour.from_dlpack(capsule)
        tensor([1., 1.])
    """
    return tensor.__dlpack__()


_CPU = 1  # kDLCPU of dlpack.h


class _Capsule:
    """A bare capsule as an object that speaks DLPack."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return _CPU, 0


class Storage:
    """Memory, as methods."""

    __slots__ = ()

    is_quantized = is_sparse = is_sparse_csr = is_mkldnn = is_meta = is_nested = is_mps = is_xpu = is_xla = is_ipu = (
        False
    )
    is_vulkan = is_maia = is_mtia = False

    @property
    def is_cpu(self: Any) -> bool:
        """Whether the elements live in host memory.

        Examples:
            >>> import tour
            >>> tour.ones(2).is_cpu
            True
        """
        return type(self._a) is _core.ndarray

    def untyped_storage(self: Any) -> UntypedStorage:
        """The memory that this tensor shares with its views.

        Examples:
            >>> import tour
            >>> t = tour.zeros(4)
            >>> t[1:].untyped_storage().nbytes()
            16
        """
        return UntypedStorage(root_of(self._a))

    storage = untyped_storage

    def data_ptr(self: Any) -> int:
        """Address of the first element, in bytes.

        Examples:
            >>> import tour
            >>> t = tour.arange(4)
            >>> t[1:].data_ptr() - t.data_ptr()
            8
        """
        return address(self._a)

    def is_set_to(self: Any, tensor: Any) -> bool:
        """Whether both are the same elements of the same memory.

        Examples:
            >>> import tour
            >>> t = tour.ones(2)
            >>> t.is_set_to(t.view(2)), t.is_set_to(t[1:])
            (True, False)
        """
        a, b = self._a, tensor._a
        return address(a) == address(b) and a.shape == b.shape and a.strides == b.strides and a.dtype == b.dtype

    def is_same_size(self: Any, other: Any) -> bool:
        """Whether both have the same shape.

        Examples:
            >>> import tour
            >>> tour.ones(2, 3).is_same_size(tour.ones(3, 2))
            False
        """
        return bool(self._a.shape == other._a.shape)

    def dim_order(self: Any) -> tuple[int, ...]:
        """The dimensions from the one with the largest steps in memory to the one with the smallest.

        Examples:
            >>> import tour
            >>> tour.empty(2, 3, 4).transpose(0, 1).dim_order()
            (1, 0, 2)
        """
        steps = self._a.strides
        return tuple(sorted(range(len(steps)), key=lambda i: -steps[i]))

    def share_memory_(self: Any) -> Any:
        """The tensor itself: threads share its memory already.

        Examples:
            >>> import tour
            >>> t = tour.ones(2)
            >>> t.share_memory_() is t
            True
        """
        return self

    def is_shared(self: Any) -> bool:
        """Whether other processes see its memory; they do not.

        Examples:
            >>> import tour
            >>> tour.ones(2).is_shared()
            False
        """
        return False

    def pin_memory(self: Any, device: Any = None) -> Any:
        """A copy in memory from which a CUDA device copies while the host goes on; the tensor itself where there is no such device.

        Examples:
            >>> import tour
            >>> tour.ones(2).pin_memory()
            tensor([1., 1.])
        """
        from tour._devices import backend
        from tour._lazy import subpackage

        if self.is_pinned() or type(self._a) is not np.ndarray or not subpackage("cuda").is_available():
            return self
        return wrap(backend("cuda").pin(self._a))  # type: ignore[attr-defined]

    def is_pinned(self: Any, device: Any = None) -> bool:
        """Whether it was made by `pin_memory` where there is a CUDA device, or is a view of such a tensor.

        Examples:
            >>> import tour
            >>> tour.ones(2).is_pinned()
            False
        """
        from tour._devices import BACKENDS

        return "cuda" in BACKENDS and BACKENDS["cuda"].is_pinned(self._a)  # type: ignore[attr-defined]

    def record_stream(self: Any, stream: Any) -> None:
        """Keep the memory until a stream of the tensor's device has done what it has been given so far; on the CPU there is no need.

        Examples:
            >>> import tour
            >>> tour.ones(2).record_stream(None)
        """
        from tour._devices import BY_ARRAY

        if stream is not None and (found := BY_ARRAY.get(type(self._a))) is not None:
            found.record_stream(self._a, stream)  # type: ignore[attr-defined]

    def apply_(self: Any, callable: Any) -> Any:
        """Replace each element by what a Python function makes of it; slow.

        Raises:
            TypeError: If the tensor records gradients.

        Examples:
            >>> import tour
            >>> tour.tensor([1.0, 2.0]).apply_(lambda x: x + 0.5)
            tensor([1.5000, 2.5000])
        """
        return _mapped(callable, self)

    def map_(self: Any, tensor: Any, callable: Any) -> Any:
        """Replace each element x by `callable(x, y)`, y from another tensor that broadcasts; slow.

        Raises:
            TypeError: If a tensor records gradients.

        Examples:
            >>> import tour
            >>> tour.tensor([1.0, 2.0]).map_(tour.tensor([3.0, 4.0]), lambda x, y: x - y)
            tensor([-2., -2.])
        """
        return _mapped(callable, self, tensor_argument("map_", "tensor", tensor))

    def map2_(self: Any, x: Any, y: Any, callable: Any) -> Any:
        """Replace each element t by `callable(t, x, y)`, x and y from other tensors that broadcast; slow.

        Raises:
            TypeError: If a tensor records gradients.

        Examples:
            >>> import tour
            >>> t = tour.tensor([1.0, 2.0])
            >>> t.map2_(tour.tensor([3.0, 4.0]), tour.tensor([10.0, 10.0]), lambda t, x, y: t + x * y)
            tensor([31., 42.])
        """
        return _mapped(callable, self, tensor_argument("map2_", "x", x), tensor_argument("map2_", "y", y))

    def __dlpack__(self: Any, **options: Any) -> Any:
        """A capsule that gives other libraries this memory without a copy."""
        if self._tape is not None:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        array = self._a
        if not getattr(array.flags, "writeable", True) and options.get("max_version") is None:
            array = array.copy()  # older consumers know nothing of read-only memory
        return array.__dlpack__(**options)

    def __dlpack_device__(self: Any) -> tuple[int, int]:
        """Kind and number of the device, as DLPack counts them."""
        return self._a.__dlpack_device__()  # type: ignore[no-any-return]


def _mapped(function: Any, target: Any, *others: Any) -> Any:
    """Write into a tensor what a Python function makes of its elements and those of others."""
    if target._tape is not None or (sockets.before_write is not None and any(t._tape is not None for t in others)):
        raise TypeError("Can't call apply_() or map_() on Variable that requires grad. Use var.detach() instead.")
    a = target._a
    rows = zip(*(np.broadcast_to(t._a, a.shape).ravel().tolist() for t in (target, *others)), strict=True)
    a[...] = np.array([function(*row) for row in rows], a.dtype).reshape(a.shape)
    wrote(target, 3)
    return target
