"""Dropout against masks that PyTorch 2.13 draws from the same seed."""

from __future__ import annotations

import pytest

import tour
from tour.nn import functional as F

GOLDEN = "dropout"


def test_golden(case):
    case.check()


def test_dropout_keeps_the_mean():
    tour.manual_seed(0)
    assert F.dropout(tour.ones(10_000), 0.3).mean().item() == pytest.approx(1, abs=0.02)


def test_alpha_dropout_keeps_mean_and_variance_of_normal_numbers():
    tour.manual_seed(0)
    y = F.alpha_dropout(tour.randn(20_000), 0.4, training=True)
    assert y.mean().item() == pytest.approx(0, abs=0.03)
    assert y.var().item() == pytest.approx(1, abs=0.05)


def test_channels_fall_together():
    tour.manual_seed(0)
    y = F.dropout2d(tour.ones(4, 8, 3, 3), 0.5)
    assert ((y == 0).all((2, 3)) | (y == 2).all((2, 3))).all()


def test_in_place_writes_into_the_input():
    for function in (F.dropout, F.dropout1d, F.alpha_dropout, F.feature_alpha_dropout):
        x = tour.ones(2, 3, 4)
        assert function(x, 0.5, training=True, inplace=True) is x
        assert (x != 1).any()
