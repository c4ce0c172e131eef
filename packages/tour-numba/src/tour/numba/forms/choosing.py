"""The k largest, or smallest, of each row."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.numba._native import Kernel
from tour.numba.forms._sharing import parts_for
from tour.numba.forms.sorting import DIGIT, rows_of

Array = Any
LEAST = 1 << 14  # elements of a part
HEAD = 2048  # numbers at the beginning of a row of which the best are chosen at once
COLUMNS = 64  # at least, in which they are seen
MOST = 128  # that are chosen so
ALL_4 = 0xFFFFFFFF

_select = {np.dtype(d): Kernel(f"choosing.select_{d}") for d in ("f4", "f8", "i4", "i8")}
_topk = {np.dtype(d): Kernel(f"choosing.topk_{d}") for d in ("f4", "f8", "i4", "i8")}


def topk(a: Array, k: int, axis: int, largest: bool, sorted: bool) -> Any:
    """The largest, or smallest, of each row and their places; of equal ones the first."""
    if a.dtype not in _topk or axis != a.ndim - 1 or not a.flags.c_contiguous or not 0 < k <= MOST:
        return NotImplemented
    n = a.shape[-1]
    if k * 8 >= n > MOST or not a.size:
        return NotImplemented
    rows, size = a.size // n, a.itemsize
    parts = max(1, min(parts_for(a.size, LEAST), rows))
    values, places = np.empty((*a.shape[:-1], k), a.dtype), np.empty((*a.shape[:-1], k), np.int64)
    columns = MOST if n <= MOST else max(COLUMNS, -(-2 * k // COLUMNS) * COLUMNS)
    head = -(-min(n, HEAD) // COLUMNS) * COLUMNS
    room = -(-max(4 * k, MOST) // 16) * 16  # for numbers that may be among the best: vectors of at most 16
    scratch = np.empty((parts, size * (head + columns) + (3 * size + 16) * room), np.uint8)
    turned = 0 if not largest else ALL_4 if size == 4 else -1
    _topk[a.dtype](
        parts, a, values, places, rows, n, k, turned, head, columns, room, scratch, scratch.shape[1], int(largest)
    )
    return values, places


def ranked(a: Array, rank: int, axis: int) -> Any:
    """Where the elements of a rank stand along a dimension."""
    x = rows_of(a, axis) if a.size and a.ndim and a.shape[axis] < 1 << 31 else None
    if x is None:
        return NotImplemented
    n = x.shape[-1]
    count = x.size // n
    parts = max(1, min(parts_for(a.size, LEAST), count))
    places = np.empty(x.shape[:-1], np.int64)
    scratch = np.empty((parts, 64 + (4 << DIGIT) + 16 * n), np.uint8)
    _select[x.dtype](parts, x, places, count, n, rank, scratch, scratch.shape[1])
    return places
