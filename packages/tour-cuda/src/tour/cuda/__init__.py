"""The CUDA device: `x.cuda()` puts a tensor on an NVIDIA GPU, where CuPy computes.

Importing this package never fails: without CuPy, a driver or a GPU, `is_available()` is False.
"""

from __future__ import annotations

from typing import Any

from tour.cuda import _cupy
from tour.cuda._backend import backend as backend

__all__ = [
    "backend", "current_device", "device_count", "empty_cache", "get_device_name", "is_available", "manual_seed",
    "manual_seed_all", "memory_allocated", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """Whether a CUDA device can be used.

    Examples:
        >>> import tour
        >>> isinstance(tour.cuda.is_available(), bool)
        True
    """
    return device_count() > 0


def device_count() -> int:
    """How many CUDA devices can be used."""
    return _cupy.count()


def current_device() -> int:
    """The number of the device that is used when none is named.

    Raises:
        RuntimeError: If no CUDA device can be used.
    """
    return backend.current()


def synchronize(device: Any = None) -> None:
    """Wait until a device has finished all it was given; the current one unless another is named.

    Raises:
        RuntimeError: If no CUDA device can be used.
    """
    module = _cupy.ready()
    module.cuda.Device(_index(device)).synchronize()


def get_device_name(device: Any = None) -> str:
    """The product name of a device.

    Raises:
        RuntimeError: If no CUDA device can be used.
    """
    properties = _cupy.ready().cuda.runtime.getDeviceProperties(_index(device))
    return properties["name"].decode()  # type: ignore[no-any-return]


def memory_allocated(device: Any = None) -> int:
    """Bytes of a device's memory that arrays occupy; 0 where no device can be used."""
    if not is_available():
        return 0
    with _cupy.cupy().cuda.Device(_index(device)):
        return int(_cupy.cupy().get_default_memory_pool().used_bytes())


def empty_cache() -> None:
    """Give memory that no array occupies back to the driver; does nothing where no device can be used."""
    if is_available():
        _cupy.cupy().get_default_memory_pool().free_all_blocks()


def manual_seed(seed: int) -> None:
    """Seed the generator. Tensors on every device are filled from one stream, the CPU's, so this is `tour.manual_seed`."""
    import tour

    tour.manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    """Seed the generator of every device, which is one; see `manual_seed`."""
    manual_seed(seed)


def _index(device: Any) -> int:
    from tour import device as Device

    if device is None:
        return backend.current()
    index = Device(device).index
    return backend.current() if index is None else index
