"""Saving and loading: PyTorch's `.pt` files, both ways, without PyTorch.

`save` writes what `torch.load` reads, `load` reads what `torch.save` has written since PyTorch 1.6. A file is data unless you
say otherwise: `load` builds tensors, numbers, text and containers, and refuses whatever would run a program.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from tour._serialization.archive import DeviceError, FileError, Reader, Writer, wrong_file
from tour._serialization.files import replacing
from tour._serialization.interpreter import Interpreter
from tour._serialization.names import full_name, imported
from tour._serialization.pickler import Pickler
from tour._serialization.storages import Storages

__all__ = [
    "DeviceError",
    "FileError",
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "load",
    "replacing",
    "safe_globals",
    "save",
]

Path = str | os.PathLike[str]

_safe: dict[str, Any] = {}


def save(
    obj: Any,
    f: Path | IO[bytes],
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Write an object as a `.pt` file that `torch.load` reads.

    Tensors that share memory do so again when they are loaded: their storage is written once, and whole. A file of that name is
    replaced only when the new one is complete.

    Args:
        obj: Tensors, numbers, text, and containers of them, such as state dicts; classes and functions by name.
        f: Where to write: a path, or an open binary file.
        pickle_module: Accepted for PyTorch's sake.
        pickle_protocol: Of the pickle inside, from 2 to 5.

    Raises:
        OSError: If the file cannot be written; what stood there before still does.
        pickle.PicklingError: If part of `obj` cannot be saved.
        ValueError: If there is no such protocol.

    Examples:
        >>> import io, tour
        >>> file = io.BytesIO()
        >>> w = tour.arange(3.0)
        >>> tour.save({"weight": w, "first": w[:1], "epoch": 7}, file)
        >>> tour.load(file)
        {'weight': tensor([0., 1., 2.]), 'first': tensor([0.]), 'epoch': 7}
    """
    if not 2 <= pickle_protocol <= 5:
        raise ValueError(f"pickle_protocol must be from 2 to 5, got {pickle_protocol}")
    if not _use_new_zipfile_serialization:
        raise ValueError("tour writes PyTorch's zip format only; leave out _use_new_zipfile_serialization=False")
    pickled = io.BytesIO()
    pickler = Pickler(pickled, pickle_protocol)
    pickler.dump(obj)  # before anything is written: it may fail
    if isinstance(f, (str, os.PathLike)):
        with replacing(f) as file:
            _write(file, pickled.getbuffer(), pickler)
    elif hasattr(f, "write"):
        _write(f, pickled.getbuffer(), pickler)
    else:
        raise TypeError(f"save() needs a path or an open binary file, got {type(f).__name__}")


def _write(file: Any, pickled: Any, pickler: Pickler) -> None:
    with Writer(file) as archive:
        archive.add("data.pkl", pickled)
        archive.add(".format_version", b"1")
        archive.add(".storage_alignment", b"64")
        archive.add("byteorder", sys.byteorder.encode())
        for storage in pickler.keeper.kept.values():
            archive.add(f"data/{storage.key}", storage.bytes())
        archive.add("version", b"3\n")


