"""A strict stand-in for a GPU: NumPy memory behind an array type that treats host arrays as CuPy does, and counts transfers.

It is plugged in as any device is, through the entry-point group `tour.backends`, and answers only NumPy's two protocols and the
methods of an array. What would fail on a real device fails here: mixing with host arrays, silent conversion to them.
"""

from __future__ import annotations

import collections
from typing import Any

import numpy as np

transfers: collections.Counter[str] = collections.Counter()


class Pointer:
    """What CuPy offers as `array.data`."""

    def __init__(self, address: int) -> None:
        self.ptr = address


class FakeArray:
    """An array on the fake device. `host` is its memory, which only this file may touch."""

    __slots__ = ("__weakref__", "base", "host")

    def __init__(self, host: np.ndarray, base: FakeArray | None = None) -> None:
        self.host = host
        self.base = base

    @property
    def data(self) -> Pointer:
        return Pointer(self.host.__array_interface__["data"][0])

    def get(self) -> np.ndarray:
        transfers["to_host"] += 1
        return self.host.copy()

    def item(self) -> Any:
        transfers["to_host"] += 1
        return self.host.item()

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        if out is not None:
            kwargs["out"] = tuple(open_(o) for o in (out if isinstance(out, tuple) else (out,)))
        found = getattr(ufunc, method)(
            *map(open_, inputs), **{k: open_(v) for k, v in kwargs.items()} if out is None else kwargs
        )
        if out is not None:
            return out[0] if isinstance(out, tuple) and len(out) == 1 else out
        return close(found, inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return close(function(*map(open_, args), **{k: open_(v) for k, v in kwargs.items()}), args)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self.host, name)
        if not callable(value):
            return close(value, (self,))

        def method(*args: Any, **kwargs: Any) -> Any:
            return close(value(*map(open_, args), **{k: open_(v) for k, v in kwargs.items()}), (self, *args))

        return method

    def __getitem__(self, index: Any) -> Any:
        return close(self.host[open_(index)], (self,))

    def __setitem__(self, index: Any, value: Any) -> None:
        self.host[open_(index)] = open_(value)

    def __len__(self) -> int:
        return len(self.host)

    def __bool__(self) -> bool:
        transfers["to_host"] += 1
        return bool(self.host)

    def __matmul__(self, other: Any) -> Any:
        return close(self.host @ open_(other), (self, other))


def _operator(name: str) -> Any:
    def forward(self: FakeArray, other: Any) -> Any:
        return close(getattr(self.host, name)(open_(other)), (self, other))

    return forward


for _name in "add sub mul truediv floordiv mod pow radd rsub rmul rtruediv rpow lt le gt ge eq ne and or xor".split():
    setattr(FakeArray, f"__{_name}__", _operator(f"__{_name}__"))
FakeArray.__neg__ = lambda self: close(-self.host, (self,))  # type: ignore[attr-defined]
FakeArray.__invert__ = lambda self: close(~self.host, (self,))  # type: ignore[attr-defined]


def open_(x: Any) -> Any:
    """The memory of a device array; host arrays are refused as CuPy refuses them."""
    if isinstance(x, FakeArray):
        return x.host
    if isinstance(x, np.ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    if isinstance(x, (list, tuple)):
        return type(x)(map(open_, x))
    return x


def close(x: Any, operands: Any) -> Any:
    """A device array for a result, which knows whose memory it looks into."""
    if isinstance(x, np.generic):
        x = np.asarray(x)
    if isinstance(x, np.ndarray):
        roots = [o if o.base is None else o.base for o in operands if isinstance(o, FakeArray)]
        base = next((r for r in roots if x.base is not None and np.may_share_memory(x, r.host)), None)
        return FakeArray(x, base)
    return (
        type(x)(close(y, operands) for y in x) if type(x) in (list, tuple) and not all(type(y) is int for y in x) else x
    )


class FakeBackend:
    """The fake device, as `tour._devices.Backend` describes one."""

    name = "fake"
    array_type = FakeArray

    def check(self) -> None:
        """It can always be used."""

    def current(self) -> int:
        return 0

    def index_of(self, array: FakeArray) -> int:
        return 0

    def from_host(self, array: np.ndarray, index: int) -> FakeArray:
        if index:
            raise RuntimeError(f"invalid device ordinal fake:{index}; there is 1 device")
        transfers["to_device"] += 1
        return FakeArray(array.copy())

    def to_host(self, array: FakeArray) -> np.ndarray:
        return array.get()

    def move(self, array: FakeArray, index: int) -> FakeArray:
        return array


backend = FakeBackend()
