"""Copies of arrays whose elements do not follow each other in memory."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tour.numba import _memory as memory
from tour.numba._machine import vector_bits
from tour.numba._native import Kernel
from tour.numba.forms._sharing import parts_for

Array = Any

_rows, _squares = Kernel("copying.rows"), Kernel("copying.squares")

LEAST = 1 << 14  # elements of a part
LANES = vector_bits() // 32


def _axes(a: Array) -> list[tuple[int, int]]:
    """Size and stride of each dimension; neighbours that are as one in memory are one."""
    axes: list[tuple[int, int]] = []
    for n, stride in zip(a.shape, a.strides, strict=True):
        if n == 1:
            continue
        if axes and axes[-1][1] == n * stride:
            axes[-1] = axes[-1][0] * n, stride
        else:
            axes.append((n, stride))
    return axes


def dense(a: Array) -> Any:
    """A copy in row-major order: of numbers of 4 or 8 bytes in rows, or of 4 in planes whose columns lie together."""
    size = a.itemsize
    if size not in (4, 8) or a.dtype.hasobject or not a.flags.aligned or not a.size:
        return NotImplemented
    axes = _axes(a)
    if len(axes) < 2:
        return NotImplemented
    *outer, last = axes
    if last[1] == size:
        out, table = memory.empty(a.shape, a.dtype), np.array(outer, np.int64)
        _rows(parts_for(a.size, LEAST), a, out, table, len(outer), prod(a.shape) // last[0], last[0] * size // 4)
        return out
    columns = next((i for i, (_, stride) in enumerate(outer) if stride == size), None)
    if size != 4 or columns is None:
        return NotImplemented
    n = outer.pop(columns)[0]
    row = 4 * prod([m for m, _ in axes[columns + 1 :]])  # bytes of the copy from one column to the next
    steps = [4 * prod([m for m, _ in axes[i + 1 :]]) for i in range(len(axes) - 1) if i != columns]
    table = np.array([(*axis, step) for axis, step in zip(outer, steps, strict=True)], np.int64)
    out, places = memory.empty(a.shape, a.dtype), row * np.arange(LANES, dtype=np.int64)
    _squares(parts_for(a.size, LEAST), a, out, table, len(outer), prod([m for m, _ in outer]), n, row, *last, places)
    return out
