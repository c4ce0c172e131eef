"""Running sums, products and extremes in compiled form, at every length near a vector's and a block's."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour.numba.forms import scans as forms
from tour.ops import scans

LENGTHS = [*range(1, 36), 63, 64, 65, 127, 129, 1000, 20_001]


def exact(name, a):
    """In the widest numbers that there are."""
    return getattr(np, name)(a.astype(np.longdouble), -1)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_running_sums(fenced, rng, dtype):
    fenced(forms)
    for n in LENGTHS:
        for a in (rng.standard_normal((3, n)), rng.random((1, 2, n))):
            a = a.astype(dtype)
            got = forms.cumsum(a, a.ndim - 1)
            assert got.dtype == a.dtype and got.shape == a.shape
            # PyTorch's sums, one after the other in double precision, err by half a unit in single and up to n in double
            terms = 1 if dtype == "f4" else n
            assert (np.abs(got - exact("cumsum", a)) <= terms * np.finfo(dtype).eps * np.cumsum(np.abs(a), -1)).all()


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_running_products(fenced, rng, dtype):
    fenced(forms)
    for n in LENGTHS:
        a = (rng.choice([-1, 1], (3, n)) + rng.standard_normal((3, n)) / 100).astype(dtype)
        got, wanted = forms.cumprod(a, 1), exact("cumprod", a)
        assert got.dtype == a.dtype
        assert (np.abs(got - wanted) <= (1 if dtype == "f4" else n) * np.finfo(dtype).eps * np.abs(wanted)).all()


def test_products_of_what_is_far_from_one():
    tiny, huge = np.float64(1e-300), np.float64(1e200)
    a = np.tile([tiny, huge, 1e100, 1.0], 5)
    assert np.array_equal(forms.cumprod(a, 0), np.cumprod(a))
    single = np.tile(np.float32([1e-38, 1e38, 1e30, 1e-30]), 5)
    assert np.allclose(forms.cumprod(single, 0), np.cumprod(single.astype(np.float64)), rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_down_columns(fenced, rng, name, dtype):
    """One after the other in double precision, to the last bit."""
    fenced(forms)
    for width in [*range(1, 20), 63, 64, 65, 130, 1000]:
        for outer, n in ((1, 1), (2, 3), (3, 17)):
            a = (rng.choice([-1, 1], (outer, n, width)) + rng.standard_normal((outer, n, width)) / 10).astype(dtype)
            wanted = getattr(np, name)(a.astype(np.float64), 1).astype(dtype)
            for given in (a, np.asfortranarray(a), np.repeat(a, 2, 2)[..., ::2]):
                got = getattr(forms, name)(given, 1)
                assert got.dtype == a.dtype and np.array_equal(got, wanted)


def test_sums_that_overflow_in_another_order(fenced):
    """Running sums of doubles overflow where NumPy's do, and nowhere else."""
    fenced(forms)
    huge = 1.7e308
    for start in range(18):
        for numbers in (
            [-huge, huge, huge, -huge], [huge, huge, -huge], [huge, -huge] * 9, [huge / 2] * 3, [huge / 8] * 9,
            [np.inf, 1, -np.inf], [np.nan, huge, huge],
        ):  # fmt: skip
            a = np.arange(40.0)
            a[start : start + len(numbers)] = numbers
            with np.errstate(all="ignore"):
                assert np.array_equal(forms.cumsum(a, 0), np.cumsum(a), equal_nan=True)
                columns = np.stack([a] * 20, 1)
                assert np.array_equal(forms.cumsum(columns, 0), np.cumsum(columns, 0), equal_nan=True)


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_infinities_nan_and_signs_of_zero(name):
    for special in ([np.inf], [np.inf, -np.inf], [np.nan], [-0.0, -0.0], [-0.0, 0.0]):
        for at in (0, 3, 11):
            a = np.full(20, -0.0 if special[0] == 0 else 1.0)
            a[at : at + len(special)] = special
            with np.errstate(invalid="ignore"):
                wanted = getattr(np, name)(a)
            for dtype in (np.float32, np.float64):
                got = getattr(forms, name)(a.astype(dtype), 0)
                assert np.array_equal(got, wanted, equal_nan=True)
                real = ~np.isnan(wanted)
                assert np.array_equal(np.signbit(got[real]), np.signbit(wanted[real]))


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8"])
@pytest.mark.parametrize("name", ["cummax", "cummin"])
def test_running_extremes(fenced, rng, name, dtype):
    fenced(forms)
    kernel = getattr(scans, f"_{name}").__wrapped__
    for n in LENGTHS:
        for a in (
            rng.integers(-9, 9, (3, n)),
            np.arange(n)[None],
            -np.arange(n)[None],
            rng.standard_normal((2, n)) * 1e6,
        ):
            a = a.astype(dtype)
            for share in (0, 0.05):
                if share and dtype[0] == "f":
                    a[rng.random(a.shape) < share] = np.nan
                for got, wanted in zip(getattr(forms, name)(a, 1), kernel(a, 1), strict=True):
                    assert got.dtype == wanted.dtype and np.array_equal(got, wanted, equal_nan=dtype[0] == "f")


def test_the_rest_is_left_to_numpy(rng):
    a = rng.standard_normal((64, 100)).astype(np.float32)
    for given, dim in ((a[:0], 1), (a.astype(np.float16), 1), (a.astype(np.int16), 1), (np.float32(1), 0)):
        for name in ("cumsum", "cumprod", "cummax", "cummin"):
            assert getattr(forms, name)(np.asarray(given), dim) is NotImplemented
    assert forms.cummax(a, 0) is NotImplemented and forms.cummin(a, 0) is NotImplemented
    assert np.allclose(forms.cumsum(a.T[::2], 1), np.cumsum(a.T[::2], 1), atol=1e-4)


def test_gradients_flow_through_them(rng):
    x = tour.tensor(rng.standard_normal((200, 100)).astype(np.float32), requires_grad=True)
    x.cumsum(1).sum().backward()
    assert np.array_equal(x.grad.numpy(), np.broadcast_to(np.arange(100, 0, -1), (200, 100)))
    x.grad = None
    values, indices = x.cummax(1)
    values.sum().backward()
    assert x.grad.sum().item() == x.numel() and tour.gather(x.detach(), 1, indices).equal(values.detach())
