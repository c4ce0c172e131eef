"""What forms share: into how many parts they cut their work, and kernels for two dtypes."""

from __future__ import annotations

from typing import Any

from tour.numba import _memory as memory
from tour.numba import _pool
from tour.numba._native import Kernel

STEAL = 4  # parts for each thread, so that one that is interrupted does not hold up the others


def parts_for(work: int, least: int) -> int:
    """Parts of some work, each of at least `least` units: one, or a few for each thread."""
    count = work // least
    if count < 2:
        return 1
    return min(count, STEAL * _pool.threads())


def pair(name: str) -> dict[Any, Kernel]:
    """The kernels of a function by the dtype that they serve: float32 and float64."""
    return {memory.F32: Kernel(f"{name}_4"), memory.F64: Kernel(f"{name}_8")}
