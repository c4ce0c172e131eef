"""Randomised factorisations find a matrix of low rank exactly."""

from __future__ import annotations

import numpy as np
import pytest

import tour

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(20, 8), (8, 20), (3, 10, 8)])
def test_a_matrix_of_low_rank_comes_back(shape: tuple[int, ...]) -> None:
    *batch, m, n = shape
    a = RNG.standard_normal((*batch, m, 3)) @ RNG.standard_normal((*batch, 3, n))
    u, s, v = tour.svd_lowrank(tour.tensor(a), q=4)
    np.testing.assert_allclose((u * s.unsqueeze(-2)) @ v.mH, a, atol=1e-10)
    np.testing.assert_allclose(s[..., :3], np.linalg.svd(a, compute_uv=False)[..., :3])
    np.testing.assert_allclose(u.mH @ u, np.broadcast_to(np.eye(4), (*batch, 4, 4)), atol=1e-10)


def test_components_are_those_of_the_centred_data() -> None:
    a = RNG.standard_normal((30, 2)) @ RNG.standard_normal((2, 5)) + 7
    _, s, v = tour.pca_lowrank(tour.tensor(a), q=2)
    variances, directions = np.linalg.eigh(np.cov(a.T))
    np.testing.assert_allclose(s**2 / 29, variances[:2:-1])
    np.testing.assert_allclose((v.mT @ tour.tensor(directions[:, :2:-1].copy())).abs(), np.eye(2), atol=1e-10)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="q"):
        tour.pca_lowrank(tour.ones(3, 4), q=5)
    with pytest.raises(ValueError, match="niter"):
        tour.pca_lowrank(tour.ones(3, 4), niter=-1)
    with pytest.raises(ValueError, match="floating"):
        tour.pca_lowrank(tour.ones(3, 4, dtype=tour.int64))
