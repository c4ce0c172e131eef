"""Indices out of range, noticed by the device and told at the next synchronisation.

A kernel cannot raise: one that found such an index could only stop the whole process, as `device-side assert` does. Here a small
kernel compares, and leaves the number of the place in a flag of the device, which is looked at when the host waits anyway.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from tour.cuda import _cupy, _faults

_flags: dict[
    int, Any
] = {}  # device: one int32 in its memory, and which places have been noted since it was last looked at
_places: dict[str, int] = {}  # by what to tell: their numbers, from 1
_MOST = 4096  # places remembered: a loop over one line notes it once


def watch(index: Any, low: int, high: int, name: str) -> None:
    """Have the device compare the elements of an index array with the bounds [low, high)."""
    if not index.size:
        return
    text = f"{name}(): an index is out of range, which goes from {low} to {high - 1}{_line()}"
    if text not in _places and len(_places) < _MOST:
        _places[text] = len(_places) + 1
    with _cupy.module().cuda.Device(int(index.data.device_id)):
        found = flag(int(index.data.device_id))
        _kernel()(index, low, high, _places.get(text, _MOST + 1), found, size=index.size)


def flag(device: int) -> Any:
    """Where the current device, whose number this is, notes such places."""
    found = _flags.get(device)
    if found is None:
        found = _flags[device] = _cupy.module().zeros((1,), np.int32)
    return found


def look() -> None:
    """Raise what a kernel has found since the last time; the host has waited for the device.

    Raises:
        IndexError: If an index was out of range; says in which call. Tensors stay usable, but what was computed from it is void.
    """
    told = _faults.look()
    for home, found in _flags.items():
        with _cupy.module().cuda.Device(home):
            number = int(found.get()[0])
            if number:
                found[...] = 0
        if number:
            told = next((text for text, n in _places.items() if n == number), told or "an index is out of range")
    if told:
        raise IndexError(told)


def _kernel() -> Any:
    if not _kernels:
        _kernels.append(
            _cupy.module().ElementwiseKernel(
                "raw T index, int64 low, int64 high, int32 place",
                "raw int32 flag",
                "if (index[i] < low || index[i] >= high) flag[0] = place;",
                "tour_within",
            )
        )
    return _kernels[0]


_kernels: list[Any] = []


def forget() -> None:
    """Forget flags and kernels of another module that took CuPy's place."""
    _flags.clear()
    _kernels.clear()
    _places.clear()


def _line() -> str:
    """The user's line: the nearest one outside tour."""
    frame: Any = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "tour":
        frame = frame.f_back
    return "" if frame is None else f"; called at {frame.f_code.co_filename}:{frame.f_lineno}"
