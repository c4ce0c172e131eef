"""Object code on disk, by what it depends on: this package's sources, the compiler's version, and the processor.

A file holds a checksum, the symbol of the function and a line break, and its code. What is damaged is compiled anew: LLVM's linker ends
the process when it is given half a file.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import llvmlite.binding as llvm

CHECK = 16  # bytes of a checksum


@cache
def folder() -> Path | None:
    """Where object code is kept: `$TOUR_NUMBA_CACHE`, else the user's cache directory; None for a user without a home."""
    try:
        return _root() / _fingerprint()
    except RuntimeError:  # of `Path.home`
        return None


def _root() -> Path:
    given = os.environ.get("TOUR_NUMBA_CACHE")
    if given:
        return Path(given).absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "tour-numba" / "cache"
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


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=CHECK).digest()


def load(name: str) -> tuple[bytes, str] | None:
    """The object code of a kernel and the symbol of its function, if they have been saved."""
    where = folder()
    if where is None:
        return None
    try:
        found = (where / f"{name}.o").read_bytes()
    except OSError:
        return None
    content = found[CHECK:]
    if _checksum(content) != found[:CHECK]:
        return None
    symbol, _, code = content.partition(b"\n")
    return code, symbol.decode()


def save(name: str, code: bytes, symbol: str) -> None:
    """Keep the object code of a kernel; where nothing can be written, nothing is kept."""
    import tempfile

    where = folder()
    if where is None:
        return
    content = symbol.encode() + b"\n" + code
    try:
        where.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=where)
    except OSError:
        return
    try:  # Written aside and renamed: another process sees all of it or nothing.
        with os.fdopen(handle, "wb") as file:
            file.write(_checksum(content) + content)
        os.replace(part, where / f"{name}.o")
    except OSError:
        with suppress(OSError):
            os.unlink(part)
