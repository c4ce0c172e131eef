"""Steps over all parameters at once: the CUDA sources, run on the CPU through their Python callers, against the optimizers' formulas."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import tour
from tour.cuda import _launch
from tour.cuda.forms import optimizers as forms

pytestmark = pytest.mark.simulator  # tables of addresses in host memory

SHAPES = [(3, 5), (), (300,), (1, 1), (0, 4), (2, 3, 4)]


def normal(*shape, seed=0):
    return np.asarray(np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def arrays(count=6, seed=0):
    return [normal(*SHAPES[i % len(SHAPES)], seed=seed + i) for i in range(count)]


def steps(optimizer, form, steps=3, count=6, **options):
    """Three steps by a form, and by the formula in double precision, from the same start."""
    group = optimizer([tour.zeros(1)], lr=0.1, **options).param_groups[0]
    size = sum(a.size for a in arrays(count))
    states = {
        k: np.zeros(size, np.float32) for k, v in optimizer.init(np.zeros(1), group).items() if not isinstance(v, float)
    }
    found, params = SimpleNamespace(**states), arrays(count)
    wide = SimpleNamespace(**{k: v.astype("f8") for k, v in states.items()})
    flat = np.concatenate([a.reshape(-1) for a in params]).astype("f8")
    for step in range(1, steps + 1):
        grads = arrays(count, seed=100 * step)
        h = SimpleNamespace(**{k: v for k, v in group.items() if k != "params"}, step=step, fresh=step == 1)
        optimizer.tick(wide, h)
        assert form(params, grads, found, h) is None
        optimizer.update(flat, np.concatenate([g.reshape(-1) for g in grads]).astype("f8"), wide, h)
    np.testing.assert_allclose(np.concatenate([a.reshape(-1) for a in params]), flat, rtol=2e-5, atol=2e-6)
    for name, value in vars(found).items():
        np.testing.assert_allclose(value, getattr(wide, name), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("count", [6, 200])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight_decay": 0.1},
        {"amsgrad": True, "maximize": True},
        {"weight_decay": 0.1, "decoupled_weight_decay": True},
    ],
    ids=str,
)
def test_adam(simulated, options, count):
    steps(tour.optim.Adam, forms.adam, count=count, **options)


@pytest.mark.parametrize(
    "options",
    [{}, {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}, {"momentum": 0.9, "nesterov": True}],
    ids=str,
)
def test_sgd(simulated, options):
    steps(tour.optim.SGD, forms.sgd, **options)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9, "centered": True, "weight_decay": 0.1}], ids=str)
def test_rmsprop(simulated, options):
    steps(tour.optim.RMSprop, forms.rmsprop, **options)


@pytest.mark.parametrize("count", [6, 200])
def test_the_norm_of_all_gradients_and_clipping(simulated, count):
    grads = arrays(count)
    before = [g.copy() for g in grads]
    expected = np.sqrt(sum((g.astype("f8") ** 2).sum() for g in grads))
    norm = forms.total_norm(grads)
    assert norm.shape == () and norm.dtype == np.float32
    np.testing.assert_allclose(norm, expected, rtol=1e-6)
    assert forms.clip(grads, norm, 2 * expected) is None
    assert all(np.array_equal(a, b) for a, b in zip(grads, before, strict=True))
    forms.clip(grads, norm, 0.5)
    for a, b in zip(grads, before, strict=True):
        np.testing.assert_allclose(a, b * (0.5 / (expected + 1e-6)), rtol=1e-5)


def test_other_layouts_are_left_to_the_formula(simulated):
    h = SimpleNamespace(lr=0.1, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False, fresh=True)
    assert forms.sgd([normal(4, 3).T], [normal(3, 4)], SimpleNamespace(), h) is NotImplemented
    assert _launch.serves(np.ones(2), np.ones(2, np.float32)) is False
