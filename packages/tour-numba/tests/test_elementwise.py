"""Activation functions in compiled form: every length near a vector's, against NumPy's kernels and against float64."""

from __future__ import annotations

import numpy as np
import pytest

from tour import _activations as kernels
from tour.numba.forms import elementwise as forms

# The largest error of PyTorch 2.13's functions over a million normal numbers of deviation 4, in units of float32's resolution times
# max(1, |result|). Ours may be twice as large.
CASES = {
    ("sigmoid", ()): 0.75,
    ("silu", ()): 0.98,
    ("silu_slope", ()): 7.94,
    ("gelu", ("none",)): 9.18,
    ("gelu_slope", ("none",)): 2.38,
    ("gelu", ("tanh",)): 1.27,
    ("gelu_slope", ("tanh",)): 8.71,
    ("logsigmoid", ()): 0.79,
    ("softplus", (1, 20)): 0.74,
    ("softplus", (0.5, 3)): 0.85,
}
SIZES = [*range(0, 67), 127, 128, 129, 4096, 1_000_003]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_every_length(guarded, rng, name, options):
    for n in SIZES:
        x = guarded.input((rng.standard_normal(n) * 4).astype(np.float32))
        y = getattr(forms, name)(x, *options)
        assert y.shape == (n,) and y.dtype == np.float32
        wanted = getattr(kernels, name)(x.astype(np.float64), *options)
        error = np.abs(y - wanted) / np.maximum(1, np.abs(wanted)) / np.finfo(np.float32).eps
        assert error.max(initial=0) <= 2 * CASES[name, options]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_odd_strides(guarded, rng, name, options):
    x = rng.standard_normal((6, 7, 40)).astype(np.float32)
    for view in (x[::2, :, ::-3], x.transpose(2, 0, 1), x[:, 3], x[1:1], x[..., None]):
        y = getattr(forms, name)(view, *options)
        assert y.shape == view.shape
        assert np.allclose(y, getattr(kernels, name)(view, *options), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_what_is_not_finite(name, options):
    x = np.tile(np.float32([np.nan, np.inf, -np.inf, 0, -0.0, 3e38, -3e38, 1e-40, 100, -100]), 5)
    with np.errstate(all="ignore"):
        wanted = getattr(kernels, name)(x.astype(np.float64), *options).astype(np.float32)
        got = getattr(forms, name)(x, *options)
        nan = np.isnan(wanted) | np.isinf(x)  # at infinity NumPy's formulas and these may part: inf * 0
        assert np.array_equal(np.isnan(got[~np.isinf(x)]), np.isnan(wanted[~np.isinf(x)]))
        assert np.allclose(got[~nan], wanted[~nan], rtol=1e-6, atol=1e-37)


def test_other_dtypes_are_left_to_numpy():
    for dtype in (np.float16, np.complex64):
        assert forms.silu(np.zeros(3, dtype)) is NotImplemented
    assert forms.gelu(np.zeros(3), "none") is NotImplemented


@pytest.mark.parametrize("name", ["sigmoid", "silu"])
def test_double_precision_is_numpys_to_the_last_bit(rng, name):
    for x in (rng.standard_normal(100_003), rng.standard_normal((30, 50, 70))[::2, :, ::-3]):
        assert np.array_equal(getattr(forms, name)(x), getattr(kernels, name).__wrapped__(x))


@pytest.mark.parametrize("name", ["sigmoid", "gelu", "logsigmoid", "relu_grad"])
def test_nothing_is_written_outside(guarded, rng, name):
    ufunc = getattr(forms, f"_{name}")
    for n in (*SIZES[:-1], 70_001):
        operands = [guarded.input(rng.standard_normal((n, 2)).astype(np.float32)) for _ in range(ufunc.operands - 1)]
        for views in ([x.reshape(-1) for x in operands], [x[:, 0] for x in operands], [x[::-1, 1] for x in operands]):
            y = guarded.result(views[0].shape)
            ufunc(*views, y)
            assert np.array_equal(y, ufunc(*(x.copy() for x in views)))


@pytest.mark.parametrize("ufunc", [np.maximum, np.minimum])
def test_bounds(guarded, rng, ufunc):
    for n in SIZES:
        x = guarded.input(rng.standard_normal(n).astype(np.float32))
        x[: n // 7] = np.nan
        wanted = ufunc(x, np.float32(0.25))
        assert np.array_equal(forms.beside(ufunc, x, 0.25, None), wanted, equal_nan=True)
        assert forms.beside(ufunc, x, 0.25, x) is x and np.array_equal(x, wanted, equal_nan=True)
