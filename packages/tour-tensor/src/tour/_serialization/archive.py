"""The zip archive that a `.pt` file is: a pickle, and the bytes of each storage, uncompressed and aligned.

Entries, under one folder: `data.pkl`; `data/0`, `data/1`, …; `version`; `byteorder`; `.format_version`; `.storage_alignment`.
"""

from __future__ import annotations

import mmap
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pickle import UnpicklingError
from typing import Any, BinaryIO, Self

import numpy as np

ALIGNMENT = 64  # bytes: what PyTorch writes, and enough for every vector instruction
NEWEST_VERSION = 10  # of PyTorch's archives
FOLDER = "archive"

_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, …, lengths of the name and of the extra field
_PIECE = 1 << 18  # bytes
_LARGEST_RATIO = 1032  # of what deflate can compress
_OLD_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # how files of PyTorch before 1.6 begin


class FileError(RuntimeError, UnpicklingError):
    """A file that cannot be loaded: damaged, of another format, or asking for what it may not have.

    Examples:
        >>> import io
        >>> import tour
        >>> try:
        ...     tour.load(io.BytesIO(b"no weights"))
        ... except tour.serialization.FileError:
        ...     print("refused")
        refused
    """

    __module__ = "tour.serialization"


class DeviceError(RuntimeError):
    """The file is in order, but its tensors cannot live where they should.

    Examples:
        >>> import io
        >>> import tour
        >>> file = io.BytesIO()
        >>> tour.save(tour.ones(2), file)
        >>> _ = file.seek(0)
        >>> try:
        ...     tour.load(file, map_location="mars")
        ... except RuntimeError as error:
        ...     print(type(error).__name__)
        DeviceError
    """

    __module__ = "tour.serialization"


# --- Writing ----------------------------------------------------------------------------------------------------------------


