"""Machine code between NumPy, the kernels and the threads: short functions in LLVM's assembly language, in `assembly/`.

`run` (`parts.ll`) runs a kernel in parts; Python calls it by `_calling.py`. `threaded` (`loops.ll`) is the inner loop of ufuncs
(`_ufuncs.py`): NumPy calls it for a row of elements, without Python's lock, and it has another loop do the parts of that row: NumPy's
own, `chained` with several of them, or `compiled` with a kernel. Parts are done by as many threads as `pool` says.
"""

from __future__ import annotations

import ctypes
from typing import NamedTuple

from tour.numba import _machine
from tour.numba._locks import once

SHORTEST = 64  # elements: parts of a row begin at multiples, so that vectors and cache lines are cut as in the whole
BLOCK = 1 << 10  # elements that a chain of loops takes at a time, in the first-level cache
LINKS = 4  # loops of a chain, at most
STEAL = 4  # parts for each thread, so that one that is interrupted does not hold up the others
HEADER = object.__basicsize__  # bytes that every Python object begins with; the last 8 are the address of its type
CONSTANTS = {
    "SHORTEST": SHORTEST, "ROUND_UP": SHORTEST - 1, "BLOCK": BLOCK, "LINKS": LINKS, "STEAL": STEAL, "TYPE": HEADER - 8,
    # Behind the header a float has its number, and an array NumPy's `PyArrayObject_fields`, first the address of its numbers.
    "FIELDS": HEADER, "NDIM": HEADER + 8, "SHAPE": HEADER + 16, "DTYPE": HEADER + 40, "FLAGS": HEADER + 48,
}  # fmt: skip


class Pool(ctypes.Structure):
    """`%pool`, as the machine code has it."""

    _fields_ = [
        ("parallel_for", ctypes.c_void_p), ("threads", ctypes.c_int64), ("exclusive", ctypes.c_int64), ("busy", ctypes.c_int64),
    ]  # fmt: skip


class Kernel(ctypes.Structure):
    """`%kernel`."""

    _fields_ = [("function", ctypes.c_void_p), ("operands", ctypes.c_int64)]


class Link(ctypes.Structure):
    """`%link`."""

    _fields_ = [("function", ctypes.c_void_p), ("data", ctypes.c_void_p), ("places", ctypes.c_int64 * 3)]


class Chain(ctypes.Structure):
    """`%chain`."""

    _fields_ = [
        ("count", ctypes.c_int64), ("width", ctypes.c_int64), ("constant", ctypes.c_void_p), ("links", Link * LINKS),
    ]  # fmt: skip


class Loop(ctypes.Structure):
    """`%loop`."""

    _fields_ = [
        ("function", ctypes.c_void_p), ("data", ctypes.c_void_p), ("operands", ctypes.c_int64), ("least", ctypes.c_int64),
    ]  # fmt: skip


class Linked(NamedTuple):
    """The driver in memory: the pool, what Python calls, and where the loops of ufuncs begin."""

    pool: Pool
    call: int
    threaded: int
    chained: int
    compiled: int
    sum: int


@once
def linked() -> Linked:
    """The driver, from the cache on disk or newly assembled."""
    _machine.load("driver", ("parts", "call", "sum", "loops"), CONSTANTS)
    pool = Pool.from_address(_machine.variable("pool"))
    return Linked(pool, *map(_machine.address, Linked._fields[1:]))
