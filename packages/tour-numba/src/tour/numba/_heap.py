"""Memory that is used again: NumPy's large arrays get blocks that other arrays have given back, so that no page is asked for twice.

Fresh pages cost more than most kernels: the system maps and clears each when it is first touched, a quarter of a microsecond for
4 KiB, and a C library gives large blocks back at once. Here they wait in lists, one for each size class, four classes to a doubling. NumPy
asks for memory through a handler (NEP 49); ours is machine code, called without Python, and hands small blocks on to NumPy's own.

Every block comes from the C library, with at least the room of its class: whoever frees or resizes it by the library does so rightly.
An array remembers its handler, so that arrays made before and after live side by side.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextvars import ContextVar
from importlib import import_module
from pathlib import Path
from typing import Any

from tour.numba import _machine
from tour.numba._locks import once

numpy: Any = import_module("numpy._core.multiarray")

SMALLEST = 15  # blocks above 2^15 bytes are kept
LARGEST = 40
CLASSES = 4 * (LARGEST - SMALLEST)
SHARE = 8  # 1/8 of the memory at most waits to be used again: a large step's working set, and little to others who need memory


class Heap(ctypes.Structure):
    """`%heap`, as the machine code has it."""

    _fields_ = [
        ("lock", ctypes.c_int64), ("held", ctypes.c_int64), ("limit", ctypes.c_int64), ("reused", ctypes.c_int64),
        ("made", ctypes.c_int64), ("context", ctypes.c_void_p), ("own", ctypes.c_void_p * 4),
        ("posix_memalign", ctypes.c_void_p), ("madvise", ctypes.c_void_p), ("lists", ctypes.c_void_p * CLASSES),
    ]  # fmt: skip


class Handler(ctypes.Structure):
    """NumPy's `PyDataMem_Handler`: a name, a version, and malloc, calloc, realloc and free with what they are called with."""

    _fields_ = [
        ("name", ctypes.c_char * 127), ("version", ctypes.c_uint8), ("context", ctypes.c_void_p),
        ("functions", ctypes.c_void_p * 4),
    ]  # fmt: skip


installed: ContextVar[bool] = ContextVar("installed", default=False)  # NumPy's handler belongs to a context, too


def install() -> None:
    """Give NumPy, in this thread and context, the handler of this file; not in place of one that a program has chosen."""
    installed.set(True)
    handler = _handler()
    if handler is not None and numpy.get_handler_name() == "default_allocator":
        ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(numpy_api()[SET_HANDLER])(handler)


def empty_cache() -> None:
    """Give what waits to be used again back to the system."""
    for heap, empty in _made:
        empty(ctypes.addressof(heap))


def describe() -> str:
    """A line for `tour.show_config`."""
    for heap, _ in _made:
        return (
            f"memory: {heap.held >> 20} MiB wait to be used again, {heap.limit >> 20} MiB may; "
            f"{heap.reused} large blocks were used again, {heap.made} were new"
        )
    return "memory: by NumPy"


_made: list[tuple[Heap, Any]] = []  # the heap, and the function that empties it

SET_HANDLER, DEFAULT_HANDLER = (
    304,
    306,
)  # places in NumPy's table of functions, `numpy/_core/include/numpy/__multiarray_api.h`
NAME = b"mem_handler"  # what NumPy calls capsules of handlers


def numpy_api() -> Any:
    """NumPy's table of functions."""
    address = ctypes.pythonapi.PyCapsule_GetPointer
    address.restype, address.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    return (ctypes.c_void_p * (DEFAULT_HANDLER + 1)).from_address(address(numpy._ARRAY_API, None))


@once
def _handler() -> Any:
    """The capsule that NumPy wants, or None where its own handler is not the one known here."""
    address = ctypes.pythonapi.PyCapsule_GetPointer
    address.restype, address.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    own = Handler.from_address(address(ctypes.py_object.from_address(numpy_api()[DEFAULT_HANDLER]).value, NAME))
    if own.name != b"default_allocator" or own.version != 1:
        return None
    _machine.load("heap", ("heap",), {"SMALLEST": SMALLEST, "SMALLEST_QUARTER": SMALLEST - 2, "CLASSES": CLASSES})
    empty = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(_machine.address("empty"))
    functions = [_machine.address(name) for name in ("malloc_", "calloc_", "realloc_", "free_")]
    heap = Heap(limit=_memory() // SHARE, context=own.context, own=own.functions)
    if sys.platform != "win32":  # aligned blocks need a free of their own there
        heap.posix_memalign = ctypes.cast(ctypes.CDLL(None).posix_memalign, ctypes.c_void_p)
    if sys.platform == "linux":
        heap.madvise = ctypes.cast(ctypes.CDLL(None).madvise, ctypes.c_void_p)
    handler = Handler(b"tour", 1, ctypes.addressof(heap), (ctypes.c_void_p * 4)(*functions))
    name = ctypes.create_string_buffer(NAME)
    for thing in (heap, handler, name, _machine.engine()):  # for ever: arrays may outlive every module
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
    _made.append((heap, empty))
    capsule = ctypes.pythonapi.PyCapsule_New
    capsule.restype, capsule.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    return capsule(ctypes.addressof(handler), ctypes.addressof(name), None)


def _memory() -> int:
    """Bytes of memory of this machine, or of what a container may use of it."""
    try:
        own = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        own = 8 << 30  # a small machine of today
    try:
        given = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
    except OSError:
        given = ""
    return min(own, int(given)) if given.isdecimal() else own
