"""Normalisation against values stored from PyTorch 2.13."""

from __future__ import annotations

import pytest

import tour
from tour import nn
from tour.nn import functional as F

GOLDEN = "normalization"


def test_golden(case):
    case.check()


def test_running_statistics_move_by_the_momentum_or_average():
    x = tour.tensor([[1.0], [3.0]])
    layer = nn.BatchNorm1d(1, momentum=0.5)
    layer(x)
    assert (layer.running_mean.item(), layer.running_var.item(), layer.num_batches_tracked.item()) == (1.0, 1.5, 1)
    layer = nn.BatchNorm1d(1, momentum=None)
    layer(x), layer(x + 2)
    assert layer.running_mean.item() == 3


def test_evaluation_normalises_by_the_running_statistics():
    layer = nn.BatchNorm1d(1, eps=0, affine=False).eval()
    layer.running_mean.fill_(1.0), layer.running_var.fill_(4.0)
    assert layer(tour.tensor([[5.0]])).tolist() == [[2]]


@pytest.mark.parametrize(
    "layer", [nn.BatchNorm1d(2), nn.GroupNorm(1, 2), nn.LayerNorm(3), nn.RMSNorm(3), nn.InstanceNorm1d(2)]
)
def test_gradients_of_gradients(layer):
    tour.manual_seed(0)
    layer.double()
    x = tour.randn(2, 2, 3, dtype=tour.float64, requires_grad=True)
    assert tour.autograd.gradgradcheck(layer, (x,))


def test_gradients_of_gradients_of_a_layer_that_is_used_twice():
    layer = nn.LayerNorm(2).double()
    x = tour.tensor([[1.0, 3.0]], dtype=tour.float64, requires_grad=True)

    def twice(t, weight, bias):
        return F.layer_norm(F.layer_norm(t, (2,), weight, bias) * t, (2,), weight, bias)

    assert tour.autograd.gradgradcheck(twice, (x, layer.weight, layer.bias))
