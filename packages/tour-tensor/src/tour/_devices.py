"""Where a tensor's elements live, and how another device plugs in.

A device is an array type, its transfers, and the ops that need their own kernel there (`Op.impls`). This package knows the CPU
only; any other name is looked up once in the entry-point group `tour.backends`, whose entries give a `Backend`.
"""

from __future__ import annotations

import builtins
from typing import Any, Protocol

import numpy as np

from tour._compiled import plug_device
from tour._core import held

__all__ = ["device"]


class Backend(Protocol):
    """What a package offers to add a device.

    Attributes:
        name: The device's name, as in `x.to(name)`.
        array_type: The type of its arrays. It answers `__array_ufunc__` and `__array_function__`.

    It may also have `kernels`, forms for the sockets of `tour._compiled`; `full(shape, value, dtype, index)`, which makes an array
    without sending one; and copies that the host does not wait for: `from_pinned(array, index)` from pinned memory, `to_pinned(array)`
    into new such memory, and `into_pinned(array, target)`, which answers whether `target` is such memory.
    """

    name: str

    @property
    def array_type(self) -> type:
        """The type of its arrays."""

    def check(self) -> None:
        """Raise RuntimeError, saying what is missing and how to get it, when the device cannot be used."""

    def index_of(self, array: Any) -> int:
        """The number of the device that holds `array`."""

    def current(self) -> int:
        """The number of the device that is used when none is named."""

    def from_host(self, array: np.ndarray[Any, Any], index: int) -> Any:
        """A copy of a NumPy array on device `index`."""

    def to_host(self, array: Any) -> np.ndarray[Any, Any]:
        """A copy of a device array as a NumPy array."""

    def move(self, array: Any, index: int) -> Any:
        """A device array on device `index`: itself when it is there already."""


BACKENDS: dict[str, Backend] = {}
BY_ARRAY: dict[type, Backend] = {}

# Names that PyTorch's programs use, with the package that would serve them.
_HINTS = {"cuda": "run `pip install tour-cuda[cuda13x]` (or [cuda12x]) on a machine with an NVIDIA GPU"}


