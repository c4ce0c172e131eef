"""Matrix products: what cuBLAS is told of sizes, strides and dtypes, computed by a stand-in for it in NumPy."""

from __future__ import annotations

import sys

import ml_dtypes
import numpy as np
import pytest

import tour
from tour.cuda import _blas

SHAPES = [
    ((3, 4), (4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (4, 5)), ((3, 4), (2, 4, 5)),
    ((2, 3, 4), (2, 4, 5)), ((2, 1, 3, 4), (6, 4, 5)), ((1, 4), (4, 1)), ((3, 1), (1, 5)), ((3, 0), (0, 5)), ((0, 4), (4, 5)),
    ((2, 0, 4), (2, 4, 5)), ((1, 1, 3, 4), (4, 2)),
]  # fmt: skip


def normal(*shape, dtype=np.float32, seed=0):
    a = np.random.default_rng(seed).standard_normal(shape)
    return (a + 1j * a[::-1] if np.dtype(dtype).kind == "c" else a).astype(dtype)


@pytest.fixture
def calls(simulated):
    sys.modules["blas"].calls.clear()
    return sys.modules["blas"].calls


@pytest.mark.parametrize(("first", "second"), SHAPES)
def test_the_product_of_numpy(calls, first, second):
    a, b = normal(*first), normal(*second, seed=1)
    expected = np.asarray(np.matmul(a, b))
    r = _blas.matmul(a, b)
    assert r.shape == expected.shape and r.dtype == expected.dtype
    np.testing.assert_allclose(r, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, ml_dtypes.bfloat16, np.complex64, np.complex128])
def test_dtypes(calls, dtype):
    a, b = normal(2, 3, 40, dtype=dtype), normal(2, 40, 5, dtype=dtype, seed=1)
    wide = np.float32 if np.dtype(dtype).itemsize == 2 else dtype
    expected = np.matmul(a.astype(wide), b.astype(wide)).astype(dtype)
    assert _blas.matmul(a, b).dtype == dtype
    tolerance = {4: 1e-5, 8: 1e-5, 16: 1e-12}.get(np.dtype(dtype).itemsize, 8e-3)
    np.testing.assert_allclose(_blas.matmul(a, b).astype("c16"), expected.astype("c16"), rtol=tolerance)


def test_transposed_operands_are_not_copied(calls):
    a, b = normal(2, 4, 3).swapaxes(1, 2), normal(2, 5, 4, seed=1).swapaxes(1, 2)
    assert all(np.shares_memory(_blas.laid_out(x, (2,)).array, x) for x in (a, b))
    np.testing.assert_allclose(_blas.matmul(a, b), a @ b, rtol=1e-5)
    assert calls[-1]["transposed"] == (1, 1)


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[:, ::2], lambda x: x[::-1], lambda x: x[:, 1:], lambda x: x[1:].T, lambda x: x[:, :1].T, lambda x: x[:, :1],
        lambda x: x[:1], lambda x: x[::2], lambda x: x.T[::2],
    ],
)  # fmt: skip
def test_views(calls, view):
    a = view(normal(6, 6))
    b = normal(a.shape[1], 3, seed=1)
    np.testing.assert_allclose(_blas.matmul(a, b), a @ b, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(_blas.matmul(b.T, a.T), b.T @ a.T, rtol=1e-5, atol=1e-6)


def test_batches_that_broadcast_are_one_call(calls):
    a, b = normal(5, 3, 4), normal(4, 2, seed=1)
    _blas.matmul(a, b)
    assert [(c["count"], c["size"]) for c in calls] == [(1, (2, 15, 4))]
    calls.clear()
    w = normal(3, 4)
    np.testing.assert_allclose(_blas.matmul(w, normal(5, 4, 2)), w @ normal(5, 4, 2), rtol=1e-5, atol=1e-6)
    assert [(c["count"], c["size"]) for c in calls] == [(5, (2, 3, 4))]


def test_tf32_is_what_the_switch_says(calls, monkeypatch):
    a = normal(3, 3)
    _blas.matmul(a, a)
    monkeypatch.setitem(vars(tour.backends.matmul), "allow_tf32", True)
    _blas.matmul(a, a)
    _blas.matmul(a.astype("f8"), a.astype("f8"))
    assert [c["computation"] for c in calls] == [68, 77, 70]


def test_what_cublas_does_not_know_is_left_to_others(calls):
    ints = np.ones((2, 2), np.int64)
    assert _blas.matmul(ints, ints) is NotImplemented
    assert _blas.matmul(normal(2, 3), normal(2, 3)) is NotImplemented
    assert _blas.matmul(normal(2, 2), normal(2, 2, dtype="f8")) is NotImplemented


def test_an_error_of_cublas_has_a_name():
    with pytest.raises(RuntimeError, match="cuBLAS error 3: out of memory"):
        _blas.check(3)
