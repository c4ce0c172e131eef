"""Reading and writing parts of batched arrays: `a[index]` where the array, the index or the value differs from sample to sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour._core import ndarray
from tour.func._batched import BatchedArray, BatchError, Levels, has_room, led, led_array, levels_of

Array = Any


class Place:
    """An index of a sample as an index of the array that holds all samples.

    Attributes:
        index: The index, batch axes included.
        source: Axes of the part that it names, which belong elsewhere.
        target: Where they belong.
    """

    __slots__ = ("index", "source", "target")

    def __init__(self, index: Any, source: tuple[int, ...] = (), target: tuple[int, ...] = ()) -> None:
        self.index, self.source, self.target = index, source, target


def spelled(index: Any, ndim: int) -> list[Any]:
    """An index with an item for each dimension: masks made index arrays, `...` written out."""
    items: list[Any] = []
    for i in index if type(index) is tuple else (index,):
        if isinstance(i, (bool, np.bool_)):
            i = np.asarray(i)
        if is_array(i) and i.dtype.kind == "b" and type(i) is not BatchedArray:
            items += np.nonzero(i) if i.ndim else [None, np.nonzero(i.reshape(1))[0]]
        elif isinstance(i, list):
            items.append(np.asarray(i))
        else:
            items.append(i)
    used = sum(1 for i in items if i is not None and i is not Ellipsis)
    if used > ndim:
        raise IndexError(f"too many indices for array: array is {ndim}-dimensional, but {used} were indexed")
    missing = [slice(None)] * (ndim - used)
    at = next((n for n, i in enumerate(items) if i is Ellipsis), None)
    return [*items, *missing] if at is None else [*items[:at], *missing, *items[at + 1 :]]


def is_array(i: Any) -> bool:
    """Whether an item of an index is an array."""
    return isinstance(i, (ndarray, BatchedArray)) or (hasattr(i, "__array_ufunc__") and not isinstance(i, np.generic))


def place(index: Any, shape: tuple[int, ...], lead: tuple[int, ...], levels: Levels) -> Place:
    """Where an index of a sample of `shape` lies in an array with batch axes `lead` in front."""
    k = len(lead)
    everything = (slice(None),) * k
    items = spelled(index, len(shape))
    if not any(map(is_array, items)):
        return Place((*everything, *items))
    arrays = [n for n, i in enumerate(items) if is_array(i) or isinstance(i, (int, np.integer))]
    together = arrays == list(range(arrays[0], arrays[-1] + 1))
    first = sum(1 for i in items[: arrays[0]] if i is None or isinstance(i, slice)) if together else 0
    chosen = [items[n] for n in arrays]
    ndim = max(getattr(i, "ndim", 0) for i in chosen)
    if not any(type(i) is BatchedArray for i in chosen):
        if together:
            return Place((*everything, *items))
        return Place((*everything, *items), tuple(range(ndim)), tuple(range(k, k + ndim)))  # NumPy puts them in front
    for n in arrays:
        items[n] = _in_line(items[n], levels, ndim)
    counts = [np.arange(size).reshape((-1,) + (1,) * (k - axis - 1 + ndim)) for axis, size in enumerate(lead)]
    source, target = tuple(range(k, k + ndim)), tuple(range(k + first, k + first + ndim))
    return Place((*counts, *items), source, target)


def _in_line(i: Any, levels: Levels, ndim: int) -> Any:
    """An item of an index with the batch axes in front and the sample's axes in line with those of other items."""
    value = led_array(i, levels)
    if value.dtype.kind == "b":
        raise BatchError(
            "vmap: a mask that differs from sample to sample names another number of elements in each. Use tour.where, or multiply "
            "by the mask"
        )
    k = len(levels)
    return value.reshape(value.shape[:k] + (1,) * (ndim - value.ndim + k) + value.shape[k:])


def _is_view(items: Any) -> bool:
    return not any(map(is_array, items if type(items) is tuple else (items,)))


def read(a: Array, index: Any) -> BatchedArray:
    """`a[index]`, where at least one of them is batched."""
    levels = levels_of([a, *(index if type(index) is tuple else (index,))])
    value = led_array(a, levels)
    k = len(levels)
    where = place(index, a.shape, value.shape[:k], levels)
    part = value[where.index]
    if where.source:
        part = np.moveaxis(part, where.source, where.target)
    if _is_view(index) and type(a) is BatchedArray:
        if part.ndim < k:  # NumPy gives scalars for the last of the dimensions
            part = np.asarray(part)
        return BatchedArray(part, a.levels)
    return BatchedArray(part, levels)


def write(a: BatchedArray, index: Any, value: Any) -> None:
    """`a[index] = value`, where the array must hold every level of the others."""
    levels = levels_of([a, value, *(index if type(index) is tuple else (index,))])
    room(a, levels)
    k = len(levels)
    if isinstance(index, BatchedArray) and index.dtype.kind == "b":
        _write_masked(a, index, value, levels)
        return
    where = place(index, a.shape, a.lead, levels)
    b: Any = value
    if getattr(value, "ndim", 0) or type(value) is BatchedArray:
        part = a.value[where.index]
        b = led(value, levels) if type(value) is BatchedArray else value
        if type(value) is BatchedArray:
            missing = part.ndim - k - value.ndim
            while missing < 0 and b.shape[k] == 1:
                b, missing = b.squeeze(k), missing + 1
            b = b.reshape(b.shape[:k] + (1,) * missing + b.shape[k:])
        if where.source:
            shape = np.moveaxis(part, where.source, where.target).shape
            b = np.moveaxis(np.broadcast_to(b, shape), where.target, where.source)
    a.value[where.index] = b


def room(a: BatchedArray, levels: Levels) -> None:
    """Refuse to write into an array that has no room for all samples.

    Raises:
        BatchError: If it is the same for all samples of a level in which what is written differs.
    """
    if not has_room(a, levels):
        raise BatchError(
            "vmap: in-place arithmetic and `x[i] = y` are not possible where x is the same for all samples and y is not: make x with "
            "y.new_zeros(...), or write out of place"
        )


def _write_masked(a: BatchedArray, mask: BatchedArray, value: Any, levels: Levels) -> None:
    if getattr(value, "ndim", 0):
        raise BatchError("vmap: `x[mask] = y` with a mask that differs from sample to sample takes a number for y")
    k = len(levels)
    m = led(mask, levels)
    m = m.reshape(m.shape + (1,) * (a.ndim - mask.ndim))
    b = led(value, levels)
    if type(value) is BatchedArray:
        b = b.reshape(b.shape[:k] + (1,) * a.ndim)
    np.copyto(a.value, b, where=m)


def read_any(a: Array, index: Any) -> Array:
    """`a[index]` for any mixture of plain and batched arrays."""
    items = index if type(index) is tuple else (index,)
    return read(a, index) if any(type(i) is BatchedArray for i in (a, *items)) else a[index]
