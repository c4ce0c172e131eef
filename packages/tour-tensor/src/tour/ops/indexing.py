"""Reading and writing parts of a tensor by index: `x[i]`, `x[i] = y`, masks, index tensors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._core import Op, held, kernel_among, ndarray, new, sockets, wrote
from tour._declare import result
from tour._errors import shape_text
from tour._kernels import is_half
from tour._operands import NUMBER, operand
from tour._writing import write

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__: list[str] = []

_NUMBERS = frozenset((int, float, bool))
_BASIC = frozenset((int, slice, type(None), type(Ellipsis)))


def getitem(input: Tensor, index: Any) -> Tensor:
    """The part of a tensor that an index names: a view for integers, slices, None and `...`, otherwise a copy.

    Everything NumPy indexes with is understood, negative steps included. Integers beside index arrays select first, as in
    PyTorch, where NumPy would treat them as further index arrays.

    Raises:
        IndexError: If an index is out of range, or of a type or shape that cannot index.
    """
    a = input._a
    plain = type(index) in _BASIC
    if not plain:
        if type(index) is tuple:
            for i in index:
                if type(i) not in _BASIC:
                    break
            else:
                plain = True
        if not plain:
            index = raw_index(index)
            plain = is_basic(index)
            if not plain:
                return _copy_of_part(input, index)
    try:
        part = a[index]
    except IndexError as error:
        raise index_error(a, index, error) from None
    if type(part) is not ndarray and isinstance(part, np.generic):
        part = a[(*index, ...) if type(index) is tuple else (index, ...)]
    t: Tensor = new(_core.Tensor)
    t._a = part
    t._tape = None
    t._parent = input
    if input._tape is not None:
        _GETITEM.record(t, input, index)
    return t


_GETITEM = Op("getitem", ("input", "index"))


def _copy_of_part(input: Tensor, index: Any) -> Tensor:
    """What index arrays and masks name, after the integers beside them have selected."""
    basic, index = integers_first(index, input._a.ndim)
    if basic is not None:
        input = getitem(input, basic)
    a = input._a
    if type(a) is not ndarray:
        index = brought(a, index)
        note_places(a, index)
    own = kernel_among(_GETITEM, a, *(index if type(index) is tuple else (index,)))
    try:
        part = a[index] if own is None else own(a, index)
    except IndexError as error:
        raise index_error(a, index, error) from None
    return result(_GETITEM, part, input, index)  # type: ignore[no-any-return]


def brought(a: Any, index: Any) -> Any:
    """An index for an array on a device: its arrays of the host are sent there, as in PyTorch."""
    if type(inner := held(a)) is ndarray:
        return index
    items = index if type(index) is tuple else (index,)
    if not any(type(i) is ndarray for i in items):
        return index
    found = tuple(np.asarray(i, like=inner) if type(i) is ndarray else i for i in items)
    return found if type(index) is tuple else found[0]


def note_places(a: Any, index: Any) -> None:
    """Have a device note numbers in index arrays that are out of range, which it tells at the next synchronisation."""
    items = [i for i in (index if type(index) is tuple else (index,)) if i is not None]
    wide = [i.ndim if _is_mask(i) else 0 if i is Ellipsis else 1 for i in items]
    axis = 0
    for i, n in zip(items, wide, strict=True):
        numbers = held(i)
        if n == 1 and hasattr(numbers, "within") and numbers.dtype.kind in "iu" and axis < a.ndim:
            numbers.within(-a.shape[axis], a.shape[axis], "indexing")
        axis += n if i is not Ellipsis else a.ndim - sum(wide)


def setitem(input: Tensor, index: Any, value: Any) -> None:
    """Write `value` into the part of a tensor that an index names.

    Raises:
        IndexError: If the index is out of range, or of a type or shape that cannot index.
        RuntimeError: If the value's shape does not broadcast to the part's.
    """
    a = input._a
    if (type(index) in _BASIC or (type(index) is tuple and is_basic(index))) and 0 not in a.strides:
        kind = type(value)
        raw = value if kind in _NUMBERS else value._a if kind is _core.Tensor and value._a.dtype is a.dtype else None
        if raw is not None and (sockets.before_write is None or not sockets.before_write(input, value)):
            try:
                a[index] = raw
            except (IndexError, OverflowError, TypeError, ValueError):
                pass  # say what is wrong
            else:
                wrote(input)
                return
    index = raw_index(index)
    given, value = value, operand(value, input)
    if not is_basic(index):
        basic, index = integers_first(index, input._a.ndim)
        if basic is not None:
            input = getitem(input, basic)
    index = brought(input._a, index)
    if type(given) is complex and input._a.dtype.kind != "c":
        raise RuntimeError(f"value cannot be converted to type {input.dtype.name} without overflow")
    try:
        room = input._a.ndim if not is_basic(index) else input._a[index].ndim
    except IndexError as error:
        raise index_error(a, index, error) from None
    while value._a.ndim > room and value._a.shape[0] == 1:
        value = value[0]
    del a  # `write` looks whether anything but tensors holds the memory
    write(_SETITEM, input, index, value)


def assign(a: Any, index: Any, value: Any) -> None:
    """`a[index] = value` on raw arrays, with PyTorch's errors."""
    if type(a) is ndarray and held(value) is not value:
        value.__array__()  # says why this cannot be
    if type(a) is not ndarray and not is_basic(index):
        note_places(a, index)
    if value.dtype.kind == "c" and a.dtype.kind != "c":
        value = value.real
    try:
        a[index] = value
    except IndexError as error:
        raise index_error(a, index, error) from None
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {shape_text(value.shape)} cannot be broadcast to indexing result of shape "
            f"{shape_text(a[index].shape)}"
        ) from None


