"""Ufuncs whose large calls use all threads: copies of NumPy's own, and one for each kernel of elements.

A ufunc of NumPy holds an inner loop for each combination of dtypes: machine code that is called with the addresses, steps and number
of the elements of a row, `loop(arrays, counts, steps, data)`, after NumPy has looked at dtypes, broadcast, and let go of Python's
lock. A copy of `np.add` is the same but for two of these loops: those of float32 and float64 are `threaded` (`_driver.py`), which
has NumPy's loop itself compute a long row in several threads, a stretch in each. So results are NumPy's to the last bit, short
rows cost nothing more, and everything else (promotion, `out=`, `where=`, arrays of other packages, dtypes of ml_dtypes) stays with
NumPy. `np.add` itself is left alone: tour's ops get the copy, by `tour._compiled.exchange`.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np

from tour._compiled import exchange
from tour.numba import _driver, _pool

# Elements of a row's part, at least. What takes one thread 15 µs gains by a second, whether that is bound by memory or by arithmetic.
LIGHT, HEAVY = 1 << 16, 1 << 14
LIGHT_ONES = (
    np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.negative, np.absolute, np.square,
    np.reciprocal, np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.floor, np.ceil, np.trunc,
    np.rint, np.sign, np.isnan, np.isinf, np.isfinite, np.deg2rad, np.rad2deg, np.copysign,
)  # fmt: skip
HEAVY_ONES = (
    np.sqrt, np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.power, np.sin, np.cos, np.tan, np.arcsin, np.arccos,
    np.arctan, np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh, np.arctan2, np.hypot, np.logaddexp2,
)  # fmt: skip


class UFunc(ctypes.Structure):
    """The beginning of NumPy's `PyUFuncObject`, after the header of any Python object (`numpy/ufuncobject.h`)."""

    _fields_ = [
        ("nin", ctypes.c_int), ("nout", ctypes.c_int), ("nargs", ctypes.c_int), ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)), ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int), ("reserved", ctypes.c_int), ("name", ctypes.c_char_p), ("types", ctypes.c_void_p),
        ("doc", ctypes.c_void_p), ("ptr", ctypes.c_void_p), ("obj", ctypes.c_void_p), ("userloops", ctypes.c_void_p),
    ]  # fmt: skip


HEADER = object.__basicsize__
_kept: list[Any] = []  # what machine code points to


def inside(ufunc: np.ufunc) -> UFunc | None:
    """A ufunc's memory, or None where it is not laid out as this file knows it."""
    found = UFunc.from_address(id(ufunc) + HEADER)
    known = found.nin, found.nout, found.nargs, found.ntypes, found.name
    return found if known == (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes, ufunc.__name__.encode()) else None


def copy(ufunc: np.ufunc) -> np.ufunc:
    """Another ufunc, with all that this one refers to. It lives for ever, and the collector of garbage does not look at it."""
    python = ctypes.pythonapi
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.c_ssize_t)(("PyType_GenericAlloc", python))
    made: np.ufunc = make(np.ufunc, 0)
    ctypes.PYFUNCTYPE(None, ctypes.py_object)(("PyObject_GC_UnTrack", python))(made)
    ctypes.memmove(id(made) + HEADER, id(ufunc) + HEADER, np.ufunc.__basicsize__ - HEADER)
    python.Py_IncRef(ctypes.py_object(made))
    return made


def threaded(ufunc: np.ufunc, least: int) -> np.ufunc | None:
    """A copy of a ufunc whose float32 and float64 loops share a row of at least two times `least` elements among the threads."""
    plain = inside(ufunc)
    if plain is None or ufunc.nout != 1:
        return None
    if (
        not plain.userloops
    ):  # for the dtypes of others: the table that NumPy makes when the first one registers, to be shared
        table: dict[int, Any] = {}
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(table))
        plain.userloops = id(table)
    made = copy(ufunc)
    within = inside(made)
    assert within is not None
    functions = (ctypes.c_void_p * ufunc.ntypes)(*plain.functions[: ufunc.ntypes])
    data = (ctypes.c_void_p * ufunc.ntypes)(*plain.data[: ufunc.ntypes])
    for i, kinds in enumerate(ufunc.types):
        if set(kinds.partition("->")[0]) in ({"f"}, {"d"}):
            loop = _driver.Loop(functions[i], data[i], ufunc.nargs, least)
            functions[i], data[i] = _driver.linked().threaded, ctypes.addressof(loop)
            _kept.append(loop)
    within.functions, within.data = functions, data
    _kept.extend((functions, data))
    return made


@cache
def install() -> None:
    """Give tour's ops ufuncs that use all threads."""
    _pool.threads()
    for least, ufuncs in ((LIGHT, LIGHT_ONES), (HEAVY, HEAVY_ONES)):
        for ufunc in ufuncs:
            made = threaded(ufunc, least)
            if made is not None:
                exchange(ufunc, made)