class Writer:
    """Writes entries one after the other; what it writes depends on nothing but them.

    Args:
        file: Where to write.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is None:
            self._zip.close()
        else:
            self._zip.fp = None  # else it would finish the archive

    def add(self, name: str, data: Any) -> None:
        """Add an entry, whose bytes begin at a multiple of 64."""
        view = memoryview(data).cast("B") if len(data) else memoryview(b"")
        entry = zipfile.ZipInfo(f"{FOLDER}/{name}", (1980, 1, 1, 0, 0, 0))
        entry.file_size = view.nbytes
        fields = 20 if entry.file_size * 1.05 > zipfile.ZIP64_LIMIT else 0  # zipfile adds sizes of 64 bits then
        start = self._zip.fp.tell() + 30 + len(entry.filename) + fields + 4  # type: ignore[union-attr]
        padding = -start % ALIGNMENT
        entry.extra = struct.pack("<2sH", b"FB", padding) + bytes(padding)
        with self._zip.open(entry, "w") as target:
            target.write(view)


# --- Reading ----------------------------------------------------------------------------------------------------------------


@contextmanager
def wrong_file(name: str, trouble: str) -> Iterator[None]:
    """Turn any exception of the block into the one that says that a file is wrong."""
    try:
        yield
    except (FileError, DeviceError, MemoryError):
        raise
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise FileError(f"cannot load {name}: {trouble} ({reason})") from error


class Reader:
    """Gives the entries of an archive.

    Args:
        file: An open file that can be read from anywhere.
        name: What messages call it.
        share: Whether storages are mapped memory of the file instead of read.

    Raises:
        FileError: If it is no such archive, or a damaged or too new one.
    """

    def __init__(self, file: BinaryIO, name: str, share: bool = False) -> None:
        self._file, self.name = file, name
        with wrong_file(name, "it cannot be read from anywhere: read it into io.BytesIO first"):
            file.seek(0, os.SEEK_END)
            self._size = file.tell()
            file.seek(0)
            start = file.read(16)
        self._refuse_others(start)
        with wrong_file(name, "its zip archive is damaged or cut short"):
            archive = zipfile.ZipFile(file)
            self._entries = {self._short(e.filename): e for e in archive.infolist()}
            self._zip = archive
        if "data.pkl" not in self._entries:
            raise FileError(f"cannot load {name}: it is a zip archive, but has no data.pkl as files of torch.save do")
        if "constants.pkl" in self._entries:
            raise FileError(f"cannot load {name}: it holds a TorchScript program, not what torch.save writes")
        self._memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) if share else None
        self._refuse_newer()

    def _refuse_others(self, start: bytes) -> None:
        if start.startswith(b"PK\x03\x04"):
            return
        if not start:
            what = "it is empty"
        elif start.startswith(_OLD_MAGIC):
            what = "it has the format of PyTorch before 1.6; load it there and save it anew"
        elif start[8:9] == b"{":
            what = "it looks like a safetensors file; use tour.utils.safetensors.load_file"
        elif start[:1] == b"\x80":
            what = "it is a bare pickle, which may run any program; open it with the pickle module if you trust it"
        else:
            what = "it is no zip archive, as torch.save writes"
        raise FileError(f"cannot load {self.name}: {what}")

    def _refuse_newer(self) -> None:
        with wrong_file(self.name, "its version is no number"):
            version = int(self.read("version")) if "version" in self else 1
            layout = int(self.read(".format_version")) if ".format_version" in self else 1
        if version > NEWEST_VERSION or layout > 1:
            raise FileError(
                f"cannot load {self.name}: its format ({version}.{layout}) is newer than this tour knows ({NEWEST_VERSION}.1); "
                "upgrade tour-tensor"
            )

    @staticmethod
    def _short(name: str) -> str:
        """The name of an entry without the archive's own folder, whatever that is called."""
        return name.partition("/")[2]

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def read(self, name: str) -> bytes:
        """The bytes of a small entry."""
        return bytes(self.array(name, share=False))

    def array(self, name: str, share: bool = True) -> Any:
        """The bytes of an entry, as a NumPy array that can be written.

        Raises:
            FileError: If there is none, or it is damaged.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise FileError(f"cannot load {self.name}: it has no entry {name}, so it is cut short or not whole")
        with wrong_file(self.name, f"its entry {name} is damaged"):
            if entry.compress_type != zipfile.ZIP_STORED:
                if entry.file_size > self._size * _LARGEST_RATIO:
                    raise ValueError(f"it claims {entry.file_size} bytes")
                return np.frombuffer(bytearray(self._zip.read(entry)), np.uint8)
            start = self._start(entry)
            if self._memory is not None and share:
                return np.frombuffer(self._memory, np.uint8, entry.file_size, start)
            array = np.empty(entry.file_size, np.uint8)
            self._file.seek(start)
            if _read_into(self._file, memoryview(array)) != entry.CRC:  # type: ignore[arg-type]
                raise ValueError("its checksum does not fit")
            return array

    def _start(self, entry: zipfile.ZipInfo) -> int:
        """Where the bytes of an uncompressed entry begin; the entry lies within the file."""
        if entry.flag_bits & 1:
            raise ValueError("it is encrypted")
        self._file.seek(entry.header_offset)
        signature, name, extra = _LOCAL_HEADER.unpack(self._file.read(_LOCAL_HEADER.size))
        start = int(entry.header_offset + _LOCAL_HEADER.size + name + extra)
        if signature != b"PK\x03\x04" or start + entry.file_size > self._size:
            raise ValueError("it does not lie where the archive says")
        return start


def _read_into(file: BinaryIO, target: memoryview) -> int:
    """Fill memory from a file, in pieces that a core's cache holds; returns their checksum.

    Raises:
        EOFError: If the file ends too early.
    """
    checksum = done = 0
    while done < len(target):
        piece = target[done : done + _PIECE]
        if hasattr(file, "readinto"):
            n = file.readinto(piece)
        else:
            data = file.read(len(piece))
            n = len(data)
            piece[:n] = data
        if not n:
            raise EOFError("the file ends before it")
        checksum = zlib.crc32(piece[:n], checksum)
        done += n
    return checksum
