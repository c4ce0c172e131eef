"""The main job: examples/digits.py learns, equals PyTorch's run, writes what it says, and refuses bad values."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "examples" / "digits.py"
GOLDEN = json.loads((ROOT / "tests" / "data" / "digits_curve.json").read_text(encoding="utf-8"))


def load_script():
    sys.path.insert(0, str(SCRIPT.parent))  # as running it does
    spec = spec_from_file_location("digits", SCRIPT)
    assert spec and spec.loader
    module = sys.modules["digits"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_script(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *options], capture_output=True, text=True, check=False)


def test_the_curve_equals_pytorchs():
    digits = load_script()
    _, _, history = digits.run(digits.EPOCHS, GOLDEN["seed"])
    np.testing.assert_allclose(history.loss, GOLDEN["loss"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(history.accuracy, GOLDEN["accuracy"], rtol=0, atol=1e-6)
    assert history.accuracy[-1] >= 0.98


def test_it_writes_figure_and_weights_and_says_where(tmp_path):
    figure = tmp_path / "new folder" / "digits.png"
    done = run_script("--short", "--out", str(figure))
    assert done.returncode == 0, done.stderr
    assert figure.read_bytes().startswith(b"\x89PNG")
    with np.load(figure.with_suffix(".npz")) as weights:
        assert weights["0.weight"].shape == (16, 1, 3, 3)
    assert str(figure) in done.stdout
    assert str(figure.with_suffix(".npz")) in done.stdout


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--device", "teapot", "teapot"),
        ("--device", "cuda:99", "cuda"),
        ("--epochs", "0", "whole number from 1"),
        ("--epochs", "many", "whole number"),
        ("--seed", "-1", "whole number from 0"),
        ("--out", "digits.jpg", ".png"),
        ("--out", f"{SCRIPT}/digits.png", "cannot write"),
        ("--colour", "red", "--colour"),
    ],
)
def test_a_bad_value_gets_one_clear_line(option, value, named):
    done = run_script(option, value)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert named in line


def test_help_names_every_option():
    text = run_script("--help").stdout
    assert all(option in text for option in ("--epochs", "--device", "--seed", "--out", "--short"))
