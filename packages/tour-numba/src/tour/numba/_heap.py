"""Memory that is used again: NumPy's large arrays get blocks that other arrays have given back, so that no page is asked for twice.

Fresh pages cost more than most kernels: the system maps and clears each when it is first touched, a quarter of a microsecond for
4 KiB, and a C library gives large blocks back at once. Here they wait in lists, one for each size class, four classes to a doubling. NumPy
asks for memory through a handler (NEP 49); ours is machine code, called without Python, and hands small blocks on to NumPy's own.

Every block comes from the C library, with at least the room of its class: whoever frees or resizes it by the library does so rightly.
An array remembers its handler, so that arrays made before and after live side by side.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

numpy: Any = import_module("numpy._core.multiarray")

SMALLEST = 15  # blocks above 2^15 bytes are kept
LARGEST = 40
CLASSES = 4 * (LARGEST - SMALLEST)
SHARE = 8  # 1/8 of the memory at most waits to be used again: a large step's working set, and little to others who need memory

# The functions of the handler. A size belongs to a class by its first three bits, after 1 has been taken from it; blocks of a class
# are a list, each beginning with the address of the next. The lock is only tried: whoever does not get it (in free-threaded Python,
# or in a child that was forked at the wrong moment) goes to the library.
HEAP = f"""
%heap = type {{
  i64,             ; 0: the lock, 1 while somebody changes the lists
  i64, i64,        ; 1, 2: bytes that wait, and how many may
  i64, i64,        ; 3, 4: blocks that were used again, and blocks that the library made
  ptr,             ; 5: what NumPy's own handler is called with
  ptr, ptr, ptr, ptr,  ; 6 to 9: its malloc, calloc, realloc and free
  ptr, ptr,        ; 10, 11: the library's posix_memalign and madvise, or null
  [{CLASSES} x ptr]       ; 12: the first block of each class
}}

declare i64 @llvm.ctlz.i64(i64, i1)
declare {{ i64, i1 }} @llvm.umul.with.overflow.i64(i64, i64)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

; The class of a size, negative for small blocks, beyond {CLASSES} for those that cannot be.
define internal i64 @class(i64 %size) {{
  %n = sub i64 %size, 1
  %zeros = call i64 @llvm.ctlz.i64(i64 %n, i1 false)
  %log = sub i64 63, %zeros
  %shift = sub i64 %log, 2
  %tiny = icmp slt i64 %log, {SMALLEST}
  %safe = select i1 %tiny, i64 0, i64 %shift
  %top = lshr i64 %n, %safe
  %quarter = and i64 %top, 3
  %above = sub i64 %log, {SMALLEST}
  %first = mul i64 %above, 4
  %found = add i64 %first, %quarter
  %class = select i1 %tiny, i64 -1, i64 %found
  ret i64 %class
}}

; The bytes of a block of a class.
define internal i64 @room(i64 %class) {{
  %quarter = and i64 %class, 3
  %top = add i64 %quarter, 5
  %doubling = lshr i64 %class, 2
  %shift = add i64 %doubling, {SMALLEST - 2}
  %room = shl i64 %top, %shift
  ret i64 %room
}}

define internal i1 @enter(ptr %heap) {{
entry:
  br label %try
try:
  %n = phi i64 [ 0, %entry ], [ %more, %again ]
  %was = atomicrmw xchg ptr %heap, i64 1 acquire
  %got = icmp eq i64 %was, 0
  br i1 %got, label %done, label %again
again:
  %more = add i64 %n, 1
  %enough = icmp eq i64 %more, 1000
  br i1 %enough, label %done, label %try
done:
  ret i1 %got
}}

define internal void @leave(ptr %heap) {{
  store atomic i64 0, ptr %heap release, align 8
  ret void
}}

; A block of a class that waits, or null.
define internal ptr @take(ptr %heap, i64 %class) {{
entry:
  %got = call i1 @enter(ptr %heap)
  br i1 %got, label %look, label %none
look:
  %place = getelementptr %heap, ptr %heap, i64 0, i32 12, i64 %class
  %block = load ptr, ptr %place
  %empty = icmp eq ptr %block, null
  br i1 %empty, label %nothing, label %found
nothing:
  call void @leave(ptr %heap)
  br label %none
none:
  ret ptr null
found:
  %next = load ptr, ptr %block
  store ptr %next, ptr %place
  %room = call i64 @room(i64 %class)
  %heldp = getelementptr %heap, ptr %heap, i64 0, i32 1
  %held = load i64, ptr %heldp
  %left = sub i64 %held, %room
  store i64 %left, ptr %heldp
  call void @leave(ptr %heap)
  ret ptr %block
}}

