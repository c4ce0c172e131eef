"""Files that are either the old one or the new one, never half of either."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

BINARY = getattr(os, "O_BINARY", 0)  # only Windows has it


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` when the block ends well, and is gone when it does not.

    It is written beside `path` under another name, made to reach the disk, and renamed. What is no regular file, such as a
    pipe, is written directly.

    Args:
        path: Where the file shall stand; a link is followed.

    Raises:
        OSError: If it cannot be written; what stood there before still does.

    Examples:
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "numbers")
        >>> with replacing(path) as file:
        ...     _ = file.write(b"1 2 3")
        ...     print(os.path.exists(path))
        False
        >>> os.path.exists(path)
        True
    """
    target = os.path.realpath(os.fspath(path))
    if os.path.exists(target) and not os.path.isfile(target):
        with open(target, "wb") as direct:  # fails for a folder, with the system's own words
            yield direct
        return
    temporary = os.path.join(os.path.dirname(target), f".{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | BINARY, 0o666)
    except OSError as error:
        error.filename = os.fspath(path)  # not the name that nobody asked for
        raise
    try:
        with open(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(target):
            os.chmod(temporary, os.stat(target).st_mode & 0o7777)
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(os.path.dirname(target))


def _sync_folder(folder: str) -> None:
    """Make a renaming reach the disk, on systems where a folder can be opened."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
