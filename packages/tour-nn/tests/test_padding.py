"""Padding against values stored from PyTorch 2.13."""

from __future__ import annotations

import pytest

import tour
from tour.nn import functional as F

GOLDEN = "padding"


def test_golden(case):
    case.check()


def test_circular_padding_does_not_bring_back_what_it_cuts():
    x = tour.arange(5.0).reshape(1, 5)
    assert F.pad(x, (-1, 2), mode="circular").tolist() == [[1, 2, 3, 4, 1, 2]]


def test_integers_stay_integers():
    for mode in ("constant", "reflect", "replicate", "circular"):
        assert F.pad(tour.arange(4).reshape(1, 4), (1, 1), mode=mode).dtype is tour.int64


def test_a_border_that_is_too_wide_names_widths_and_shape():
    with pytest.raises(RuntimeError, match=r"padding \(3, 0\) at dimension 1 of input \[2, 3\]"):
        F.pad(tour.ones(2, 3), (3, 0), mode="reflect")


def test_second_derivatives_through_padding_are_those_of_the_square():
    x = tour.tensor([[1.0, 2.0]], requires_grad=True)
    (first,) = tour.autograd.grad((F.pad(x, (2, 0), mode="replicate") ** 3).sum(), x, create_graph=True)
    (second,) = tour.autograd.grad(first.sum(), x)
    assert second.tolist() == [[18, 12]]
