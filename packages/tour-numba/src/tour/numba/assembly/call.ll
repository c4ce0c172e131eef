; What Python calls: builtin functions, and what they look up.
;
; `call` (METH_FASTCALL) runs a kernel. `self` is an array of the addresses in `TABLE` of `_calling.py`; `given` are the objects in the
; call: kernel, parts, threads, and what the kernel gets, each in 8 bytes.

; An entry of the table.
define internal ptr @entry(ptr %self, i64 %i) {
  %tablep = getelementptr i8, ptr %self, i64 $FIELDS
  %table = load ptr, ptr %tablep
  %place = getelementptr ptr, ptr %table, i64 %i
  %address = load ptr, ptr %place
  ret ptr %address
}

define ptr @call(ptr %self, ptr %given, i64 %n) {
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
  %kindp = getelementptr i8, ptr %object, i64 $TYPE
  %kind = load ptr, ptr %kindp
  %is_array = icmp eq ptr %kind, %array
  %is_float = icmp eq ptr %kind, %float
  %behind = or i1 %is_array, %is_float
  br i1 %behind, label %read, label %ask
read:
  %fieldp = getelementptr i8, ptr %object, i64 $FIELDS
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
}
