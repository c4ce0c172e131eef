%task = type { ptr, i64, [6 x i64], ptr, [7 x i64] }  ; virtual functions, version, what is TBB's, the job
%job = type { ptr, ptr, i64, i64, i64, i64 }   ; function, data, parts, the next part; wait_context: version, tasks that are not over

@tbb = global [$SYMBOLS x ptr] zeroinitializer
@context = global [$CONTEXT x i8] zeroinitializer, align 128
@functions = internal constant [6 x ptr] [ptr null, ptr null, ptr @destroy, ptr @destroy, ptr @execute, ptr @execute]

define internal void @destroy(ptr %task) {
  ret void
}

define internal void @take(ptr %job) {
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
}

; A task; it is over when its caller may go on, and then neither it nor the job is there any more.
define internal ptr @execute(ptr %task, ptr %execution) {
entry:
  %jobp = getelementptr %task, ptr %task, i32 0, i32 3
  %job = load ptr, ptr %jobp
  %notify = load ptr, ptr getelementptr ([$SYMBOLS x ptr], ptr @tbb, i32 0, i32 2)
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
}

define void @tbb_for(ptr %function, ptr %arrays, ptr %counts, ptr %steps, ptr %data, i64 %inner, i64 %count, i32 %threads) {
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
  %wait = load ptr, ptr getelementptr ([$SYMBOLS x ptr], ptr @tbb, i32 0, i32 1)
  call void %wait(ptr %waiting, ptr @context)
  ret void
}
