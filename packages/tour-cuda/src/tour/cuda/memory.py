"""How much memory of a device is used, by whom, and how to give some back."""

from __future__ import annotations

import collections
from typing import Any

from tour.cuda import _cupy
from tour.cuda._memory import OutOfMemoryError, misses
from tour.cuda.devices import index_of, is_available

__all__ = [
    "OutOfMemoryError", "empty_cache", "max_memory_allocated", "max_memory_reserved", "mem_get_info", "memory_allocated",
    "memory_reserved", "memory_stats", "memory_summary", "reset_max_memory_allocated", "reset_peak_memory_stats",
    "set_per_process_memory_fraction",
]  # fmt: skip


class _Peaks:
    """The most that has been used at once, on each device; counted from the first question on, as counting costs time."""

    def __init__(self) -> None:
        self.hook: Any = None
        self.allocated: dict[int, int] = collections.defaultdict(int)
        self.reserved: dict[int, int] = collections.defaultdict(int)

    def look(self, i: int) -> None:
        """Begin to count, if nobody has; and count what is used now."""
        module = _cupy.module()
        if self.hook is None:
            self.hook = _hook(module, self)
            self.hook.__enter__()
        with module.cuda.Device(i):
            pool = module.get_default_memory_pool()
            self.allocated[i] = max(self.allocated[i], pool.used_bytes())
            self.reserved[i] = max(self.reserved[i], pool.total_bytes())

    def forget(self) -> None:
        """Count nothing any more."""
        if self.hook is not None:
            self.hook.__exit__(None, None, None)
        self.__init__()  # type: ignore[misc]


def _hook(module: Any, peaks: _Peaks) -> Any:
    class Hook(module.cuda.MemoryHook):  # type: ignore[misc]
        name = "tour"

        def malloc_postprocess(self, **of: Any) -> None:
            peaks.look(of["device_id"])

    return Hook()


peaks = _Peaks()


def memory_allocated(device: Any = None) -> int:
    """Bytes of a device's memory that tensors occupy; 0 where no device can be used."""
    return _pool(device, "used_bytes")


def memory_reserved(device: Any = None) -> int:
    """Bytes that this process has taken from a device, those that it keeps for later among them."""
    return _pool(device, "total_bytes")


def _pool(device: Any, what: str) -> int:
    if not is_available():
        return 0
    module = _cupy.ready()
    with module.cuda.Device(index_of(device)):
        return int(getattr(module.get_default_memory_pool(), what)())


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that tensors have occupied at once, since peaks were first asked for or last reset."""
    return _peak(device, peaks.allocated)


def max_memory_reserved(device: Any = None) -> int:
    """The most bytes that this process has held at once, since peaks were first asked for or last reset."""
    return _peak(device, peaks.reserved)


def _peak(device: Any, of: dict[int, int]) -> int:
    if not is_available():
        return 0
    _cupy.ready()
    i = index_of(device)
    peaks.look(i)
    return of[i]


def reset_peak_memory_stats(device: Any = None) -> None:
    """Begin to count peaks anew."""
    if is_available():
        _cupy.ready()
        i = index_of(device)
        peaks.allocated[i] = peaks.reserved[i] = 0
        peaks.look(i)


reset_max_memory_allocated = reset_peak_memory_stats


def memory_stats(device: Any = None) -> dict[str, int]:
    """What is known of the memory of a device, by PyTorch's names."""
    return {
        "allocated_bytes.all.current": memory_allocated(device),
        "allocated_bytes.all.peak": max_memory_allocated(device),
        "num_ooms": misses.count,
        "reserved_bytes.all.current": memory_reserved(device),
        "reserved_bytes.all.peak": max_memory_reserved(device),
    }


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """The same as a table to print."""
    return "\n".join(f"{name:<30}{n:>20,}" for name, n in memory_stats(device).items())


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Free bytes of a device, and all it has; other processes count too."""
    module = _cupy.ready()
    with module.cuda.Device(index_of(device)):
        free, total = module.cuda.runtime.memGetInfo()
    return int(free), int(total)


def empty_cache() -> None:
    """Give memory that no tensor occupies back to the driver; does nothing where no device has been used."""
    if _cupy.used():
        _cupy.module().get_default_memory_pool().free_all_blocks()


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """Let tensors take no more than a part of a device's memory.

    Raises:
        ValueError: If the fraction is not between 0 and 1.
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"Invalid fraction value: {fraction}. Allowed range: 0~1")
    module = _cupy.ready()
    with module.cuda.Device(index_of(device)):
        module.get_default_memory_pool().set_limit(fraction=fraction)
