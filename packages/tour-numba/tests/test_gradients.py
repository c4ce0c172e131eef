"""Gradients of activation functions in one pass: every length near a vector's, odd strides, against float64."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour import _activations as kernels
from tour.numba.forms import gradients as forms

CASES = {
    "gelu_grad": ("none",),
    "gelu_grad, tanh": ("tanh",),
    "silu_grad": (),
    "sigmoid_grad": (),
    "tanh_grad": (),
}
# The largest error of PyTorch 2.13's gradients over a million normal numbers of deviation 4, and g alike: in units of float32's
# resolution times max(1, |g|).
TORCH = {"gelu_grad": 2.24, "gelu_grad, tanh": 8.7, "silu_grad": 7.46, "sigmoid_grad": 0.34, "tanh_grad": 0.71}
SIZES = [*range(0, 67), 127, 128, 129, 4096, 100_003]


def operands(rng, name, shape):
    x = (rng.standard_normal(shape) * 4).astype(np.float32)
    if name in ("sigmoid_grad", "tanh_grad"):  # from the result
        x = (1 / (1 + np.exp(-x)) if name == "sigmoid_grad" else np.tanh(x)).astype(np.float32)
    return rng.standard_normal(shape).astype(np.float32), x


@pytest.mark.parametrize("name", CASES)
def test_every_length(guarded, rng, name):
    function = name.partition(",")[0]
    for n in SIZES:
        g, x = map(guarded.input, operands(rng, name, n))
        y = getattr(forms, function)(g, x, *CASES[name])
        assert y.shape == (n,) and y.dtype == np.float32
        wanted = getattr(kernels, function)(g.astype(np.float64), x.astype(np.float64), *CASES[name])
        error = np.abs(y - wanted) / np.maximum(1, np.abs(g)) / np.finfo(np.float32).eps
        assert error.max(initial=0) <= 2 * TORCH[name]


@pytest.mark.parametrize("name", ["silu_grad", "sigmoid_grad", "tanh_grad"])
def test_double_precision(guarded, rng, name):
    for n in SIZES:
        g, x = (guarded.input(a.astype(np.float64)) for a in operands(rng, name, n))
        y = getattr(forms, name)(g, x)
        wanted = getattr(kernels, name).__wrapped__(g.astype(np.longdouble), x.astype(np.longdouble))
        assert y.dtype == np.float64
        error = np.abs(y - wanted) / np.maximum(1, np.abs(g)) / np.finfo(np.float64).eps
        assert error.max(initial=0) <= 2 * TORCH[name]
    assert np.isnan(forms.silu_grad(np.ones(3), np.array([np.nan] * 3))).all()


@pytest.mark.parametrize("name", CASES)
def test_odd_strides(guarded, rng, name):
    function = getattr(forms, name.partition(",")[0])
    g, x = operands(rng, name, (6, 7, 40))
    for where in (np.s_[::2, :, ::-3], np.s_[:, 3], np.s_[1:1], np.s_[..., None]):
        y = function(g[where], x.transpose(2, 1, 0).copy().T[where], *CASES[name])
        assert np.array_equal(y, function(g, x, *CASES[name])[where])


def test_what_is_left_to_numpy(rng):
    x = np.ones(5, np.float32)
    assert forms.silu_grad(x, x[:4]) is NotImplemented
    assert forms.silu_grad(x.astype(np.float64), x) is NotImplemented
    assert forms.gelu_grad(x.astype(np.float64), x.astype(np.float64), "none") is NotImplemented
    assert forms.tanh_grad(x.astype(np.complex64), x.astype(np.complex64)) is NotImplemented


@pytest.mark.parametrize("function", [tour.sigmoid, tour.tanh, tour.nn.functional.silu, tour.nn.functional.gelu])
def test_programs_reach_it(function):
    x = tour.randn(200, 100, requires_grad=True)
    y = x.detach().double().requires_grad_()
    for a in (x, y):
        (function(a) * tour.arange(100, dtype=a.dtype)).sum().backward()
    assert (x.grad - y.grad).abs().max() < 1e-4
