"""Every elementwise function, forward and backward, on the fake device: the host's numbers."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import tour
from tour._core import parameters_of

FILES = (
    "activations", "arithmetic", "bessel", "bitwise", "clipping", "comparison", "complexes", "division", "math", "polynomials", "powers",
    "rounding", "softmax", "special", "trigonometry",
)  # fmt: skip
NOT_ELEMENTWISE = {"allclose", "equal", "is_complex", "is_conj", "is_neg", "is_nonzero", "view_as_complex"}

rng = np.random.default_rng(0)
FIRST, SECOND, THIRD = (rng.uniform(0.15, 0.85, shape).astype(np.float32) for shape in ((2, 3), (3,), (2, 1)))
INTEGERS = (np.array([[1, 2, 3], [4, 5, 6]]), np.array([3, 1, 2]))
WHOLE = {"bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "gcd", "lcm"}  # fmt: skip
COMPLEX = {"imag", "view_as_real"}
ABOVE_ONE = {"acosh", "arccosh", "mvlgamma", "multigammaln", "zeta"}
NUMBERS = {"dim": -1, "p": 2, "threshold": 0.3, "value": 2.0}  # what has no default and is no tensor
GIVEN = {"clamp": {"min": 0.3, "max": 0.6}, "logit": {"eps": 0.4}, "polygamma": {"n": 1}}


def functions():
    """What the elementwise files export, in-place forms and aliases left out."""
    found = {}
    for file in FILES:
        module = importlib.import_module(f"tour.ops.{file}")
        for name in module.__all__:
            function = getattr(module, name)
            if not name.endswith("_") and name not in NOT_ELEMENTWISE and function not in found.values():
                found[name] = function
    return found


FUNCTIONS = functions()


def arguments(name, function):
    """Arrays for the function's tensors, and its other arguments, by name."""
    names, defaults = parameters_of(function)
    numbers = {k: NUMBERS[k] for k in names if k in NUMBERS and k not in defaults} | GIVEN.get(name, {})
    tensors = [k for k in names if k not in defaults and k not in numbers]
    first = FIRST > 0.5 if name == "where" else FIRST + 1 if name in ABOVE_ONE else FIRST
    arrays = INTEGERS if name in WHOLE else (first + 1j if name in COMPLEX else first, SECOND, THIRD)
    return dict(zip(tensors, arrays, strict=False)), numbers


def both_ways(name, function, device):
    """The result and the gradients of a random projection of it, there and brought back; None where nothing is differentiable."""
    arrays, numbers = arguments(name, function)
    leaves = {k: tour.tensor(a).to(device) for k, a in arrays.items()}
    for t in leaves.values():
        t.requires_grad_(t._a.dtype.kind in "fc")
    y = function(**leaves, **numbers)
    y = y[0] if isinstance(y, tuple) else y
    assert y.device.type == device
    if not y.requires_grad:
        return y.cpu().numpy(), []
    w = tour.tensor(np.random.default_rng(1).normal(size=y.shape).astype(y.detach().cpu().numpy().dtype)).to(device)
    y.backward(w)
    return y.detach().cpu().numpy(), [None if t.grad is None else t.grad.cpu().numpy() for t in leaves.values()]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_numbers_of_the_host(fake, name):
    value, gradients = both_ways(name, FUNCTIONS[name], "cuda")
    expected, expected_gradients = both_ways(name, FUNCTIONS[name], "cpu")
    np.testing.assert_allclose(value, expected, rtol=2e-5, atol=1e-6)
    assert value.dtype == expected.dtype
    assert len(gradients) == len(expected_gradients)
    for g, e in zip(gradients, expected_gradients, strict=True):
        assert (g is None) == (e is None)
        if g is not None:
            np.testing.assert_allclose(g, e, rtol=1e-4, atol=1e-5)
