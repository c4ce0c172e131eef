"""Reductions, shapes, joining, indexing, writing, products and layers, forward and backward: on the fake device and on the CPU.

The functions are those that the packages below test their gradients with; their tables are loaded once for each device, so that the
index tensors in them are there.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import tour

PACKAGES = Path(__file__).parents[2]
TABLES = {
    "arrays": PACKAGES / "tour-autograd" / "tests" / "test_rules_arrays.py",
    "layers": PACKAGES / "tour-nn" / "tests" / "test_batching.py",
}
if not all(path.exists() for path in TABLES.values()):
    pytest.skip("needs the tests of tour-autograd and tour-nn beside its own", allow_module_level=True)


def table(name, device="cpu"):
    """A fresh copy of a test module, whose tensors are on a device."""
    spec = importlib.util.spec_from_file_location(f"table_{name}", TABLES[name])
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with tour.device(device):
        spec.loader.exec_module(module)
    return module


ARRAYS, LAYERS = table("arrays"), table("layers")


def results(function, leaves, device):
    """Values, and gradients of a random projection, as arrays of the host."""
    with tour.device(device):
        made = function(*leaves)
    made = [t for t in (made if isinstance(made, (tuple, list)) else [made]) if isinstance(t, tour.Tensor)]
    assert {str(t.device).removesuffix(":0") for t in made} == {device}
    rng, total = np.random.default_rng(1), tour.zeros((), device=device)
    for t in made:
        if t.requires_grad:
            w = tour.tensor(rng.normal(size=t.shape)).to(device)
            total = total + ((t.real if t.is_complex() else t) * w).sum()
    if total.requires_grad:
        total.backward()
    return [t.detach().cpu().numpy() for t in made], [None if t.grad is None else t.grad.cpu().numpy() for t in leaves]


def compare(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                assert a.dtype == b.dtype
                np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def leaves_of(arrays, device):
    return [tour.tensor(a).to(device).requires_grad_(a.dtype.kind in "fc") for a in arrays]


@pytest.mark.parametrize("name", ARRAYS.RULES)
def test_rule(fake, name):
    function, *shapes = ARRAYS.RULES[name]
    arrays = ARRAYS.values(shapes, "real")
    expected = results(function, leaves_of(arrays, "cpu"), "cpu")
    compare(results(table("arrays", "cuda").RULES[name][0], leaves_of(arrays, "cuda"), "cuda"), expected)


@pytest.mark.parametrize("name", ARRAYS.WRITES)
def test_write(fake, name):
    def both(write):
        def function(x):
            y = x * 1.5
            write(y, x)
            return y

        return function

    arrays = ARRAYS.values([(3, 4)], "real")
    expected = results(both(ARRAYS.WRITES[name]), leaves_of(arrays, "cpu"), "cpu")
    compare(results(both(table("arrays", "cuda").WRITES[name]), leaves_of(arrays, "cuda"), "cuda"), expected)


@pytest.mark.parametrize("name", LAYERS.CASES)
def test_layer(fake, name):
    function, *kinds = LAYERS.CASES[name]
    arrays = [make(*numbers).numpy() for make, *numbers in kinds]
    there = table("layers", "cuda")
    for key, module in vars(LAYERS).items():
        if isinstance(module, tour.nn.Module):
            vars(there)[key].load_state_dict(module.state_dict())
    expected = results(function, leaves_of(arrays, "cpu"), "cpu")
    compare(results(there.CASES[name][0], leaves_of(arrays, "cuda"), "cuda"), expected)


def both_forms(kind, name, device):
    """A rule or a layer for the CPU, the same for a device, and its arguments."""
    if kind == "rule":
        there = table("arrays", device).RULES[name][0]
        return ARRAYS.RULES[name][0], there, ARRAYS.values(ARRAYS.RULES[name][1:], "real")
    function, *kinds = LAYERS.CASES[name]
    arrays, there = [make(*numbers).numpy() for make, *numbers in kinds], table("layers", device)
    for key, module in vars(LAYERS).items():
        if isinstance(module, tour.nn.Module):
            vars(there)[key].load_state_dict(module.state_dict())
    return function, there.CASES[name][0], arrays


SOME = [("rule", name) for name in list(ARRAYS.RULES)[::6]] + [("layer", name) for name in list(LAYERS.CASES)[::3]]


@pytest.mark.parametrize(("kind", "name"), SOME)
def test_on_a_second_device(fake, kind, name):
    fake.reset(devices=2)
    here, there, arrays = both_forms(kind, name, "cuda:1")
    expected = results(here, leaves_of(arrays, "cpu"), "cpu")
    compare(results(there, leaves_of(arrays, "cuda:1"), "cuda:1"), expected)
