"""Where forms put their results."""

from __future__ import annotations

from typing import Any

import numpy as np

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


def empty(shape: tuple[int, ...], dtype: Any = F32) -> Any:
    """Room for numbers, of float32 if nothing else is said."""
    return np.empty(shape, dtype)


def zeros(shape: tuple[int, ...], dtype: Any = F32) -> Any:
    """Zeros, of float32 if nothing else is said."""
    return np.zeros(shape, dtype)


def dense(a: Any) -> Any:
    """The array itself if its elements follow each other in memory, else a copy."""
    return a if a.flags.c_contiguous else np.ascontiguousarray(a)
