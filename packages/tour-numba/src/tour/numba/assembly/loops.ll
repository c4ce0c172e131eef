; Inner loops of ufuncs: rows that threads share, chains of loops, and kernels as loops.

%loop = type { ptr, ptr, i64, i64 }     ; a loop and its data; operands, of which the last is the result; the least of a part
%kernel = type { ptr, i64 }             ; a kernel that is a loop, and its operands
%link = type { ptr, ptr, [3 x i64] }    ; a loop and its data, and which of a chain's places it is given
%chain = type { i64, i64, ptr, [$LINKS x %link] } ; its links, bytes of an element, a block of the constant
%row = type { ptr, ptr, ptr, i64, i64 } ; the loop, its arrays and steps, elements, parts

declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.smax.i64(i64, i64)

; Whether elements of a row may be computed in any order: what is written is what is read in the same place, or is not read at all.
; So it is in every plain call; accumulate and reduce read what they have just written.
define internal i1 @independent(ptr %arrays, ptr %steps, i64 %operands, i64 %n) {
entry:
  %last = sub i64 %operands, 1
  %outp = getelementptr ptr, ptr %arrays, i64 %last
  %out = load i64, ptr %outp
  %stepp = getelementptr i64, ptr %steps, i64 %last
  %step = load i64, ptr %stepp
  %length = sub i64 %n, 1
  %reach = mul i64 %length, %step
  %end = add i64 %out, %reach
  %low = call i64 @llvm.smin.i64(i64 %out, i64 %end)
  %high = call i64 @llvm.smax.i64(i64 %out, i64 %end)
  %moves = icmp ne i64 %step, 0
  br i1 %moves, label %test, label %no
test:
  %i = phi i64 [ 0, %entry ], [ %next, %fine ]
  %more = icmp slt i64 %i, %last
  br i1 %more, label %look, label %yes
look:
  %inp = getelementptr ptr, ptr %arrays, i64 %i
  %in = load i64, ptr %inp
  %instepp = getelementptr i64, ptr %steps, i64 %i
  %instep = load i64, ptr %instepp
  %begins = icmp eq i64 %in, %out
  %strides = icmp eq i64 %instep, %step
  %same = and i1 %begins, %strides
  %inreach = mul i64 %length, %instep
  %inend = add i64 %in, %inreach
  %inlow = call i64 @llvm.smin.i64(i64 %in, i64 %inend)
  %inhigh = call i64 @llvm.smax.i64(i64 %in, i64 %inend)
  %after = sub i64 %inlow, %high
  %before = sub i64 %low, %inhigh
  %gap = call i64 @llvm.smax.i64(i64 %after, i64 %before)
  %apart = icmp sge i64 %gap, 16   ; bytes, as many as the largest element has
  %good = or i1 %same, %apart
  br i1 %good, label %fine, label %no
fine:
  %next = add i64 %i, 1
  br label %test
yes:
  ret i1 true
no:
  ret i1 false
}

; Into how many parts a row is cut.
define internal i64 @parts(ptr %arrays, i64 %n, ptr %steps, ptr %loop) {
entry:
  %leastp = getelementptr %loop, ptr %loop, i32 0, i32 3
  %least = load i64, ptr %leastp
  %twice = shl i64 %least, 1
  %large = icmp sge i64 %n, %twice
  br i1 %large, label %cut, label %whole
cut:
  %operandsp = getelementptr %loop, ptr %loop, i32 0, i32 2
  %operands = load i64, ptr %operandsp
  %free = call i1 @independent(ptr %arrays, ptr %steps, i64 %operands, i64 %n)
  br i1 %free, label %count, label %whole
count:
  %threads = load i64, ptr getelementptr (%pool, ptr @pool, i32 0, i32 1)
  %several = mul i64 %threads, $STEAL
  %most = sdiv i64 %n, %least
  %parts = call i64 @llvm.smin.i64(i64 %several, i64 %most)
  %alone = icmp slt i64 %threads, 2
  br i1 %alone, label %whole, label %done
whole:
  ret i64 1
done:
  ret i64 %parts
}

; Where a part of a row begins.
define internal i64 @border(i64 %part, ptr %row) {
  %np = getelementptr %row, ptr %row, i32 0, i32 3
  %n = load i64, ptr %np
  %partsp = getelementptr %row, ptr %row, i32 0, i32 4
  %parts = load i64, ptr %partsp
  %up = add i64 %n, $ROUND_UP
  %blocks = sdiv i64 %up, $SHORTEST
  %product = mul i64 %part, %blocks
  %block = sdiv i64 %product, %parts
  %at = mul i64 %block, $SHORTEST
  %begin = call i64 @llvm.smin.i64(i64 %at, i64 %n)
  ret i64 %begin
}