class device:
    """A place where tensors live, such as `tour.device("cpu")` or `tour.device("cuda", 1)`.

    As a context manager it is where factory functions put new tensors.

    Attributes:
        type: The kind of device.
        index: Which one, or None for the current one.

    Raises:
        RuntimeError: If the text is not of the form `type` or `type:index`.
        TypeError: If it is no text, number or device, or the index is no number.

    Examples:
        >>> import tour
        >>> tour.device("cuda:1").index
        1
        >>> tour.device("cpu")
        device(type='cpu')
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: str | int | device, index: int | None = None) -> None:
        if isinstance(type, device):
            index, type = type.index, type.type
        elif isinstance(type, int):
            index, type = type, "cuda"
        elif not isinstance(type, str):
            raise TypeError(
                f"a device is a tour.device, a string such as 'cpu' or 'cuda:0', or an index, not {type.__class__.__name__}"
            )
        elif ":" in type:
            type, _, number = type.partition(":")
            if index is not None or not number.isdecimal():
                raise RuntimeError(f"Invalid device string: {type}:{number!r}; expected 'cpu', 'cuda' or 'cuda:0'")
            index = int(number)
        if not type.isidentifier():
            raise RuntimeError(f"Invalid device string: {type!r}; expected 'cpu', 'cuda' or 'cuda:0'")
        if index is not None and not isinstance(index, int):
            raise TypeError(f"device(): argument 'index' must be int, not {index.__class__.__name__}")
        self.type, self.index = type, index

    def __repr__(self) -> str:
        return (
            f"device(type={self.type!r})" if self.index is None else f"device(type={self.type!r}, index={self.index})"
        )

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> tuple[builtins.type[device], tuple[str, int | None]]:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        _chosen.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _chosen.pop()


CPU = device("cpu")
_chosen: list[device] = [CPU]  # the innermost `with device(...)`, or `set_default_device`


def set_default_device(where: device | str | int | None) -> None:
    """Set where factory functions such as `tour.zeros` put new tensors; None means the CPU.

    Examples:
        >>> import tour
        >>> tour.set_default_device("cpu")
        >>> tour.zeros(2).device
        device(type='cpu')
    """
    _chosen[0] = CPU if where is None else device(where)


def get_default_device() -> device:
    """Where factory functions put new tensors.

    Examples:
        >>> import tour
        >>> tour.get_default_device()
        device(type='cpu')
    """
    return _chosen[-1]


def register(backend: Backend) -> Backend:
    """Add a device. tour-cuda does this through the entry-point group `tour.backends`; a program may do it itself."""
    BACKENDS[backend.name] = backend
    BY_ARRAY[backend.array_type] = backend
    if (found := getattr(backend, "kernels", None)) is not None:
        plug_device(backend.array_type, found)
    return backend


def backend(name: str) -> Backend:
    """The backend of a device name, loaded from its entry point at first use.

    Raises:
        RuntimeError: If no installed package offers the device, or it cannot be used here; the message says what to install.
    """
    found = BACKENDS.get(name)
    if found is None:
        found = _load(name)
        found.check()
        register(found)
    return found


def _load(name: str) -> Backend:
    from importlib.metadata import entry_points  # 40 ms: only when a device is asked for

    entries = {entry.name: entry for entry in entry_points(group="tour.backends")}
    if name not in entries:
        known = ", ".join(["cpu", *sorted({*BACKENDS, *entries})])
        hint = _HINTS.get(name, f"known devices: {known}")
        raise RuntimeError(f"no installed package offers the device {name!r}; {hint}")
    try:
        return entries[name].load()  # type: ignore[no-any-return]
    except ImportError as error:
        raise RuntimeError(f"the device {name!r} ({entries[name].value}) failed to load: {error}") from error


def device_of(array: Any) -> device:
    """The device that holds a raw array."""
    if type(array) is np.ndarray or isinstance(array, np.generic):  # a number beside an array of a device
        return CPU
    if (inner := held(array)) is not array:
        return device_of(inner)
    found = BY_ARRAY[type(array)]
    return device(found.name, found.index_of(array))


def as_device(where: device | str | int | None) -> device:
    """A device from what PyTorch's `device=` accepts; None gives the default device."""
    return where if type(where) is device else _chosen[-1] if where is None else device(where)


def filled(array: Any, value: Any, where: device) -> Any:
    """An array like a raw one that is full of one value, on another device."""
    target = backend(where.type)
    if type(array) is not np.ndarray or not hasattr(target, "full"):
        return move(array, where)
    index = target.current() if where.index is None else where.index
    axes = _order(array) or list(range(array.ndim))
    made = target.full(tuple(array.shape[axis] for axis in axes), value, array.dtype, index)
    return made.transpose([axes.index(i) for i in range(array.ndim)]) if _order(array) else made


def _order(array: Any) -> list[int] | None:
    """The axes of a raw array in the order of its memory, largest steps first; None where they stand so already."""
    if array.ndim < 2 or array.flags.c_contiguous or 0 in array.strides:
        return None
    axes = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    return None if axes == list(range(array.ndim)) else axes


def move(array: Any, where: device, waits: bool = True) -> Any:
    """A raw array on another device, in the same order of memory: itself when it is there already.

    Where the host need not wait, a device may copy from pinned memory and into it while it goes on (`from_pinned`, `to_pinned`).
    """
    if (inner := held(array)) is not array:
        return array.around(move(inner, where))
    source = BY_ARRAY.get(type(array))
    if source is None and where.type == "cpu":
        return array
    if axes := _order(array):
        ordered = array.transpose(axes)
        moved = move(ordered, where, waits)
        return array if moved is ordered else moved.transpose([axes.index(i) for i in range(array.ndim)])
    if where.type == "cpu":
        to_host = source.to_host if waits else getattr(source, "to_pinned", source.to_host)  # type: ignore[union-attr]
        return to_host(array)
    target = backend(where.type)
    index = target.current() if where.index is None else where.index
    if source is target:
        return target.move(array, index)
    if source is None and not waits and hasattr(target, "from_pinned"):
        return target.from_pinned(array, index)
    return target.from_host(array if source is None else source.to_host(array), index)
