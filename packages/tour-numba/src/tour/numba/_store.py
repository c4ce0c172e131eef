"""Object code on disk, by what it depends on: this package's sources, the compiler's version, and the processor."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import llvmlite.binding as llvm


@cache
def folder() -> Path:
    """Where object code is kept: `$TOUR_NUMBA_CACHE`, else the user's cache directory."""
    return _root() / _fingerprint()


def _root() -> Path:
    given = os.environ.get("TOUR_NUMBA_CACHE")
    if given:
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "tour-numba" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/tour-numba"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tour-numba"


def _fingerprint() -> str:
    here = Path(__file__).parent
    sources = [
        *(here / name for name in ("_compiler.py", "_driver.py", "_heap.py", "_machine.py", "_tbb.py")),
        *sorted((here / "assembly").glob("*.ll")),
        *sorted((here / "kernels").glob("*.py")),
    ]
    parts = [path.name.encode() + path.read_bytes() for path in sources]
    parts += [llvm.get_host_cpu_name().encode(), llvm.get_host_cpu_features().flatten().encode()]
    parts += [platform.machine().encode(), str(object.__basicsize__).encode(), _compiler().encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:24]


def _compiler() -> str:
    """The version of Numba, told by its metadata's folder: reading metadata takes 30 ms."""
    spec = find_spec("numba")
    if spec is not None and spec.origin is not None:
        found = sorted(p.name for p in Path(spec.origin).parent.parent.glob("numba-*.dist-info"))
        if found:
            return " ".join(found)
    from importlib.metadata import version

    return version("numba")


def load(name: str) -> tuple[bytes, str] | None:
    """The object code of a kernel and the symbol of its function, if they have been saved."""
    try:
        symbol, _, code = (folder() / f"{name}.o").read_bytes().partition(b"\n")
    except OSError:
        return None
    return code, symbol.decode()


def save(name: str, code: bytes, symbol: str) -> None:
    """Keep the object code of a kernel; where nothing can be written, nothing is kept."""
    import tempfile

    try:
        folder().mkdir(parents=True, exist_ok=True)
        # Written aside and renamed: another process sees all of it or nothing.
        handle, part = tempfile.mkstemp(dir=folder())
        with os.fdopen(handle, "wb") as file:
            file.write(symbol.encode() + b"\n" + code)
        os.replace(part, folder() / f"{name}.o")
    except OSError:
        pass
