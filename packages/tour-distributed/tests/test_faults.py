import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tour.distributed.run import mpiexec

JOBS = Path(__file__).parent / "jobs"


@pytest.mark.parametrize(
    "fault, words",
    [
        ("exception", ["FloatingPointError: the loss is NaN", "rank 1 of 2 ended the job"]),
        ("thread", ["ZeroDivisionError", "rank 1 of 2 ended the job"]),
        ("absent", ["rank 0 of 2 waited more than 1 s in all_reduce", "faults.py"]),
    ],
)
def test_one_ranks_failure_ends_the_job_and_says_where(job, fault, words):
    done = job(2, "faults.py", fault, ok=False)
    assert done.returncode != 0
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize(
    "fault, call",
    [("shape", "float32 [3], sum"), ("dtype", "float64 [2], sum"), ("order", "broadcast(tour.float32 [2], 0)")],
)
def test_calls_that_do_not_match_are_named_on_every_rank(job, fault, call):
    done = job(2, "faults.py", fault, ok=False, TOUR_DISTRIBUTED_DEBUG="DETAIL")
    assert done.returncode != 0
    assert "the ranks have called different collectives" in done.stderr
    assert "rank 0: all_reduce(tour.float32 [2], sum) at" in done.stderr
    assert call in done.stderr and "faults.py" in done.stderr


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tour.distributed.run", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ,
    )


def test_a_killed_rank_ends_the_job_with_its_number():
    for _ in range(4):
        done = run("-n", "3", str(JOBS / "faults.py"), "killed")
        assert done.returncode in (9, 128 + 9)  # MPICH gives the signal, Open MPI what a shell gives
        assert re.search(r"rank 1 \(PID \d+\) was ended by signal 9 \(SIGKILL\)", done.stderr)


def test_an_interrupt_at_the_keyboard_reaches_the_ranks():
    line = [sys.executable, "-m", "tour.distributed.run", "-n", "2", str(JOBS / "faults.py"), "interrupted"]
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as job:
        said = ""
        while said.count("ready") < 2 and job.poll() is None:
            said += job.stdout.readline()
        os.killpg(job.pid, signal.SIGINT)
        printed, errors = job.communicate(timeout=60)
    assert job.returncode == 130, errors
    launcher = subprocess.run([mpiexec(), "--version"], capture_output=True, text=True).stdout
    if "HYDRA" in launcher:  # Open MPI's terminates the ranks instead
        assert "interrupted" in printed, printed  # the first to say so may end the job before the other does


def test_an_exit_code_ends_the_job():
    done = run("-n", "2", str(JOBS / "faults.py"), "exit")
    assert done.returncode == 3
    assert "rank 1 of 2 ended with exit code 3" in done.stderr


def test_a_restart_with_fewer_ranks_ends_where_a_clean_run_ends(tmp_path):
    clean = run("-n", "2", str(JOBS / "restarted.py"), str(tmp_path / "clean.npz"))
    broken = run(
        "-n", "3", "--max-restarts", "1", "--shrink", str(JOBS / "restarted.py"), str(tmp_path / "broken.npz"), "--kill"
    )
    assert clean.returncode == broken.returncode == 0, clean.stderr + broken.stderr
    assert "1 restarts left" in broken.stderr
    result = [line for line in clean.stdout.splitlines() if line.startswith("done 2")]
    assert result and result[0] in broken.stdout
