"""The workloads of `nox -s bench` are measured in a process of their own, and what it prints is what the page needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = Path(__file__).parent.parent / "benchmarks" / "measure.py"
NAMES = [
    "tanh, 16",
    "network 16-32-4, batch 16",
    "GPT, 2 layers, T 32, C 64, batch 4",
    "GRU cell, 32 steps, H 128, batch 16",
]


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="the share of other processes is read from Linux")
@pytest.mark.parametrize("name", NAMES)
def test_a_workload_is_measured(name):
    done = subprocess.run(
        [sys.executable, str(MEASURE), "tour", name, "0.1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == {"wall", "cpu", "first", "import", "peak", "others"}
    assert 0 < found["wall"] and 0 < found["cpu"] and 0 <= found["others"] and 0 <= found["peak"]
