"""Attention: the CUDA sources and the products, run on the CPU through their Python callers, against NumPy in double precision."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from tour.cuda import _philox, _random
from tour.cuda.forms import attention as forms
from tour.nn.kernels import attention as kernels

oracle, oracle_grad = inspect.unwrap(kernels.attention), inspect.unwrap(kernels.attention_grad)


def normal(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def both(
    shape,
    columns,
    width,
    causal,
    mask=None,
    keep=None,
    dtype=np.float32,
    value_width=None,
    wants_mask=False,
    tolerance=2e-5,
):
    *batch, rows = shape
    q, k = normal(*batch, rows, width, dtype=dtype), normal(*batch, columns, width, seed=1, dtype=dtype)
    v = normal(*batch, columns, value_width or width, seed=2, dtype=dtype)
    scale = width**-0.5
    extra = mask, keep, causal, scale
    out, sums = forms.attention(q, k, v, *extra)
    wide = [a.astype("f8") for a in (q, k, v)]
    extra64 = (
        mask if mask is None or mask.dtype == bool else mask.astype("f8"),
        None if keep is None else keep.astype("f8"),
    )
    expected, expected_sums = oracle(*wide, *extra64, causal, scale)
    assert out.dtype == dtype and out.shape == expected.shape and sums.shape == expected_sums.shape
    close = {"rtol": tolerance, "atol": tolerance}
    np.testing.assert_allclose(out.astype("f8"), expected, **close)
    np.testing.assert_allclose(sums, expected_sums, **close)
    g = normal(*out.shape, seed=3, dtype=dtype)
    grads = forms.attention_grad(g, q, k, v, *extra, out, sums, wants_mask)
    wanted = oracle_grad(g.astype("f8"), *wide, *extra64, causal, scale, expected, expected_sums, wants_mask)
    for a, e in zip(grads, wanted, strict=True):
        assert (a is None) == (e is None)
        if a is not None:
            np.testing.assert_allclose(a.astype("f8"), e, **close)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("shape", "columns", "width"),
    [((2, 5), 5, 8), ((1, 70), 70, 32), ((2, 1, 40), 67, 33), ((1, 66), 3, 64), ((3, 1), 1, 1)],
)
def test_tiles(simulated, shape, columns, width, causal):
    both(shape, columns, width, causal)
    assert "attention" in simulated.launched


def test_a_large_head(simulated):
    both((1, 18), 35, 100, True)
    assert "attention_query_grad" in simulated.launched


def test_half_precision(simulated):
    both((2, 20), 20, 16, True, dtype=np.float16, tolerance=4e-3)


def test_tiles_that_nobody_sees_are_left_out(simulated):
    """Numbers that would spoil everything lie behind the diagonal's tiles; a causal row never reads them."""
    q, k = normal(1, 64, 8), normal(1, 192, 8, seed=1)
    v = normal(1, 192, 8, seed=2)
    k[:, 64:], v[:, 64:] = np.nan, np.nan
    out, _ = forms.attention(q, k, v, None, None, True, 1.0)
    np.testing.assert_allclose(out, oracle(q, k[:, :64], v[:, :64], None, None, True, 1.0)[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_masks(simulated, causal):
    rng = np.random.default_rng(4)
    sees = rng.random((6, 40)) < 0.7
    sees[2] = False
    both((2, 3, 6), 40, 8, causal, mask=sees)
    both((2, 3, 6), 40, 8, causal, mask=normal(2, 1, 1, 40, seed=5))
    both((2, 2, 3, 6), 9, 8, causal, mask=rng.random((2, 1, 3, 1, 9)) < 0.7)
    both((3, 6), 9, 8, causal, mask=np.where(rng.random((3, 6, 9)) < 0.7, np.float32(0), np.float32(-np.inf)))
    assert set(simulated.launched) == {
        "attention", "attention_inner", "attention_query_grad", "attention_key_value_grad",
    }  # fmt: skip


@pytest.mark.parametrize("causal", [False, True])
def test_the_gradient_of_a_mask_and_a_dropout_that_is_given(simulated, causal):
    keep = (np.random.default_rng(4).random((2, 3, 6, 9)) < 0.8).astype(np.float32) / np.float32(0.8)
    both((2, 3, 6), 9, 8, causal, mask=normal(3, 1, 9, seed=5), keep=keep, wants_mask=True)
    assert "attention" not in simulated.launched


@pytest.mark.parametrize(("rows", "columns", "causal"), [(5, 7, False), (70, 70, True)])
def test_dropout_without_a_mask_in_memory(simulated, rows, columns, causal):
    """Tiles draw what is dropped from the seed, each time they need it; products, and NumPy, draw the same."""
    _random.manual_seed(6)
    q, k, v = normal(2, rows, 8), normal(2, columns, 8, seed=1), normal(2, columns, 8, seed=2)
    keep = forms.seed(q, (2, rows, columns), 0.25)
    out, sums = forms.attention(q, k, v, None, keep, causal, 0.5)
    factors = (_philox.units(6, 0, 2 * rows * columns) < np.float32(0.75)).reshape(2, rows, columns) / 0.75
    np.testing.assert_allclose(keep.factors(), factors, rtol=1e-6)
    wide = [a.astype("f8") for a in (q, k, v)]
    expected, expected_sums = oracle(*wide, None, factors, causal, 0.5)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)
    g = normal(*out.shape, seed=3)
    grads = forms.attention_grad(g, q, k, v, None, keep, causal, 0.5, out, sums)
    wanted = oracle_grad(g.astype("f8"), *wide, None, factors, causal, 0.5, expected, expected_sums)
    for a, e in zip(grads[:3], wanted, strict=False):
        np.testing.assert_allclose(a, e, rtol=1e-4, atol=1e-5)
    assert "attention_key_value_grad" in simulated.launched


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_heads_that_share_keys_and_values(simulated, dtype):
    q, k, v = (
        normal(2, 6, 5, 8, dtype=dtype),
        normal(2, 2, 7, 8, seed=1, dtype=dtype),
        normal(2, 2, 7, 8, seed=2, dtype=dtype),
    )
    mask = np.random.default_rng(0).random((2, 6, 5, 7)) < 0.8
    out, sums = forms.attention(q, k, v, mask, None, True, 0.5)
    wide = q.astype("f8"), np.repeat(k, 3, 1).astype("f8"), np.repeat(v, 3, 1).astype("f8")
    expected, expected_sums = oracle(*wide, mask, None, True, 0.5)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)
    g = normal(*out.shape, seed=3, dtype=dtype)
    grads = forms.attention_grad(g, q, k, v, mask, None, True, 0.5, out, sums)
    wanted = oracle_grad(g.astype("f8"), *wide, mask, None, True, 0.5, expected, expected_sums)
    np.testing.assert_allclose(grads[0], wanted[0], rtol=1e-4, atol=1e-5)
    for a, e in zip(grads[1:3], wanted[1:3], strict=True):
        np.testing.assert_allclose(a, e.reshape(2, 2, 3, 7, 8).sum(2), rtol=1e-4, atol=1e-5)


def test_heads_that_tiles_are_not_made_for(simulated):
    both((2, 5), 6, 130, True)
    both((2, 5), 6, 8, True, dtype=np.float64, tolerance=1e-12)
    both((2, 5), 6, 8, False, value_width=11)


def test_nothing_to_attend_to(simulated):
    for rows, columns in ((3, 0), (0, 3)):
        q, k = normal(2, rows, 8), normal(2, columns, 8, seed=1)
        out, sums = forms.attention(q, k, k, None, None, False, 1.0)
        np.testing.assert_array_equal(out, np.zeros((2, rows, 8)))
        grads = forms.attention_grad(out, q, k, k, None, None, False, 1.0, out, sums)
        assert [(a.shape, a.any()) for a in grads[:3]] == [(x.shape, False) for x in (q, k, k)]
