"""Activation functions with constants, and their gradients, in compiled form: every length near a vector's, against float64."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour import _activations as kernels
from tour.numba.forms import activations as forms

# Names, constants, and the largest error against the formula in wider numbers, in units of the dtype's resolution times the result;
# PyTorch 2.13's own is 1.4 for those with exponentials, 1 for the others.
CASES = {
    ("leaky_relu", (0.01,)): 1,
    ("leaky_relu", (-2.0,)): 1,
    ("elu", (1.0, 1.0, 1.0)): 2.5,
    ("elu", (1.6732632423543772, 1.0507009873554805, 1.0)): 2.5,
    ("elu", (0.7, 1.0, 1 / 0.7)): 2.5,
    ("hardsigmoid", ()): 1,
    ("hardswish", ()): 2,
    ("threshold", (0.1, 7.0)): 1,
    ("softshrink", (0.5,)): 1,
    ("hardshrink", (0.5,)): 1,
}
GRADIENTS = {
    ("leaky_relu_grad", (0.01,)): 1,
    ("elu_grad", (1.0, 1.0, 1.0)): 3,
    ("elu_grad", (0.7, 1.0, 1 / 0.7)): 3,
    ("hardswish_grad", ()): 3,
}
SIZES = [*range(0, 67), 127, 128, 129, 4096, 100_003]


def close(got, wanted, by, scale=0.01):
    """Whether two are equal but for some roundings; the smallest results are measured by `scale`."""
    assert got.shape == wanted.shape
    error = np.abs(got - wanted) / np.maximum(np.abs(wanted), scale) / np.finfo(got.dtype).eps
    assert error.max(initial=0) <= 2 * by


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "numbers"), CASES)
def test_every_length(guarded, rng, name, numbers, dtype):
    given = [float(dtype(n)) for n in numbers]
    for n in SIZES:
        x = guarded.input((rng.standard_normal(n) * 4).astype(dtype))
        wanted = getattr(kernels, name).__wrapped__(x.astype(np.longdouble), *given)
        got = getattr(forms, name)(x, *given)
        assert got.dtype == dtype
        close(got, wanted, CASES[name, numbers])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "numbers"), GRADIENTS)
def test_every_length_back(guarded, rng, name, numbers, dtype):
    for n in SIZES:
        g, x = (guarded.input((rng.standard_normal(n) * 3).astype(dtype)) for _ in range(2))
        wanted = getattr(kernels, name).__wrapped__(g.astype(np.longdouble), x.astype(np.longdouble), *numbers)
        close(getattr(forms, name)(g, x, *numbers), wanted, GRADIENTS[name, numbers], np.abs(g) + 1e-30)


@pytest.mark.parametrize(("name", "numbers"), [*CASES, *GRADIENTS])
def test_odd_strides(guarded, rng, name, numbers):
    whole = rng.standard_normal((2, 6, 7, 40)).astype(np.float32)
    function = getattr(forms, name)
    for where in (np.s_[::2, :, ::-3], np.s_[:, 3], np.s_[1:1], np.s_[..., None]):
        given = [a[where] for a in (whole if name.endswith("grad") else whole[:1])]
        packed = [np.ascontiguousarray(a) for a in given]
        assert np.array_equal(function(*given, *numbers), function(*packed, *numbers))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "numbers"), CASES)
def test_what_is_not_finite(name, numbers, dtype):
    x = np.tile(np.array([np.nan, np.inf, -np.inf, 0, -0.0, 3e38, -3e38, 1e-40, 100, -800], dtype), 5)
    with np.errstate(all="ignore"):
        wanted = getattr(kernels, name).__wrapped__(x.astype(np.longdouble), *numbers).astype(dtype)
    got = getattr(forms, name)(x, *numbers)
    finite = np.isfinite(x)
    assert np.isnan(got[0]) and np.allclose(got[finite], wanted[finite], rtol=1e-6, atol=1e-38)


def test_values_near_zero_keep_their_digits():
    for dtype in (np.float32, np.float64):
        x = -np.logspace(-30, 1, 400).astype(dtype)
        wanted = np.expm1(x.astype(np.longdouble))
        error = np.abs(forms.elu(x, 1.0, 1.0, 1.0) - wanted) / np.abs(wanted) / np.finfo(dtype).eps
        assert error.max() <= 2


def test_what_is_left_to_numpy():
    for x in (np.ones(5, np.int64), np.ones(5, np.float16)):
        assert forms.threshold(x, 0, 1) is NotImplemented
    x = np.ones(5, np.float32)
    assert forms.leaky_relu_grad(x, x[:4], 0.1) is NotImplemented
    assert forms.elu_grad(x, x.astype(np.float64), 1, 1, 1) is NotImplemented


@pytest.mark.parametrize(
    "name", ["leaky_relu", "elu", "selu", "celu", "hardswish", "hardsigmoid", "hardshrink", "softshrink"]
)
def test_programs_reach_it(name):
    function = getattr(tour.nn.functional, name)
    x = tour.randn(200, 100, requires_grad=True)
    y = x.detach().clone().requires_grad_()
    function(x).sum().backward()
    sum(function(part).sum() for part in y.split(1)).backward()
    assert tour.allclose(x.grad, y.grad, atol=1e-6)