_SETITEM = Op("setitem", ("input", "index", "value"), assign, tensors=("value",))


# --- The transpose of reading ------------------------------------------------------------------------------------------------


def place_array(values: Any, shape: tuple[int, ...], index: Any) -> Any:
    """Zeros of `shape` with `values` added in at `index`, on raw arrays."""
    whole = np.zeros_like(values, shape=shape, order="C")  # written through other shapes below
    if is_basic(index) or _is_mask(index):  # names no element twice
        whole[index] = values
    elif (where := _one_line(shape, index)) is not None:
        before, places, behind = where
        add_slices(whole.reshape(before, -1, behind), places, values)
    else:
        np.add.at(whole, index, values)
    return whole


def _is_mask(index: Any) -> bool:
    return getattr(index, "dtype", None) == np.bool_


def _one_line(shape: tuple[int, ...], index: Any) -> tuple[int, Any, int] | None:
    """For integer arrays that index neighbouring dimensions: how many slices stand before, which ones they name, how wide one is."""
    items = index if type(index) is tuple else (index,)
    skip = 0
    while skip < len(items) and type(items[skip]) is slice and items[skip] == slice(None):
        skip += 1
    items = items[skip:]
    if not items or not math.prod(shape) or not all([hasattr(i, "dtype") and i.dtype.kind in "iu" for i in items]):
        return None
    named = shape[skip : skip + len(items)]
    arrays = [np.where(i < 0, i + n, i) for i, n in zip(items, named, strict=True)]
    places = arrays[0] if len(arrays) == 1 else np.ravel_multi_index(np.broadcast_arrays(*arrays), named)
    return math.prod(shape[:skip]), places.reshape(-1), math.prod(shape[skip + len(items) :])


def add_slices(whole: Any, places: Any, values: Any) -> None:
    """Add slices of `values` to the slices `places` of `whole` (before, slices, width), where one may come several times.

    `np.add.at` has a fast loop for one dimension only: five to ten times the speed of rows, once their elements are counted.
    """
    before, count, width = whole.shape
    if before > 1:
        places = np.arange(0, before * count, count, like=places)[:, None] + places
    if width > 1:
        places = places.reshape(-1, 1) * width + np.arange(width, like=places)
    line, places, values = whole.reshape(-1), places.reshape(-1), values.reshape(-1)
    if is_half(line.dtype):
        total = line.astype(np.float32)
        np.add.at(total, places, values.astype(np.float32))
        line[...] = total
    else:
        np.add.at(line, places, values)


def place(input: Tensor, shape: tuple[int, ...], index: Any) -> Tensor:
    """Zeros of `shape` with `input` added in at `index`: the transpose of reading `x[index]`."""
    kernel = kernel_among(_PLACE, input._a, *(index if type(index) is tuple else (index,)))
    return result(_PLACE, kernel(input._a, shape, index), input, shape, index)  # type: ignore[no-any-return]


_PLACE = Op("place", ("input", "shape", "index"), place_array)
place.op = _PLACE  # type: ignore[attr-defined]


# --- Indices ------------------------------------------------------------------------------------------------------------------