; Let a block wait, if there is still room for it.
define internal i1 @keep(ptr %heap, i64 %class, ptr %block) {{
entry:
  %room = call i64 @room(i64 %class)
  %got = call i1 @enter(ptr %heap)
  br i1 %got, label %look, label %no
look:
  %heldp = getelementptr %heap, ptr %heap, i64 0, i32 1
  %limitp = getelementptr %heap, ptr %heap, i64 0, i32 2
  %held = load i64, ptr %heldp
  %limit = load i64, ptr %limitp
  %more = add i64 %held, %room
  %fits = icmp ule i64 %more, %limit
  br i1 %fits, label %push, label %full
full:
  call void @leave(ptr %heap)
  br label %no
no:
  ret i1 false
push:
  %place = getelementptr %heap, ptr %heap, i64 0, i32 12, i64 %class
  %next = load ptr, ptr %place
  store ptr %next, ptr %block
  store ptr %block, ptr %place
  store i64 %more, ptr %heldp
  call void @leave(ptr %heap)
  ret i1 true
}}

define internal void @free_by_library(ptr %heap, ptr %block, i64 %size) {{
  %freep = getelementptr %heap, ptr %heap, i64 0, i32 9
  %free = load ptr, ptr %freep
  %contextp = getelementptr %heap, ptr %heap, i64 0, i32 5
  %context = load ptr, ptr %contextp
  call void %free(ptr %context, ptr %block, i64 %size)
  ret void
}}

; Give all that waits back to the library.
define void @empty(ptr %heap) {{
entry:
  br label %next
next:
  %class = phi i64 [ 0, %entry ], [ %class, %give ], [ %following, %done ]
  %block = call ptr @take(ptr %heap, i64 %class)
  %last = icmp eq ptr %block, null
  br i1 %last, label %done, label %give
give:
  %room = call i64 @room(i64 %class)
  call void @free_by_library(ptr %heap, ptr %block, i64 %room)
  br label %next
done:
  %following = add i64 %class, 1
  %more = icmp slt i64 %following, {CLASSES}
  br i1 %more, label %next, label %end
end:
  ret void
}}

define internal void @count(ptr %counter) {{
  %n = load i64, ptr %counter
  %more = add i64 %n, 1
  store i64 %more, ptr %counter
  ret void
}}

define ptr @malloc_(ptr %heap, i64 %size) {{
entry:
  %class = call i64 @class(i64 %size)
  %ours = icmp ult i64 %class, {CLASSES}
  br i1 %ours, label %look, label %small
small:
  %mallocp = getelementptr %heap, ptr %heap, i64 0, i32 6
  %malloc = load ptr, ptr %mallocp
  %contextp = getelementptr %heap, ptr %heap, i64 0, i32 5
  %context = load ptr, ptr %contextp
  %direct = call ptr %malloc(ptr %context, i64 %size)
  ret ptr %direct
look:
  %block = call ptr @take(ptr %heap, i64 %class)
  %none = icmp eq ptr %block, null
  br i1 %none, label %fresh, label %found
found:
  %again = getelementptr %heap, ptr %heap, i64 0, i32 3
  call void @count(ptr %again)
  ret ptr %block
fresh:
  %made = getelementptr %heap, ptr %heap, i64 0, i32 4
  call void @count(ptr %made)
  %room = call i64 @room(i64 %class)
  %new = call ptr @aligned(ptr %heap, i64 %room)
  %failed = icmp eq ptr %new, null
  br i1 %failed, label %clean, label %done
clean:
  call void @empty(ptr %heap)
  %second = call ptr @aligned(ptr %heap, i64 %room)
  ret ptr %second
done:
  ret ptr %new
}}

