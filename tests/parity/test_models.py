"""Three whole models, written once, learn alike under PyTorch and tour: losses of fifty steps, and all parameters at first."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import numpy as np
import torch
from harness.convert import array_of

import tour

PATH = Path(__file__).parent.parent / "models.py"


def models_of(library: Any) -> Any:
    """tests/models.py where `tour` means a library."""
    spec = spec_from_file_location(f"models_of_{library.__name__}", PATH)
    assert spec and spec.loader
    module = module_from_spec(spec)
    before = sys.modules["tour"]
    sys.modules["tour"] = library
    try:
        spec.loader.exec_module(module)
    finally:
        sys.modules["tour"] = before
    return module


@pytest.mark.parametrize("name", ["cnn", "lstm", "gpt"])
def test_losses(name: str) -> None:
    got, want = (models_of(library).curve(name) for library in (tour, torch))
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["CNN", "Classifier", "GPT"])
def test_first_values_bit_for_bit(name: str) -> None:
    states = []
    for library in (tour, torch):
        library.manual_seed(3)
        states.append(getattr(models_of(library), name)().state_dict())
    mine, theirs = states
    assert list(mine) == list(theirs)
    for key, value in theirs.items():
        np.testing.assert_array_equal(mine[key].numpy(), array_of(value), err_msg=key)
