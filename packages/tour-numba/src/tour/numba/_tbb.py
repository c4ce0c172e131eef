"""TBB by its own interface: work is handed to threads that TBB keeps awake for a moment, as it does for every program in C++.

Numba's pool makes an arena for every call, which its threads leave when the call ends, to sleep: they are back 10 µs later, as
late as half a product of two matrices of 100². In the arena that TBB has for each thread that calls it, they have work after 1 µs.

`tbb_for` has the signature of `parallel_for` in Numba's pools. It spawns a task for every other thread; they and the caller take parts
until none is left. What is passed to TBB is laid out as its headers do it (oneTBB's `detail/_task.h` and `task_group.h`, and Itanium's
C++ ABI for virtual functions); every libtbb.so.12 must serve programs compiled with them.
"""

from __future__ import annotations

import ctypes
import sys

from tour.numba import _machine
from tour.numba._locks import once

SYMBOLS = (
    "_ZN3tbb6detail2r15spawnERNS0_2d14taskERNS2_18task_group_contextE",
    "_ZN3tbb6detail2r14waitERNS0_2d112wait_contextERNS2_18task_group_contextE",
    "_ZN3tbb6detail2r114notify_waitersEm",
    "_ZN3tbb6detail2r110initializeERNS0_2d118task_group_contextE",
)
CONTEXT = 128  # bytes of a task_group_context
VERSION = 12  # where its version is, a byte; the flags behind it are zero: nobody's child


@once
def start() -> int:
    """The address of `tbb_for`; 0 where TBB is not in memory, or its interface is another."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if library is None or ctypes.sizeof(ctypes.c_void_p) != 8 or not all(hasattr(library, name) for name in SYMBOLS):
        return 0
    _machine.load("tbb", ("tbb",), {"SYMBOLS": len(SYMBOLS), "CONTEXT": CONTEXT})
    table = (ctypes.c_void_p * len(SYMBOLS)).from_address(_machine.variable("tbb"))
    table[:] = [ctypes.cast(getattr(library, name), ctypes.c_void_p).value for name in SYMBOLS]
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(_machine.engine()))  # TBB's threads may be in its code until the end
    context = _machine.variable("context")
    ctypes.c_uint8.from_address(context + VERSION).value = 1
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(table[3] or 0)(context)
    return _machine.address("tbb_for")