def load(
    f: Path | IO[bytes],
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read a `.pt` file that `tour.save` or `torch.save` wrote.

    Args:
        f: A path, or an open binary file that can be read from anywhere.
        map_location: Where tensors shall live: a device for all, `{saved: wanted}`, or a function of a storage and where it was
            saved from, which gives the storage where it shall be. None means where they were saved from.
        pickle_module: The module whose `Unpickler` reads the file under `weights_only=False`; `pickle` unless given.
        weights_only: True, the default, reads data and runs nothing. **False runs whatever the file says: only for files that
            you made or trust.**
        mmap: Whether tensors are mapped memory of the file, read when they are used; needs a path. Writes do not reach the
            file, and checksums are not compared.
        pickle_load_args: For the unpickler under `weights_only=False`, such as `encoding`.

    Raises:
        FileError: If the file is damaged, of another format, or wants more than data. It is both a RuntimeError and a
            `pickle.UnpicklingError`. Nothing is loaded by halves.
        DeviceError: If tensors cannot live where they should; a RuntimeError.
        OSError: If there is no such file.
        ValueError: If `mmap` is asked for and `f` is no path.

    Examples:
        >>> import io, tour
        >>> file = io.BytesIO()
        >>> tour.save({"weight": tour.ones(2)}, file)
        >>> _ = file.seek(0)
        >>> tour.load(file)
        {'weight': tensor([1., 1.])}
    """
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return _load(file, os.fspath(f), map_location, pickle_module, weights_only, mmap, pickle_load_args)
    if mmap:
        raise ValueError("mmap=True needs the path of a file, not an open one")
    if not hasattr(f, "read"):
        raise TypeError(f"load() needs a path or an open binary file, got {type(f).__name__}")
    return _load(f, "the file", map_location, pickle_module, weights_only, mmap, pickle_load_args)


def _load(file: Any, name: str, map_location: Any, module: Any, weights_only: Any, mmap: Any, options: Any) -> Any:
    reader = Reader(file, name, bool(mmap))
    storages = Storages(reader, map_location)
    pickled = reader.read("data.pkl")
    if weights_only is None or weights_only:
        try:
            return Interpreter(pickled, storages.find, dict(_safe)).load()
        except FileError as error:
            text = str(error)
            raise FileError(text if text.startswith("cannot load") else f"cannot load {name}: {text}") from error
    unpickler = _trusting(module or pickle, storages)(io.BytesIO(pickled), **options)
    with wrong_file(name, "its pickle cannot be read"):
        return unpickler.load()


def _trusting(module: Any, storages: Storages) -> Any:
    """An unpickler that runs what the file says, with PyTorch's names looked up in tour."""

    class Unpickler(module.Unpickler):  # type: ignore[misc]
        def persistent_load(self, identity: Any) -> Any:
            return storages.find(identity)

        def find_class(self, module: str, name: str) -> Any:
            return imported(module, name)

    return Unpickler


# --- More that files may name -----------------------------------------------------------------------------------------------


def add_safe_globals(safe_globals: Iterable[Any]) -> None:
    """Let files name these classes and functions too, under `weights_only=True`.

    Loading makes objects of such a class and calls such a function with whatever the file says: give only what does no harm.

    Args:
        safe_globals: Classes and functions; or pairs of one and the full name under which files have it.

    Examples:
        >>> import fractions, io, tour
        >>> file = io.BytesIO()
        >>> tour.save(fractions.Fraction(1, 3), file)
        >>> with tour.serialization.safe_globals([fractions.Fraction]):
        ...     tour.load(file)
        Fraction(1, 3)
    """
    _safe.update(_named(safe_globals))


def _named(entries: Iterable[Any]) -> dict[str, Any]:
    named = {}
    for entry in entries:
        value, name = entry if isinstance(entry, tuple) else (entry, f"{entry.__module__}.{entry.__qualname__}")
        module, _, local = name.rpartition(".")
        named[full_name(module, local)] = value
    return named


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` has added.

    Examples:
        >>> add_safe_globals([range])
        >>> range in get_safe_globals()
        True
        >>> clear_safe_globals()
    """
    return list(_safe.values())


def clear_safe_globals() -> None:
    """Forget what `add_safe_globals` has added.

    Examples:
        >>> add_safe_globals([range])
        >>> clear_safe_globals()
        >>> get_safe_globals()
        []
    """
    _safe.clear()


@contextmanager
def safe_globals(safe_globals: Iterable[Any]) -> Iterator[None]:
    """A block in which files may name these classes and functions too; see `add_safe_globals`.

    Examples:
        >>> with safe_globals([range]):
        ...     print(get_safe_globals())
        [<class 'range'>]
        >>> get_safe_globals()
        []
    """
    before = dict(_safe)
    _safe.update(_named(safe_globals))
    try:
        yield
    finally:
        _safe.clear()
        _safe.update(before)
