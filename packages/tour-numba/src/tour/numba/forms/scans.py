"""Running sums, products and extremes along the last dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.numba import _memory as memory
from tour.numba._native import Kernel
from tour.numba.forms._sharing import parts_for

Array = Any
LEAST = 1 << 14  # elements of a part
F64 = np.dtype(np.float64)

_cumsum = {memory.F32: Kernel("scans.cumsum_4"), F64: Kernel("scans.cumsum_8")}
_cumprod = {memory.F32: Kernel("scans.cumprod_4"), F64: Kernel("scans.cumprod_8")}
_cummax, _cummin = (
    {np.dtype(d): Kernel(f"scans.{name}_{d}") for d in ("f4", "f8", "i4", "i8")} for name in ("cummax", "cummin")
)


def _along_rows(kernels: dict[Any, Kernel], a: Array, dim: int, *results: Any) -> Any:
    """Results of some dtypes in the shape of an array."""
    if a.dtype not in kernels or not a.ndim or dim != a.ndim - 1 or not a.size:
        return NotImplemented
    n = a.shape[-1]
    count = a.size // n
    out = [np.empty(a.shape, dtype) for dtype in (a.dtype, *results)]
    kernels[a.dtype](max(1, min(parts_for(a.size, LEAST), count)), memory.dense(a), *out, count, n)
    return out


def cumsum(a: Array, dim: int) -> Any:
    """Running sums."""
    found = _along_rows(_cumsum, a, dim)
    return found if found is NotImplemented else found[0]


def cumprod(a: Array, dim: int) -> Any:
    """Running products."""
    found = _along_rows(_cumprod, a, dim)
    return found if found is NotImplemented else found[0]


def cummax(a: Array, dim: int) -> Any:
    """Running maxima, and where each stands."""
    return _along_rows(_cummax, a, dim, np.int64)


def cummin(a: Array, dim: int) -> Any:
    """Running minima, and where each stands."""
    return _along_rows(_cummin, a, dim, np.int64)
