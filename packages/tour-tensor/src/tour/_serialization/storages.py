"""Storages: the memory that tensors share, as a `.pt` file names and keeps it."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from tour._core import ndarray, root_of, wrap
from tour._devices import device as Device
from tour._devices import device_of, move
from tour._dtypes import ALL, dtype
from tour._serialization.archive import DeviceError, FileError, Reader
from tour._storage import UntypedStorage, address
from tour._strides import strided

# What PyTorch calls a storage of each dtype; younger dtypes have none of their own, and use one of bytes.
STORAGE_NAMES: dict[str, str] = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
    "complex64": "ComplexFloatStorage",
    "complex128": "ComplexDoubleStorage",
}


# --- Writing ----------------------------------------------------------------------------------------------------------------


class Kept:
    """A storage that is to be written: once, however many tensors share it.

    Attributes:
        key: Its number in the file.
        dtype: That of the first tensor; others see the bytes.
    """

    def __init__(self, key: str, root: Any, dtype: dtype) -> None:
        self.key, self.root, self.dtype = key, root, dtype
        self.location = str(device_of(root))

    def bytes(self) -> Any:
        """Its bytes, in host memory."""
        host = move(self.root, Device("cpu"))
        return host.reshape(-1, order="A").view(np.uint8) if host.size else b""


class Keeper:
    """The storages of all tensors that are written."""

    def __init__(self) -> None:
        self.kept: dict[int, Kept] = {}

    def keep(self, array: Any, dtype: dtype) -> tuple[Kept, int, tuple[int, ...]]:
        """The storage of an array, and where in it the array lies: offset and strides, in elements."""
        root, item = root_of(array), array.itemsize
        offset = address(array) - address(root) if array.size else 0
        if not (root.flags.forc and offset % item == 0 and all(s >= 0 and s % item == 0 for s in array.strides)):
            root = array = array.copy()  # memory that PyTorch cannot describe, such as rows in reverse
            offset = 0
        kept = self.kept.get(id(root))
        if kept is None:
            kept = self.kept[id(root)] = Kept(str(len(self.kept)), root, dtype)
        return kept, offset // item, tuple(s // item for s in array.strides)


# --- Reading ----------------------------------------------------------------------------------------------------------------


class Storage:
    """A storage that was read.

    Attributes:
        dtype: That of the storage, or None for bytes.
    """

    def __init__(self, raw: Any, dtype: dtype | None, swap: bool) -> None:
        self.raw, self.dtype, self._swap = raw, dtype, swap

    def typed(self, dtype: dtype) -> Any:
        """Its memory as a flat array."""
        item = dtype.itemsize
        array = self.raw[: len(self.raw) // item * item].view(dtype.numpy)
        if self._swap and item > 1:
            array = array.byteswap()
            self.raw = array.view(np.uint8)
        self._swap = False
        return array


class StorageType:
    """What stands in the pickle for the type of a storage."""

    def __init__(self, dtype: dtype | None) -> None:
        self.dtype = dtype


class Storages:
    """The storages of a file, each read when a tensor first asks for it.

    Args:
        reader: The archive.
        map_location: Where they shall live, as `tour.load` takes it.
    """

    def __init__(self, reader: Reader, map_location: Any) -> None:
        self._reader, self._map = reader, map_location
        order = reader.read("byteorder").decode("ascii", "replace") if "byteorder" in reader else sys.byteorder
        if order not in ("little", "big"):
            raise FileError(f"cannot load {reader.name}: its byte order is {order!r}, neither little nor big")
        self._swap = order != sys.byteorder
        self._read: dict[str, Storage] = {}

    def find(self, identity: Any) -> Storage:
        """The storage of a persistent identity: ("storage", type, key, location, number of elements)."""
        match identity:
            case ("storage", StorageType() as kind, str(key), str(location), int(count)) if count >= 0:
                pass
            case _:
                raise FileError("it names a storage in a way that is not PyTorch's")
        if key not in self._read:
            raw = self._reader.array(f"data/{key}")
            needed = count * (kind.dtype.itemsize if kind.dtype else 1)
            if needed > raw.size:
                raise FileError(f"storage {key} has {raw.size} bytes, fewer than the {needed} that it should have")
            self._read[key] = Storage(self._placed(raw, location), kind.dtype, self._swap)
        return self._read[key]

    def _placed(self, raw: Any, location: str) -> Any:
        """The bytes of a storage on the device where they shall be."""
        wanted: Any = location
        if callable(self._map):
            placed = self._map(UntypedStorage(raw), location)
            if placed is not None:
                return placed._root
        elif isinstance(self._map, dict):
            wanted = self._map.get(location, location)
        elif self._map is not None:
            wanted = self._map
        if wanted == "cpu":
            return raw
        try:
            return move(raw, Device(wanted))
        except RuntimeError as error:
            hint = "" if self._map is not None else f"; it was saved from {location!r}: load it with map_location='cpu'"
            raise DeviceError(f"cannot put a storage on {str(wanted)!r}: {error}{hint}") from error


def view(storage: Storage, dtype: dtype, offset: Any, size: Any, stride: Any) -> Any:
    """The part of a storage that is a tensor.

    Raises:
        FileError: If it does not lie within the storage.
    """
    flat = storage.typed(dtype)
    numbers = [offset, *size, *stride]
    if len(size) != len(stride) or not all(type(n) is int and 0 <= n < 1 << 63 for n in numbers):
        raise FileError(f"a tensor of size {size}, stride {stride} and offset {offset} cannot be")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if 0 not in size and last >= flat.size:
        raise FileError(f"a tensor reaches to element {last} of a storage of {flat.size}")
    if type(flat) is ndarray and offset == 0 and last + 1 == flat.size and _is_plain(size, stride):
        return wrap(flat.reshape(size))
    return wrap(strided(flat[min(offset, flat.size) :], tuple(size), tuple(step * dtype.itemsize for step in stride)))


def _is_plain(size: Any, stride: Any) -> bool:
    """Whether elements follow one another, the last dimension first."""
    step = 1
    for n, s in zip(reversed(size), reversed(stride), strict=True):
        if s != step:
            return False
        step *= n
    return True


DTYPES: dict[str, dtype] = {d.name: d for d in ALL}
