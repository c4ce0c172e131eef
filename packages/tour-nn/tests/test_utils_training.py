"""Clipping, vectors of parameters, folding, and calls with other parameters; expected numbers are PyTorch 2.13's or plain arithmetic."""

from __future__ import annotations

import math

import pytest

import tour
from tour import Tensor, nn
from tour.nn import utils
from tour.nn.utils.stateless import call_with


def parameters() -> list[Tensor]:
    made = [tour.zeros(2, requires_grad=True), tour.zeros(1, requires_grad=True), tour.zeros(1, requires_grad=True)]
    made[0].grad, made[1].grad = tour.tensor([1.0, -2.0]), tour.tensor([2.0])
    return made


@pytest.mark.parametrize(("p", "norm"), [(2.0, 3.0), (1.0, 5.0), (math.inf, 2.0), (3.0, 17 ** (1 / 3))])
def test_gradients_are_clipped_by_their_norm(p: float, norm: float) -> None:
    made = parameters()
    assert utils.clip_grad_norm_(made, norm / 2, p).item() == pytest.approx(norm)
    assert made[0].grad.tolist() == pytest.approx([0.5, -1.0], abs=1e-5)


def test_gradients_within_the_bound_stay() -> None:
    made = parameters()
    utils.clip_grad_norm_(made, 10.0)
    assert made[0].grad.tolist() == [1, -2]
    utils.clip_grad_value_(made, 1.5)
    assert made[0].grad.tolist() == [1, -1.5]


def test_norms_that_are_not_finite_can_be_refused() -> None:
    made = parameters()
    made[1].grad = tour.tensor([math.nan])
    with pytest.raises(RuntimeError, match="non-finite"):
        utils.clip_grad_norm_(made, 1.0, error_if_nonfinite=True)
    with pytest.warns(UserWarning, match="empty generator"):
        utils.clip_grad_norm_((p for p in []), 1.0)


def test_parameters_as_a_vector_and_back() -> None:
    net = nn.Linear(3, 2)
    doubled = utils.parameters_to_vector(net.parameters()).detach() * 2
    utils.vector_to_parameters(doubled, net.parameters())
    assert (utils.parameters_to_vector(net.parameters()) == doubled).all()
    with pytest.raises(RuntimeError, match="8 elements"):
        utils.vector_to_parameters(doubled[:3], net.parameters())


@pytest.mark.parametrize("transpose", [False, True])
def test_batch_normalisation_folds_into_a_convolution(transpose: bool) -> None:
    conv = nn.ConvTranspose2d(2, 3, 2, bias=False) if transpose else nn.Conv2d(2, 3, 2)
    net = nn.Sequential(conv, nn.BatchNorm2d(3))
    x = tour.randn(4, 2, 5, 5)
    net(x)
    net.eval()
    assert tour.allclose(utils.fuse_conv_bn_eval(net[0], net[1], transpose)(x), net(x), atol=1e-5)
    with pytest.raises(AssertionError, match="eval"):
        utils.fuse_conv_bn_eval(net[0].train(), net[1])


def test_calls_with_other_parameters() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    w, old = tour.eye(2, requires_grad=True), net[0].weight
    x = tour.tensor([[1.0, 2.0]])
    zeros = tour.zeros(2)
    y = call_with(net, {"0.weight": w, "0.bias": zeros, "1.bias": zeros}, x)
    assert y.tolist() == [[1, 2]]
    assert net[0].weight is old is net[1].weight
    y.sum().backward()
    assert w.grad is not None
    with pytest.raises(RuntimeError, match="missing"):
        call_with(net, {"0.weight": w}, x, strict=True)
    with pytest.raises(AttributeError, match="no parameter"):
        call_with(net, {"0.w": w}, x)


def test_skip_init_draws_nothing() -> None:
    tour.manual_seed(0)
    expected = tour.rand(2)
    tour.manual_seed(0)
    utils.skip_init(nn.Linear, 3, 2)
    assert (tour.rand(2) == expected).all()
