"""Copies of raw arrays in row-major order, and reshaping, which makes one where the strides allow no view."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour._compiled import Socket
from tour._core import ndarray

Array = Any

LARGE = 1 << 16  # elements


def dense(a: Array) -> Array:
    """A copy in row-major order; NumPy copies a large transposed matrix in stripes at a fifth of the time."""
    if type(a) is not ndarray or a.size < LARGE:
        return a.copy(order="C")
    if (r := _DENSE.form(a)) is not NotImplemented:
        return r
    if a.ndim != 2 or not a.flags.f_contiguous:
        return a.copy(order="C")
    out = np.empty(a.shape, a.dtype)
    for i in range(0, a.shape[1], 8):
        out[:, i : i + 8] = a[:, i : i + 8]
    return out


def reshaped(a: Any, shape: tuple[int, ...]) -> Any:
    """An array or a tensor in another shape: a view where the strides allow it."""
    if type(a) is ndarray and a.size >= LARGE and not a.flags.c_contiguous:
        try:
            return a.reshape(shape, copy=False)
        except ValueError:
            a = dense(a)
    return a.reshape(shape)


_DENSE = Socket(dense)
