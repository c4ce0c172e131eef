"""The example of several processes: what a restart gives, and what it says; with the `mpiexec` of this environment."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import tour
from tour import nn, optim
from tour.distributed.run import mpiexec
from tour.utils import load_run

SCRIPT = Path(__file__).resolve().parent.parent / "examples" / "digits_ddp.py"

# The example, in whose first life the last rank is killed at the end of the second epoch.
KILLED = """
import os, signal, sys
sys.path.insert(0, EXAMPLES)
import digits_ddp
from tour import distributed as dist

calls, all_reduce = [], dist.all_reduce

def counted(tensor):
    calls.append(tensor)
    if len(calls) == 2 and dist.get_rank() == dist.get_world_size() - 1 and os.environ["TOUR_RESTART_COUNT"] == "0":
        os.kill(os.getpid(), signal.SIGKILL)
    all_reduce(tensor)

digits_ddp.dist.all_reduce = counted
digits_ddp.main()
"""


@pytest.fixture
def run(tmp_path):
    try:
        mpiexec()
    except SystemExit:
        pytest.skip("no mpiexec: install an MPI, `pip install mpich`")
    if find_spec("mpi4py") is None:
        pytest.skip("mpi4py is not installed")

    def job(*arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "tour.distributed.run", *arguments, "--out", str(tmp_path / "digits.png")]
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(line, capture_output=True, text=True, timeout=240, env=os.environ | threads)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    return job


def left_in(checkpoint: Path) -> tuple[list[float], dict[str, tour.Tensor]]:
    """The losses and the weights of a run."""
    sys.path.insert(0, str(SCRIPT.parent))
    from digits_ddp import fresh

    net = nn.ModuleDict({"module": fresh(1)})
    losses = load_run(checkpoint, model=net, optimizer=optim.Adam(net.parameters()))
    return losses, dict(net.state_dict())


def test_a_restart_with_fewer_ranks_gives_the_run_of_a_clean_restart(run, tmp_path):
    killed = tmp_path / "killed.py"
    killed.write_text(KILLED.replace("EXAMPLES", repr(str(SCRIPT.parent))))
    broken, clean = tmp_path / "broken.safetensors", tmp_path / "clean.safetensors"
    options = ("--epochs", "3", "--checkpoint")
    ended = run("-n", "3", "--max-restarts", "1", "--shrink", str(killed), *options, str(broken))
    assert "rank 2 (PID" in ended.stderr and "SIGKILL" in ended.stderr
    run("-n", "3", str(SCRIPT), "--epochs", "1", "--checkpoint", str(clean))
    done = run("-n", "2", str(SCRIPT), *options, str(clean))
    (losses, weights), (losses_of_clean, weights_of_clean) = map(left_in, (broken, clean))
    assert losses == losses_of_clean
    assert all(tour.equal(w, weights_of_clean[name]) for name, w in weights.items())
    for text in (ended.stdout, done.stdout):
        apart = float(text.split("Difference")[1].split()[0])
        assert apart < 1e-5  # in single precision, over three epochs
