"""From Python into machine code: a function built into Python that takes a kernel's arrays and numbers, and runs it in the threads.

A compiled call of a small network is 10 µs of work, and ctypes takes 1 µs for a call and as much for each array. So what ctypes would
do is machine code too: a builtin function, as an extension module would bring one, which Python calls in 0.1 µs.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

# Behind the header that every Python object begins with, an array has the address of its numbers, and a float its number. The last
# entry of the header is the address of the object's type.
HEADER = object.__basicsize__

# `call` is what Python calls (METH_FASTCALL). `self` is an array of the addresses in `TABLE`; `given` are the objects in the call:
# kernel, parts, threads, and what the kernel gets, each in 8 bytes. `run` is in `_driver.py`.
CALL = f"""
; An entry of the table.
define internal ptr @entry(ptr %self, i64 %i) {{
  %tablep = getelementptr i8, ptr %self, i64 {HEADER}
  %table = load ptr, ptr %tablep
  %place = getelementptr ptr, ptr %table, i64 %i
  %address = load ptr, ptr %place
  ret ptr %address
}}

define ptr @call(ptr %self, ptr %given, i64 %n) {{
entry:
  %array = call ptr @entry(ptr %self, i64 0)
  %float = call ptr @entry(ptr %self, i64 1)
  %integer = call ptr @entry(ptr %self, i64 2)
  %error = call ptr @entry(ptr %self, i64 3)
  %release = call ptr @entry(ptr %self, i64 4)
  %acquire = call ptr @entry(ptr %self, i64 5)
  %hold = call ptr @entry(ptr %self, i64 6)
  %none = call ptr @entry(ptr %self, i64 7)
  %values = alloca i64, i64 %n
  br label %test
test:
  %i = phi i64 [ 0, %entry ], [ %next, %store ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %look, label %go
look:
  %place = getelementptr ptr, ptr %given, i64 %i
  %object = load ptr, ptr %place
  %kindp = getelementptr i8, ptr %object, i64 {HEADER - 8}
  %kind = load ptr, ptr %kindp
  %is_array = icmp eq ptr %kind, %array
  %is_float = icmp eq ptr %kind, %float
  %behind = or i1 %is_array, %is_float
  br i1 %behind, label %read, label %ask
read:
  %fieldp = getelementptr i8, ptr %object, i64 {HEADER}
  %field = load i64, ptr %fieldp
  br label %store
ask:
  %number = call i64 %integer(ptr %object)
  %odd = icmp eq i64 %number, -1
  br i1 %odd, label %doubt, label %store
doubt:
  %raised = call ptr %error()
  %none_raised = icmp eq ptr %raised, null
  br i1 %none_raised, label %store, label %fail
fail:
  ret ptr null
store:
  %value = phi i64 [ %field, %read ], [ %number, %ask ], [ %number, %doubt ]
  %slot = getelementptr i64, ptr %values, i64 %i
  store i64 %value, ptr %slot
  %next = add i64 %i, 1
  br label %test
go:
  %kernel = load ptr, ptr %values
  %partsp = getelementptr i64, ptr %values, i64 1
  %parts = load i64, ptr %partsp
  %threadsp = getelementptr i64, ptr %values, i64 2
  %threads = load i64, ptr %threadsp
  %args = getelementptr i64, ptr %values, i64 3
  %thread = call ptr %release()
  call void @run(ptr %kernel, ptr %args, i64 %parts, i64 %threads)
  call void %acquire(ptr %thread)
  call void %hold(ptr %none)
  ret ptr %none
}}

; --- The sum of an array (METH_O) ---
; `self` is an array of the addresses in `SUM_TABLE`. An array's fields are NumPy's `PyArrayObject_fields`.

define ptr @sum(ptr %self, ptr %array) {{
entry:
  %ret = alloca ptr
  %exc = alloca ptr
  %total = alloca double
  %args = alloca [6 x i64]
  %ndarray = call ptr @entry(ptr %self, i64 0)
  %float32 = call ptr @entry(ptr %self, i64 1)
  %float64 = call ptr @entry(ptr %self, i64 2)
  %kernel4 = call ptr @entry(ptr %self, i64 3)
  %kernel8 = call ptr @entry(ptr %self, i64 4)
  %make = call ptr @entry(ptr %self, i64 5)
  %hold = call ptr @entry(ptr %self, i64 6)
  %other = call ptr @entry(ptr %self, i64 7)
  %kindp = getelementptr i8, ptr %array, i64 {HEADER - 8}
  %kind = load ptr, ptr %kindp
  %plain = icmp eq ptr %kind, %ndarray
  br i1 %plain, label %look, label %decline
look:
  %dtypep = getelementptr i8, ptr %array, i64 {HEADER + 40}
  %dtype = load ptr, ptr %dtypep
  %single = icmp eq ptr %dtype, %float32
  %double = icmp eq ptr %dtype, %float64
  %real = or i1 %single, %double
  %flagsp = getelementptr i8, ptr %array, i64 {HEADER + 48}
  %flags = load i32, ptr %flagsp
  %both = and i32 %flags, {0x0001 | 0x0100}       ; C_CONTIGUOUS and ALIGNED
  %dense = icmp eq i32 %both, {0x0001 | 0x0100}
  %fits = and i1 %real, %dense
  br i1 %fits, label %measure, label %decline
decline:
  call void %hold(ptr %other)
  ret ptr %other
measure:
  %datap = getelementptr i8, ptr %array, i64 {HEADER}
  %data = load i64, ptr %datap
  %ndimp = getelementptr i8, ptr %array, i64 {HEADER + 8}
  %ndim = load i32, ptr %ndimp
  %shapep = getelementptr i8, ptr %array, i64 {HEADER + 16}
  %shape = load ptr, ptr %shapep
  br label %test
test:
  %i = phi i32 [ 0, %measure ], [ %next, %multiply ]
  %size = phi i64 [ 1, %measure ], [ %product, %multiply ]
  %more = icmp slt i32 %i, %ndim
  br i1 %more, label %multiply, label %run
multiply:
  %lengthp = getelementptr i64, ptr %shape, i32 %i
  %length = load i64, ptr %lengthp
  %product = mul i64 %size, %length
  %next = add i32 %i, 1
  br label %test
run:
  %kernel = select i1 %single, ptr %kernel4, ptr %kernel8
  %width = select i1 %single, i64 4, i64 8
  %result = ptrtoint ptr %total to i64
  %address = ptrtoint ptr %args to i64
  %arg1 = getelementptr i64, ptr %args, i64 1
  %arg2 = getelementptr i64, ptr %args, i64 2
  %arg3 = getelementptr i64, ptr %args, i64 3
  %arg4 = getelementptr i64, ptr %args, i64 4
  %arg5 = getelementptr i64, ptr %args, i64 5
  store i64 %data, ptr %args          ; one row of all numbers
  store i64 %result, ptr %arg1
  store i64 1, ptr %arg2
  store i64 %size, ptr %arg3
  store i64 %size, ptr %arg4
  store i64 %width, ptr %arg5
  %status = call i32 %kernel(ptr %ret, ptr %exc, i64 %address, i64 0, i64 1)
  call void %hold(ptr %dtype)         ; the new array takes this reference
  %new = call ptr %make(ptr %ndarray, ptr %dtype, i32 0, ptr null, ptr null, ptr null, i32 0, ptr null)
  %failed = icmp eq ptr %new, null
  br i1 %failed, label %done, label %fill
fill:
  %placep = getelementptr i8, ptr %new, i64 {HEADER}
  %place = load ptr, ptr %placep
  %sum = load double, ptr %total
  br i1 %single, label %round, label %whole
round:
  %rounded = fptrunc double %sum to float
  store float %rounded, ptr %place
  ret ptr %new
whole:
  store double %sum, ptr %place
  ret ptr %new
done:
  ret ptr null
}}
"""

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


@cache
def caller() -> Callable[..., None]:
    """`call(kernel, parts, threads, *values)`: runs the kernel at an address, without Python's lock.

    Raises:
        TypeError: In that call, for a value that is no array, float or integer.
    """
    from tour.numba import _driver

    api = ctypes.pythonapi
    table = [ctypes.cast(getattr(api, x), ctypes.c_void_p).value if type(x) is str else id(x) for x in TABLE]
    return _builtin("call", _driver.linked().call, METH_FASTCALL, table)


def summing(single: int, double: int) -> Callable[[Any], Any]:
    """`sum(array)`: the sum of a float32 or float64 array without gaps, as an array; NotImplemented for any other.

    Args:
        single: Where the kernel for rows of float32 begins, `kernels.reductions.row_sums_4`.
        double: That for float64.
    """
    from tour.numba import _driver, _heap

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
