"""The device that tour-tensor plugs in under the name `cuda`: CuPy's arrays and their transfers."""

from __future__ import annotations

from typing import Any

from tour.cuda import _cupy


class CudaBackend:
    """CUDA devices through CuPy; see `tour._devices.Backend` for what each method promises."""

    name = "cuda"

    def check(self) -> None:
        """Raise RuntimeError, saying what is missing, unless a CUDA device can be used."""
        _cupy.ready()

    @property
    def array_type(self) -> type:
        """`cupy.ndarray`."""
        return _cupy.cupy().ndarray  # type: ignore[no-any-return]

    @property
    def kernels(self) -> Any:
        """The CUDA kernels of this package, for the sockets of `tour._compiled`."""
        from tour.cuda import _runner
        from tour.cuda.forms import Forms

        _runner.plug()
        return Forms()

    def current(self) -> int:
        """The number of the device that is used when none is named."""
        return int(_cupy.ready().cuda.runtime.getDevice())

    def index_of(self, array: Any) -> int:
        """The number of the device that holds a CuPy array."""
        return int(array.device.id)

    def from_host(self, array: Any, index: int) -> Any:
        """A copy of a NumPy array on device `index`.

        Raises:
            RuntimeError: If there is no such device.
        """
        module = _cupy.ready()
        self._check_index(index)
        with module.cuda.Device(index):
            return module.asarray(array)

    def to_host(self, array: Any) -> Any:
        """A copy of a CuPy array as a NumPy array; waits for the device."""
        return array.get()

    def move(self, array: Any, index: int) -> Any:
        """A CuPy array on device `index`: itself when it is there already."""
        if self.index_of(array) == index:
            return array
        self._check_index(index)
        with _cupy.ready().cuda.Device(index):
            return array.copy()

    def _check_index(self, index: int) -> None:
        if not 0 <= index < _cupy.count():
            raise RuntimeError(f"CUDA error: invalid device ordinal cuda:{index}; there are {_cupy.count()} devices")


backend = CudaBackend()
