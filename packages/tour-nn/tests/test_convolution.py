"""Convolutions against values stored from PyTorch 2.13."""

from __future__ import annotations

import pytest

import tour
from tour import nn
from tour.nn import functional as F

GOLDEN = "convolution"


def test_golden(case):
    case.check()


def test_transposed_convolution_is_the_adjoint():
    tour.manual_seed(0)
    x, w = tour.randn(2, 3, 7, 6, dtype=tour.float64), tour.randn(4, 3, 3, 2, dtype=tour.float64)
    y = F.conv2d(x, w, stride=2, padding=1)
    g = tour.randn_like(y)
    back = F.conv_transpose2d(g, w, stride=2, padding=1, output_padding=(0, 0))
    assert tour.allclose((y * g).sum(), (x[..., : back.shape[2], : back.shape[3]] * back).sum())


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_gradients_of_gradients(dims):
    tour.manual_seed(0)
    conv = getattr(F, f"conv{dims}d")
    x = tour.randn(1, 1, *(3, 2, 1)[:dims], dtype=tour.float64, requires_grad=True)
    w = tour.randn(2, 1, *(2, 1, 2)[:dims], dtype=tour.float64, requires_grad=True)
    assert tour.autograd.gradgradcheck(lambda a, b: conv(a, b, padding=1, stride=2), (x, w))


def test_wrong_channels_are_named_with_the_shapes():
    with pytest.raises(RuntimeError, match=r"expected input\[1, 2, 5\] to have 3 channels, but got 2 channels"):
        nn.Conv1d(3, 4, 2)(tour.ones(1, 2, 5))


@pytest.mark.parametrize("dtype", [tour.float64, tour.int64])
def test_another_dtype_is_refused_with_what_would_fit(dtype):
    """A model of integers is no advice: it could not be trained."""
    for layer, x in ((nn.Linear(3, 2), tour.ones(2, 3)), (nn.Conv2d(1, 1, 3), tour.ones(1, 1, 4, 4))):
        with pytest.raises(RuntimeError, match=r"use input.to\(tour.float32\)") as caught:
            layer(x.to(dtype))
        assert ("or model.to(tour.float64)" in str(caught.value)) is (dtype is tour.float64)


@pytest.mark.parametrize(
    ("input", "weight", "result", "words"),
    [
        ((1, 3, 6, 5), (4, 3, 2, 2), (1, 4, 4, 4), r"must be of size \[1, 4, 5, 4\]"),
        ((2, 3, 5, 5), (4, 3, 2, 2), (1, 4, 4, 4), r"must be of size \[2, 4, 4, 4\]"),
        ((1, 3, 5, 5), (4, 3, 2, 2), (1, 5, 4, 4), r"must be of size \[1, 4, 4, 4\]"),
        ((1, 2, 5, 5), (4, 3, 2, 2), (1, 4, 4, 4), "does not fit an input"),
        ((3, 5, 5), (4, 3, 2, 2), (4, 4, 4), "expected 4 dimensions"),
    ],
)
def test_gradients_of_sizes_that_contradict_each_other(input, weight, result, words):
    with pytest.raises(RuntimeError, match=words):
        nn.grad.conv2d_input(input, tour.ones(weight), tour.ones(result))
    with pytest.raises(RuntimeError, match=words):
        nn.grad.conv2d_weight(tour.ones(input), weight, tour.ones(result))


def test_several_inputs_give_results_of_one_size():
    w, g = tour.ones(4, 3, 2, 2), tour.ones(1, 4, 3, 3)
    for n in (6, 7):
        assert nn.grad.conv2d_input((1, 3, n, n), w, g, stride=2).sum() == 432
