"""Interpolation and sampling kernels: exact where the image is a polynomial, gradients adjoint or by differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tour.nn.kernels.grid_sample import grid_sample, grid_sample_grad
from tour.nn.kernels.interpolation import interpolate, interpolate_grad

MODES = ["nearest", "nearest-exact", "linear", "bicubic", "area"]


@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 9)), min_size=1, max_size=3),
    st.sampled_from(MODES),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_gradient_is_adjoint(sizes: list[tuple[int, int]], mode: str, align: bool, antialias: bool) -> None:
    size, out = zip(*sizes, strict=True)
    random = np.random.default_rng(0)
    x, g = random.standard_normal((2, 2, *size)), random.standard_normal((2, 2, *out))
    y = interpolate(x, out, mode, align, (), antialias)
    grad = interpolate_grad(g, x.shape, mode, align, (), antialias)
    assert y.shape == g.shape and grad.shape == x.shape
    assert np.sum(grad * x) == pytest.approx(np.sum(g * y))
    np.testing.assert_allclose(interpolate(np.ones_like(x), out, mode, align, (), antialias), 1)


@pytest.mark.parametrize("out", [7, 13])
def test_linear_is_exact_on_a_ramp(out: int) -> None:
    ramp = np.linspace(0, 1, 5).reshape(1, 1, 5)
    np.testing.assert_allclose(interpolate(ramp, (out,), "linear", True)[0, 0], np.linspace(0, 1, out), atol=1e-12)


def test_doubling_and_halving() -> None:
    x = np.array([[[1.0, 2.0, 3.0, 4.0]]])
    assert interpolate(x, (8,), "nearest")[0, 0].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert interpolate(x, (2,), "nearest")[0, 0].tolist() == [1, 3]
    assert interpolate(x, (2,), "nearest-exact")[0, 0].tolist() == [2, 4]
    assert interpolate(x, (2,), "area")[0, 0].tolist() == [1.5, 3.5]
    same = interpolate(x, (4,), "linear")
    assert same.tolist() == x.tolist() and not np.shares_memory(same, x)


def test_nan_stays_local() -> None:
    x = np.array([[[np.nan, 1.0, 2.0, 3.0, 4.0]]])
    assert np.isfinite(interpolate(x, (10,), "linear")[0, 0, 4:]).all()
    g = np.ones((1, 1, 10))
    g[..., 0] = np.nan
    assert np.isfinite(interpolate_grad(g, x.shape, "linear")[0, 0, 2:]).all()


def identity(size: tuple[int, ...], align: bool) -> Any:
    """Grid that samples each pixel at its centre."""
    axes = [np.linspace(-1, 1, n) if align else (np.arange(n) * 2 + 1) / n - 1 for n in size]
    return np.stack(np.meshgrid(*axes, indexing="ij")[::-1], -1)[None]


@pytest.mark.parametrize("size", [(4, 3), (3, 4, 2)])
@pytest.mark.parametrize("align", [True, False])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_identity_grid(size: tuple[int, ...], align: bool, padding: str, mode: str) -> None:
    x = np.random.default_rng(0).standard_normal((1, 2, *size))
    np.testing.assert_allclose(grid_sample(x, identity(size, align), mode, padding, align), x, atol=1e-12)


@pytest.mark.parametrize("size", [(4, 3), (3, 4, 2)])
@pytest.mark.parametrize("align", [True, False])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_sampling_gradients(size: tuple[int, ...], align: bool, padding: str, mode: str) -> None:
    random = np.random.default_rng(0)
    x, grid = (
        random.standard_normal((2, 2, *size)),
        random.uniform(-1.4, 1.4, (2, 5, *(1,) * (len(size) - 1), len(size))),
    )
    y = grid_sample(x, grid, mode, padding, align)
    g = random.standard_normal(y.shape)
    x_grad, grid_grad = grid_sample_grad(g, x, grid, mode, padding, align, (True, True))
    assert x_grad is not None and grid_grad is not None
    assert np.sum(x_grad * x) == pytest.approx(np.sum(g * y))
    expected = np.empty_like(grid)
    for i in np.ndindex(*grid.shape):
        step = np.zeros_like(grid)
        step[i] = 1e-6
        above, below = (grid_sample(x, grid + s, mode, padding, align) for s in (step, -step))
        expected[i] = np.sum(g * (above - below)) / 2e-6
    np.testing.assert_allclose(grid_grad, expected, atol=1e-6)
    assert grid_sample_grad(g, x, grid, mode, padding, align, (False, False)) == (None, None)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_points_without_a_place(padding: str) -> None:
    x = np.arange(1.0, 5.0).reshape(1, 1, 2, 2)
    grid = np.array([np.nan, np.inf, -np.inf, 1e30]).repeat(2).reshape(1, 4, 1, 2)
    y = grid_sample(x, grid, "bilinear", padding, False)
    assert np.isfinite(y).all()
    if padding == "zeros":
        assert not y.any()
