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
"""

TABLE = (
    np.ndarray, float, "PyLong_AsLongLong", "PyErr_Occurred", "PyEval_SaveThread", "PyEval_RestoreThread", "Py_IncRef", None,
)  # fmt: skip


class _Method(ctypes.Structure):
    """Python's `PyMethodDef`: what a builtin function is called, where its code is, how it takes arguments, and its docstring."""

    _fields_ = [("name", ctypes.c_char_p), ("code", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p)]


METH_FASTCALL = 0x80


@cache
def caller() -> Callable[..., None]:
    """`call(kernel, parts, threads, *values)`: runs the kernel at an address, without Python's lock.

    Raises:
        TypeError: In that call, for a value that is no array, float or integer.
    """
    from tour.numba import _driver

    api = ctypes.pythonapi
    table = np.array(
        [ctypes.cast(getattr(api, x), ctypes.c_void_p).value if type(x) is str else id(x) for x in TABLE], np.int64
    )
    method = _Method(b"call", _driver.linked().call, METH_FASTCALL, None)
    api.Py_IncRef(ctypes.py_object(method))  # for ever: Python looks into it when it lets go of the function
    make = api.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    call: Any = make(ctypes.addressof(method), table, None)
    return call  # type: ignore[no-any-return]