; A fresh block: of cache lines, and of pages of 2 MiB from 4 MiB on, as NumPy does it.
define internal ptr @aligned(ptr %heap, i64 %room) {{
entry:
  %result = alloca ptr
  %alignp = getelementptr %heap, ptr %heap, i64 0, i32 10
  %align = load ptr, ptr %alignp
  %missing = icmp eq ptr %align, null
  br i1 %missing, label %plain, label %lines
plain:
  %mallocp = getelementptr %heap, ptr %heap, i64 0, i32 6
  %malloc = load ptr, ptr %mallocp
  %contextp = getelementptr %heap, ptr %heap, i64 0, i32 5
  %context = load ptr, ptr %contextp
  %direct = call ptr %malloc(ptr %context, i64 %room)
  ret ptr %direct
lines:
  %huge = icmp uge i64 %room, {1 << 22}
  %border = select i1 %huge, i64 {1 << 21}, i64 64
  %status = call i32 %align(ptr %result, i64 %border, i64 %room)
  %failed = icmp ne i32 %status, 0
  br i1 %failed, label %no, label %yes
no:
  ret ptr null
yes:
  %block = load ptr, ptr %result
  %advisep = getelementptr %heap, ptr %heap, i64 0, i32 11
  %advise = load ptr, ptr %advisep
  %able = icmp ne ptr %advise, null
  %both = and i1 %huge, %able
  br i1 %both, label %tell, label %ready
tell:
  %pages = and i64 %room, {-(1 << 21)}
  %ignored = call i32 %advise(ptr %block, i64 %pages, i32 14)
  br label %ready
ready:
  ret ptr %block
}}

; Zeros: a block in the cache is cleared there; a large one is the library's, whose pages are zeros until they are touched.
define ptr @calloc_(ptr %heap, i64 %count, i64 %each) {{
entry:
  %product = call {{ i64, i1 }} @llvm.umul.with.overflow.i64(i64 %count, i64 %each)
  %size = extractvalue {{ i64, i1 }} %product, 0
  %overflow = extractvalue {{ i64, i1 }} %product, 1
  %class = call i64 @class(i64 %size)
  %ours = icmp ult i64 %class, {CLASSES}
  %modest = icmp ule i64 %size, {1 << 25}
  %both = and i1 %ours, %modest
  %right = xor i1 %overflow, true
  %cleared = and i1 %both, %right
  br i1 %cleared, label %clear, label %library
clear:
  %block = call ptr @malloc_(ptr %heap, i64 %size)
  %none = icmp eq ptr %block, null
  br i1 %none, label %done, label %set
set:
  call void @llvm.memset.p0.i64(ptr %block, i8 0, i64 %size, i1 false)
  br label %done
done:
  ret ptr %block
library:
  %wide = and i1 %ours, %right
  %room = call i64 @room(i64 %class)
  %n = select i1 %wide, i64 %room, i64 %count
  %unit = select i1 %wide, i64 1, i64 %each
  %callocp = getelementptr %heap, ptr %heap, i64 0, i32 7
  %calloc = load ptr, ptr %callocp
  %contextp = getelementptr %heap, ptr %heap, i64 0, i32 5
  %context = load ptr, ptr %contextp
  %direct = call ptr %calloc(ptr %context, i64 %n, i64 %unit)
  ret ptr %direct
}}

define ptr @realloc_(ptr %heap, ptr %block, i64 %size) {{
  %class = call i64 @class(i64 %size)
  %ours = icmp ult i64 %class, {CLASSES}
  %room = call i64 @room(i64 %class)
  %wanted = select i1 %ours, i64 %room, i64 %size
  %reallocp = getelementptr %heap, ptr %heap, i64 0, i32 8
  %realloc = load ptr, ptr %reallocp
  %contextp = getelementptr %heap, ptr %heap, i64 0, i32 5
  %context = load ptr, ptr %contextp
  %new = call ptr %realloc(ptr %context, ptr %block, i64 %wanted)
  ret ptr %new
}}