define internal void @stretch(ptr %numbers, ptr %counts, ptr %ones, ptr %row) {
entry:
  %moved = alloca [8 x ptr]
  %length = alloca i64
  %first = load i64, ptr %numbers
  %count = load i64, ptr %counts
  %after = add i64 %first, %count
  %begin = call i64 @border(i64 %first, ptr %row)
  %end = call i64 @border(i64 %after, ptr %row)
  %n = sub i64 %end, %begin
  store i64 %n, ptr %length
  %loop = load ptr, ptr %row
  %arraysp = getelementptr %row, ptr %row, i32 0, i32 1
  %arrays = load ptr, ptr %arraysp
  %stepsp = getelementptr %row, ptr %row, i32 0, i32 2
  %steps = load ptr, ptr %stepsp
  %operandsp = getelementptr %loop, ptr %loop, i32 0, i32 2
  %operands = load i64, ptr %operandsp
  br label %move
move:
  %i = phi i64 [ 0, %entry ], [ %next, %move ]
  %arrayp = getelementptr ptr, ptr %arrays, i64 %i
  %array = load ptr, ptr %arrayp
  %stepp = getelementptr i64, ptr %steps, i64 %i
  %step = load i64, ptr %stepp
  %far = mul i64 %step, %begin
  %place = getelementptr i8, ptr %array, i64 %far
  %movedp = getelementptr ptr, ptr %moved, i64 %i
  store ptr %place, ptr %movedp
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %operands
  br i1 %more, label %move, label %run
run:
  %function = load ptr, ptr %loop
  %datap = getelementptr %loop, ptr %loop, i32 0, i32 1
  %data = load ptr, ptr %datap
  call void %function(ptr %moved, ptr %length, ptr %steps, ptr %data)
  ret void
}

define void @threaded(ptr %arrays, ptr %counts, ptr %steps, ptr %loop) {
entry:
  %row = alloca %row
  %n = load i64, ptr %counts
  %parts = call i64 @parts(ptr %arrays, i64 %n, ptr %steps, ptr %loop)
  %whole = icmp eq i64 %parts, 1
  br i1 %whole, label %direct, label %cut
direct:
  %function = load ptr, ptr %loop
  %datap = getelementptr %loop, ptr %loop, i32 0, i32 1
  %data = load ptr, ptr %datap
  call void %function(ptr %arrays, ptr %counts, ptr %steps, ptr %data)
  ret void
cut:
  store ptr %loop, ptr %row
  %arraysp = getelementptr %row, ptr %row, i32 0, i32 1
  store ptr %arrays, ptr %arraysp
  %stepsp = getelementptr %row, ptr %row, i32 0, i32 2
  store ptr %steps, ptr %stepsp
  %np = getelementptr %row, ptr %row, i32 0, i32 3
  store i64 %n, ptr %np
  %partsp = getelementptr %row, ptr %row, i32 0, i32 4
  store i64 %parts, ptr %partsp
  %threads = load i64, ptr getelementptr (%pool, ptr @pool, i32 0, i32 1)
  call void @spread(ptr @stretch, ptr %row, i64 %parts, i64 %threads)
  ret void
}

