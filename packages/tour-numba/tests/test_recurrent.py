"""Recurrent layers in compiled form: all kinds, both ways, sequences of any lengths, against float64."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour.nn.kernels import recurrent as kernels
from tour.numba.forms import recurrent as forms

EPS = np.finfo(np.float32).eps
LIMIT = 8  # largest error over the largest result, in units of float32's resolution; PyTorch 2.13's is up to 4.1 over such layers
GATES = {"rnn": 1, "lstm": 4, "gru": 3}


@pytest.fixture(autouse=True)
def _small_ones_too(monkeypatch):
    monkeypatch.setattr(forms, "ENOUGH", 0)


def double(a):
    return a.astype(np.float64) if isinstance(a, np.ndarray) else a


def agree(got, right):
    assert len(got) == len(right)
    for a, b in zip(got, right, strict=True):
        if b is None:
            assert a is None
        else:
            assert a.dtype == np.float32 and a.shape == b.shape
            assert np.abs(a - b).max() <= LIMIT * EPS * max(np.abs(b).max(), 0.1)


@pytest.mark.parametrize("kind", ["rnn", "relu", "lstm", "gru"])
@pytest.mark.parametrize(
    ("sizes", "features", "width", "reverse", "bias"),
    [
        ([4] * 5, 8, 16, False, True),
        ([1] * 7, 3, 5, True, True),
        ([13, 13, 9, 2], 7, 10, True, True),
        ([17, 16, 16, 5, 5, 5, 1], 5, 37, False, False),
        ([14] * 6, 33, 64, False, True),
        ([19], 6, 30, False, True),
    ],
)
def test_layers_and_their_gradients(guarded, rng, kind, sizes, features, width, reverse, bias):
    name = "rnn" if kind == "relu" else kind
    rows, batch, gates = sum(sizes), sizes[0], GATES[name] * width

    def given(*shape):
        return guarded.input((rng.standard_normal(shape) / 2).astype(np.float32))

    x, states = given(rows, features), [given(batch, width) for _ in range(2 if name == "lstm" else 1)]
    weights = given(gates, features), given(gates, width) / np.float32(width) ** 0.5
    biases = (given(gates), given(gates)) if bias else (None, None)
    none, last = ((None,) if name == "lstm" else ()), ((kind == "relu",) if name == "rnn" else ())
    options = (*none, sizes, reverse, *last)
    got = getattr(forms, name)(x, *states, *weights, *biases, *options)
    right = getattr(kernels, name)(*map(double, (x, *states, *weights, *biases)), *options)
    agree(got, right)

    saved = {"rnn": (0, 2), "lstm": (3, 4, 5), "gru": (2, 3, 4)}[name]
    kept = [guarded.input(right[i].astype(np.float32)) for i in saved]
    for gy, gh, wanted in ((True, True, True), (True, False, False), (False, True, True)):
        g = [given(rows, width) if gy else None, *(given(*s.shape) if gh else None for s in states)]
        got = getattr(forms, f"{name}_grad")(*g, x, *weights, *options, wanted, *kept)
        right = getattr(kernels, f"{name}_grad")(*map(double, (*g, x, *weights)), *options, wanted, *map(double, kept))
        agree(got, right)


def test_tanh_keeps_its_digits(rng):
    """At the ends, at zero, and where the polynomial hands over."""
    x = np.concatenate([np.linspace(-0.7, 0.7, 301), np.linspace(-12, 12, 101), [1e-20, -100, 1e30, -np.inf, np.nan]])
    x = x.astype(np.float32).reshape(1, -1).repeat(2, 0)
    n = x.shape[1]
    none, ones = np.zeros((n, n), np.float32), np.eye(n, dtype=np.float32)
    x[np.isinf(x)] = -3e38  # times zeros it would be NaN in the product
    finite = np.nan_to_num(x)
    y, *_ = forms.rnn(finite, np.zeros((1, n), np.float32), ones, none, None, None, [1, 1], False, False)
    right = np.tanh(finite.astype(np.float64))
    assert (np.abs(y - right) <= 2 * EPS * np.abs(right)).all()


def test_several_threads_give_what_one_gives(rng):
    net, x = tour.nn.LSTM(24, 32), tour.randn(6, 40, 24)
    before = tour.get_num_threads()

    def run(threads):
        tour.set_num_threads(threads)
        net.zero_grad()
        y = net(x)[0]
        y.square().sum().backward()
        return [y.detach().numpy(), net.weight_hh_l0.grad.numpy().copy()]

    try:
        one, all_ = run(1), run(before)
    finally:
        tour.set_num_threads(before)
    assert np.array_equal(one[0], all_[0]) and np.allclose(one[1], all_[1], atol=1e-4)


def test_what_is_left_to_numpy():
    x, h = np.ones((8, 16), np.float32), np.ones((2, 16), np.float32)
    w = np.ones((64, 16), np.float32)
    args = x, h, h, w, w, None, None
    assert forms.lstm(*args, None, [2] * 4, False) is not NotImplemented
    assert forms.lstm(*args, w[:4], [2] * 4, False) is NotImplemented  # a projection
    assert forms.lstm(*(double(a) for a in args), None, [2] * 4, False) is NotImplemented
    forms.ENOUGH = 1 << 18  # as it is outside these tests
    assert forms.lstm(*args, None, [2] * 4, False) is NotImplemented  # too little to do


def test_modules_use_them():
    net = tour.nn.GRU(64, 64, bidirectional=True)
    x = tour.randn(20, 8, 64, requires_grad=True)
    packed = tour.nn.utils.rnn.pack_padded_sequence(x, [20, 19, 15, 12, 7, 7, 3, 1])
    y, h = net(packed)
    (y.data.square().sum() + h.sum()).backward()
    got = [x.grad.numpy().copy(), *(p.grad.numpy().copy() for p in net.parameters())]
    net.double()
    x2 = x.detach().double().requires_grad_()
    y2, h2 = net(tour.nn.utils.rnn.pack_padded_sequence(x2, [20, 19, 15, 12, 7, 7, 3, 1]))
    net.zero_grad()
    (y2.data.square().sum() + h2.sum()).backward()
    right = [x2.grad.numpy(), *(p.grad.numpy() for p in net.parameters())]
    assert "recurrent.forward" in tour.numba.compiled() and "recurrent.backward" in tour.numba.compiled()
    assert all(np.allclose(a, b, atol=1e-4 * np.abs(b).max()) for a, b in zip(got, right, strict=True))
