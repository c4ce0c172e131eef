"""Sums and extremes in compiled form, at every length near a vector's and a run's, against float64."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour.numba.forms import reductions as forms

LENGTHS = [*range(1, 70), 127, 128, 129, 1000, 4095, 4096, 4097, 8193, 100_003]

# The largest error of PyTorch 2.13 over sums like these, in units of float32's resolution times the sum of absolute values.
PYTORCH = 1.8


def check(got, a, axis, keepdim=False):
    """A sum is as exact as PyTorch's, times two."""
    wide = a.astype(np.longdouble)
    wanted, scale = wide.sum(axis, keepdims=keepdim), np.abs(wide).sum(axis, keepdims=keepdim)
    assert got.dtype == a.dtype and got.shape == wanted.shape
    assert (np.abs(got - wanted) <= 2 * PYTORCH * np.finfo(a.dtype).eps * scale).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sum_of_all(fenced, rng, dtype):
    fenced(forms)
    for n in LENGTHS:
        for a in (rng.standard_normal(n).astype(dtype), rng.random(n).astype(dtype)):
            check(forms.sum(a, None, False), a, None)
    check(forms.sum(a.reshape(1, -1), None, True), a.reshape(1, -1), None, True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [256, 257, 271, 319, 1000, 5001])
def test_sum_of_rows_and_columns(fenced, rng, n, dtype):
    fenced(forms)
    for m in (1, 2, 7, 8, 9, 16, 33):
        for keepdim in (False, True):
            rows, columns = rng.random((m, n)).astype(dtype), rng.random((3, m, n)).astype(dtype)
            check(forms.sum(rows, 1, keepdim), rows, 1, keepdim)
            check(forms.sum(rows, 0, keepdim), rows, 0, keepdim)
            check(forms.sum(columns, 1, keepdim), columns, 1, keepdim)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", ["maximum", "minimum"])
def test_extremes(fenced, rng, form, dtype):
    fenced(forms)
    function, ufunc = getattr(forms, form), getattr(np, form)
    for n in LENGTHS[63:]:
        for special in ([], [np.inf], [-np.inf], [np.nan], [-0.0]):
            a = rng.standard_normal((3, n)).astype(dtype)
            a.reshape(-1)[rng.integers(0, a.size, len(special))] = special
            assert np.array_equal(function(a, 1, False), ufunc.reduce(a, 1), equal_nan=True)
            assert np.array_equal(function(a, 1, True), ufunc.reduce(a, 1, keepdims=True), equal_nan=True)
    a = rng.standard_normal((3, forms.MANY)).astype(dtype)
    for value in (None, np.nan):
        if value is not None:
            a[1, 5] = value
        assert np.array_equal(function(a, None, True), ufunc.reduce(a, None, keepdims=True), equal_nan=True)


def test_infinities_and_nan_add_up_as_they_should():
    for special, wanted in (([np.inf], np.inf), ([np.inf, -np.inf], np.nan), ([np.nan], np.nan)):
        a = np.ones((64, 300), np.float32)
        a[3, : len(special)] = special
        assert np.array_equal(forms.sum(a, None, False), wanted, equal_nan=True)
        assert np.array_equal(forms.sum(a, 1, False)[3], wanted, equal_nan=True)


def test_the_rest_is_left_to_numpy(rng):
    a = rng.standard_normal((64, 100)).astype(np.float32)
    for given in (a.T, a.astype(np.int64), a.astype(np.float16), a[:0]):
        assert forms.sum(given, None, False) is NotImplemented and forms.maximum(given, None, False) is NotImplemented
    assert forms.sum(a, (0, 1), False) is NotImplemented and forms.maximum(a, 0, False) is NotImplemented
    assert forms.sum(a[:, :5].copy(), 1, False) is NotImplemented


def test_the_number_of_threads_changes_nothing(rng):
    a, before = rng.standard_normal((700, 900)).astype(np.float32), tour.get_num_threads()
    many = [forms.sum(a, axis, False) for axis in (None, 0, 1)]
    try:
        tour.set_num_threads(1)
        for got, axis in zip(many, (None, 0, 1), strict=True):
            assert np.array_equal(got, forms.sum(a, axis, False))
    finally:
        tour.set_num_threads(before)
