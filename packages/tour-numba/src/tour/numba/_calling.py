"""From Python into machine code: a function built into Python that takes a kernel's arrays and numbers, and runs it in the threads.

A compiled call of a small network is 10 µs of work, and ctypes takes 1 µs for a call and as much for each array. So what ctypes would
do is machine code too: a builtin function, as an extension module would bring one, which Python calls in 0.1 µs.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from tour.numba import _driver, _heap
from tour.numba._locks import once

# What `call` looks up; `self` is an array of these addresses.
TABLE = (
    np.ndarray, float, "PyLong_AsLongLong", "PyErr_Occurred", "PyEval_SaveThread", "PyEval_RestoreThread", "Py_IncRef", None,
)  # fmt: skip


class _Method(ctypes.Structure):
    """Python's `PyMethodDef`: what a builtin function is called, where its code is, how it takes arguments, and its docstring."""

    _fields_ = [("name", ctypes.c_char_p), ("code", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p)]


METH_FASTCALL, METH_O = 0x80, 0x08
NEW_FROM_DESCR = (
    94  # PyArray_NewFromDescr's place in NumPy's table of functions, `numpy/_core/include/numpy/__multiarray_api.h`
)


@once
def caller() -> Callable[..., None]:
    """`call(kernel, parts, threads, *values)`: runs the kernel at an address, without Python's lock.

    Raises:
        TypeError: In that call, for a value that is no array, float or integer.
    """
    api = ctypes.pythonapi
    table = [ctypes.cast(getattr(api, x), ctypes.c_void_p).value if type(x) is str else id(x) for x in TABLE]
    return _builtin("call", _driver.linked().call, METH_FASTCALL, table)


def summing(single: int, double: int) -> Callable[[Any], Any]:
    """`sum(array)`: the sum of a float32 or float64 array without gaps, as an array; NotImplemented for any other.

    Args:
        single: Where the kernel for rows of float32 begins, `kernels.reductions.row_sums_4`.
        double: That for float64.
    """
    hold = ctypes.cast(ctypes.pythonapi.Py_IncRef, ctypes.c_void_p).value
    table = [
        id(np.ndarray), id(np.dtype(np.float32)), id(np.dtype(np.float64)), single, double, _heap.numpy_api()[NEW_FROM_DESCR], hold,
        id(NotImplemented),
    ]  # fmt: skip
    return _builtin("sum", _driver.linked().sum, METH_O, table)


def _builtin(name: str, code: int, kind: int, table: list[Any]) -> Callable[..., Any]:
    """A function built into Python, with what its code looks up."""
    method = _Method(name.encode(), code, kind, None)
    api = ctypes.pythonapi
    api.Py_IncRef(ctypes.py_object(method))  # for ever: Python looks into it when it lets go of the function
    make = api.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    made: Any = make(ctypes.addressof(method), np.array(table, np.int64), None)
    return made  # type: ignore[no-any-return]
