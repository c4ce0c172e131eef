"""Kernels on CUDA arrays: sources compiled by NVRTC at first use, kept on disk by CuPy, launched through the driver's own function."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from tour.cuda import _cupy, _memory, _source
from tour.cuda._array import CudaArray
from tour.cuda._launch import RUNNERS, Array, Grid

OPTIONS = ("-std=c++17",)


@cache
def _module(file: str, defines: tuple[str, ...]) -> Any:
    options = (*OPTIONS, *(f"-D{define}" for define in defines))
    return _cupy.ready().RawModule(code=_source.text(file), options=options)


class CupyRunner:
    """See `_launch.Runner`."""

    libraries = True  # such as cuDNN take these arrays

    @property
    def several(self) -> bool:
        """Whether there is more than one device."""
        return _cupy.several()

    def __init__(self) -> None:
        self.cupy = _cupy.ready()
        self._launch = import_module("cupy_backends.cuda.api.driver").launchKernel
        self._stream = self.cupy.cuda.get_current_stream

    def function(self, file: str, kernel: str, defines: tuple[str, ...], like: Array) -> Any:
        """A CuPy kernel, and its handle on the device of `like`."""
        with like.device:
            found = _module(file, defines).get_function(kernel)
            return found, found.kernel.ptr

    def launch(self, function: Any, grid: Grid, parameters: int, arrays: list[Array]) -> None:
        """Start it on the stream that is current on the arrays' device."""
        where = arrays[0].device
        if where.id != self.cupy.cuda.runtime.getDevice():
            with where:
                return self.launch(function, grid, parameters, arrays)
        stream = self._stream().ptr
        return self._launch(function[1], *grid.blocks, *grid.threads, 0, stream, parameters, 0)  # type: ignore[no-any-return]

    def address(self, array: Array) -> int:
        """Where its elements begin."""
        return int(array.data.ptr)

    def empty(self, shape: tuple[int, ...], dtype: Any, like: Array) -> Array:
        """From the pool, on the device of `like`."""
        with like.device:
            return CudaArray(_memory.with_room(self.cupy.empty, (shape, dtype), {}))

    def device(self, array: Array) -> int:
        """The device's number."""
        return array.device.id  # type: ignore[no-any-return]

    def on(self, like: Array) -> AbstractContextManager[Any]:
        """Within it the device of `like` is the current one."""
        return like.device  # type: ignore[no-any-return]

    def stream(self, like: Array) -> int:
        """The handle of the current stream of that device."""
        return self._stream(like.device.id).ptr  # type: ignore[no-any-return]

    def capturing(self) -> bool:
        """Whether the current stream is being captured."""
        return bool(self._stream().is_capturing())

    def read(self, array: Array) -> np.ndarray[Any, Any]:
        """A copy on the host."""
        with array.device:
            return array.get()  # type: ignore[no-any-return]


def plug() -> None:
    """Let kernels run on CUDA arrays."""
    if CudaArray not in RUNNERS:
        RUNNERS[CudaArray] = CupyRunner()
