"""Raw arrays for Python data: numbers, nested lists of them, arrays and tensors among them; with PyTorch's dtypes and refusals."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from tour import _core, _dtypes
from tour._core import held
from tour._devices import BY_ARRAY
from tour._dtypes import as_dtype, as_numpy_dtype, promote_types
from tour._operands import native
from tour.ops.casting import cast_array

_NUMBERS = {bool, int, float, complex}


def raw_data(data: Any, dtype: Any = None) -> Any:
    """A fresh raw array for Python data.

    Raises:
        ValueError: If nested lists have different lengths, an integer needs more than 64 bits, or a tensor among the numbers has
            several elements.
        TypeError: If something in there is no number.
        RuntimeError: If a number does not fit an integer dtype, or nothing is known of an object.
    """
    target = as_numpy_dtype(dtype)
    if isinstance(data, _core.Tensor):
        return cast_array(data._a, as_dtype(target or data._a.dtype))
    if type(data) is not np.ndarray and (
        held(data) is not data or type(data) in BY_ARRAY
    ):  # of a device, or round another one
        return data.astype(target or data.dtype, copy=True)
    if isinstance(data, np.ndarray):
        return _core.packed(cast_array(native(data), as_dtype(target or data.dtype)))
    if isinstance(data, (str, bytes)):
        raise TypeError(
            f"new(): invalid data type {type(data).__name__!r}; expected numbers, lists of numbers, or arrays"
        )
    kinds: set[Any] = set()
    data = _opened(data, kinds)
    array = _array(data, kinds, target)
    if target is None:
        return array.astype(_inferred(kinds), copy=False)
    if array.dtype is target:
        return array
    _demand_fit(array, target)
    return cast_array(array, as_dtype(target))


def _opened(data: Any, kinds: set[Any]) -> Any:
    """The data with tensors in it made raw arrays; the types of its numbers, or the dtypes of NumPy's, are added to `kinds`."""
    if isinstance(data, (list, tuple)):
        found = set(map(type, data))
        if found <= _NUMBERS:
            kinds |= found
            return data
        if all(issubclass(kind, np.generic) for kind in found):
            kinds |= {np.dtype(kind) for kind in found}
            return data
        return [_opened(x, kinds) for x in data]
    if isinstance(data, _core.Tensor):
        if data._a.size != 1:
            raise ValueError(
                f"only one element tensors can be converted to Python scalars, and one of shape {list(data._a.shape)} is among the "
                "data; use stack() or cat() to join tensors"
            )
        data = data.cpu()._a.reshape(())
    elif isinstance(data, (str, bytes)):
        raise ValueError(f"too many dimensions {type(data).__name__!r}: numbers are expected")
    elif hasattr(data, "__array__"):
        data = np.asarray(data)
    elif isinstance(data, (bool, int, float, complex)):
        kinds.add(next(kind for kind in (bool, int, float, complex) if isinstance(data, kind)))
        return data
    elif hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, dict):
        return _opened([data[i] for i in range(len(data))], kinds)
    else:
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    kinds.add(data.dtype)
    return native(data)


def _array(data: Any, kinds: set[Any], target: Any) -> Any:
    """One array of all the numbers, in a dtype that loses none of them."""
    try:
        array = np.array(data)
    except ValueError as error:
        if _mixes_depths(data):
            raise TypeError("not a sequence: numbers and lists stand side by side in nested lists") from None
        raise ValueError(f"expected sequences of equal lengths at every depth: {error}") from None
    if kinds <= {bool, int} and array.size and array.dtype.kind not in "bi":
        if target == np.uint64 and array.dtype.kind == "f":
            return np.array(data, np.uint64)
        if target is None or (target.kind in "iu" and array.dtype.kind != "u"):
            raise ValueError(f"Overflow when unpacking long long: {data} does not fit int64")
    return array.astype(np.float64) if array.dtype.kind == "O" else array


def _mixes_depths(data: Any) -> bool:
    if not isinstance(data, (list, tuple)):
        return False
    nested = [isinstance(x, (list, tuple)) for x in data]
    return any(nested) and (not all(nested) or any(map(_mixes_depths, data)))


def _inferred(kinds: set[Any]) -> Any:
    """The dtype of Python data: NumPy's numbers keep theirs, Python's take the default ones."""
    own = {
        bool: _dtypes.bool,
        int: _dtypes.int64,
        float: _dtypes.get_default_dtype(),
        complex: _dtypes.default_complex(),
    }
    dtypes = [own[kind] if kind in own else as_dtype(kind) for kind in kinds]
    return reduce(promote_types, dtypes).numpy if dtypes else _dtypes.default_numpy()


def _demand_fit(array: Any, target: Any) -> None:
    """Refuse numbers that a dtype cannot hold: those beyond an integer dtype's limits, and complex ones for a real dtype.

    An unsigned dtype takes negative integers as large as its positive ones, which wrap, as in PyTorch.
    """
    kind = array.dtype.kind
    if kind == "c" and target.kind not in "cb":
        raise TypeError(f"must be real number, not complex: {as_dtype(target).name} holds no imaginary part")
    if target.kind not in "iu" or not array.size or kind not in "iuf":
        return
    limits = np.iinfo(target)
    lowest = limits.min if target.kind == "i" or kind == "f" else -int(limits.max)
    low, high = array.min(), array.max()
    if not (low >= lowest and high <= limits.max):
        raise RuntimeError(
            f"value cannot be converted to type {as_dtype(target).name} without overflow: "
            f"{low if not low >= lowest else high} is not within [{limits.min}, {limits.max}]"
        )
