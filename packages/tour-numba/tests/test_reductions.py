"""Sums and extremes in compiled form, at every length near a vector's and a run's, against float64."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import tour
from tour.numba._machine import vector_bits
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
def test_the_shortest_call_for_a_sum(rng, dtype):
    for shape in ((0,), (), (1,), (63,), (64,), (65,), (7, 11, 13), (9999,), (2, 0, 3), (16384,)):
        a = rng.standard_normal(shape).astype(dtype)
        total = forms.sum_of_few(a)
        assert type(total) is np.ndarray and total.shape == () and total.dtype is a.dtype and total.flags.writeable
        check(total, a, None)
    a = np.ones(100, dtype)
    before = sys.getrefcount(a.dtype)
    kept = [forms.sum_of_few(a) for _ in range(50)]
    for _ in range(50):
        assert forms.sum_of_few(a.reshape(10, 10).T) is NotImplemented
    assert len({id(x) for x in kept}) == 50 and sys.getrefcount(a.dtype) - before in range(45, 55)
    del kept
    assert abs(sys.getrefcount(a.dtype) - before) < 5


def test_what_the_shortest_call_declines():
    a = np.ones(8, np.float32)
    misaligned = np.frombuffer(b"0" * 33, np.float32, 8, 1)
    for wrong in (
        a[::2], a.astype(">f4"), a.view(np.matrix), a.astype(np.int32), a.astype(np.float16), misaligned, [1.0], 1.0, None,
    ):  # fmt: skip
        assert forms.sum_of_few(wrong) is NotImplemented


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
def test_ends_of_rows_do_not_round_the_whole(rng, dtype):
    """PyTorch's error over such rows is 0.43 of the resolution in the mean (root of squares); short vectors add up fewer side by side."""
    limit = (1.25 if vector_bits() > 128 else 2) * 0.43
    for n in (300, 319, 1000):
        a = rng.random((2000, n)).astype(dtype)
        wanted = a.astype(np.longdouble).sum(1)
        error = (forms.sum(a, 1, False) - wanted) / wanted / np.finfo(dtype).eps
        assert np.sqrt((error**2).mean()) <= limit


def rounding(got, a, axis):
    """The root of the mean square of a sum's error, in units of the dtype's resolution; PyTorch's is 0.3 to 0.45 for numbers in [0, 1)."""
    wanted = a.astype(np.longdouble).sum(axis)
    return np.sqrt((((got - wanted) / wanted) ** 2).mean()) / np.finfo(a.dtype).eps


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape", [(1000, 300), (40_000, 70), (20_000, 20), (5000, 3), (3, 9000, 7), (5, 129, 64), (4000, 1)]
)
def test_long_columns_round_like_short_ones(fenced, rng, shape, dtype):
    fenced(forms)
    a = rng.random(shape).astype(dtype)
    for keepdim in (False, True):
        got = forms.sum(a, a.ndim - 2, keepdim)
        check(got, a, a.ndim - 2, keepdim)
    assert rounding(forms.sum(a, a.ndim - 2, False), a, a.ndim - 2) <= 0.8
    assert rounding(forms.sum(a.reshape(-1), 0, False), a.reshape(-1), 0) <= 1.6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_columns_of_narrow_arrays(fenced, rng, dtype):
    fenced(forms)
    served = 0
    for width in range(1, 64):
        fold = forms.WIDE // width
        for n in (8 * fold, 8 * fold + 1, 9 * fold - 1, 17 * fold + fold // 2, 130 * fold + 3):
            for outer in (1, 3):
                a = rng.standard_normal((outer, n, width)).astype(dtype)
                check(forms.sum(a, 1, False), a, 1)
                served += 1
    assert served == 63 * 10 and forms.sum(np.ones((90, 20), dtype), 0, False) is NotImplemented


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sum_of_short_rows(fenced, rng, dtype):
    fenced(forms)
    for n in range(1, 32):
        for m in (1, 3, 50):
            a = rng.standard_normal((m, n)).astype(dtype)
            check(forms.sum(a, 1, False), a, 1)


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("shape", [(3, 5, 20, 30), (2, 70, 3, 7), (1, 1, 300, 1), (4, 4, 4, 400)])
def test_sum_over_several_dimensions(fenced, rng, shape, keepdim):
    fenced(forms)
    a = rng.random(shape).astype(np.float32)
    for axes in ((0, 1), (3, 2), (0, 2, 3), (0, 1, 2), (1, 3), (0, 1, 2, 3), (1, 2)):
        got = forms.sum(a, axes, keepdim)
        if got is not NotImplemented:
            check(got, a, axes, keepdim)
        else:
            assert axes == (1, 2) or 0 in axes
    x = tour.tensor(rng.standard_normal((8, 16, 32, 32)).astype(np.float32))
    assert np.allclose(x.mean((0, 2, 3)).numpy(), x.numpy().mean((0, 2, 3)), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products(fenced, rng, dtype):
    fenced(forms)
    for n in LENGTHS:
        a = (rng.choice([-1, 1], (3, n)) + rng.standard_normal((3, n)) / 1000).astype(dtype)
        for axis in (None, 1, -1):
            for keepdim in (False, True):
                wanted = np.multiply.reduce(a.astype(np.longdouble), axis, keepdims=keepdim)
                got = forms.product(a, axis, keepdim)
                assert got.dtype == dtype and got.shape == wanted.shape
                assert (
                    np.abs(got - wanted) <= (1 if dtype is np.float32 else n) * np.finfo(dtype).eps * np.abs(wanted)
                ).all()
    for far in (1e30, 1e-30) if dtype is np.float32 else (1e30, 1e-30, 1e300):  # none of these products is
        a = np.tile(np.array([far, 1 / far], dtype), 200)
        assert forms.product(a, None, False) == pytest.approx(np.prod(a.astype(np.float64)), rel=1e-4)


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
        assert forms.product(given, None, False) is NotImplemented
        assert forms.sum(given, None, False) is NotImplemented and forms.maximum(given, None, False) is NotImplemented
    assert forms.maximum(a, (0, 1), False) is NotImplemented and forms.maximum(a, 0, False) is NotImplemented
    assert forms.sum(a, 1, False) is NotImplemented and forms.sum(a[:, :5].copy(), 0, False) is NotImplemented
    assert forms.product(a, 0, False) is NotImplemented and forms.product(a, 2, False) is NotImplemented


def test_the_number_of_threads_changes_nothing(rng):
    a, before = rng.standard_normal((700, 900)).astype(np.float32), tour.get_num_threads()
    many = [forms.sum(a, axis, False) for axis in (None, 0, 1)]
    try:
        tour.set_num_threads(1)
        for got, axis in zip(many, (None, 0, 1), strict=True):
            assert np.array_equal(got, forms.sum(a, axis, False))
    finally:
        tour.set_num_threads(before)
