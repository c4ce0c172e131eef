"""The script for real GPUs runs on the fake one, as far as it goes, with tour in PyTorch's place too: it shall not die of a typo there."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

import tour

pytestmark = pytest.mark.simulator

TOOLS = Path(__file__).parents[3] / "tools"


class Other:
    """Something with PyTorch's names."""

    __version__ = "0"

    def __getattr__(self, name):
        return getattr(tour, name)


@pytest.fixture
def check(monkeypatch):
    if not (TOOLS / "check_gpu.py").exists():
        pytest.skip("needs the checkout")
    monkeypatch.syspath_prepend(TOOLS)
    spec = importlib.util.spec_from_file_location("check_gpu", TOOLS / "check_gpu.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "plug_in", lambda: None)
    monkeypatch.setattr(module, "pytorch", lambda: None)
    yield module
    sys.modules.pop("gpu_workloads", None)


def test_replays_and_times(driver, cudnn, check, monkeypatch, capsys):
    monkeypatch.setattr(check, "pytorch", Other)
    assert check.main(["--only", "replays", "--short"]) == 0
    assert check.main(["--only", "times", "--short"]) == 0
    said = capsys.readouterr().out
    assert said.count("2 replayed steps equal steps run one by one") == 3
    lines = said[said.index("For docs/gpu.md:") :].splitlines()
    assert (
        lines[2].startswith("Measured on Fake H100, commit ") and "CUDA 13.0, CuPy 14.2.0, cuDNN front end" in lines[2]
    )
    rows = [line for line in lines if line.startswith("| ")][2:]
    assert len(rows) == 12 and all(len(row.split("|")) == 8 for row in rows)
    assert {"attention", "attention_grad", "fprop", "dgrad", "wgrad"} <= set(cudnn.executed)


def test_the_suites_are_started_and_their_failure_counts(driver, check, monkeypatch):
    started = []

    class Done:
        returncode, stdout = 1, "abc"

    monkeypatch.setattr(
        check.subprocess, "run", lambda command, **options: started.append((command, options)) or Done()
    )
    assert check.main(["--only", "suites", "--short"]) == 1
    command, options = started[-1]
    assert command[-1].endswith("packages/tour-cuda/tests") and options["env"]["TOUR_TEST_GPU"] == "1"


def test_a_checkout_is_found(check, monkeypatch, tmp_path):
    spec = importlib.util.spec_from_file_location("again", TOOLS / "check_gpu.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "entry_points", lambda group: [])
    monkeypatch.setattr(module.tempfile, "mkdtemp", lambda prefix: str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", "before")
    module.plug_in()
    from importlib.metadata import entry_points

    assert "cuda" in {entry.name for entry in entry_points(group="tour.backends")}
    assert sys.path[-1] == str(tmp_path) and module.os.environ["PYTHONPATH"].endswith(str(tmp_path))


def test_without_a_device_it_says_so(check, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert check.main([]) == 1 and "no CUDA device" in capsys.readouterr().out


def test_a_row_says_what_is_behind(check):
    row = check.Row("x", 2e-3, 1e-3, 0.5e-3, 0.9)
    assert row.ratio() == 0.5 and str(row) == "| x | 2,000 | 1,000 | 500 | 0.50 | 0.9 |"
    assert str(check.Row("x", 2e-3, None, None, 0.9)) == "| x | 2,000 |  |  |  | 0.9 |"
