"""TBB by its own interface: work is handed to threads that TBB keeps awake for a moment, as it does for every program in C++.

Numba's pool makes an arena for every call, which its threads leave when the call ends, to sleep: they are back 10 µs later, as
late as half a product of two matrices of 100². In the arena that TBB has for each thread that calls it, they have work after 1 µs.

`tbb_for` has the signature of `parallel_for` in Numba's pools. It spawns a task for every other thread; they and the caller take parts
until none is left. What is passed to TBB is laid out as its headers do it (oneTBB's `detail/_task.h` and `task_group.h`, and Itanium's
C++ ABI for virtual functions); every libtbb.so.12 must serve programs compiled with them.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

SYMBOLS = (
    "_ZN3tbb6detail2r15spawnERNS0_2d14taskERNS2_18task_group_contextE",
    "_ZN3tbb6detail2r14waitERNS0_2d112wait_contextERNS2_18task_group_contextE",
    "_ZN3tbb6detail2r114notify_waitersEm",
    "_ZN3tbb6detail2r110initializeERNS0_2d118task_group_contextE",
)
CONTEXT = 128  # bytes of a task_group_context
VERSION = 12  # where its version is, a byte; the flags behind it are zero: nobody's child

TEXT = f"""
%task = type {{ ptr, i64, [6 x i64], ptr, [7 x i64] }}  ; virtual functions, version, what is TBB's, the job
%job = type {{ ptr, ptr, i64, i64, i64, i64 }}   ; function, data, parts, the next part; wait_context: version, tasks that are not over

@tbb = global [{len(SYMBOLS)} x ptr] zeroinitializer
@context = global [{CONTEXT} x i8] zeroinitializer, align 128
@functions = internal constant [6 x ptr] [ptr null, ptr null, ptr @destroy, ptr @destroy, ptr @execute, ptr @execute]

define internal void @destroy(ptr %task) {{
  ret void
}}

define internal void @take(ptr %job) {{
entry:
  %first = alloca ptr
  %one = alloca i64
  %step = alloca i64
  store i64 1, ptr %step
  %function = load ptr, ptr %job
  %datap = getelementptr %job, ptr %job, i32 0, i32 1
  %data = load ptr, ptr %datap
  %partsp = getelementptr %job, ptr %job, i32 0, i32 2
  %parts = load i64, ptr %partsp
  %nextp = getelementptr %job, ptr %job, i32 0, i32 3
  br label %next
next:
  %part = atomicrmw add ptr %nextp, i64 1 seq_cst
  %more = icmp slt i64 %part, %parts
  br i1 %more, label %work, label %done
work:
  %at = inttoptr i64 %part to ptr
  store ptr %at, ptr %first
  store i64 1, ptr %one
  call void %function(ptr %first, ptr %one, ptr %step, ptr %data)
  br label %next
done:
  ret void
}}

; A task; it is over when its caller may go on, and then neither it nor the job is there any more.
define internal ptr @execute(ptr %task, ptr %execution) {{
entry:
  %jobp = getelementptr %task, ptr %task, i32 0, i32 3
  %job = load ptr, ptr %jobp
  %notify = load ptr, ptr getelementptr ([{len(SYMBOLS)} x ptr], ptr @tbb, i32 0, i32 2)
  call void @take(ptr %job)
  %waiting = getelementptr %job, ptr %job, i32 0, i32 4
  %place = ptrtoint ptr %waiting to i64
  %leftp = getelementptr %job, ptr %job, i32 0, i32 5
  %left = atomicrmw sub ptr %leftp, i64 1 seq_cst
  %last = icmp eq i64 %left, 1
  br i1 %last, label %tell, label %done
tell:
  call void %notify(i64 %place)
  br label %done
done:
  ret ptr null
}}

define void @tbb_for(ptr %function, ptr %arrays, ptr %counts, ptr %steps, ptr %data, i64 %inner, i64 %count, i32 %threads) {{
entry:
  %job = alloca %job
  %wide = sext i32 %threads to i64
  %others = sub i64 %wide, 1
  %tasks = alloca %task, i64 %others, align 64
  %parts = load i64, ptr %counts
  store ptr %function, ptr %job
  %datap = getelementptr %job, ptr %job, i32 0, i32 1
  store ptr %data, ptr %datap
  %partsp = getelementptr %job, ptr %job, i32 0, i32 2
  store i64 %parts, ptr %partsp
  %nextp = getelementptr %job, ptr %job, i32 0, i32 3
  store i64 0, ptr %nextp
  %waiting = getelementptr %job, ptr %job, i32 0, i32 4
  store i64 1, ptr %waiting
  %leftp = getelementptr %job, ptr %job, i32 0, i32 5
  store i64 %others, ptr %leftp
  %spawn = load ptr, ptr @tbb
  br label %test
test:
  %i = phi i64 [ 0, %entry ], [ %j, %hand ]
  %more = icmp slt i64 %i, %others
  br i1 %more, label %hand, label %work
hand:
  %task = getelementptr %task, ptr %tasks, i64 %i
  store %task zeroinitializer, ptr %task
  store ptr getelementptr ([6 x ptr], ptr @functions, i32 0, i32 2), ptr %task
  %jobp = getelementptr %task, ptr %task, i32 0, i32 3
  store ptr %job, ptr %jobp
  call void %spawn(ptr %task, ptr @context)
  %j = add i64 %i, 1
  br label %test
work:
  call void @take(ptr %job)
  %wait = load ptr, ptr getelementptr ([{len(SYMBOLS)} x ptr], ptr @tbb, i32 0, i32 1)
  call void %wait(ptr %waiting, ptr @context)
  ret void
}}
"""


@cache
def start() -> int:
    """The address of `tbb_for`; 0 where TBB is not in memory, or its interface is another."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if library is None or ctypes.sizeof(ctypes.c_void_p) != 8 or not all(hasattr(library, name) for name in SYMBOLS):
        return 0
    from tour.numba import _native, _store

    found = _store.load("_tbb")
    if found is None:
        found = _native.assemble(TEXT), "tbb_for"
        _store.save("_tbb", *found)
    function = _native.link(*found)
    table = (ctypes.c_void_p * len(SYMBOLS)).from_address(_native.variable("tbb"))
    table[:] = [ctypes.cast(getattr(library, name), ctypes.c_void_p).value for name in SYMBOLS]
    ctypes.pythonapi.Py_IncRef(
        ctypes.py_object(_native.engine())
    )  # for ever: TBB's threads may be in its code until the end
    context = _native.variable("context")
    ctypes.c_uint8.from_address(context + VERSION).value = 1
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(table[3] or 0)(context)
    return function
