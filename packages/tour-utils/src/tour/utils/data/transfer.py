"""How a batch travels from a worker: its arrays through shared memory, the rest as a pickle.

The memory has no name: a file that exists only as an open descriptor, which the kernel passes on and frees with its last user.
So nothing is left behind however a worker ends, and the size of `/dev/shm` does not matter.
"""

from __future__ import annotations

import mmap
import os
import pickle
import tempfile
from itertools import accumulate
from multiprocessing.connection import Connection
from multiprocessing.reduction import HAVE_SEND_HANDLE, recv_handle, send_handle
from typing import Any

SHARED_FROM = 1 << 16  # bytes: below, copying through the pipe is faster than mapping memory
ALIGNMENT = 64  # bytes: a cache line
PASSES_MEMORY = HAVE_SEND_HANDLE and os.name == "posix"


def pack(value: Any) -> tuple[bytes, list[pickle.PickleBuffer]]:
    """A pickle, and the large arrays that it leaves out.

    Raises:
        Exception: If something in `value` cannot be pickled.
    """
    if PASSES_MEMORY:
        buffers: list[pickle.PickleBuffer] = []
        pickled = pickle.dumps(value, 5, buffer_callback=buffers.append)
        if sum(b.raw().nbytes for b in buffers) >= SHARED_FROM:
            return pickled, buffers
    return pickle.dumps(value, 5), []


def send(connection: Connection[Any, Any], head: Any, packed: tuple[bytes, list[pickle.PickleBuffer]]) -> None:
    """Send what `pack` gave, with a head."""
    pickled, buffers = packed
    sizes = [b.raw().nbytes for b in buffers]
    connection.send((head, pickled, sizes))
    if sizes:
        descriptor = _write(buffers, _starts(sizes))
        try:
            send_handle(connection, descriptor, os.getppid())
        finally:
            os.close(descriptor)


def receive(connection: Connection[Any, Any]) -> tuple[Any, bytes, list[memoryview]]:
    """The next message: its head, a pickle, and the shared memory for the arrays that the pickle leaves out.

    Raises:
        EOFError or OSError: If the other side is gone.
    """
    head, pickled, sizes = connection.recv()
    if not sizes:
        return head, pickled, []
    try:
        descriptor = recv_handle(connection)
    except RuntimeError:  # the sender ended before it came to this
        raise EOFError from None
    starts = _starts(sizes)
    try:
        memory = memoryview(mmap.mmap(descriptor, starts[-1]))
    finally:
        os.close(descriptor)
    return head, pickled, [memory[start : start + size] for start, size in zip(starts, sizes, strict=False)]


def _starts(sizes: list[int]) -> list[int]:
    """Where each buffer begins, aligned; and where the last ends."""
    return list(accumulate((-(-size // ALIGNMENT) * ALIGNMENT for size in sizes), initial=0))


def _write(buffers: list[pickle.PickleBuffer], starts: list[int]) -> int:
    """The descriptor of a nameless file that holds the buffers."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("tour-batch")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, starts[-1])
    with mmap.mmap(descriptor, starts[-1]) as memory:
        for start, buffer in zip(starts, buffers, strict=False):
            raw = buffer.raw()
            memory[start : start + raw.nbytes] = raw
    return descriptor
