"""A runner that takes NumPy's arrays to a real GPU for each launch and back: the tests of kernels, unchanged, on the device itself.

`TOUR_TEST_GPU=1 python -m pytest packages/tour-cuda/tests` uses it in place of the simulator.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import simulator

from tour.cuda import _cupy, _runner, _source


class OnGpu(simulator.Simulator):
    """See `simulator.Simulator`; `seed` and `texts` have no effect."""

    def __init__(self) -> None:
        super().__init__()
        self.cupy = _cupy.ready()
        self.runner = _runner.CupyRunner()

    def function(self, file: str, kernel: str, defines: tuple[str, ...], like: Any) -> Any:
        found = _runner._module(file, defines).get_function(kernel)
        return file, kernel, (found, found.kernel.ptr)

    def launch(self, function: Any, grid: Any, parameters: int, arrays: list[Any]) -> None:
        file, kernel, compiled = function
        declared = _source.kernels(file)[kernel]
        assert not any(p.type == "Table" for p in declared), "addresses of host memory mean nothing to a GPU"
        self.launched.append(kernel)
        slots = ctypes.cast(parameters, ctypes.POINTER(ctypes.POINTER(ctypes.c_uint64)))
        there = {}
        for a in arrays:
            if a.size:
                guard = simulator.Guarded(a)
                there[self.address(a)] = guard, self.cupy.asarray(guard.memory)
        for i, p in enumerate(declared):
            if p.pointer:  # an address of the host means nothing there, not even that of an empty array
                slots[i][0] = there[slots[i][0]][1].data.ptr + simulator.GUARD if slots[i][0] in there else 0
        any_array = self.cupy.empty(1, np.uint8)
        self.runner.launch(compiled, grid, parameters, [any_array])
        for guard, memory in there.values():
            guard.memory[...] = memory.get()
            guard.close(kernel)
