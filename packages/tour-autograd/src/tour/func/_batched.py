"""The array behind a tensor inside `vmap`: one sample to look at, all samples in memory.

A `BatchedArray` shows the shape that a single sample has, and holds an array with one more axis in front for each `vmap` around it.
To an op it is the array of another device: ufuncs and NumPy's functions reach it by NumPy's protocols, and what has no such form
has a kernel in `Op.impls`. A batch axis has the size of the batch, or 1 where all samples are the same; NumPy's broadcasting then
does the rest, and an array that no `vmap` has touched needs no wrapping at all.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from tour._core import ndarray

Array = Any

_numbers = itertools.count()


class Level:
    """One call of `vmap`, while it runs and as long as something recorded in it lives.

    Attributes:
        number: Later calls have higher ones; batch axes stand in this order.
        size: The number of samples.
        randomness: What random numbers do: "error", "same" for all samples, or "different".
    """

    __slots__ = ("number", "randomness", "size")

    def __init__(self, size: int, randomness: str = "error") -> None:
        self.number, self.size, self.randomness = next(_numbers), size, randomness

    def __repr__(self) -> str:
        return f"Level({self.number}, size={self.size})"


Levels = tuple[Level, ...]


class _Open(threading.local):
    """The calls of `vmap` around what this thread runs."""

    def __init__(self) -> None:
        self.levels: Levels = ()


open_levels = _Open()


class BatchError(RuntimeError, TypeError):
    """What cannot be done to all samples at once; a RuntimeError as in PyTorch, a TypeError for NumPy."""


def control_flow(what: str) -> BatchError:
    """The error of a question whose answer differs from sample to sample."""
    return BatchError(
        f"vmap: {what} needs one answer, but inside vmap a tensor holds all samples at once and each may answer differently. Write "
        "data-dependent control flow with tour.where, or do this outside of vmap"
    )


class _Flags:
    """The flags of an array that a NumPy program asks for."""

    __slots__ = ("c_contiguous", "f_contiguous", "forc", "writeable")

    def __init__(self, value: Array) -> None:
        self.c_contiguous = value.flags.c_contiguous
        self.f_contiguous = self.forc = self.c_contiguous
        self.writeable = getattr(value.flags, "writeable", True)


class _Pointer:
    """Where memory begins, as a device's arrays say it."""

    __slots__ = ("ptr",)

    def __init__(self, value: Array) -> None:
        self.ptr = value.__array_interface__["data"][0] if type(value) is ndarray else value.data.ptr


