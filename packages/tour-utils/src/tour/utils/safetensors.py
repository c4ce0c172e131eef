"""Tensors in safetensors files: what Hugging Face keeps weights in. Reading one runs nothing.

A file is the length of a header (8 bytes), the header (JSON: dtype, shape and place of each tensor), and the tensors' bytes. Large
models are split over several files, with an index beside them that says which tensor is where.

https://github.com/huggingface/safetensors
"""

from __future__ import annotations

import json
import math
import mmap
import os
import re
import struct
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np

import tour
from tour import Tensor
from tour.serialization import FileError, replacing

__all__ = ["load", "load_file", "load_sharded", "safe_open", "save", "save_file", "save_sharded"]

Tensors = dict[str, Tensor]

# In the library's order: a file has the last of these first, so that all tensors are aligned.
DTYPES: dict[str, tour.dtype] = {
    "BOOL": tour.bool,
    "U8": tour.uint8,
    "I8": tour.int8,
    "F8_E5M2": tour.float8_e5m2,
    "F8_E4M3": tour.float8_e4m3fn,
    "F8_E8M0": tour.float8_e8m0fnu,
    "F8_E4M3FNUZ": tour.float8_e4m3fnuz,
    "F8_E5M2FNUZ": tour.float8_e5m2fnuz,
    "I16": tour.int16,
    "U16": tour.uint16,
    "F16": tour.float16,
    "BF16": tour.bfloat16,
    "I32": tour.int32,
    "U32": tour.uint32,
    "F32": tour.float32,
    "C64": tour.complex64,
    "F64": tour.float64,
    "I64": tour.int64,
    "U64": tour.uint64,
}
NAMES = {d.name: name for name, d in DTYPES.items()}
LONGEST_HEADER = 100_000_000  # bytes, as the safetensors library has it


# --- Writing ----------------------------------------------------------------------------------------------------------------


def save_file(tensors: Mapping[str, Tensor], filename: str | os.PathLike[str], metadata: Any = None) -> None:
    """Write tensors by name; a file of that name is replaced only when the new one is complete.

    Tensors that share memory are written each for itself.

    Args:
        tensors: What to write.
        filename: Where.
        metadata: Text by name, or None.

    Raises:
        OSError: If the file cannot be written; what stood there before still does.
        TypeError: If a tensor has a dtype that the format has not, or something is no tensor or no text.

    Examples:
        >>> import tempfile, tour
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_file({"weight": tour.ones(2)}, folder + "/net.safetensors", metadata={"made by": "me"})
        ...     load_file(folder + "/net.safetensors")
        {'weight': tensor([1., 1.])}
    """
    header, arrays = _described(tensors, metadata)
    with replacing(filename) as file:
        file.write(header)
        for array in arrays:
            file.write(_bytes(array))


def save(tensors: Mapping[str, Tensor], metadata: Any = None) -> bytes:
    """What `save_file` writes, as bytes.

    Examples:
        >>> import tour
        >>> load(save({"a": tour.ones(2)}))
        {'a': tensor([1., 1.])}
    """
    header, arrays = _described(tensors, metadata)
    return b"".join([header, *(bytes(_bytes(array)) for array in arrays)])


def _described(tensors: Mapping[str, Tensor], metadata: Any) -> tuple[bytes, list[Any]]:
    """The header of a file, and the arrays in the order in which they follow: the widest elements first."""
    if metadata is not None and not all(isinstance(s, str) for pair in metadata.items() for s in pair):
        raise TypeError(f"metadata must be text by name, got {metadata!r}")
    name: Any
    t: Any
    for name, t in tensors.items():
        if not isinstance(name, str) or not isinstance(t, Tensor):
            raise TypeError(f"safetensors holds tensors by name, got {type(t).__name__} by {name!r}")
        if t.dtype.name not in NAMES:
            raise TypeError(f"safetensors has no {t.dtype}, which {name!r} is; convert it first")
    rank = list(NAMES)
    order = sorted(tensors, key=lambda name: (-rank.index(tensors[name].dtype.name), name))
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    at = 0
    for name in order:
        t = tensors[name]
        header[name] = {"dtype": NAMES[t.dtype.name], "shape": list(t.shape), "data_offsets": [at, at + t.nbytes]}
        at += t.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text, [tensors[name] for name in order]


def _bytes(t: Tensor) -> Any:
    """The elements of a tensor, in order, the lowest byte first."""
    array = np.ascontiguousarray(t.detach().cpu().numpy())
    if sys.byteorder == "big":
        array = array.byteswap()
    return memoryview(array.reshape(-1).view(np.uint8)) if array.size else b""  # type: ignore[arg-type]