def raw_index(index: Any) -> Any:
    """An index with tensors, lists and ranges made raw arrays; uint8 masks count as boolean ones, as in PyTorch.

    A short list with a sequence, a slice, None or `...` in it stands for a tuple, as once in NumPy.
    """
    if type(index) is list and len(index) < 32 and any(map(_is_nested, index)):
        index = tuple(index)
    if type(index) is tuple:
        return tuple([i if type(i) in _BASIC else _raw_item(i) for i in index])
    return index if type(index) in _BASIC else _raw_item(index)


def _raw_item(i: Any) -> Any:
    if isinstance(i, _core.Tensor):
        i = i._a
    elif isinstance(i, slice):
        return slice(*(x.__index__() if hasattr(x, "__index__") else x for x in (i.start, i.stop, i.step)))
    elif isinstance(i, (list, tuple, range)):
        i = np.asarray(_nested(i))
        i = i.astype(np.int64) if not i.size else i
    elif isinstance(i, bool):
        return np.asarray(i)
    kind = getattr(getattr(i, "dtype", None), "kind", "O")
    if kind not in "iub":
        if hasattr(i, "__index__") and kind == "O":
            return i.__index__()
        raise IndexError(
            f"tensors used as indices must be long, int, byte or bool tensors, not {getattr(i, 'dtype', type(i).__name__)}"
        )
    if kind != "b" and not i.ndim and i.dtype != np.uint8:
        return int(i)
    return i.astype(bool) if i.dtype == np.uint8 and isinstance(i, ndarray) else i


def _is_nested(i: Any) -> bool:
    return i is None or i is ... or isinstance(i, (list, tuple, range, slice, ndarray, _core.Tensor))


def _nested(items: Any) -> list[Any]:
    """A list with tensors in it made raw arrays, at any depth."""
    return [
        x._a if isinstance(x, _core.Tensor) else _nested(x) if isinstance(x, (list, tuple, range)) else x for x in items
    ]


def is_basic(index: Any) -> bool:
    """Whether NumPy gives a view for this index."""
    if type(index) is tuple:
        for i in index:
            if type(i) not in _BASIC and not isinstance(i, slice):
                return False
        return True
    return type(index) in _BASIC or isinstance(index, slice)


def integers_first(index: Any, ndim: int) -> tuple[Any, Any]:
    """An index with arrays as two: integers and slices, which give a view, and then the arrays alone.

    Returns:
        The first index, or None where there are no integers beside the arrays; and the second.
    """
    if type(index) is not tuple or not any(type(i) is int for i in index):
        return None, index
    first: list[Any] = []
    second: list[Any] = []
    used = sum(i.ndim if _is_mask(i) else 1 for i in index if i is not None and i is not Ellipsis)
    for i in index:
        if isinstance(i, ndarray) or not isinstance(i, (int, slice, type(None), type(Ellipsis))):
            first += [slice(None)] * (i.ndim if _is_mask(i) else 1)
            second.append(i)
        else:
            first.append(i)
            if i is Ellipsis:
                second += [slice(None)] * (ndim - used)
            elif type(i) is not int:
                second.append(slice(None))
    return tuple(first), tuple(second)


def index_error(a: Any, index: Any, error: IndexError) -> IndexError:
    """PyTorch's words for an index that does not fit."""
    items = index if type(index) is tuple else (index,)
    used = sum(1 for i in items if i is not None and i is not Ellipsis and getattr(i, "dtype", None) != np.bool_)
    if used > a.ndim:
        if a.ndim == 0:
            return IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python to convert a 0-dim tensor to a number"
            )
        return IndexError(f"too many indices for tensor of dimension {a.ndim} (got {used})")
    text = str(error).replace("axis", "dimension").replace("array", "tensor")
    return IndexError(f"{text} (tensor of shape {shape_text(a.shape)})")


def contains(input: Tensor, element: Any) -> bool:
    """Whether an element equals a number or tensor.

    Raises:
        RuntimeError: If it is neither.
    """
    if not isinstance(element, (_core.Tensor, *NUMBER)):
        raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")
    return bool((input == element)._a.any())


def refuse_deletion(input: Tensor, index: Any) -> None:
    """Raise TypeError: elements can be left out of a new tensor only."""
    raise TypeError("Tensor does not support deleting items; index what is to stay, as in x[mask]")


class Indexing:
    """Indexing, as methods."""

    __slots__ = ()

    __contains__ = contains
    __delitem__ = refuse_deletion

    __getitem__ = getitem
    __setitem__ = setitem
