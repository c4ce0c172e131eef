"""The device that tour-tensor plugs in under the name `cuda`: its arrays and their transfers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.cuda import _cupy, _memory
from tour.cuda._array import CudaArray


class CudaBackend:
    """CUDA devices through CuPy; see `tour._devices.Backend` for what each method promises."""

    name = "cuda"
    array_type = CudaArray

    def check(self) -> None:
        """Raise RuntimeError, saying what is missing, unless a CUDA device can be used."""
        _cupy.ready()

    @property
    def kernels(self) -> Any:
        """The CUDA kernels of this package, for the sockets of `tour._compiled`; None where nothing compiles them."""
        if not hasattr(_cupy.ready(), "RawModule"):
            return None
        from tour.cuda import _runner
        from tour.cuda.forms import Forms

        _runner.plug()
        return Forms()

    def current(self) -> int:
        """The number of the device that is used when none is named."""
        return int(_cupy.ready().cuda.runtime.getDevice())

    def index_of(self, array: CudaArray) -> int:
        """The number of the device that holds an array."""
        return int(array.array.data.device_id)

    def from_host(self, array: Any, index: int) -> CudaArray:
        """A copy of a NumPy array on device `index`.

        Raises:
            RuntimeError: If there is no such device.
            OutOfMemoryError: If it has no memory for it.
        """
        made = self.from_pinned(array, index)
        if _memory.is_pinned(array):  # else the copy has left this memory already
            with _cupy.module().cuda.Device(index):
                _cupy.module().cuda.get_current_stream().synchronize()
        return made

    def from_pinned(self, array: Any, index: int) -> CudaArray:
        """The same, but memory that is pinned is copied while the host goes on; it must not be written meanwhile."""
        module = _cupy.ready()
        self.check_index(index)
        with module.cuda.Device(index):
            try:
                made = CudaArray(_memory.with_room(module.asarray, (array,), {}))
            except RuntimeError:
                _memory.refuse_while_capturing()
                raise
            if _memory.is_pinned(array):
                _memory.keep(array)
            return made

    def from_dlpack(self, other: Any) -> CudaArray:
        """An array that shares the memory of another library's, by DLPack."""
        return CudaArray(_cupy.ready().from_dlpack(other))

    pin, is_pinned = staticmethod(_memory.pin), staticmethod(_memory.is_pinned)

    def record_stream(self, array: CudaArray, stream: Any) -> None:
        """Keep the memory of an array until a stream has done what it has been given so far."""
        _memory.keep_until(array, stream)

    def full(self, shape: tuple[int, ...], value: Any, dtype: Any, index: int) -> CudaArray:
        """An array on device `index` that is full of one value, which nobody had to send."""
        module = _cupy.ready()
        self.check_index(index)
        with module.cuda.Device(index):
            return CudaArray(
                _memory.with_room(
                    module.full, (shape, value[()] if isinstance(value, np.ndarray) else value, dtype), {}
                )
            )

    def to_host(self, array: CudaArray) -> Any:
        """A copy as a NumPy array; waits for the device."""
        return _memory.to_host(array.array)

    def to_pinned(self, array: CudaArray) -> Any:
        """A copy in pinned memory, which is complete when the current stream has got there; the host goes on."""
        made = _memory.empty_pinned(array.shape, array.dtype)
        self.into_pinned(array, made)
        return made

    def into_pinned(self, array: CudaArray, target: Any) -> bool:
        """Copy into a NumPy array while the host goes on; False, with nothing copied, where that is not pinned or has gaps."""
        if not (_memory.is_pinned(target) and target.flags.c_contiguous and array.flags.c_contiguous):
            return False
        with _cupy.module().cuda.Device(self.index_of(array)):
            array.array.get(out=target, blocking=False)
            _memory.keep(target)
        return True

    def move(self, array: CudaArray, index: int) -> CudaArray:
        """An array on device `index`: itself when it is there already."""
        if self.index_of(array) == index:
            return array
        self.check_index(index)
        module = _cupy.ready()
        with module.cuda.Device(self.index_of(array)):
            ready = module.cuda.get_current_stream().record()
        with module.cuda.Device(index):
            module.cuda.get_current_stream().wait_event(ready)
            made = CudaArray(_memory.with_room(array.array.copy, (), {}))
            done = module.cuda.get_current_stream().record()
        with module.cuda.Device(self.index_of(array)):  # whose memory may be given to others from here on
            module.cuda.get_current_stream().wait_event(done)
        return made

    def check_index(self, index: int) -> None:
        """Refuse the number of a device that is not there."""
        if not 0 <= index < _cupy.count():
            raise RuntimeError(f"CUDA error: invalid device ordinal cuda:{index}; there are {_cupy.count()} devices")


backend = CudaBackend()
