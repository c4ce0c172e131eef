"""Steps over all parameters at once: against NumPy's steps, in odd shapes, and against float64."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour.numba.forms import optimizers as forms
from tour.optim import SGD, Adam, AdamW, RMSprop

OPTIMIZERS = [
    (Adam, {}),
    (Adam, {"weight_decay": 0.1, "maximize": True, "betas": (0.4, 0.95)}),
    (AdamW, {"weight_decay": 0.1}),
    (SGD, {"lr": 0.1}),
    (SGD, {"lr": 0.1, "weight_decay": 0.01, "maximize": True}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (RMSprop, {}),
    (RMSprop, {"weight_decay": 0.1, "alpha": 0.9}),
]
SHAPES = [(), (1,), (0,), (3, 5), (64,), (63,), (65,), (129, 7), (1 << 14,), (2, 3, 4), (127, 129), (17,)]


def run(kind, options, dtype, steps=6):
    """Parameters and state after some steps from the same start."""
    rng = np.random.default_rng(3)
    params = [tour.tensor(rng.standard_normal(shape), dtype=dtype) for shape in SHAPES]
    optimizer = kind(params, **options)
    for i in range(steps):
        for p in params:
            p.grad = tour.tensor(rng.standard_normal(p.shape), dtype=dtype)
        if i % 2:  # gradients that are not laid out as their parameters
            params[7].grad = tour.tensor(rng.standard_normal((7, 129)), dtype=dtype).T
        optimizer.step()
    state = [t for p in params for t in optimizer.state[p].values() if t.dim() == p.dim()]
    return [t.double().numpy() for t in params + state]


@pytest.mark.parametrize(("kind", "options"), OPTIMIZERS)
def test_steps_are_numpys(monkeypatch, kind, options):
    called = []
    name = kind.socket.name.rpartition(".")[0].rpartition(".")[2].lower()
    form = getattr(forms, name)
    monkeypatch.setattr(kind.socket, "form", lambda *a: called.append(form(*a)) or called[-1])
    compiled = run(kind, options, tour.float32)
    assert called == [None] * 6  # it served
    exact = run(kind, options, tour.float64)
    monkeypatch.setattr(kind.socket, "form", lambda *_: NotImplemented)
    plain = run(kind, options, tour.float32)
    for got, numpy, wanted in zip(compiled, plain, exact, strict=True):
        allowed = 2 * np.abs(numpy - wanted).max(initial=0) + 2e-6
        assert np.abs(got - wanted).max(initial=0) <= allowed


@pytest.mark.parametrize(
    ("kind", "options"), [(Adam, {"amsgrad": True}), (RMSprop, {"centered": True}), (RMSprop, {"momentum": 0.5})]
)
def test_what_is_left_to_numpy(kind, options):
    for a, b in zip(run(kind, options, tour.float32), run(kind, options, tour.float64), strict=True):
        assert np.abs(a - b).max(initial=0) < 1e-4


def test_parameters_with_gaps_are_left_to_numpy():
    base = tour.zeros(200, 200)
    p = base[:, ::2]
    p.grad = tour.ones(200, 100)
    SGD([p], lr=1.0).step()
    assert base[:, ::2].eq(-1).all() and base[:, 1::2].eq(0).all()


def test_nothing_outside_the_parameters_is_written():
    buffer = tour.zeros(5 + (1 << 15) + 5)
    p = buffer[5:-5]
    p.grad = tour.ones(1 << 15)
    for kind, options in OPTIMIZERS:
        kind([p], **options).step()
    assert buffer[:5].eq(0).all() and buffer[-5:].eq(0).all() and buffer[5:-5].ne(0).all()


def test_the_address_of_an_array_is_where_the_kernels_look():
    import ctypes

    a = np.zeros(3)
    assert ctypes.c_void_p.from_address(id(a) + forms.HEADER).value == a.__array_interface__["data"][0]
