"""Pooling: the CUDA sources, run on the CPU through their Python callers, against NumPy's kernels."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from tour.cuda import _faults
from tour.cuda.forms import pooling as forms
from tour.nn.kernels import pooling as kernels

# Input, kernel, stride, padding, dilation, ceil_mode.
CASES = [
    ((2, 3, 9), (3,), (2,), (1,), (1,), False),
    ((1, 2, 7, 8), (2, 3), (2, 1), (1, 0), (1, 2), False),
    ((2, 1, 6, 7), (3, 3), (2, 2), (1, 1), (1, 1), True),
    ((1, 2, 4, 5, 6), (2, 2, 3), (2, 1, 2), (0, 1, 1), (1, 1, 1), True),
    ((0, 2, 5, 5), (2, 2), (2, 2), (0, 0), (1, 1), False),
]


def oracle(name):
    return inspect.unwrap(getattr(kernels, name))


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def same(actual, expected):
    assert actual.shape == expected.shape and actual.dtype == expected.dtype
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding", "dilation", "ceil"), CASES)
def test_max_pooling(simulated, shape, kernel, stride, padding, dilation, ceil):
    x = np.round(normal(*shape) * 2)  # with equal elements
    options = kernel, stride, padding, dilation
    out = oracle("max_pool")(x, *options, ceil)
    same(forms.max_pool(x, *options, ceil), out)
    for actual, expected in zip(
        forms.max_pool_with_indices(x, *options, ceil), oracle("max_pool_with_indices")(x, *options, ceil), strict=True
    ):
        same(actual, expected)
    g = normal(*out.shape, seed=1)
    same(forms.max_pool_grad(g, x, out, *options), oracle("max_pool_grad")(g, x, out, *options))


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_nan_wins_and_what_lies_in_the_padding_does_not_count(simulated, value):
    x = normal(1, 2, 6, 6)
    x[0, 0, 2:, 1:4] = value
    x[0, 1] = -np.inf
    options = (3, 3), (2, 2), (1, 1), (1, 1)
    out, indices = forms.max_pool_with_indices(x, *options, False)
    expected, expected_indices = oracle("max_pool_with_indices")(x, *options, False)
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(indices, expected_indices)


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding", "dilation", "ceil"), CASES)
@pytest.mark.parametrize(("include", "divisor"), [(True, None), (False, None), (True, 3)])
def test_average_pooling(simulated, shape, kernel, stride, padding, dilation, ceil, include, divisor):
    x = normal(*shape)
    y = oracle("avg_pool")(x, kernel, stride, padding, ceil, include, divisor)
    same(forms.avg_pool(x, kernel, stride, padding, ceil, include, divisor), y)
    g = normal(*y.shape, seed=1)
    same(
        forms.avg_pool_grad(g, shape, kernel, stride, padding, include, divisor),
        oracle("avg_pool_grad")(g, shape, kernel, stride, padding, include, divisor),
    )


def test_values_at_flat_indices_of_planes(simulated):
    rng = np.random.default_rng(0)
    indices, values = rng.integers(0, 12, (2, 3, 5)), normal(2, 3, 5)
    same(forms.scatter(values, indices, (3, 4)), oracle("scatter")(values, indices, (3, 4)))
    x = normal(2, 3, 3, 4)
    same(forms.gather(x, indices), oracle("gather")(x, indices))
    places = np.stack([np.stack([rng.permutation(12)[:5] for _ in range(3)]) for _ in range(2)])
    same(forms.max_unpool(values, places, (3, 4)), oracle("max_unpool")(values, places, (3, 4)))
    _faults.check()
    forms.max_unpool(values, places + 8, (3, 4))
    with pytest.raises(IndexError, match=r"out of bounds for a dimension of size 12"):
        _faults.check()
