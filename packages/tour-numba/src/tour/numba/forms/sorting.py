"""Rows in order: short ones by ranks, others by digits; all threads share a long row. Equal elements always keep their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.numba import _pool
from tour.numba._native import Kernel
from tour.numba.forms._sharing import parts_for

Array = Any
LEAST = 1 << 13  # elements of a part
SHORT = 128  # numbers of a row that is sorted by ranks
LONG = 1 << 16  # of a row that threads share
DIGIT, SINGLE = 8, 11  # bits of a digit; of one that is the only one
HEAD = 64 + 4 * (1 << SINGLE)  # bytes before the elements: the extent of the keys, and counts of a digit
ALL_4 = 0xFFFFFFFF


def _each(name: str) -> dict[Any, Kernel]:
    return {np.dtype(d): Kernel(f"sorting.{name}_{d}") for d in ("f4", "f8", "i4", "i8")}


_short, _rows, _pack, _unpack = map(_each, ("short", "rows", "pack", "unpack"))
_count, _deal, _raise = (Kernel(f"sorting.{name}") for name in ("count", "deal", "raise_keys"))

# In which dtype others are sorted; uint64 is, with its highest bit turned.
_WIDER = {
    "f4": "f4",
    "f8": "f8",
    "i4": "i4",
    "i8": "i8",
    "?": "i4",
    "i1": "i4",
    "u1": "i4",
    "i2": "i4",
    "u2": "i4",
    "u4": "i8",
    "f2": "f4",
}
_AS = {np.dtype(given): np.dtype(wide) for given, wide in _WIDER.items()}
_U64 = np.dtype(np.uint64)
_TOP = np.uint64(1 << 63)


def sort(a: Array, axis: int, descending: bool, stable: bool) -> Any:
    """Elements in order along a dimension, and where they stood."""
    return _sorted(a, axis, descending, True)


def in_order(a: Array) -> Any:
    """The elements of a vector in order."""
    found = _sorted(a, 0, False, True)
    return found if found is NotImplemented else found[0]


def order(a: Array, axis: int, descending: bool, stable: bool = True) -> Any:
    """Where the elements stand that come first, second ... along a dimension."""
    found = _sorted(a, axis, descending, False)
    return found if found is NotImplemented else found[1]


def rows_of(a: Array, axis: int) -> Array | None:
    """A dimension as rows of a dtype that is sorted; None where there is none."""
    moved = np.moveaxis(a, axis, -1)
    if a.dtype == _U64:
        turned: Array = (moved ^ _TOP).view(np.int64)
        return turned
    return np.ascontiguousarray(moved, _AS[a.dtype]) if a.dtype in _AS else None


def _sorted(a: Array, axis: int, descending: bool, wanted: bool) -> Any:
    """Values, or None where they are not wanted, and places."""
    if not a.size or not a.ndim or a.shape[axis] >= 1 << 31:
        return NotImplemented
    x = rows_of(a, axis)
    if x is None:
        return NotImplemented
    values, places = np.empty(x.shape, x.dtype) if wanted else None, np.empty(x.shape, np.int64)
    _into(x, values, places, descending)
    if values is not None:
        values = values.view(np.uint64) ^ _TOP if a.dtype == _U64 else values.astype(a.dtype, copy=False)
        values = np.moveaxis(values, -1, axis)
    return values, np.moveaxis(places, -1, axis)


def _into(x: Array, values: Array | None, places: Array, descending: bool) -> None:
    n = x.shape[-1]
    count, threads = x.size // n, _pool.threads()
    turned = 0 if not descending else ALL_4 if x.itemsize == 4 else -1
    given = x, 0 if values is None else values, places, count, n, turned
    parts = max(1, min(parts_for(x.size, LEAST), count))
    if n <= SHORT:
        _short[x.dtype](parts, *given, np.empty((parts, 2 * SHORT), x.dtype))
    elif n < LONG or count >= threads:
        parts = min(parts, threads)
        room = HEAD + 16 * n + (-(-n // 16) * 64 if x.itemsize == 8 else 0) + 64
        _rows[x.dtype](parts, *given, np.empty((parts, room), np.uint8), room)
    else:
        rows, found = x.reshape(count, n), places.reshape(count, n)
        for row in range(count):
            _share(rows[row], None if values is None else values.reshape(count, n)[row], found[row], turned, threads)


def _share(x: Array, values: Array | None, places: Array, turned: int, parts: int) -> None:
    """Sort one row with all threads."""
    n, wide = x.size, x.itemsize == 8
    elements, other, extent = np.empty(n, np.uint64), np.empty(n, np.uint64), np.empty((parts, 2), np.uint64)
    upper = np.empty(n if wide else 0, np.uint32)
    _pack[x.dtype](parts, x, elements, upper, extent, n, turned)
    least, most = int(extent[:, 0].min()), int(extent[:, 1].max())
    whole = most - least <= ALL_4
    ends = [(least & ALL_4, most - least)] if whole else [(0, ALL_4), (least >> 32, (most >> 32) - (least >> 32))]
    for upward, (base, reach) in enumerate(ends):
        if upward:
            _raise(parts, elements, upper, n)
        elements, other = _by_digits(elements, other, base, reach.bit_length(), parts)
    _unpack[x.dtype](parts, elements, x, 0 if values is None else values, places, n, turned, _signed(least), int(whole))


def _signed(n: int) -> int:
    """A number of 64 bits as kernels get it."""
    return n - (1 << 64) if n >> 63 else n


def _by_digits(elements: Array, other: Array, base: int, bits: int, parts: int) -> tuple[Array, Array]:
    """Sort by upper halves less a base, of so many bits; the sorted elements, and room for others."""
    passes = 1 if bits <= SINGLE else -(-bits // DIGIT)
    width = -(-bits // passes)
    for i in range(passes if bits else 0):
        counts = np.empty((parts, 1 << width), np.uint32)
        given = elements.size, _signed(base << 32), 32 + i * width, (1 << width) - 1
        _count(parts, elements, counts, *given)
        if counts.sum(0).max() == elements.size:  # all have this digit
            continue
        ends = np.cumsum(counts.T.reshape(-1))
        places = (ends - counts.T.reshape(-1)).reshape(-1, parts).T.astype(np.uint32, order="C")
        _deal(parts, elements, places, *given, other)
        elements, other = other, elements
    return elements, other
