"""Jobs of several ranks: each test starts a real one with the `mpiexec` of this environment, under a time limit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

JOBS = Path(__file__).parent / "jobs"
SECONDS = 120  # a job takes one or two; a busy machine may take many


def mpiexec() -> str | None:
    beside = Path(sys.executable).parent / "mpiexec"
    return str(beside) if beside.exists() else shutil.which("mpiexec")


@pytest.fixture(scope="session")
def job():
    """Runs a script of `jobs/` on n ranks; its asserts are the test."""
    if mpiexec() is None:
        pytest.fail("no mpiexec: install the test dependencies of tour-distributed")

    def run(ranks: int, script: str, *arguments: str, ok: bool = True, **environment: str):
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [mpiexec(), "-n", str(ranks), sys.executable, str(JOBS / script), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, env=os.environ | threads | environment
        )
        if ok:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def alone():
    """A world of one."""
    from tour import distributed as dist

    dist.init_process_group()
    yield dist
    if dist.is_initialized():
        dist.destroy_process_group()
