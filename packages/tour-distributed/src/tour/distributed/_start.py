"""What each process of `python -m tour.distributed.run` runs first: it says to the script which rank it is, then runs it.

A script that ends with an exit code other than 0 ends the whole job, which MPI by itself would let wait.
"""

from __future__ import annotations

import os
import runpy
import sys
import time
from pathlib import Path

from tour.distributed import _witness
from tour.distributed._faults import GRACE


def _register() -> Path | None:
    """The folder in which `run` looks for what became of the ranks; None on another machine, or without `run`."""
    folder = Path(os.environ.get("TOUR_RANKS") or os.devnull)
    return folder if folder.is_dir() else None


def main() -> None:
    """Set RANK, WORLD_SIZE and LOCAL_RANK, as PyTorch's launcher does, and run the script named by the arguments."""
    _witness.attend(_register())
    from mpi4py import MPI  # after the forks: MPI and its threads stay out of the other processes

    world = MPI.COMM_WORLD
    here = world.Split_type(MPI.COMM_TYPE_SHARED)
    os.environ |= {"RANK": str(world.rank), "WORLD_SIZE": str(world.size), "LOCAL_RANK": str(here.rank)}
    here.Free()
    sys.argv = sys.argv[1:]
    try:
        if sys.argv[0] == "-m":
            sys.argv = sys.argv[1:]
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
            runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as ending:
        if ending.code not in (None, 0):
            if isinstance(ending.code, str):
                print(ending.code, file=sys.stderr)
            print(f"rank {world.rank} of {world.size} ended with exit code {ending.code}", file=sys.stderr, flush=True)
            sys.stdout.flush()
            time.sleep(GRACE)
            world.Abort(ending.code if isinstance(ending.code, int) else 1)
        raise


if __name__ == "__main__":
    main()
