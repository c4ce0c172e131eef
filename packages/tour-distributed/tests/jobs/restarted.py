"""Adds up over twenty steps with a checkpoint after each; in its first life the last rank is killed at step 7."""

import os
import signal
import sys
from pathlib import Path

import numpy as np

import tour
from tour import distributed as dist

path = Path(sys.argv[1])
dist.init_process_group(world_size=int(os.environ["WORLD_SIZE"]), rank=int(os.environ["RANK"]))
w, step = (np.load(path)["w"], int(np.load(path)["step"])) if path.exists() else (np.zeros(3), 0)
while step < 20:
    grad = tour.from_numpy(np.sin(w + step))
    dist.all_reduce(grad, dist.ReduceOp.AVG)
    w, step = w + grad.numpy(), step + 1
    if dist.get_rank() == 0:
        np.savez(path.with_suffix(".new.npz"), w=w, step=step)
        os.replace(path.with_suffix(".new.npz"), path)
    dist.barrier()
    if (
        step == 7
        and dist.get_rank() == dist.get_world_size() - 1
        and os.environ["TOUR_RESTART_COUNT"] == "0"
        and "--kill" in sys.argv
    ):
        os.kill(os.getpid(), signal.SIGKILL)
if dist.get_rank() == 0:
    print(f"done {dist.get_world_size()} {w.tolist()}\n", end="", flush=True)  # in one write: other ranks write too
dist.destroy_process_group()