class BatchedArray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of a sample's shape that holds all samples.

    Attributes:
        value: The array itself: one axis for each level, in their order, then the sample's.
        levels: The calls of `vmap` in which it differs from sample to sample.
    """

    __slots__ = ("__weakref__", "levels", "value")
    base = None  # whose memory this is, the array inside knows

    def __init__(self, value: Array, levels: Levels) -> None:
        self.value, self.levels = value, levels

    # --- What it looks like ----------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return self.value.shape[len(self.levels) :]  # type: ignore[no-any-return]

    @shape.setter
    def shape(self, shape: tuple[int, ...]) -> None:
        """Another shape without a copy; AttributeError where the strides allow none."""
        self.value.shape = (*self.lead, *shape)

    @property
    def lead(self) -> tuple[int, ...]:
        """Sizes of the batch axes."""
        return self.value.shape[: len(self.levels)]  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """Number of dimensions of one sample."""
        return self.value.ndim - len(self.levels)  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """Number of elements of one sample."""
        return math.prod(self.shape)

    @property
    def strides(self) -> tuple[int, ...]:
        """Steps between a sample's neighbours, in bytes."""
        return self.value.strides[len(self.levels) :]  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type."""
        return self.value.dtype  # type: ignore[no-any-return]

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self.value.itemsize  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        """Bytes of one sample."""
        return self.size * self.itemsize

    @property
    def flags(self) -> _Flags:
        """Contiguity of all samples together, and whether they may be written into."""
        return _Flags(self.value)

    @property
    def data(self) -> _Pointer:
        """Where the first sample begins."""
        return _Pointer(self.value)

    @property
    def T(self) -> BatchedArray:
        """The sample's dimensions in reverse order."""
        return np.transpose(self)  # type: ignore[return-value]

    @property
    def mT(self) -> BatchedArray:
        """The last two dimensions swapped."""
        return BatchedArray(self.value.swapaxes(-1, -2), self.levels)

    @property
    def real(self) -> BatchedArray:
        """The real part: a view."""
        return BatchedArray(self.value.real, self.levels)

    @property
    def imag(self) -> BatchedArray:
        """The imaginary part: a view."""
        return BatchedArray(self.value.imag, self.levels)

    def __repr__(self) -> str:
        return f"BatchedArray(shape={self.shape}, levels={self.levels})"

    # --- What it cannot be ------------------------------------------------------------------------------------------------

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise BatchError(
            "vmap: an array that differs from sample to sample cannot become a plain NumPy array here. In-place arithmetic and "
            "`x[i] = y` are not possible where x is the same for all samples and y is not: make x with y.new_zeros(...), or write "
            "out of place; and .numpy() works outside of vmap only"
        )

    def __bool__(self) -> bool:
        raise control_flow("a condition (`if`, `while`, `and`, `bool(tensor)`)")

    def item(self, *_: Any) -> Any:
        """Refused: there is one number for each sample."""
        raise control_flow(".item()")

    __int__ = __float__ = __complex__ = __index__ = item

    def tolist(self) -> Any:
        """Refused: there is one list for each sample."""
        raise control_flow(".tolist()")

    # --- Parts ------------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> BatchedArray:
        from tour.func._indexing import read

        return read(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        from tour.func._indexing import write

        write(self, index, value)

    # --- Methods that are no NumPy functions --------------------------------------------------------------------------------

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> BatchedArray:
        """A copy in another dtype."""
        return BatchedArray(self.value.astype(dtype, *args, **kwargs), self.levels)

    def copy(self, order: str = "C") -> BatchedArray:
        """A copy with memory of its own."""
        return BatchedArray(self.value.copy(order), self.levels)

    def view(self, dtype: Any = None) -> BatchedArray:
        """The same memory, perhaps read as another dtype."""
        return BatchedArray(self.value.view() if dtype is None else self.value.view(dtype), self.levels)

    def fill(self, value: Any) -> None:
        """Write one value everywhere."""
        self[...] = value

    def __getattr__(self, name: str) -> Any:
        """The methods that are NumPy functions of the same name."""
        if name.startswith("_"):
            raise AttributeError(name)
        from tour.func._numpy_rules import method

        return method(self, name)

    # --- NumPy's protocols -------------------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        if method == "__call__" and out is None and not kwargs and ufunc.signature is None:
            levels, arrays = elementwise(inputs)  # the common case
            r = ufunc(*arrays)
            return BatchedArray(r, levels) if type(r) is not tuple else tuple(BatchedArray(x, levels) for x in r)
        from tour.func._ufuncs import call

        return call(ufunc, method, inputs, out, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from tour.func._numpy_rules import FUNCTIONS

        rule = FUNCTIONS.get(function)
        if rule is None:
            raise BatchError(f"vmap: there is no batching rule for np.{function.__name__}")
        return rule(*args, **kwargs)

    def make_room(self, array: Array, others: Sequence[Any]) -> BatchedArray:
        """An array, or a copy of it, into which this one and others may be written."""
        levels = levels_of((self, array, *others))
        if type(array) is BatchedArray and has_room(array, levels):
            return array
        return BatchedArray(full(array, levels), levels)

    def strided(self, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> BatchedArray:
        """A view of each sample's memory with other sizes and strides, in bytes."""
        from tour._strides import strided

        k = len(self.levels)
        return BatchedArray(
            strided(self.value, (*self.lead, *shape), (*self.value.strides[:k], *strides), offset), self.levels
        )

    def around(self, value: Array) -> BatchedArray:
        """Another array in the place of the one inside, with the same batch axes in front."""
        return BatchedArray(value, self.levels)


# --- Axes in front ------------------------------------------------------------------------------------------------------------


def levels_of(arrays: Sequence[Any]) -> Levels:
    """All levels of several arrays, in order."""
    found: Levels = ()
    for x in arrays:
        if type(x) is BatchedArray and x.levels is not found:
            found = x.levels if not found else union(found, x.levels)
    return found


def union(a: Levels, b: Levels) -> Levels:
    """The levels that are in one of two tuples, in order."""
    return a if a == b else tuple(sorted({*a, *b}, key=lambda level: level.number))


def led(x: Any, levels: Levels) -> Any:
    """The array itself with one axis in front for each level; of size 1 where all samples are the same."""
    if type(x) is not BatchedArray:
        return x[(None,) * len(levels)] if getattr(x, "ndim", 0) else x
    if x.levels == levels:
        return x.value
    return x.value[tuple(slice(None) if level in x.levels else None for level in levels)]


def led_array(x: Any, levels: Levels) -> Any:
    """Like `led`, where numbers and arrays without dimensions get axes too."""
    if type(x) is BatchedArray:
        return led(x, levels)
    a = x if hasattr(x, "dtype") and hasattr(x, "reshape") else np.asarray(x)
    return a.reshape((1,) * len(levels) + a.shape)


def elementwise(inputs: Sequence[Any]) -> tuple[Levels, list[Any]]:
    """Operands of an elementwise function, with their batch axes and the samples' axes in line."""
    levels = levels_of(inputs)
    ndim = 0
    for x in inputs:
        n = getattr(x, "ndim", 0)
        if n > ndim:
            ndim = n
    arrays = []
    for x in inputs:
        if type(x) is BatchedArray:
            value = led(x, levels)
            missing = ndim - x.ndim
            if missing:
                value = value[(slice(None),) * len(levels) + (None,) * missing]
            arrays.append(value)
        else:
            arrays.append(x)
    return levels, arrays


def has_room(a: BatchedArray, levels: Levels) -> bool:
    """Whether an array holds all samples of some levels one by one."""
    return a.levels == levels and all(n == level.size for n, level in zip(a.lead, levels, strict=True))


def full(x: Any, levels: Levels) -> Array:
    """A copy with all batch axes in full size."""
    value = led_array(x, levels)
    k = len(levels)
    shape = tuple(level.size for level in levels) + value.shape[k:]
    return np.broadcast_to(value, shape).copy()


def stretched(x: Any, levels: Levels) -> Array:
    """A view with all batch axes in full size; not to be written into."""
    value = led_array(x, levels)
    return np.broadcast_to(value, tuple(level.size for level in levels) + value.shape[len(levels) :])


def flattened(x: Any, levels: Levels) -> Array:
    """All samples of all levels along one axis in front."""
    value, k = stretched(x, levels), len(levels)
    return value.reshape(math.prod(value.shape[:k]), *value.shape[k:])


def restored(value: Array, levels: Levels) -> BatchedArray:
    """The inverse of `flattened`."""
    return BatchedArray(value.reshape(*(level.size for level in levels), *value.shape[1:]), levels)


# --- Into a level and out of it -----------------------------------------------------------------------------------------------


def bind(array: Array, axis: int, level: Level) -> BatchedArray:
    """An array whose samples stand along `axis` as the batch of a level."""
    if type(array) is not BatchedArray:
        return BatchedArray(np.moveaxis(array, axis, 0), (level,))
    levels = union(array.levels, (level,))
    at = levels.index(level)
    return BatchedArray(np.moveaxis(array.value, len(array.levels) + axis, at), levels)


def unbind(array: Array, axis: int, level: Level) -> Array:
    """The samples of a level along `axis`."""
    if type(array) is not BatchedArray:
        return np.repeat(np.expand_dims(array, axis), level.size, axis)
    levels, k = array.levels, len(array.levels)
    if level not in levels:
        value = np.repeat(np.expand_dims(array.value, k + axis), level.size, k + axis)
        return BatchedArray(value, levels)
    at = levels.index(level)
    value = array.value
    if value.shape[at] != level.size:
        value = np.repeat(value, level.size, at)
    value = np.moveaxis(value, at, k - 1 + axis)
    rest = levels[:at] + levels[at + 1 :]
    return BatchedArray(value, rest) if rest else value


def lift(array: Array, levels: Levels) -> BatchedArray:
    """An array as the same sample in all of some levels."""
    levels = union(array.levels, levels) if type(array) is BatchedArray else levels
    return BatchedArray(led_array(array, levels), levels)


def total(array: Array, levels: Levels) -> Array:
    """The sum over all samples of some levels."""
    for level in levels:
        if type(array) is BatchedArray and level in array.levels:
            at = array.levels.index(level)
            value = array.value.sum(at) if array.value.shape[at] == level.size else array.value.sum(at) * level.size
            rest = array.levels[:at] + array.levels[at + 1 :]
            array = BatchedArray(value, rest) if rest else np.asarray(value, array.dtype)
        else:
            array = array * level.size
    return array
