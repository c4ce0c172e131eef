"""Pooling in compiled form: every window, tie and NaN as the NumPy kernels have them, both ways."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tour
from tour.nn.kernels import pooling as kernels
from tour.numba import _machine
from tour.numba.forms import pooling as forms

LANES = _machine.vector_bits() // 32
WINDOWS = [
    # size, kernel, stride, padding, dilation
    ((6, 7), (3, 3), (2, 2), (1, 1), (1, 1)),
    ((9, 5), (2, 3), (1, 2), (1, 0), (2, 1)),
    ((8, 8), (2, 2), (2, 2), (1, 1), (1, 1)),
    ((7, 6), (3, 2), (3, 3), (1, 1), (1, 1)),
    ((11,), (3,), (2,), (1,), (1,)),
    ((10,), (2,), (3,), (0,), (3,)),
    ((1, 4), (2, 2), (1, 1), (2, 0), (3, 1)),  # windows of padding alone
]


def check_max(guarded, x, options):
    x = guarded.input(x)
    for ceil_mode in (False, True):
        y, places = kernels.max_pool_with_indices(x, *options, ceil_mode)
        assert np.array_equal(forms.max_pool(x, *options, ceil_mode), y, equal_nan=True)
        got, where = forms.max_pool_with_indices(x, *options, ceil_mode)
        assert np.array_equal(got, y, equal_nan=True) and np.array_equal(where, places) and where.dtype == np.int64
        g = guarded.input((np.arange(y.size).reshape(y.shape) % 7 - 3).astype(np.float32))
        right = kernels.max_pool_grad(g, x, y, *options)
        assert np.array_equal(forms.max_pool_grad(g, x, None, *options), right)


@pytest.mark.parametrize("special", [None, np.nan, -np.inf, np.inf])
@pytest.mark.parametrize(("size", "kernel", "stride", "padding", "dilation"), WINDOWS)
def test_max(guarded, rng, special, size, kernel, stride, padding, dilation):
    x = rng.integers(-3, 4, (2, 3, *size)).astype(np.float32)  # many ties
    if special is not None:
        x[rng.random(x.shape) < 0.3] = special
        x[0, 0] = special
    check_max(guarded, x, (kernel, stride, padding, dilation))


@pytest.mark.parametrize("width", [*range(2, 2 * LANES + 6), 4 * LANES, 4 * LANES + 3])
def test_squares_of_every_residue(guarded, rng, width):
    for height in (2, 3, 6):
        x = rng.integers(-2, 3, (2, 2, height, width)).astype(np.float32)
        x[rng.random(x.shape) < 0.1] = np.nan
        check_max(guarded, x, ((2, 2), (2, 2), (0, 0), (1, 1)))


def test_every_order_of_a_square(guarded):
    squares = np.array(list(itertools.product([0, 1, -np.inf, np.nan], repeat=4)), np.float32)
    x = squares.reshape(-1, 2, 2).transpose(1, 0, 2).reshape(1, 1, 2, -1)
    check_max(guarded, x, ((2, 2), (2, 2), (0, 0), (1, 1)))


@pytest.mark.parametrize(("size", "kernel", "stride", "padding", "dilation"), WINDOWS[:6])
def test_mean(guarded, rng, size, kernel, stride, padding, dilation):
    x = guarded.input(rng.standard_normal((2, 3, *size)).astype(np.float32))
    for ceil_mode, whole, divisor in itertools.product((False, True), (False, True), (None, 3, -2)):
        options = kernel, stride, padding
        right = kernels.avg_pool(x.astype(np.float64), *options, ceil_mode, whole, divisor)
        got = forms.avg_pool(x, *options, ceil_mode, whole, divisor)
        assert got.shape == right.shape and np.allclose(got, right, rtol=1e-6, atol=1e-6)
        g = guarded.input(rng.standard_normal(right.shape).astype(np.float32))
        right = kernels.avg_pool_grad(g.astype(np.float64), x.shape, *options, whole, divisor)
        got = forms.avg_pool_grad(g, x.shape, *options, whole, divisor)
        assert got.shape == right.shape and np.allclose(got, right, rtol=1e-6, atol=1e-6)


def test_what_is_left_to_numpy(rng):
    x = np.ones((2, 3, 4, 4), np.float32)
    two, none, one = (2, 2), (0, 0), (1, 1)
    assert forms.max_pool(x.astype(np.float64), two, two, none, one, False) is NotImplemented
    assert forms.max_pool(x[:0], two, two, none, one, False) is NotImplemented
    assert forms.max_pool(x[..., None], (1, 2, 2), (1, 2, 2), (0, 0, 0), (1, 1, 1), False) is NotImplemented


def test_layers_use_them():
    x = tour.randn(8, 16, 20, 20, requires_grad=True)
    y = tour.nn.functional.max_pool2d(x, 2).relu()
    (y + tour.nn.functional.avg_pool2d(x, 2)).square().sum().backward()
    z = x.detach().double().requires_grad_()
    w = tour.nn.functional.max_pool2d(z, 2).relu()
    (w + tour.nn.functional.avg_pool2d(z, 2)).square().sum().backward()
    assert (x.grad - z.grad).abs().max() < 1e-5
    assert {"pooling.largest", "pooling.largest_grad", "pooling.mean", "pooling.mean_grad"} <= set(
        tour.numba.compiled()
    )


def test_gradient_of_relu(guarded, rng):
    from tour.numba.forms import elementwise

    for n in (0, 1, LANES - 1, 5 * LANES + 3):
        g, y = (guarded.input(rng.standard_normal(n).astype(np.float32)) for _ in range(2))
        y[rng.random(n) < 0.5] = 0
        y[:1] = np.nan
        assert np.array_equal(elementwise.relu_grad(g, y), np.where(y != 0, g, 0))
