"""Sorting in compiled form: exactly what NumPy's stable sort gives, for every length near a vector's and every kind of number."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour.numba.forms import sorting as forms
from tour.ops import sorting

LENGTHS = [*range(1, 36), 63, 64, 65, 127, 128, 129, 130, 257, 1000, 2049]
DTYPES = ["f4", "f8", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]
SPECIAL = [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45]


def numbers(rng, dtype, shape, kind):
    """Numbers of a dtype: far apart, close together, few different ones, or all the same; with what is special about floats."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        a = (rng.standard_normal(shape) * {"far": 1e4, "close": 1, "few": 0, "same": 0}[kind]).astype(dtype)
        if kind == "few":
            a = rng.choice(np.array(SPECIAL, dtype), shape)
            bits = a.view(f"u{dtype.itemsize}")
            bits += (np.isnan(a) & (rng.random(shape) < 0.5)).astype(bits.dtype)  # NaN of several kinds
        return a
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    info = np.iinfo(dtype)
    low, high = {"far": (info.min, info.max), "close": (50, 100), "few": (0, 2), "same": (7, 7)}[kind]
    return rng.integers(low, high, shape, dtype, endpoint=True)


def check(a, axis, descending):
    """Places as NumPy's stable sort gives them, and those very numbers, bit by bit."""
    wanted = sorting.order.__wrapped__(a, axis, descending, True)
    values, places = forms.sort(a, axis, descending, False)
    assert np.array_equal(places, wanted) and np.array_equal(forms.order(a, axis, descending), wanted)
    assert values.dtype == a.dtype and values.tobytes() == np.take_along_axis(a, wanted, axis).tobytes()


@pytest.mark.parametrize("kind", ["far", "close", "few", "same"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_rows(fenced, rng, dtype, kind):
    fenced(forms)
    for n in LENGTHS:
        a = numbers(rng, dtype, (3, n), kind)
        for descending in (False, True):
            check(a, 1, descending)


@pytest.mark.parametrize("kind", ["far", "close", "few", "same"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "u1"])
def test_a_row_that_threads_share(fenced, rng, monkeypatch, dtype, kind):
    fenced(forms)
    monkeypatch.setattr(forms, "LONG", 200)
    for threads in (2, 3, 7):
        monkeypatch.setattr(forms._pool, "threads", lambda threads=threads: threads)
        for n in (200, 201, 255, 2048, 5003):
            a = numbers(rng, dtype, n, kind)
            for descending in (False, True):
                check(a, 0, descending)


@pytest.mark.parametrize("descending", [False, True])
def test_other_dimensions_and_gaps(rng, descending):
    a = rng.standard_normal((5, 40, 6)).astype(np.float32)
    for view in (a, a[::2, ::-1], a.transpose(2, 0, 1), a[..., 1:4], np.broadcast_to(a[:1], a.shape)):
        for axis in range(3):
            check(view, axis, descending)


def test_what_is_left_to_numpy():
    for a in (np.ones((3, 0)), np.array(1.0), np.ones(3, np.complex64), np.ones(3, np.longdouble)):
        assert forms.sort(a, -1, False, True) is NotImplemented and forms.order(a, -1, False) is NotImplemented


@pytest.mark.parametrize("descending", [False, True])
def test_large_tensors_are_sorted_so(rng, descending):
    x = tour.tensor(rng.integers(0, 50, (300, 200)).astype(np.float32), requires_grad=True)
    values, indices = tour.sort(x, 1, descending)
    assert np.array_equal(indices.numpy(), sorting.order.__wrapped__(x.detach().numpy(), 1, descending, True))
    assert indices.equal(tour.argsort(x, 1, descending)) and values.detach().equal(tour.gather(x.detach(), 1, indices))
    (values * tour.arange(200)).sum().backward()
    assert tour.gather(x.grad, 1, indices).equal(tour.arange(200.0).expand(300, 200))


def test_what_is_built_on_order(rng):
    a = rng.integers(0, 300, 50_000)
    values, inverse, counts = tour.unique(tour.tensor(a), return_inverse=True, return_counts=True)
    wanted = np.unique(a, return_inverse=True, return_counts=True)
    assert all(np.array_equal(x.numpy(), y) for x, y in zip((values, inverse, counts), wanted, strict=True))
    assert np.array_equal(tour.unique(tour.tensor(a)).numpy(), wanted[0])
    rows = tour.tensor(a.reshape(50, 1000))
    assert rows.mode(1).values.tolist() == [np.bincount(row).argmax() for row in rows.numpy()]
    x = rows.double()
    x[:, 3] = tour.nan
    assert np.array_equal(x.nanmedian(1).values.numpy(), np.nanquantile(x.numpy(), 0.5, 1, method="lower"))
