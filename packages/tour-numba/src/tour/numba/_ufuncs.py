"""Ufuncs whose large calls use all threads: copies of NumPy's own, chains of them, and one for each kernel of elements.

A ufunc of NumPy holds an inner loop for each combination of dtypes: machine code that is called with the addresses, steps and number
of the elements of a row, `loop(arrays, counts, steps, data)`, after NumPy has looked at dtypes, broadcast, and let go of Python's
lock. A copy of `np.add` is the same but for two of these loops: those of float32 and float64 are `threaded` (`_driver.py`), which
has NumPy's loop itself compute a long row in several threads, a stretch in each. So results are NumPy's to the last bit, short
rows cost nothing more, and everything else (promotion, `out=`, `where=`, arrays of other packages, dtypes of ml_dtypes) stays with
NumPy. `np.add` itself is left alone: tour's ops get the copy, by `tour._compiled.exchange`.

A new ufunc takes a third of a microsecond to call, and what its loop does is ours to say. A chain runs several of NumPy's loops where
a formula calls several ufuncs: four times less of Python, and the same bits. A kernel that Numba has compiled is a loop, too.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from tour._compiled import exchange
from tour._core import ndarray
from tour._kernels import FEW
from tour.numba import _driver, _heap, _pool
from tour.numba._driver import HEADER
from tour.numba._locks import once
from tour.numba._native import Kernel

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


F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
_installed = _heap.installed.get
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


# --- New ones -------------------------------------------------------------------------------------------------------------------


def made(name: str, loops: dict[str, _driver.Loop]) -> np.ufunc:
    """A ufunc of these loops, by the dtypes of their operands, such as `"ff"`."""
    functions = (ctypes.c_void_p * len(loops))(*[_driver.linked().threaded] * len(loops))
    data = (ctypes.c_void_p * len(loops))(*map(ctypes.addressof, loops.values()))
    types = b"".join(bytes(np.dtype(kind).num for kind in kinds) for kinds in loops)
    texts = ctypes.c_char_p(types), ctypes.c_char_p(name.encode())
    _kept.extend((functions, data, texts, *loops.values()))
    address = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    table = (ctypes.c_void_p * 2).from_address(address(import_module("numpy._core._multiarray_umath")._UFUNC_API, None))
    pointer, number = ctypes.c_void_p, ctypes.c_int
    make = ctypes.PYFUNCTYPE(
        ctypes.py_object, pointer, pointer, pointer, number, number, number, number, pointer, pointer, number
    )(table[1] or 0)  # PyUFunc_FromFuncAndData
    operands = len(next(iter(loops)))
    ufunc: np.ufunc = make(functions, data, texts[0], len(loops), operands - 1, 1, -1, texts[1], None, 0)
    return ufunc


READ, WRITTEN, BETWEEN, CONSTANT = range(4)  # the places of a chain

# Formulas of ufuncs: the constant, and what each ufunc is given, as in the kernels of these names.
_EXP = ((np.negative, READ, BETWEEN), (np.exp, BETWEEN, BETWEEN), (np.add, BETWEEN, CONSTANT, BETWEEN))
CHAINS = {
    "relu": (0, ((np.maximum, READ, CONSTANT, WRITTEN),)),
    "sigmoid": (1, (*_EXP, (np.reciprocal, BETWEEN, WRITTEN))),
    "silu": (1, (*_EXP, (np.divide, READ, BETWEEN, WRITTEN))),
}


MOST = {"relu": 1 << 62}  # elements below which a chain stands before an op's kernel; larger arrays have a compiled one


@cache
def chain(name: str) -> np.ufunc | None:
    """A ufunc of one operand that runs the loops of several of NumPy's, for float32 and float64: their results to the last bit."""
    constant, formula = CHAINS[name]
    loops = {}
    for kind in "fd":
        block = np.full(_driver.BLOCK, constant, kind)
        links = []
        for ufunc, *places in formula:
            at, within = ufunc.types.index(f"{kind * ufunc.nin}->{kind}"), inside(ufunc)
            if within is None:
                return None
            links.append(_driver.Link(within.functions[at], within.data[at], (*places, *places)[:3]))
        whole = _driver.Chain(len(links), block.itemsize, block.ctypes.data, tuple(links))
        _kept.extend((block, whole))
        loops[kind * 2] = _driver.Loop(_driver.linked().chained, ctypes.addressof(whole), 2, HEAVY)
    return made(name, loops)


class OfKernel(Kernel):
    """A kernel of elements as a ufunc for float32, called as `ufunc(*arrays)`.

    Args:
        name: As for other kernels; it gets the addresses of its operands, the number of elements, and the steps.
        operands: Arrays that it gets, the last of which is the result.
    """

    __slots__ = ("_ufunc", "operands")

    def __init__(self, name: str, operands: int = 2) -> None:
        super().__init__(name)
        self.operands = operands
        self._ufunc: Any = None

    def __call__(self, *arrays: Any) -> Any:
        if not _installed():
            _heap.install()
        return (self._ufunc or self._made())(*arrays)

    def _made(self) -> Any:
        inner = _driver.Kernel(self.load(), self.operands)
        _kept.append(inner)
        loop = _driver.Loop(_driver.linked().compiled, ctypes.addressof(inner), self.operands, HEAVY)
        self._ufunc = made(self.name.rpartition(".")[2], {"f" * self.operands: loop})
        return self._ufunc


def quick(chain: np.ufunc, most: int) -> Callable[[Any], Callable[[Any], Any]]:
    """Puts a chain before what an op calls, for arrays of less than `most` elements."""

    def before(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def call(a: Any) -> Any:
            if type(a) is ndarray and ((d := a.dtype) is F32 or d is F64) and a.size < most:
                return chain(a)
            return function(a)

        return call

    return before


def _instead(ufunc: np.ufunc) -> Callable[[Any], Any]:
    return lambda _: ufunc


@once
def install() -> None:
    """Give tour's ops ufuncs that use all threads, and one ufunc where they call several."""
    _pool.threads()
    for least, ufuncs in ((LIGHT, LIGHT_ONES), (HEAVY, HEAVY_ONES)):
        for ufunc in ufuncs:
            shared = threaded(ufunc, least)
            if shared is not None:
                exchange(ufunc, _instead(shared))
    for name in CHAINS:
        made_one = chain(name)
        if made_one is not None:
            exchange(name, quick(made_one, MOST.get(name, FEW)))
            exchange(f"tour._activations.{name}", _instead(made_one))