# --- Reading ----------------------------------------------------------------------------------------------------------------


def load_file(filename: str | os.PathLike[str], device: Any = "cpu") -> Tensors:
    """Read all tensors of a file.

    Args:
        filename: The file.
        device: Where the tensors shall live.

    Raises:
        FileError: If the file is damaged or of another format.
        OSError: If there is no such file.

    Examples:
        >>> import tempfile, tour
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_file({"weight": tour.ones(2)}, folder + "/net.safetensors")
        ...     load_file(folder + "/net.safetensors")["weight"]
        tensor([1., 1.])
    """
    with safe_open(filename, device=device, mapped=False) as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def load(data: bytes) -> Tensors:
    """Read all tensors of a file that is in memory.

    Raises:
        FileError: If it is damaged or of another format.

    Examples:
        >>> import tour
        >>> load(save({"weight": tour.ones(2)}))["weight"]
        tensor([1., 1.])
    """
    header, _ = _parsed(data, len(data), "the data")
    start = len(data) - sum(int(e["data_offsets"][1] - e["data_offsets"][0]) for e in header.values())
    writable = np.frombuffer(bytearray(data), np.uint8)
    return {name: _tensor(entry, writable[start:]) for name, entry in header.items()}


class safe_open:
    """A file whose tensors are read when they are asked for.

    Args:
        filename: The file.
        framework: Accepted for the sake of programs written for the safetensors library.
        device: Where the tensors shall live.
        mapped: Whether tensors are mapped memory of the file, read as they are used; writes to them do not reach it.

    Raises:
        FileError: If the file is damaged or of another format.
        OSError: If there is no such file.

    Examples:
        >>> import tempfile, tour
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_file({"a": tour.arange(6).reshape(3, 2), "b": tour.zeros(9)}, folder + "/net.safetensors")
        ...     with safe_open(folder + "/net.safetensors") as file:
        ...         print(file.keys(), file.get_slice("a")[1:2])
        ['a', 'b'] tensor([[2, 3]])
    """

    def __init__(
        self, filename: str | os.PathLike[str], framework: str = "tour", device: Any = "cpu", mapped: bool = True
    ) -> None:
        self._name, self._device = os.fspath(filename), device
        self._file: BinaryIO = open(filename, "rb")
        try:
            size = os.fstat(self._file.fileno()).st_size
            start = self._file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            head = start + self._file.read(min(length, LONGEST_HEADER))
            self._header, self._metadata = _parsed(head, size, self._name)
            self._start = len(head)
            self._memory: Any = None
            if mapped and size > self._start:
                whole = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_COPY)
                self._memory = np.frombuffer(whole, np.uint8)[self._start :]
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def keys(self) -> list[str]:
        """The names of the tensors."""
        return list(self._header)

    def metadata(self) -> dict[str, str] | None:
        """The text that was saved beside them, or None."""
        return self._metadata

    def get_tensor(self, name: str) -> Tensor:
        """One tensor.

        Raises:
            KeyError: If there is none of that name.
        """
        if name not in self._header:
            raise KeyError(f"{self._name} has no tensor {name!r}")
        entry = self._header[name]
        begin, end = entry["data_offsets"]
        if self._memory is not None:
            return _tensor(entry, self._memory).to(self._device)
        array = np.empty(end - begin, np.uint8)
        self._file.seek(self._start + begin)
        view: Any = array
        if self._file.readinto(view) != len(array):  # type: ignore[attr-defined]
            raise FileError(f"cannot load {self._name}: it ends within {name!r}")
        return _tensor({**entry, "data_offsets": [0, end - begin]}, array).to(self._device)

    def get_slice(self, name: str) -> Tensor:
        """One tensor, of which `[...]` then reads a part: with mapped memory only that."""
        return self.get_tensor(name)


def _tensor(entry: Any, memory: Any) -> Tensor:
    """A tensor over its part of the memory."""
    begin, end = entry["data_offsets"]
    array = memory[begin:end].view(DTYPES[entry["dtype"]].numpy).reshape(entry["shape"])
    return tour.from_numpy(array.byteswap() if sys.byteorder == "big" else array)


