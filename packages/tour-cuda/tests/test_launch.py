"""The seam to the device: what is read from a source, and what a launch refuses."""

from __future__ import annotations

import numpy as np
import pytest

from tour.cuda import _launch, _source
from tour.cuda._launch import Kernel, elements, rows

softmax = Kernel("rows.softmax_rows")


def test_declarations_are_read_from_the_sources():
    names = [(p.name, p.type, p.pointer) for p in _source.kernels("rows")["softmax_rows"]]
    assert names == [
        ("x", "T", True), ("y", "T", True), ("rows", "i64", False), ("n", "i64", False), ("logarithm", "int", False),
    ]  # fmt: skip
    assert all(
        p.type in {*_launch._TYPES, "T", "A"} for f in _source.files() for ps in _source.kernels(f).values() for p in ps
    )


def test_lines_of_a_source_keep_their_numbers():
    lines = _source.text("rows").splitlines()
    marker = next(i for i, line in enumerate(lines) if line.startswith("#line") and i)
    number = lines.index(next(line for line in lines if "struct Total" in line))
    back = max(i for i, line in enumerate(lines[:number]) if line.startswith("#line"))
    real = (_source.FOLDER / "rows.cu").read_text().splitlines().index("struct Total {") + 1
    assert marker < back and int(lines[back].split()[1]) + number - back - 1 == real


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        (lambda a: (a, a, 2, 3), TypeError, "takes 5 arguments, but got 4"),
        (lambda a: (a, a.astype("f8"), 2, 3, 0), TypeError, "y must be float32, but is float64"),
        (lambda a: (a.T, a, 2, 3, 0), ValueError, "x must be contiguous"),
        (lambda a: (a, a, 2, 3.5, 0), TypeError, "rows.softmax_rows"),
        (
            lambda a: (a.astype(int), a.astype(int), 2, 3, 0),
            TypeError,
            "is for float32, float64, float16, bfloat16, but got int64",
        ),
        (lambda a: ([1.0], a, 2, 3, 0), TypeError, "arrays of the device, but this one is a list"),
    ],
)
def test_what_does_not_fit_the_declaration_is_refused(simulated, args, error, message):
    with pytest.raises(error, match=message):
        softmax(rows(2, 3), *args(np.zeros((2, 3), np.float32)))
    assert not simulated.launched


def test_arrays_of_two_devices_are_refused(simulated, monkeypatch):
    a, b = np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float32)
    monkeypatch.setattr(simulated, "device", lambda array: int(array is b))
    with pytest.raises(RuntimeError, match=r"same device.* cuda:0 and cuda:1"):
        softmax(rows(2, 3), a, b, 2, 3, 0)


def test_grids_fit_the_device():
    monkey = elements(10**12), elements(0), rows(10**12, 1), rows(1, 10**9)
    for grid in monkey:
        assert 1 <= grid.blocks[0] < 2**31 and 32 <= grid.threads[0] <= 1024 and grid.threads[0] % 32 == 0


@pytest.mark.simulator
def test_the_simulator_sees_a_write_beside_an_array(simulated):
    text = _source.text("rows").replace("y[row * n + j] = (T)value", "y[row * n + j + 1] = (T)value")
    simulated.texts["rows"] = text
    with pytest.raises(AssertionError, match=r"softmax_rows wrote beside an array of shape \(2, 3\)"):
        softmax(rows(2, 3), np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32), 2, 3, 0)


@pytest.mark.simulator
def test_the_simulator_sees_threads_that_wait_for_ever(simulated):
    text = _source.text("rows").replace(
        "for (i64 row = blockIdx.x; row < rows",
        "if (threadIdx.x < 32) __syncthreads();\n for (i64 row = blockIdx.x; row < rows",
    )
    simulated.texts["rows"] = text
    with pytest.raises(AssertionError, match="threads wait for others that never come"):
        softmax(rows(2, 300), np.ones((2, 300), np.float32), np.zeros((2, 300), np.float32), 2, 300, 0)
