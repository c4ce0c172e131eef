"""Three whole models learn as they do under PyTorch: the loss of each of fifty steps, from the same seed."""

from __future__ import annotations

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent
GOLDEN = json.loads((FOLDER / "data" / "model_curves.json").read_text(encoding="utf-8"))


def load_models():
    spec = spec_from_file_location("models", FOLDER / "models.py")
    assert spec and spec.loader
    module = sys.modules["models"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", [name for name in GOLDEN if name != "torch"])
def test_the_losses_are_pytorchs(name):
    losses = load_models().curve(name)
    np.testing.assert_allclose(losses, GOLDEN[name], rtol=0, atol=1e-5)
    assert losses[49] < 0.8 * losses[0]