; Several loops one after the other as one, block by block, with what lies between in a block of its own.
define void @chained(ptr %arrays, ptr %counts, ptr %steps, ptr %chain) {
entry:
  %between = alloca [$BLOCK x i64], align 64
  %places = alloca [4 x ptr]          ; of the block: what is read, what is written, what is between, the constant
  %strides = alloca [4 x i64]
  %given = alloca [3 x ptr]           ; to a loop
  %givensteps = alloca [3 x i64]
  %length = alloca i64
  %n = load i64, ptr %counts
  %in = load ptr, ptr %arrays
  %outp = getelementptr ptr, ptr %arrays, i64 1
  %out = load ptr, ptr %outp
  %instep = load i64, ptr %steps
  %outstepp = getelementptr i64, ptr %steps, i64 1
  %outstep = load i64, ptr %outstepp
  %widthp = getelementptr %chain, ptr %chain, i32 0, i32 1
  %width = load i64, ptr %widthp
  %constantp = getelementptr %chain, ptr %chain, i32 0, i32 2
  %constant = load ptr, ptr %constantp
  %place1 = getelementptr ptr, ptr %places, i64 1
  %place2 = getelementptr ptr, ptr %places, i64 2
  %place3 = getelementptr ptr, ptr %places, i64 3
  %stride1 = getelementptr i64, ptr %strides, i64 1
  %stride2 = getelementptr i64, ptr %strides, i64 2
  %stride3 = getelementptr i64, ptr %strides, i64 3
  store ptr %between, ptr %place2
  store ptr %constant, ptr %place3
  store i64 %instep, ptr %strides
  store i64 %outstep, ptr %stride1
  store i64 %width, ptr %stride2
  store i64 %width, ptr %stride3
  %links = load i64, ptr %chain
  br label %block
block:
  %begin = phi i64 [ 0, %entry ], [ %after, %ended ]
  %some = icmp slt i64 %begin, %n
  br i1 %some, label %start, label %done
start:
  %rest = sub i64 %n, %begin
  %most = call i64 @llvm.smin.i64(i64 %rest, i64 $BLOCK)
  store i64 %most, ptr %length
  %infar = mul i64 %begin, %instep
  %outfar = mul i64 %begin, %outstep
  %inhere = getelementptr i8, ptr %in, i64 %infar
  %outhere = getelementptr i8, ptr %out, i64 %outfar
  store ptr %inhere, ptr %places
  store ptr %outhere, ptr %place1
  br label %link
link:
  %i = phi i64 [ 0, %start ], [ %following, %run ]
  %linkp = getelementptr %chain, ptr %chain, i32 0, i32 3, i64 %i
  br label %operand
operand:
  %k = phi i64 [ 0, %link ], [ %nextk, %operand ]
  %whichp = getelementptr %link, ptr %linkp, i32 0, i32 2, i64 %k
  %which = load i64, ptr %whichp
  %wherep = getelementptr ptr, ptr %places, i64 %which
  %where = load ptr, ptr %wherep
  %stridep = getelementptr i64, ptr %strides, i64 %which
  %stride = load i64, ptr %stridep
  %givenp = getelementptr ptr, ptr %given, i64 %k
  store ptr %where, ptr %givenp
  %givenstepp = getelementptr i64, ptr %givensteps, i64 %k
  store i64 %stride, ptr %givenstepp
  %nextk = add i64 %k, 1
  %morek = icmp slt i64 %nextk, 3
  br i1 %morek, label %operand, label %run
run:
  %function = load ptr, ptr %linkp
  %datap = getelementptr %link, ptr %linkp, i32 0, i32 1
  %data = load ptr, ptr %datap
  call void %function(ptr %given, ptr %length, ptr %givensteps, ptr %data)
  %following = add i64 %i, 1
  %more = icmp slt i64 %following, %links
  br i1 %more, label %link, label %ended
ended:
  %after = add i64 %begin, $BLOCK
  br label %block
done:
  ret void
}

; A kernel as such a loop, in one part: it finds the addresses of its arrays, the number of elements, and the steps.
define void @compiled(ptr %arrays, ptr %counts, ptr %steps, ptr %kernel) {
entry:
  %ret = alloca ptr
  %exc = alloca ptr
  %args = alloca [16 x i64]
  %operandsp = getelementptr %kernel, ptr %kernel, i32 0, i32 1
  %operands = load i64, ptr %operandsp
  %middle = getelementptr i64, ptr %args, i64 %operands
  %n = load i64, ptr %counts
  store i64 %n, ptr %middle
  br label %copy
copy:
  %i = phi i64 [ 0, %entry ], [ %next, %copy ]
  %arrayp = getelementptr i64, ptr %arrays, i64 %i
  %array = load i64, ptr %arrayp
  %argp = getelementptr i64, ptr %args, i64 %i
  store i64 %array, ptr %argp
  %next = add i64 %i, 1
  %stepp = getelementptr i64, ptr %steps, i64 %i
  %step = load i64, ptr %stepp
  %placep = getelementptr i64, ptr %middle, i64 %next
  store i64 %step, ptr %placep
  %more = icmp slt i64 %next, %operands
  br i1 %more, label %copy, label %run
run:
  %function = load ptr, ptr %kernel
  %address = ptrtoint ptr %args to i64
  %status = call i32 %function(ptr %ret, ptr %exc, i64 %address, i64 0, i64 1)
  ret void
}
