"""A job in which rank 1 fails in the way the argument names, while the others wait for it."""

import os
import signal
import sys
import threading
from datetime import timedelta

import tour
from tour import distributed as dist

fault = sys.argv[1]
dist.init_process_group(timeout=timedelta(seconds=1) if fault == "absent" else None)
rank = dist.get_rank()
if fault == "interrupted":
    print("ready", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print("interrupted", rank, flush=True)
        raise
if rank == 1:
    if fault == "exception":
        raise FloatingPointError("the loss is NaN")
    if fault == "thread":
        threading.Thread(target=lambda: 1 // 0).start()
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "exit":
        sys.exit(3)
    if fault == "absent":
        threading.Event().wait()
    if fault == "shape":
        dist.all_reduce(tour.ones(3))
    if fault == "dtype":
        dist.all_reduce(tour.ones(2).double())
    if fault == "order":
        dist.broadcast(tour.ones(2), 0)
dist.all_reduce(tour.ones(2))
dist.barrier()
threading.Event().wait()
