"""Pooling against values stored from PyTorch 2.13."""

from __future__ import annotations

import pytest

import tour
from tour.nn import functional as F

GOLDEN = "pooling"


def test_golden(case):
    case.check()


def test_unpooling_undoes_pooling_where_the_maxima_were():
    x = tour.arange(16.0).reshape(1, 4, 4)
    maxima, where = F.max_pool2d(x, 2, return_indices=True)
    assert F.max_unpool2d(maxima, where, 2).sum() == maxima.sum()
    assert F.max_pool2d(F.max_unpool2d(maxima, where, 2), 2).tolist() == maxima.tolist()


def test_the_average_of_integers_rounds_towards_zero():
    assert F.avg_pool1d(tour.tensor([[[-3, 0, 3, 0]]]), 2).tolist() == [[[-1, 1]]]


def test_the_gradient_of_an_average_has_a_gradient():
    x = tour.arange(6.0).reshape(1, 1, 6).requires_grad_()
    for pool in (lambda t: F.avg_pool1d(t, 4, 3, ceil_mode=True), lambda t: F.adaptive_avg_pool1d(t, 4)):
        (first,) = tour.autograd.grad((pool(x) ** 2).sum(), x, create_graph=True)
        assert first.grad_fn is not None
        (second,) = tour.autograd.grad(first.sum(), x)
        assert (second > 0).all()


def test_an_index_out_of_range_is_named():
    with pytest.raises(RuntimeError, match=r"invalid max index: 9 \(output planes are \[2\]\)"):
        F.max_unpool1d(tour.ones(1, 1, 1), tour.tensor([[[9]]]), 2)
