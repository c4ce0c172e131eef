"""Saved parameters and networks, from PyTorch 2.13 (golden/training.pt) and from here."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest

import tour
from tour import nn
from tour.serialization import FileError

GOLDEN = Path(__file__).parent / "golden" / "training.pt"


def loaded(obj, **options):
    file = io.BytesIO()
    tour.save(obj, file)
    return tour.load(file, **options)


def test_parameters_of_pytorch():
    got = tour.load(GOLDEN)
    for name, requires_grad in (("parameter", True), ("frozen", False)):
        assert type(got[name]) is nn.Parameter
        assert (got[name].tolist(), got[name].requires_grad) == ([0, 1, 2], requires_grad)
    assert (got["leaf"].requires_grad, got["leaf"].tolist()) == (True, [1, 1])


def test_a_network_of_pytorch_goes_on_here():
    got = tour.load(GOLDEN)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
    net.load_state_dict(got["net"])
    net.eval()
    np.testing.assert_allclose(net(got["x"]).detach().numpy(), got["y"].numpy(), rtol=1e-5, atol=1e-6)
    assert got["net"]._metadata["1"] == {"version": 2}
    assert got["optimizer"]["state"][0]["step"].item() == 1


def test_modules_and_parameters():
    weight = nn.Parameter(tour.ones(2))
    weight.tag = "mine"
    got = loaded({"w": weight, "again": weight, "b": nn.Buffer(tour.ones(1))})
    assert got["w"] is got["again"]
    assert (type(got["w"]), got["w"].tag) == (nn.Parameter, "mine")
    assert type(got["b"]) is tour.Tensor
    with pytest.raises(FileError, match=re.escape("tour.nn.modules.linear.Linear")):
        loaded(nn.Linear(2, 3))
    assert loaded(nn.Linear(2, 3), weights_only=False)(tour.ones(2)).shape == (3,)