def _parsed(head: bytes, size: int, name: str) -> tuple[dict[str, Any], dict[str, str] | None]:
    """The header of a file of `size` bytes that begins with `head`: its entries, checked, and its metadata."""
    try:
        if len(head) < 8:
            raise ValueError("it is shorter than 8 bytes")
        (length,) = struct.unpack("<Q", head[:8])
        if length > min(size - 8, LONGEST_HEADER):
            raise ValueError(f"its header would have {length} bytes")
        header = json.loads(head[8 : 8 + length].decode(), object_pairs_hook=_unique)
        metadata = header.pop("__metadata__", None)
        if metadata is not None and not all(isinstance(value, str) for value in metadata.values()):
            raise ValueError("its metadata are no text")
        at = 0
        for key, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            begin, end = entry["data_offsets"]
            shape = entry["shape"]
            if entry["dtype"] not in DTYPES:
                raise ValueError(f"{key!r} has the dtype {entry['dtype']}, which tour has not")
            if not all(type(n) is int and n >= 0 for n in shape) or begin != at or type(end) is not int:
                raise ValueError(f"the place of {key!r} is wrong")
            if end - begin != math.prod(shape) * DTYPES[entry["dtype"]].itemsize:
                raise ValueError(f"{key!r} has {end - begin} bytes, which do not fit its shape {shape}")
            at = end
        if 8 + length + at != size:
            raise ValueError(f"it should have {8 + length + at} bytes, and has {size}")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise FileError(f"cannot load {name}: it is no safetensors file, or a damaged one ({error})") from error
    return header, metadata


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; a name that comes twice could mean either."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name comes twice")
    return made


# --- Several files ----------------------------------------------------------------------------------------------------------

_PLAIN_NAME = re.compile(r"[\w.-]+\.safetensors")


def save_sharded(
    tensors: Mapping[str, Tensor],
    folder: str | os.PathLike[str],
    max_shard_size: int = 5_000_000_000,
    name: str = "model",
) -> None:
    """Write tensors over several files and an index, as Hugging Face keeps large models; one file if they fit.

    Args:
        tensors: What to write.
        folder: Where; it is made if there is none.
        max_shard_size: Bytes of tensors in one file; a tensor that is larger gets one for itself.
        name: How the files begin: `model-00001-of-00002.safetensors`, …, `model.safetensors.index.json`.

    Examples:
        >>> import os, tempfile, tour
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_sharded({"a": tour.zeros(1000), "b": tour.zeros(1000)}, folder, max_shard_size=5000)
        ...     sorted(os.listdir(folder))
        ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json']
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    shards: list[Tensors] = [{}]
    for key, t in tensors.items():
        if shards[-1] and sum(s.nbytes for s in shards[-1].values()) + t.nbytes > max_shard_size:
            shards.append({})
        shards[-1][key] = t
    if len(shards) == 1:
        save_file(tensors, place / f"{name}.safetensors", {"format": "pt"})
        return
    files = [f"{name}-{i:05}-of-{len(shards):05}.safetensors" for i in range(1, len(shards) + 1)]
    for file, shard in zip(files, shards, strict=True):
        save_file(shard, place / file, {"format": "pt"})
    where = {key: file for file, shard in zip(files, shards, strict=True) for key in shard}
    index = {"metadata": {"total_size": sum(t.nbytes for t in tensors.values())}, "weight_map": where}
    with replacing(place / f"{name}.safetensors.index.json") as written:  # last: it is what makes the files one
        written.write(json.dumps(index, indent=2, sort_keys=True).encode())


def load_sharded(
    path: str | os.PathLike[str], device: Any = "cpu", name: str = "model"
) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a model of one or several files, one after the other, so that they need not all be in memory.

    Args:
        path: The folder, or the index.
        device: Where the tensors shall live.
        name: How the files in the folder begin.

    Yields:
        Name and tensor; `dict(load_sharded(folder))` has them all.

    Raises:
        FileError: If the index or a file is damaged.
        OSError: If there is no such model.

    Examples:
        >>> import tempfile, tour
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_sharded({"a": tour.zeros(1000), "b": tour.ones(1000)}, folder, max_shard_size=5000)
        ...     for name, tensor in load_sharded(folder):
        ...         print(name, tensor.sum())
        a tensor(0.)
        b tensor(1000.)
    """
    index = Path(path)
    if index.is_dir():
        single, index = index / f"{name}.safetensors", index / f"{name}.safetensors.index.json"
        if single.exists() and not index.exists():
            yield from load_file(single, device).items()
            return
    text = index.read_bytes()
    try:
        where = json.loads(text, object_pairs_hook=_unique)["weight_map"]
        files = sorted(set(where.values()))
        wrong = [file for file in files if not _PLAIN_NAME.fullmatch(file)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no file beside it")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise FileError(f"cannot load {index}: it is no index of safetensors files ({error})") from error
    for file in files:
        with safe_open(index.parent / file, device=device) as opened:
            wanted = {key for key in where if where[key] == file}
            if missing := wanted - set(opened.keys()):
                raise FileError(f"cannot load {index}: {file} has no {sorted(missing)[0]!r}")
            for key in opened.keys():
                if key in wanted:
                    yield key, opened.get_tensor(key)
