"""The stand-ins for cuBLAS and cuDNN on the fake CuPy's streams, where their work can be captured; and how kernels are plugged in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import blas
from fake_cupy import runtime

import tour
from tour import _compiled
from tour.cuda import _launch, _runner
from tour.cuda._array import CudaArray
from tour.cuda.forms import Forms


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


def plugged(offered: Any) -> Iterator[Any]:
    """tour-cuda's own runner and forms for the fake device, until it is resumed; gives what CuPy is said to offer."""
    _launch.RUNNERS[CudaArray] = _runner.CupyRunner()
    for kernel in _launch.KERNELS.values():
        kernel._forms.clear()
    tour.zeros(1).cuda()
    _compiled.plug_device(CudaArray, Forms())
    yield offered
    _launch.RUNNERS.pop(CudaArray)
    _compiled.DEVICES.pop(CudaArray)
    for socket in _compiled.SOCKETS.values():
        socket.abroad.pop(CudaArray, None)
