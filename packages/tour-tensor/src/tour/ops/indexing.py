"""Reading and writing parts of a tensor: `x[i]`, `x[i] = y`, masks, index tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._core import ndarray, new, sockets, wrote
from tour._declare import result
from tour._dtypes import BOOLEAN, FROM_NUMPY
from tour._errors import shape_text
from tour._operands import operand

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__: list[str] = []

_BASIC = (int, slice, type(None), type(Ellipsis))
_GETITEM = _core.Op("getitem", ("input", "index"))
_SETITEM = _core.Op("setitem", ("input", "index", "value"))


def getitem(input: Tensor, index: Any) -> Tensor:
    """The part of a tensor that an index names: a view for integers, slices, None and `...`, otherwise a copy.

    Raises:
        IndexError: If an index is out of range, or of a type or shape that cannot index.
    """
    a = input._a
    plain = type(index) in _BASIC or (type(index) is tuple and all(type(i) in _BASIC for i in index))
    if not plain:
        index = raw_index(index)
        plain = is_basic(index)
    try:
        part = a[index]
    except IndexError as error:
        raise index_error(a, index, error) from None
    if type(part) is not ndarray and isinstance(part, np.generic):
        part = a[(*index, ...) if type(index) is tuple else (index, ...)] if plain else np.asarray(part)
    if not plain:
        return result(_GETITEM, part, input, index)  # type: ignore[no-any-return]
    t: Tensor = new(_core.Tensor)
    t._a = part
    t._tape = None
    t._parent = input
    if input._tape is not None:
        _GETITEM.record(t, input, index)
    return t


def setitem(input: Tensor, index: Any, value: Any) -> None:
    """Write `value` into the part of a tensor that an index names.

    Raises:
        IndexError: If the index is out of range, or of a type or shape that cannot index.
        RuntimeError: If the value's shape does not broadcast to the part's.
    """
    index = raw_index(index)
    value = operand(value, input)
    if sockets.before_write is not None and sockets.before_write(input, value):
        history: Tensor = new(_core.Tensor)
        history._a, history._tape = input._a, None
        _SETITEM.record(history, input, index, value)
        assign(input._a, index, value._a)
        sockets.rewrite(input, history)
    else:
        assign(input._a, index, value._a)
    wrote(input)


def assign(a: Any, index: Any, value: Any) -> None:
    """`a[index] = value` on raw arrays, with PyTorch's errors and its indifference to leading dimensions of size 1."""
    while value.ndim and value.shape[0] == 1 and value.ndim > a.ndim:
        value = value[0]
    if FROM_NUMPY[value.dtype].is_complex and not FROM_NUMPY[a.dtype].is_complex:
        value = value.real
    try:
        a[index] = value
    except IndexError as error:
        raise index_error(a, index, error) from None
    except ValueError as error:
        if "read-only" in str(error):
            raise RuntimeError(
                "this tensor shares the memory of a read-only NumPy array; write into a .clone() of it"
            ) from None
        part = a[index]
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {shape_text(value.shape)} cannot be broadcast to indexing result of shape "
            f"{shape_text(part.shape)}"
        ) from None


def place_array(values: Any, shape: tuple[int, ...], index: Any) -> Any:
    """Zeros of `shape` with `values` added in at `index`, on raw arrays."""
    whole = np.zeros_like(values, shape=shape)
    if is_basic(index):
        whole[index] = values
    else:
        np.add.at(whole, index, values)
    return whole


def place(input: Tensor, shape: tuple[int, ...], index: Any) -> Tensor:
    """Zeros of `shape` with `input` added in at `index`: the transpose of reading `x[index]`."""
    return result(place.op, place_array(input._a, shape, index), input, shape, index)  # type: ignore[attr-defined,no-any-return]


place.op = _core.Op("place", ("input", "shape", "index"))  # type: ignore[attr-defined]


def raw_index(index: Any) -> Any:
    """An index with tensors, lists and ranges made raw arrays; uint8 masks count as boolean ones, as in PyTorch."""
    if type(index) is tuple:
        return tuple(_raw_item(i) for i in index)
    return _raw_item(index)


def _raw_item(i: Any) -> Any:
    if type(i) in _BASIC:
        return i
    if isinstance(i, _core.Tensor):
        i = i._a
        if i.ndim == 0 and FROM_NUMPY[i.dtype].rank != BOOLEAN and i.dtype.kind in "iu":
            return int(i)
    elif isinstance(i, (list, tuple, range)):
        i = np.asarray([x._a if isinstance(x, _core.Tensor) else x for x in i])
        i = i.astype(np.int64) if not i.size else i
    if isinstance(i, slice):
        return slice(*(x.__index__() if hasattr(x, "__index__") else x for x in (i.start, i.stop, i.step)))
    kind = getattr(i, "dtype", np.dtype(object)).kind
    if kind not in "iub":
        raise IndexError(
            f"tensors used as indices must be long, int, byte or bool tensors, not {getattr(i, 'dtype', type(i).__name__)}"
        )
    return i.astype(bool) if i.dtype == np.uint8 else i


def is_basic(index: Any) -> bool:
    """Whether NumPy gives a view for this index."""
    return all(type(i) in _BASIC or isinstance(i, slice) for i in (index if type(index) is tuple else (index,)))


def index_error(a: Any, index: Any, error: IndexError) -> IndexError:
    """PyTorch's words for an index that does not fit."""
    items = index if type(index) is tuple else (index,)
    used = sum(1 for i in items if i is not None and i is not Ellipsis and getattr(i, "dtype", None) != np.bool_)
    if used > a.ndim:
        return IndexError(f"too many indices for tensor of dimension {a.ndim} (got {used})")
    if a.ndim == 0:
        return IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python to convert a 0-dim tensor to a number"
        )
    text = str(error).replace("axis", "dimension").replace("array", "tensor")
    return IndexError(f"{text} (tensor of shape {shape_text(a.shape)})")


class Indexing:
    """Indexing, as methods."""

    __slots__ = ()

    __getitem__ = getitem
    __setitem__ = setitem
