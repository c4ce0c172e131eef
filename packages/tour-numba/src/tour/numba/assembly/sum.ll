; The sum of an array (METH_O). `self` is an array of the addresses that `_calling.summing` puts together. An array's fields are NumPy's `PyArrayObject_fields`.

define ptr @sum(ptr %self, ptr %array) {
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
  %kindp = getelementptr i8, ptr %array, i64 $TYPE
  %kind = load ptr, ptr %kindp
  %plain = icmp eq ptr %kind, %ndarray
  br i1 %plain, label %look, label %decline
look:
  %dtypep = getelementptr i8, ptr %array, i64 $DTYPE
  %dtype = load ptr, ptr %dtypep
  %single = icmp eq ptr %dtype, %float32
  %double = icmp eq ptr %dtype, %float64
  %real = or i1 %single, %double
  %flagsp = getelementptr i8, ptr %array, i64 $FLAGS
  %flags = load i32, ptr %flagsp
  %both = and i32 %flags, 257       ; C_CONTIGUOUS, 0x001, and ALIGNED, 0x100
  %dense = icmp eq i32 %both, 257
  %fits = and i1 %real, %dense
  br i1 %fits, label %measure, label %decline
decline:
  call void %hold(ptr %other)
  ret ptr %other
measure:
  %datap = getelementptr i8, ptr %array, i64 $FIELDS
  %data = load i64, ptr %datap
  %ndimp = getelementptr i8, ptr %array, i64 $NDIM
  %ndim = load i32, ptr %ndimp
  %shapep = getelementptr i8, ptr %array, i64 $SHAPE
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
  %placep = getelementptr i8, ptr %new, i64 $FIELDS
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
}
