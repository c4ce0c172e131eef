"""Running sums and products along any dimension, running extremes along the last one."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tour.numba import _memory as memory
from tour.numba._native import Kernel
from tour.numba.forms._sharing import pair, parts_for

Array = Any
LEAST = 1 << 14  # elements of a part


_cumsum, _cumprod = pair("scans.cumsum"), pair("scans.cumprod")
_cumsum_down, _cumprod_down = pair("scans.cumsum_down"), pair("scans.cumprod_down")
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


def _joined(along: dict[Any, Kernel], down: dict[Any, Kernel], a: Array, dim: int) -> Any:
    """Running sums or products."""
    if a.dtype not in down or not a.ndim or dim == a.ndim - 1 or not a.size:
        found = _along_rows(along, a, dim)
        return found if found is NotImplemented else found[0]
    width = prod(a.shape[dim + 1 :])
    out = np.empty(a.shape, a.dtype)
    parts = max(1, min(parts_for(a.size, LEAST), width // 64))
    down[a.dtype](parts, memory.dense(a), out, np.empty(width), prod(a.shape[:dim]), a.shape[dim], width)
    return out


def cumsum(a: Array, dim: int) -> Any:
    """Running sums."""
    return _joined(_cumsum, _cumsum_down, a, dim)


def cumprod(a: Array, dim: int) -> Any:
    """Running products."""
    return _joined(_cumprod, _cumprod_down, a, dim)


def cummax(a: Array, dim: int) -> Any:
    """Running maxima, and where each stands."""
    return _along_rows(_cummax, a, dim, np.int64)


def cummin(a: Array, dim: int) -> Any:
    """Running minima, and where each stands."""
    return _along_rows(_cummin, a, dim, np.int64)
