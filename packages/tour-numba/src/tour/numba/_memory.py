"""Where forms put their results."""

from __future__ import annotations

from typing import Any

import numpy as np

F32 = np.dtype(np.float32)


def empty(shape: tuple[int, ...]) -> Any:
    """Room for float32 numbers."""
    return np.empty(shape, F32)


def zeros(shape: tuple[int, ...]) -> Any:
    """Zeros in float32."""
    return np.zeros(shape, F32)


def dense(a: Any) -> Any:
    """The array itself if its elements follow each other in memory, else a copy."""
    return a if a.flags.c_contiguous else np.ascontiguousarray(a)
