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
    ((4, 5, 6), (2, 3, 2), (2, 1, 3), (1, 1, 0), (1, 1, 1)),
    ((7, 3, 9), (3, 1, 2), (3, 2, 2), (0, 0, 1), (2, 1, 3)),
    ((21, 40), (3, 3), (1, 2), (1, 1), (1, 1)),
    ((1, 1), (1, 1), (2, 2), (0, 0), (1, 1)),
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


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "dilation"), [w for w in WINDOWS if w[-1] == (1,) * len(w[0])]
)
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


@pytest.mark.parametrize("size", [(9,), (7, 7), (3, 4, 5)])
def test_whole_planes(guarded, rng, size):
    x, none = guarded.input(rng.standard_normal((3, 5, *size)).astype(np.float32)), (0,) * len(size)
    right = x.astype(np.float64).mean(tuple(range(2, x.ndim)), keepdims=True)
    assert np.allclose(forms.avg_pool(x, size, size, none, False, True, None), right, rtol=1e-6, atol=1e-7)
    assert np.allclose(forms.plane_means(x), right.reshape(3, 5), rtol=1e-6, atol=1e-7)
    g = guarded.input(rng.standard_normal(right.shape).astype(np.float32))
    wanted = kernels.avg_pool_grad(g.astype(np.float64), x.shape, size, size, none, True, None)
    assert np.allclose(forms.avg_pool_grad(g, x.shape, size, size, none, True, None), wanted, rtol=1e-6)


@pytest.mark.parametrize("planes", [(1, 1), (2, 3), (3, 37)])
def test_places_in_planes(guarded, rng, planes):
    size = (5, 7)
    values = guarded.input(rng.standard_normal((*planes, 4, 3)).astype(np.float32))
    places = rng.integers(0, 35, values.shape)
    assert np.allclose(forms.scatter(values, places, size), kernels.scatter(values, places, size), atol=1e-5)
    assert np.array_equal(forms.max_unpool(values, places, size), kernels.max_unpool(values, places, size))
    x = guarded.input(rng.standard_normal((*planes, *size)).astype(np.float32))
    assert np.array_equal(forms.gather(x, places), kernels.gather(x, places))
    for wrong in (places.astype(np.int32), places - 1000, places + 35, places[:, :0]):
        assert forms.gather(x, wrong) is NotImplemented and forms.max_unpool(values, wrong, size) is NotImplemented


def test_threads_share_planes(rng):
    before = tour.get_num_threads()
    x = rng.standard_normal((5, 23, 30, 31)).astype(np.float32)
    options = (3, 3), (2, 2), (1, 1)

    def all_of_it():
        y, places = forms.max_pool_with_indices(x, *options, (1, 1), False)
        mean = forms.avg_pool(x, *options, False, True, None)
        back = forms.max_pool_grad(y, x, None, *options, (1, 1)), forms.avg_pool_grad(y, x.shape, *options, True, None)
        return y, places, mean, *back, forms.scatter(y, places, (30, 31)), forms.gather(x, places)

    try:
        tour.set_num_threads(3)
        several = all_of_it()
        tour.set_num_threads(1)
        assert all(np.array_equal(a, b) for a, b in zip(several, all_of_it(), strict=True))
    finally:
        tour.set_num_threads(before)


def test_what_is_left_to_numpy(rng):
    x = np.ones((2, 3, 4, 4), np.float32)
    two, none, one = (2, 2), (0, 0), (1, 1)
    assert forms.max_pool(x.astype(np.float64), two, two, none, one, False) is NotImplemented
    assert forms.max_pool(x[:0], two, two, none, one, False) is NotImplemented


def test_layers_use_them():
    x = tour.randn(8, 16, 20, 20, requires_grad=True)
    y = tour.nn.functional.max_pool2d(x, 2).relu()
    (y + tour.nn.functional.avg_pool2d(x, 2)).square().sum().backward()
    z = x.detach().double().requires_grad_()
    w = tour.nn.functional.max_pool2d(z, 2).relu()
    (w + tour.nn.functional.avg_pool2d(z, 2)).square().sum().backward()
    assert (x.grad - z.grad).abs().max() < 1e-5
    assert {"pooling.largest_of_squares", "pooling.route_to_squares", "planes.correlate"} <= set(tour.numba.compiled())


def test_gradient_of_relu(guarded, rng):
    from tour.numba.forms import elementwise

    for n in (0, 1, LANES - 1, 5 * LANES + 3):
        g, y = (guarded.input(rng.standard_normal(n).astype(np.float32)) for _ in range(2))
        y[rng.random(n) < 0.5] = 0
        y[:1] = np.nan
        assert np.array_equal(elementwise.relu_grad(g, y), np.where(y != 0, g, 0))
