"""The simulator of kernels on the fake CuPy's memory and streams: what is captured is noted, and runs when it is replayed."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import blas
import numpy as np
import simulator
from fake_cupy import runtime
from fake_cupy.arrays import address, fresh

import tour
from tour import _compiled
from tour.cuda import _launch, _source
from tour.cuda._array import CudaArray
from tour.cuda.forms import Forms


class OnFake(simulator.Simulator):
    """See above."""

    def __init__(self) -> None:
        super().__init__(
            lambda a: a if isinstance(a, np.ndarray) else a.array.host, lambda host: CudaArray(fresh(host))
        )

    def capturing(self) -> bool:
        return runtime.current_stream().graph is not None

    def launch(self, function: Any, grid: Any, parameters: int, arrays: list[Any]) -> None:
        memories, run = [a.array.memory for a in arrays], super().launch
        if not self.capturing():
            runtime.current_stream().use_memory([], memories, function[1])
            run(function, grid, parameters, arrays)
            return
        declared = _source.kernels(function[0])[function[1]]
        slots = ctypes.cast(parameters, ctypes.POINTER(ctypes.c_void_p))
        sizes = [
            2312 if p.type == "Table" else 8 for p in declared
        ]  # arguments are copied at the launch, as a driver does
        held = [ctypes.create_string_buffer(ctypes.string_at(slots[i], size), size) for i, size in enumerate(sizes)]
        hosts = list(map(self.host, arrays))

        def act() -> None:
            again = [ctypes.create_string_buffer(h.raw, len(h)) for h in held]
            addresses = (ctypes.c_void_p * len(held))(*map(ctypes.addressof, again))
            run(function, grid, ctypes.addressof(addresses), hosts)

        runtime.current_stream().graph.work.append((function[1], act, [], list(map(address, memories))))


class Blas:
    """The stand-in for cuBLAS, on the fake CuPy's streams."""

    def __getattr__(self, name: str) -> Any:
        return getattr(blas, name)

    def cublasGemmStridedBatchedEx(self, *args: Any) -> int:
        graph = runtime.current_stream().graph
        if graph is None:
            return blas.cublasGemmStridedBatchedEx(*args)
        graph.work.append(("gemm", lambda: blas.cublasGemmStridedBatchedEx(*args), [], []))
        return 0


def start(act: Any) -> None:
    """Work of cuDNN: now, or when a graph is replayed."""
    graph = runtime.current_stream().graph
    if graph is None:
        act()
    else:
        graph.work.append(("cudnn", act, [], []))


def plugged(runner: Any = OnFake, given: Any = None) -> Iterator[Any]:
    """The fake device with kernels that a runner launches, until it is resumed."""
    found = _launch.RUNNERS[CudaArray] = runner()
    for kernel in _launch.KERNELS.values():
        kernel._forms.clear()
    tour.zeros(1).cuda()
    _compiled.plug_device(CudaArray, Forms())
    yield found if given is None else given
    _launch.RUNNERS.pop(CudaArray)
    _compiled.DEVICES.pop(CudaArray)
    for socket in _compiled.SOCKETS.values():
        socket.abroad.pop(CudaArray, None)
