"""Which devices there are, which is current, and what they can do."""

from __future__ import annotations

from typing import Any, NamedTuple

from tour.cuda import _bounds, _cupy, _faults
from tour.cuda._backend import backend

__all__ = [
    "can_device_access_peer", "current_device", "device", "device_count", "device_of", "get_device_capability", "get_device_name",
    "get_device_properties", "init", "ipc_collect", "is_available", "is_bf16_supported", "is_initialized", "set_device", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """Whether a CUDA device can be used; never an error.

    Examples:
        >>> import tour
        >>> isinstance(tour.cuda.is_available(), bool)
        True
    """
    return device_count() > 0


def device_count() -> int:
    """How many CUDA devices can be used."""
    return _cupy.count()


def is_initialized() -> bool:
    """Whether this process has used a CUDA device."""
    return _cupy.used()


def init() -> None:
    """Look for a device now rather than at its first use.

    Raises:
        RuntimeError: If no CUDA device can be used; says what is missing.
    """
    _cupy.ready()


def current_device() -> int:
    """The number of the device that is used when none is named.

    Raises:
        RuntimeError: If no CUDA device can be used.
    """
    return backend.current()


def set_device(device: Any) -> None:
    """Make a device the current one, until another is; negative numbers do nothing.

    Raises:
        RuntimeError: If there is no such device.
    """
    if (i := index_of(device)) >= 0:
        backend.check_index(i)
        _cupy.ready().cuda.Device(i).use()


class device:
    """A block in which a device is the current one; None and negative numbers change nothing.

    Args:
        device: A number, a name such as `"cuda:1"`, or a `tour.device`.
    """

    def __init__(self, device: Any) -> None:
        self.idx = -1 if device is None else index_of(device)
        self.prev_idx = -1

    def __enter__(self) -> None:
        if self.idx >= 0:
            self.prev_idx = current_device()
            set_device(self.idx)

    def __exit__(self, *_: object) -> None:
        if self.idx >= 0:
            set_device(self.prev_idx)


class device_of(device):
    """A block in which the device of a tensor is the current one; a tensor of the CPU changes nothing."""

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.device.index if obj.is_cuda else None)


def synchronize(device: Any = None) -> None:
    """Wait until a device has finished all it was given; the current one unless another is named.

    Raises:
        RuntimeError: If no CUDA device can be used.
        IndexError: If a kernel has met an index out of range.
    """
    _cupy.ready().cuda.Device(index_of(device)).synchronize()
    _bounds.look()
    _faults.check()


class Properties(NamedTuple):
    """What a device is.

    Attributes:
        name: Its product name.
        major: Its compute capability, before the point.
        minor: And behind it.
        total_memory: Bytes of memory.
        multi_processor_count: How many multiprocessors it has.
        warp_size: Threads that go in step.
        max_threads_per_multi_processor: Threads that a multiprocessor holds.
        L2_cache_size: Bytes of its second-level cache.
    """

    name: str
    major: int
    minor: int
    total_memory: int
    multi_processor_count: int
    warp_size: int
    max_threads_per_multi_processor: int
    L2_cache_size: int


def get_device_properties(device: Any = None) -> Properties:
    """What a device is.

    Raises:
        RuntimeError: If no CUDA device can be used, or there is no such one.
    """
    module, i = _cupy.ready(), index_of(device)
    backend.check_index(i)
    found = module.cuda.runtime.getDeviceProperties(i)
    names = (
        "major", "minor", "totalGlobalMem", "multiProcessorCount", "warpSize", "maxThreadsPerMultiProcessor", "l2CacheSize",
    )  # fmt: skip
    return Properties(found["name"].decode(), *(int(found[name]) for name in names))


def get_device_name(device: Any = None) -> str:
    """The product name of a device."""
    return get_device_properties(device).name


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The compute capability of a device, such as (9, 0)."""
    found = get_device_properties(device)
    return found.major, found.minor


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the current device computes in bfloat16; False where there is none."""
    return is_available() and (including_emulation or get_device_capability()[0] >= 8)


def can_device_access_peer(device: Any, peer_device: Any) -> bool:
    """Whether one device can read the memory of another."""
    return bool(_cupy.ready().cuda.runtime.deviceCanAccessPeer(index_of(device), index_of(peer_device)))


def ipc_collect() -> None:
    """Do nothing: memory is not shared between processes."""


def index_of(device: Any) -> int:
    """The number of a device; the current one's for None and for `"cuda"`.

    Raises:
        ValueError: If it is no CUDA device.
    """
    from tour import device as Device

    if device is None:
        return backend.current()
    if isinstance(device, int):
        return device
    found = Device(device)
    if found.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {found}")
    return backend.current() if found.index is None else found.index
