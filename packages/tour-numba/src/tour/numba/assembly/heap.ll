; The functions of the handler. A size belongs to a class by its first three bits, after 1 has been taken from it; blocks of a class
; are a list, each beginning with the address of the next. The lock is only tried: whoever does not get it (in free-threaded Python,
; or in a child that was forked at the wrong moment) goes to the library.

%heap = type {
  i64,             ; 0: the lock, 1 while somebody changes the lists
  i64, i64,        ; 1, 2: bytes that wait, and how many may
  i64, i64,        ; 3, 4: blocks that were used again, and blocks that the library made
  ptr,             ; 5: what NumPy's own handler is called with
  ptr, ptr, ptr, ptr,  ; 6 to 9: its malloc, calloc, realloc and free
  ptr, ptr,        ; 10, 11: the library's posix_memalign and madvise, or null
  [$CLASSES x ptr]       ; 12: the first block of each class
}

declare i64 @llvm.ctlz.i64(i64, i1)
declare { i64, i1 } @llvm.umul.with.overflow.i64(i64, i64)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

; The class of a size, negative for small blocks, beyond $CLASSES for those that cannot be.
define internal i64 @class(i64 %size) {
  %n = sub i64 %size, 1
  %zeros = call i64 @llvm.ctlz.i64(i64 %n, i1 false)
  %log = sub i64 63, %zeros
  %shift = sub i64 %log, 2
  %tiny = icmp slt i64 %log, $SMALLEST
  %safe = select i1 %tiny, i64 0, i64 %shift
  %top = lshr i64 %n, %safe
  %quarter = and i64 %top, 3
  %above = sub i64 %log, $SMALLEST
  %first = mul i64 %above, 4
  %found = add i64 %first, %quarter
  %class = select i1 %tiny, i64 -1, i64 %found
  ret i64 %class
}

; The bytes of a block of a class.
define internal i64 @room(i64 %class) {
  %quarter = and i64 %class, 3
  %top = add i64 %quarter, 5
  %doubling = lshr i64 %class, 2
  %shift = add i64 %doubling, $SMALLEST_QUARTER
  %room = shl i64 %top, %shift
  ret i64 %room
}

define internal i1 @enter(ptr %heap) {
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
}

define internal void @leave(ptr %heap) {
  store atomic i64 0, ptr %heap release, align 8
  ret void
}

; A block of a class that waits, or null.
define internal ptr @take(ptr %heap, i64 %class) {
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
}

; Let a block wait, if there is still room for it.
define internal i1 @keep(ptr %heap, i64 %class, ptr %block) {
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
}

define internal void @free_by_library(ptr %heap, ptr %block, i64 %size) {
  %freep = getelementptr %heap, ptr %heap, i64 0, i32 9
  %free = load ptr, ptr %freep
  %contextp = getelementptr %heap, ptr %heap, i64 0, i32 5
  %context = load ptr, ptr %contextp
  call void %free(ptr %context, ptr %block, i64 %size)
  ret void
}

; Give all that waits back to the library.
define void @empty(ptr %heap) {
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
  %more = icmp slt i64 %following, $CLASSES
  br i1 %more, label %next, label %end
end:
  ret void
}

define internal void @count(ptr %counter) {
  %n = load i64, ptr %counter
  %more = add i64 %n, 1
  store i64 %more, ptr %counter
  ret void
}

define ptr @malloc_(ptr %heap, i64 %size) {
entry:
  %class = call i64 @class(i64 %size)
  %ours = icmp ult i64 %class, $CLASSES
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
}

; A fresh block: of cache lines, and of pages of 2 MiB from 4 MiB on, as NumPy does it.
define internal ptr @aligned(ptr %heap, i64 %room) {
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
  %huge = icmp uge i64 %room, 4194304
  %border = select i1 %huge, i64 2097152, i64 64
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
  %pages = and i64 %room, -2097152
  %ignored = call i32 %advise(ptr %block, i64 %pages, i32 14)
  br label %ready
ready:
  ret ptr %block
}

; Zeros: a block in the cache is cleared there; a large one is the library's, whose pages are zeros until they are touched.
define ptr @calloc_(ptr %heap, i64 %count, i64 %each) {
entry:
  %product = call { i64, i1 } @llvm.umul.with.overflow.i64(i64 %count, i64 %each)
  %size = extractvalue { i64, i1 } %product, 0
  %overflow = extractvalue { i64, i1 } %product, 1
  %class = call i64 @class(i64 %size)
  %ours = icmp ult i64 %class, $CLASSES
  %modest = icmp ule i64 %size, 33554432
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
}

define ptr @realloc_(ptr %heap, ptr %block, i64 %size) {
  %class = call i64 @class(i64 %size)
  %ours = icmp ult i64 %class, $CLASSES
  %room = call i64 @room(i64 %class)
  %wanted = select i1 %ours, i64 %room, i64 %size
  %reallocp = getelementptr %heap, ptr %heap, i64 0, i32 8
  %realloc = load ptr, ptr %reallocp
  %contextp = getelementptr %heap, ptr %heap, i64 0, i32 5
  %context = load ptr, ptr %contextp
  %new = call ptr %realloc(ptr %context, ptr %block, i64 %wanted)
  ret ptr %new
}

; Where the lists are full, all of them are emptied: what waits there is of sizes that were in use before, not now.
define void @free_(ptr %heap, ptr %block, i64 %size) {
entry:
  %null = icmp eq ptr %block, null
  %class = call i64 @class(i64 %size)
  %class_ours = icmp ult i64 %class, $CLASSES
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
}
