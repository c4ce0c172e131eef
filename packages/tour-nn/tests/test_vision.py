"""Resizing, sampling and rearranging against values stored from PyTorch 2.13."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour.nn import functional as F

GOLDEN = "vision"


def test_golden(case):
    case.check()


def test_fold_counts_how_often_unfold_reads_each_pixel():
    x = tour.ones(1, 1, 3, 3)
    assert F.fold(F.unfold(x, 2), (3, 3), 2).tolist() == [[[[1, 2, 1], [2, 4, 2], [1, 2, 1]]]]


def test_pixel_unshuffle_undoes_pixel_shuffle():
    x = tour.arange(48.0).reshape(1, 12, 2, 2)
    assert (F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2) == x).all()


def test_the_identity_samples_the_image_itself():
    x = tour.arange(12.0).reshape(1, 1, 3, 4)
    for corners in (True, False):
        grid = F.affine_grid(tour.eye(2, 3).unsqueeze(0), (1, 1, 3, 4), corners)
        assert tour.allclose(F.grid_sample(x, grid, align_corners=corners), x, atol=1e-5)


def test_bytes_are_rounded_after_interpolation():
    x = tour.tensor([[[[0, 255]]]], dtype=tour.uint8)
    assert F.interpolate(x, size=(1, 4), mode="bilinear").tolist() == [[[[0, 64, 191, 255]]]]


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
def test_second_derivatives_of_sampling_match_differences(mode, padding_mode):
    random = np.random.default_rng(0)
    x, grid = (tour.from_numpy(random.uniform(-1.1, 1.1, shape)) for shape in ((1, 2, 4, 5), (1, 2, 3, 2)))
    step = tour.from_numpy(random.standard_normal(grid.shape))

    def slope(points):
        points = points.detach().requires_grad_()
        value = (F.grid_sample(x, points, mode, padding_mode, align_corners=False) ** 2).sum()
        (first,) = tour.autograd.grad(value, points, create_graph=True)
        return points, first

    points, first = slope(grid)
    (second,) = tour.autograd.grad((first * step).sum(), points, allow_unused=True)
    h = 1e-6
    expected = (slope(grid + h * step)[1] - slope(grid - h * step)[1]) / (2 * h)
    assert tour.allclose(
        (tour.zeros_like(grid) if second is None else second * step).sum(), (expected * step).sum(), rtol=1e-4
    )
