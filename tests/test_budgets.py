"""What tour may cost: ratios within one run, never absolute times, except where the promise itself is in milliseconds over NumPy."""

from __future__ import annotations

import json
import subprocess
import sys
import timeit

import numpy as np
import pytest

import tour

HEAVY = ("cupy", "numba", "scipy", "torch", "importlib.metadata")


def in_fresh_process(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_importing_everything_costs_at_most_40_ms_over_numpy():
    code = """
import numpy, time
start = time.perf_counter()
import tour, tour.nn, tour.optim
print(time.perf_counter() - start)
"""
    in_fresh_process(code)  # compiles the bytecode
    assert min(float(in_fresh_process(code)) for _ in range(7)) <= 0.040


def test_importing_loads_nothing_heavy():
    code = "import json, sys, tour, tour.nn, tour.optim; print(json.dumps(sorted(sys.modules)))"
    loaded = set(json.loads(in_fresh_process(code)))
    before = set(
        json.loads(in_fresh_process("import json, sys, numpy, ml_dtypes; print(json.dumps(sorted(sys.modules)))"))
    )
    assert not {name for name in HEAVY if name in loaded - before}


@pytest.mark.parametrize("recorded, times", [(False, 2.0), (True, 3.0)])
def test_an_addition_of_4_by_4_matrices(recorded, times):
    a, b = (np.random.default_rng(i).standard_normal((4, 4)) for i in range(2))
    x, y = tour.from_numpy(a), tour.from_numpy(b)
    if recorded:
        y.requires_grad_()

    def ratio() -> float:
        ours = min(timeit.repeat(lambda: x + y, number=500, repeat=20))
        return ours / min(timeit.repeat(lambda: np.add(a, b), number=500, repeat=20))

    assert min(ratio() for _ in range(8)) <= times
