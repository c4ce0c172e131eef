"""`cupy.cuda` of the fake device."""

from __future__ import annotations

import types
from typing import Any

import numpy as np

from . import arrays
from . import runtime as _runtime
from .runtime import CUDARuntimeError, Event, Graph, OutOfMemoryError, Stream, using_allocator

__all__ = [
    "Device",
    "Event",
    "Graph",
    "MemoryPool",
    "Stream",
    "get_current_stream",
    "get_elapsed_time",
    "using_allocator",
]


class _Null:
    """`Stream.null`: that of the current device."""

    def __get__(self, *_: object) -> Stream:
        return _runtime.world.null[_runtime.world.state.device]


Stream.null = _Null()
MemoryPool = _runtime.Pool
MemoryHook = _runtime.MemoryHook
MemoryPointer = arrays.MemoryPointer
get_current_stream = lambda device_id=-1: _runtime.current_stream()  # noqa: E731


def ExternalStream(ptr: int, device_id: int = -1) -> Stream:
    """Another object for the stream of that handle."""
    return next(s for s in _runtime.world.streams if s.ptr == ptr)


def get_elapsed_time(start: Event, end: Event) -> float:
    if start.disable_timing or end.disable_timing or not (start.done and end.done):
        raise CUDARuntimeError("cudaErrorNotReady: an event has not been reached, or was made without timing")
    return 1.0


class Device:
    """A device; inside `with`, the current one."""

    def __init__(self, device: int | None = None) -> None:
        self.id = _runtime.world.state.device if device is None else int(device)
        self.before: list[int] = []

    def use(self) -> None:
        if not 0 <= self.id < len(_runtime.world.null):
            raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        _runtime.world.state.device = self.id

    def __enter__(self) -> Device:
        self.before.append(_runtime.world.state.device)
        self.use()
        return self

    def __exit__(self, *_: object) -> None:
        _runtime.world.state.device = self.before.pop()

    def synchronize(self) -> None:
        clock: dict[int, int] = {}
        for stream in _runtime.world.streams:
            if stream.device_id == self.id:
                _runtime.merge(clock, stream.clock)
        _runtime.host_waits(clock, "a device was waited for")

    @property
    def mem_info(self) -> tuple[int, int]:
        return _runtime.world.memory - _runtime.world.used[self.id], _runtime.world.memory

    compute_capability = "90"


def is_available() -> bool:
    return True


def empty_pinned(shape: Any, dtype: Any = float, order: str = "C") -> np.ndarray:
    host = np.empty(shape, dtype, order)
    arrays.pinned.add(id(host))
    return host


runtime = types.SimpleNamespace(
    CUDARuntimeError=CUDARuntimeError,
    getDeviceCount=lambda: len(_runtime.world.null),
    getDevice=lambda: _runtime.world.state.device,
    setDevice=lambda i: Device(i).use(),
    memGetInfo=lambda: Device().mem_info,
    getDeviceProperties=lambda i: {
        "name": b"Fake H100", "major": 9, "minor": 0, "totalGlobalMem": _runtime.world.memory, "multiProcessorCount": 132,
        "warpSize": 32, "maxThreadsPerMultiProcessor": 2048, "integrated": 0, "isMultiGpuBoard": 0, "l2CacheSize": 50 << 20,
    },
    deviceCanAccessPeer=lambda a, b: 1,
    streamCaptureModeThreadLocal=1, streamCaptureModeRelaxed=2, streamCaptureModeGlobal=0,
    runtimeGetVersion=lambda: 13000, driverGetVersion=lambda: 13000,
)  # fmt: skip
memory = types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError, MemoryPool=MemoryPool, MemoryPointer=MemoryPointer)
ranges: list[Any] = []
nvtx = types.SimpleNamespace(
    RangePush=lambda message, id_color=-1: ranges.append(message),
    RangePop=lambda: ranges.pop(),
    Mark=lambda message, id_color=-1: None,
)
