; Parts of work, and the threads that do them.
;
; Numba's pools offer `parallel_for`, which calls a function (arrays, counts, steps, data) for stretches of a range, in one of the
; threads. Of the parts of our work it knows the numbers: the first array begins at address 0 with a step of 1, so that where it
; begins for a stretch is the number of the first part. Kernels have Numba's calling convention: two pointers for a result and an
; exception, neither of which they use, before the arguments.

%pool = type { ptr, i64, i64, i64 }     ; parallel_for; threads; whether it serves one caller at a time, and is serving one
@pool = global %pool zeroinitializer

define internal void @spread(ptr %share, ptr %work, i64 %parts, i64 %threads) {
entry:
  %arrays = alloca ptr
  %count = alloca i64
  %step = alloca i64
  store ptr null, ptr %arrays
  store i64 %parts, ptr %count
  store i64 1, ptr %step
  %few = icmp slt i64 %parts, %threads
  %most = select i1 %few, i64 %parts, i64 %threads
  %alone = icmp slt i64 %most, 2
  br i1 %alone, label %serial, label %ask
ask:
  %exclusivep = getelementptr %pool, ptr @pool, i32 0, i32 2
  %exclusive = load i64, ptr %exclusivep
  %busyp = getelementptr %pool, ptr @pool, i32 0, i32 3
  %open = icmp eq i64 %exclusive, 0
  br i1 %open, label %parallel, label %enter
enter:
  %was = atomicrmw xchg ptr %busyp, i64 1 acquire
  %free = icmp eq i64 %was, 0
  br i1 %free, label %parallel, label %serial
parallel:
  %parallel_for = load ptr, ptr @pool
  %wanted = trunc i64 %most to i32
  call void %parallel_for(ptr %share, ptr %arrays, ptr %count, ptr %step, ptr %work, i64 0, i64 1, i32 %wanted)
  br i1 %open, label %done, label %leave
leave:
  store atomic i64 0, ptr %busyp release, align 8
  ret void
serial:
  call void %share(ptr %arrays, ptr %count, ptr %step, ptr %work)
  br label %done
done:
  ret void
}

; --- Kernels ---

%call = type { ptr, ptr, i64 }          ; the kernel, its arguments, parts

define internal void @share(ptr %arrays, ptr %counts, ptr %steps, ptr %call) {
entry:
  %ret = alloca ptr
  %exc = alloca ptr
  %first = load i64, ptr %arrays
  %count = load i64, ptr %counts
  %kernel = load ptr, ptr %call
  %argsp = getelementptr %call, ptr %call, i32 0, i32 1
  %args = load i64, ptr %argsp
  %partsp = getelementptr %call, ptr %call, i32 0, i32 2
  %parts = load i64, ptr %partsp
  %end = add i64 %first, %count
  br label %test
test:
  %part = phi i64 [ %first, %entry ], [ %next, %body ]
  %more = icmp slt i64 %part, %end
  br i1 %more, label %body, label %done
body:
  %status = call i32 %kernel(ptr %ret, ptr %exc, i64 %args, i64 %part, i64 %parts)
  %next = add i64 %part, 1
  br label %test
done:
  ret void
}

define internal void @run(ptr %kernel, ptr %args, i64 %parts, i64 %threads) {
  %call = alloca %call
  store ptr %kernel, ptr %call
  %argsp = getelementptr %call, ptr %call, i32 0, i32 1
  store ptr %args, ptr %argsp
  %partsp = getelementptr %call, ptr %call, i32 0, i32 2
  store i64 %parts, ptr %partsp
  call void @spread(ptr @share, ptr %call, i64 %parts, i64 %threads)
  ret void
}
