"""Memory of the device: transfers, pinned memory, and what happens when none is left."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from tour.cuda import _bounds, _cupy, _faults


class OutOfMemoryError(RuntimeError):
    """A CUDA device has no memory left for a tensor. All tensors stay as they were."""


class Misses:
    """How often memory has run out."""

    count = 0


misses = Misses()


def with_room(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Call a function; when memory runs out, collect garbage, empty the cache, and try once more.

    Raises:
        OutOfMemoryError: If there is still none.
    """
    for last in (False, True):
        try:
            return function(*args, **kwargs)
        except MemoryError as error:
            # Giving memory back would end a capture.
            if not last and not _cupy.module().cuda.get_current_stream().is_capturing():
                continue_after_cleaning()
                continue
            misses.count += 1
            raise out_of_memory(str(error)) from None
    raise AssertionError


def continue_after_cleaning() -> None:
    """Make room: drop garbage, and give cached memory back to the driver."""
    gc.collect()
    _cupy.module().get_default_memory_pool().free_all_blocks()


def out_of_memory(reason: str) -> OutOfMemoryError:
    """What to tell: what was asked for, and where the memory is."""
    module = _cupy.module()
    free, total = module.cuda.runtime.memGetInfo()
    pool = module.get_default_memory_pool()
    return OutOfMemoryError(
        f"CUDA out of memory on cuda:{_cupy.current()}. {reason} The device has {_size(total)}, of which {_size(free)} are "
        f"free; tensors of this process occupy {_size(pool.used_bytes())}, its cache {_size(pool.free_bytes())}. "
        "Tensors that are still needed are unharmed; smaller batches, or `del` of what is not needed, make room."
    )


def _size(n: int) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if n < 1024:
            return f"{n:.0f} {unit}" if unit == "bytes" else f"{n:.2f} {unit}"
        n /= 1024  # type: ignore[assignment]
    return f"{n:.2f} GiB"


def to_host(array: Any) -> np.ndarray[Any, Any]:
    """A copy of a CuPy array in the memory of the host; waits for the device."""
    if _cupy.several() and (home := int(array.data.device_id)) != _cupy.current():
        with _cupy.module().cuda.Device(home):
            return to_host(array)
    try:
        found = array.get()
    except RuntimeError:
        refuse_while_capturing()
        raise
    _bounds.look()
    _faults.check()
    return found  # type: ignore[no-any-return]


def refuse_while_capturing() -> None:
    """Say what is wrong with a copy between host and device that a graph was to capture.

    Raises:
        RuntimeError: If one is being captured.
    """
    if _cupy.module().cuda.get_current_stream().is_capturing():
        raise RuntimeError(
            "while a graph is captured nothing can be copied between host and device: a replay repeats work of the device alone. Copy "
            "inputs into tensors of the device before replay(), and read results after it"
        ) from None


# --- Pinned memory ----------------------------------------------------------------------------------------------------------

_pinned: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()  # arrays that own pinned memory, by `id`


def pin(array: Any) -> np.ndarray[Any, Any]:
    """A copy of a NumPy array in memory that the device can copy from while the host goes on.

    Raises:
        RuntimeError: If no CUDA device can be used.
    """
    _cupy.ready()
    made = empty_pinned(array.shape, array.dtype)
    made[...] = array
    return made


def empty_pinned(shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """An array in such memory, not filled."""
    made: np.ndarray[Any, Any] = import_module("cupyx").empty_pinned(shape, dtype)
    _pinned[id(made)] = made
    return made


def is_pinned(array: Any) -> bool:
    """Whether a NumPy array lies in memory made by `pin`."""
    while isinstance(array, np.ndarray):
        if id(array) in _pinned:
            return True
        array = array.base
    return False


# --- Memory that another stream still uses --------------------------------------------------------------------------------------

_kept: list[tuple[Any, Any]] = []  # CuPy's events, and arrays that are kept until they have passed


def keep_until(array: Any, stream: Any) -> None:
    """Keep an array until a stream has done what it has been given so far; memory is reused in the order of its own stream."""
    if not _cupy.module().cuda.get_current_stream().is_capturing():  # which a question after an event would end
        _kept[:] = [(event, kept) for event, kept in _kept if not event.done]
    _kept.append((stream.record_event()._event, array))


def keep(array: Any) -> None:
    """Keep pinned memory until the copy that the current stream has just been given is over: its pool would give it away at once."""
    _kept[:] = [(event, kept) for event, kept in _kept if not event.done]
    _kept.append((_cupy.module().cuda.get_current_stream().record(), array))


def forget() -> None:
    """Keep nothing any more: another module takes the place of CuPy."""
    _kept.clear()
