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


# What mpiexec takes for ssh: it runs `ssh -x HOST COMMAND...`.
SSH = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
host=$1; shift
exec ip netns exec "$TOUR_TEST_HOSTS-${host##*.}" sh -c "$*"
"""


@pytest.fixture
def hosts(tmp_path: Path):
    """Runs a script of `jobs/` on ranks of two hosts, 10.77.0.1 and 10.77.0.2."""
    if shutil.which("ip") is None:
        pytest.skip("network namespaces need the command `ip`")
    name = f"tour{os.getpid()}"
    one, two = f"{name}-1", f"{name}-2"

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True, text=True)

    try:
        for space in (one, two):
            ip("netns", "add", space)
        ip("link", "add", "cable", "netns", one, "type", "veth", "peer", "name", "cable", "netns", two)
        for number, space in enumerate((one, two), 1):
            ip("-n", space, "addr", "add", f"10.77.0.{number}/24", "dev", "cable")
            ip("-n", space, "link", "set", "cable", "up")
            ip("-n", space, "link", "set", "lo", "up")
    except subprocess.CalledProcessError as error:
        for space in (one, two):
            subprocess.run(["ip", "netns", "del", space], capture_output=True)
        pytest.skip(f"the system does not allow network namespaces: {error.stderr.strip()}")
    version = subprocess.run([mpiexec(), "--version"], capture_output=True, text=True).stdout
    ssh = tmp_path / "ssh"
    ssh.write_text(SSH)
    ssh.chmod(0o755)

    def run(ranks: int, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        line = ["ip", "netns", "exec", one, mpiexec(), "-launcher", "ssh", "-launcher-exec", str(ssh)]
        line += ["-localhost", "10.77.0.1", "-hosts", "10.77.0.1,10.77.0.2", "-n", str(ranks)]
        environment = {"OMP_NUM_THREADS": "1", "TOUR_TEST_HOSTS": name, "FI_TCP_IFACE": "cable"}
        return subprocess.run(
            [*line, sys.executable, str(JOBS / script), *arguments],
            capture_output=True, text=True, timeout=SECONDS, env=os.environ | environment,
        )  # fmt: skip

    try:
        if "HYDRA" not in version:
            pytest.skip("only MPICH's mpiexec lets a test stand in for ssh")
        yield run
    finally:
        for space in (one, two):
            ip("netns", "del", space)


@pytest.fixture
def alone():
    """A world of one."""
    from tour import distributed as dist

    dist.init_process_group()
    yield dist
    if dist.is_initialized():
        dist.destroy_process_group()