; Where the lists are full, all of them are emptied: what waits there is of sizes that were in use before, not now.
define void @free_(ptr %heap, ptr %block, i64 %size) {{
entry:
  %null = icmp eq ptr %block, null
  %class = call i64 @class(i64 %size)
  %class_ours = icmp ult i64 %class, {CLASSES}
  %there = xor i1 %null, true
  %ours = and i1 %class_ours, %there
  br i1 %ours, label %put, label %library
put:
  %kept = call i1 @keep(ptr %heap, i64 %class, ptr %block)
  br i1 %kept, label %done, label %full
full:
  call void @empty(ptr %heap)
  %now = call i1 @keep(ptr %heap, i64 %class, ptr %block)
  br i1 %now, label %done, label %library
library:
  call void @free_by_library(ptr %heap, ptr %block, i64 %size)
  br label %done
done:
  ret void
}}
"""


class Heap(ctypes.Structure):
    """`%heap`, as the machine code has it."""

    _fields_ = [
        ("lock", ctypes.c_int64), ("held", ctypes.c_int64), ("limit", ctypes.c_int64), ("reused", ctypes.c_int64),
        ("made", ctypes.c_int64), ("context", ctypes.c_void_p), ("own", ctypes.c_void_p * 4),
        ("posix_memalign", ctypes.c_void_p), ("madvise", ctypes.c_void_p), ("lists", ctypes.c_void_p * CLASSES),
    ]  # fmt: skip


class Handler(ctypes.Structure):
    """NumPy's `PyDataMem_Handler`: a name, a version, and malloc, calloc, realloc and free with what they are called with."""

    _fields_ = [
        ("name", ctypes.c_char * 127), ("version", ctypes.c_uint8), ("context", ctypes.c_void_p),
        ("functions", ctypes.c_void_p * 4),
    ]  # fmt: skip


installed: ContextVar[bool] = ContextVar("installed", default=False)  # NumPy's handler belongs to a context, too


def install() -> None:
    """Give NumPy, in this thread and context, the handler of this file; not in place of one that a program has chosen."""
    installed.set(True)
    handler = _handler()
    if handler is not None and numpy.get_handler_name() == "default_allocator":
        ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(numpy_api()[SET_HANDLER])(handler)


def empty_cache() -> None:
    """Give what waits to be used again back to the system."""
    for heap, empty in _made:
        empty(ctypes.addressof(heap))


def describe() -> str:
    """A line for `tour.show_config`."""
    for heap, _ in _made:
        return (
            f"memory: {heap.held >> 20} MiB wait to be used again, {heap.limit >> 20} MiB may; "
            f"{heap.reused} large blocks were used again, {heap.made} were new"
        )
    return "memory: by NumPy"


_made: list[tuple[Heap, Any]] = []  # the heap, and the function that empties it

SET_HANDLER, DEFAULT_HANDLER = (
    304,
    306,
)  # places in NumPy's table of functions, `numpy/_core/include/numpy/__multiarray_api.h`
NAME = b"mem_handler"  # what NumPy calls capsules of handlers


def numpy_api() -> Any:
    """NumPy's table of functions."""
    address = ctypes.pythonapi.PyCapsule_GetPointer
    address.restype, address.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    return (ctypes.c_void_p * (DEFAULT_HANDLER + 1)).from_address(address(numpy._ARRAY_API, None))


@cache
def _handler() -> Any:
    """The capsule that NumPy wants, or None where its own handler is not the one known here."""
    from tour.numba import _native, _store

    address = ctypes.pythonapi.PyCapsule_GetPointer
    address.restype, address.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    own = Handler.from_address(address(ctypes.py_object.from_address(numpy_api()[DEFAULT_HANDLER]).value, NAME))
    if own.name != b"default_allocator" or own.version != 1:
        return None
    found = _store.load("_heap")
    if found is None:
        found = _native.assemble(HEAP), "empty"
        _store.save("_heap", *found)
    empty = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(_native.link(*found))
    functions = [_native.address(name) for name in ("malloc_", "calloc_", "realloc_", "free_")]
    heap = Heap(limit=_memory() // SHARE, context=own.context, own=own.functions)
    if sys.platform != "win32":  # aligned blocks need a free of their own there
        heap.posix_memalign = ctypes.cast(ctypes.CDLL(None).posix_memalign, ctypes.c_void_p)
    if sys.platform == "linux":
        heap.madvise = ctypes.cast(ctypes.CDLL(None).madvise, ctypes.c_void_p)
    handler = Handler(b"tour", 1, ctypes.addressof(heap), (ctypes.c_void_p * 4)(*functions))
    name = ctypes.create_string_buffer(NAME)
    for thing in (heap, handler, name, _native.engine()):  # for ever: arrays may outlive every module
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
    _made.append((heap, empty))
    capsule = ctypes.pythonapi.PyCapsule_New
    capsule.restype, capsule.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    return capsule(ctypes.addressof(handler), ctypes.addressof(name), None)


def _memory() -> int:
    """Bytes of memory of this machine, or of what a container may use of it."""
    try:
        own = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        own = 8 << 30  # a small machine of today
    try:
        given = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
    except OSError:
        given = ""
    return min(own, int(given)) if given.isdecimal() else own
