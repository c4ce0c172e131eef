"""`cupy.RawModule` and the driver's `launchKernel` on the fake device: sources compiled for the CPU, run on its memory.

What the driver refuses is refused: grids and blocks beyond the limits or empty, and addresses that lie in no memory of the device.
"""

from __future__ import annotations

import ctypes
import itertools
import re
import types
from typing import Any

import simulator

from tour.cuda import _source

from . import runtime
from .arrays import address

LIMITS = (2**31 - 1, 65535, 65535), (1024, 1024, 64)  # of a grid, and of a block
TABLE = 2312  # bytes of the one parameter that is a struct

functions: dict[int, tuple[str, str, tuple[str, ...], str]] = {}
launched: list[str] = []
_handles = itertools.count(1)


class RawModule:
    """A source, compiled when a kernel of it is first launched."""

    def __init__(
        self, code: Any = None, *, path: Any = None, options: tuple[str, ...] = (), backend: str = "nvrtc"
    ) -> None:
        assert all(type(option) is str for option in options) and path is None
        found = re.match(r'#line 1 "(\w+)\.cu"', code)
        assert found, "sources begin with their name"
        self.file, self.code = found[1], code
        self.macros = tuple(option[2:] for option in options if option.startswith("-D"))

    def get_function(self, name: str) -> Any:
        if name not in _source.kernels(self.file):
            raise runtime.CUDARuntimeError("CUDA_ERROR_NOT_FOUND: named symbol not found")
        handle = next(_handles)
        functions[handle] = self.file, name, self.macros, self.code
        return types.SimpleNamespace(kernel=types.SimpleNamespace(ptr=handle))


def launchKernel(
    f: int, gx: int, gy: int, gz: int, bx: int, by: int, bz: int, shared: int, stream: int, parameters: int, extra: int
) -> None:
    """Run a kernel on the stream of a handle; its arguments are copied at once, as the driver does."""
    for size, most in zip(((gx, gy, gz), (bx, by, bz)), LIMITS, strict=True):
        if not all(1 <= n <= m for n, m in zip(size, most, strict=True)) or (
            size == (bx, by, bz) and bx * by * bz > 1024
        ):
            raise runtime.CUDARuntimeError(
                f"CUDA_ERROR_INVALID_VALUE: a grid of {(gx, gy, gz)} blocks of {(bx, by, bz)} threads"
            )
    file, kernel, macros, code = functions[f]
    declared = _source.kernels(file)[kernel]
    slots = ctypes.cast(parameters, ctypes.POINTER(ctypes.c_void_p))
    sizes = [TABLE if p.type == "Table" else 8 for p in declared]
    held = [ctypes.create_string_buffer(ctypes.string_at(slots[i], size), size) for i, size in enumerate(sizes)]
    places = [int.from_bytes(h.raw, "little") for p, h in zip(declared, held, strict=True) if p.pointer]
    for p, h in zip(declared, held, strict=True):
        if p.type == "Table":
            words = memoryview(h.raw).cast("Q")
            places += [words[i] for i in range(2 * 96) if words[i]]
    memories = [m for m in (runtime.memory_at(place) for place in places if place) if m is not None]
    queue = next(s for s in runtime.world.streams if s.ptr == stream)

    def act() -> None:
        addresses = (ctypes.c_void_p * len(held))(*map(ctypes.addressof, held))
        grid, block = (ctypes.c_uint * 3)(gx, gy, gz), (ctypes.c_uint * 3)(bx, by, bz)
        library = simulator.compiled(file, macros, code)
        failed = getattr(library, f"run_{kernel}")(grid, block, addresses, ctypes.c_uint(0))
        assert not failed, kernel

    launched.append(kernel)
    if queue.graph is not None:
        queue.graph.work.append((kernel, act, [], list(map(address, memories))))
        return
    queue.use_memory([], memories, kernel)
    act()
