"""Activations: in-place forms, printed trees, errors. Their values are held in test_sequence_golden.py."""

from __future__ import annotations

from typing import Any

import pytest

import tour
import tour.nn.functional as F
from tour import nn


@pytest.mark.parametrize("name", ["relu", "elu", "selu", "celu", "leaky_relu", "hardtanh", "silu", "mish", "hardswish"])
def test_in_place_forms_write_and_record(name: str) -> None:
    function: Any = getattr(F, name)
    x = tour.randn(5, requires_grad=True)
    plain, copy = function(x), x * 1
    assert function(copy, inplace=True) is copy
    assert (copy == plain).all()
    (g,), (h,) = tour.autograd.grad(plain.sum(), x), tour.autograd.grad(copy.sum(), x)
    assert tour.allclose(g, h)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.Threshold(0.1, 20, True), "Threshold(threshold=0.1, value=20, inplace=True)"),
        (nn.ReLU6(True), "ReLU6(inplace=True)"),
        (nn.Hardtanh(), "Hardtanh(min_val=-1.0, max_val=1.0)"),
        (nn.Hardsigmoid(True), "Hardsigmoid()"),
        (nn.GELU(), "GELU(approximate='none')"),
        (nn.Hardshrink(), "Hardshrink(0.5)"),
        (nn.PReLU(3), "PReLU(num_parameters=3)"),
        (nn.Softmin(), "Softmin(dim=None)"),
    ],
)
def test_printed_trees(layer: nn.Module, text: str) -> None:
    assert repr(layer) == text


def test_the_dimension_of_softmax_should_be_named() -> None:
    with pytest.warns(UserWarning, match="Implicit dimension") as caught:
        F.softmax(tour.ones(3))
        nn.Softmax()(tour.ones(3))
    assert {w.filename for w in caught} == {__file__}


def test_errors() -> None:
    with pytest.raises(RuntimeError, match="must be even"):
        F.glu(tour.ones(3))
    with pytest.raises(AssertionError):
        nn.Hardtanh(1.0, 0.0)
    with pytest.raises(ValueError, match="Softmax2d"):
        nn.Softmax2d()(tour.ones(2))
    with pytest.warns(FutureWarning, match="min_val"):
        nn.Hardtanh(min_value=-2.0)
