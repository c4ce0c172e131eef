"""Recurrent layers in compiled form: all kinds, both ways, sequences of any lengths, against float64."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tour
from tour.nn.kernels import recurrent as kernels
from tour.numba.forms import recurrent as forms

LIMIT = 8  # largest error over the largest result, in units of the dtype's resolution; PyTorch 2.13's is up to 4.1 over such layers
GATES = {"rnn": 1, "lstm": 4, "gru": 3}


@pytest.fixture(autouse=True)
def _small_ones_too(monkeypatch):
    monkeypatch.setattr(forms, "ENOUGH", 0)


def exact(a):
    """In the precision that rounds least on this machine."""
    return a.astype(np.longdouble) if isinstance(a, np.ndarray) else a


def agree(got, right, dtype=np.float32):
    assert len(got) == len(right)
    for a, b in zip(got, right, strict=True):
        if b is None:
            assert a is None
        else:
            assert a.dtype == dtype and a.shape == b.shape
            assert np.abs(a - b).max() <= LIMIT * np.finfo(dtype).eps * max(np.abs(b).max(), 0.1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["rnn", "relu", "lstm", "projected", "gru"])
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
def test_layers_and_their_gradients(guarded, rng, kind, sizes, features, width, reverse, bias, dtype):
    name = {"relu": "rnn", "projected": "lstm"}.get(kind, kind)
    state = width // 2 + 1 if kind == "projected" else width
    rows, batch, gates = sum(sizes), sizes[0], GATES[name] * width

    def given(*shape):
        return guarded.input((rng.standard_normal(shape) / 2).astype(dtype))

    x, states = given(rows, features), [given(batch, n) for n in ((state, width) if name == "lstm" else (state,))]
    weights = given(gates, features), given(gates, state) / dtype(state) ** 0.5
    biases = (given(gates), given(gates)) if bias else (None, None)
    more = (given(state, width) if kind == "projected" else None,) if name == "lstm" else ()
    options = (*more, sizes, reverse, *((kind == "relu",) if name == "rnn" else ()))
    got = getattr(forms, name)(x, *states, *weights, *biases, *options)
    right = getattr(kernels, name)(*map(exact, (x, *states, *weights, *biases, *options)))
    agree(got, right, dtype)

    saved = {"rnn": (0, 2), "lstm": (3, 4, 5), "gru": (2, 3, 4)}[name]
    kept = [guarded.input(right[i].astype(dtype)) for i in saved]
    for gy, gh, wanted in ((True, True, True), (True, False, False), (False, True, True)):
        g = [given(rows, state) if gy else None, *(given(*s.shape) if gh else None for s in states)]
        got = getattr(forms, f"{name}_grad")(*g, x, *weights, *options, wanted, *kept)
        right = getattr(kernels, f"{name}_grad")(*map(exact, (*g, x, *weights, *options, wanted, *kept)))
        agree(got, right, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tanh_keeps_its_digits(dtype):
    """At the ends, at zero, and where the polynomial hands over."""
    x = np.concatenate([np.linspace(-0.7, 0.7, 301), np.linspace(-12, 12, 101), [1e-20, -100, 1e30, -np.inf, np.nan]])
    x = x.astype(dtype).reshape(1, -1).repeat(2, 0)
    n = x.shape[1]
    none, ones = np.zeros((n, n), dtype), np.eye(n, dtype=dtype)
    x[np.isinf(x)] = -3e38  # times zeros it would be NaN in the product
    finite = np.nan_to_num(x)
    y, *_ = forms.rnn(finite, np.zeros((1, n), dtype), ones, none, None, None, [1, 1], False, False)
    right = np.tanh(exact(finite))
    assert (np.abs(y - right) <= 2 * np.finfo(dtype).eps * np.abs(right)).all()


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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_of_biases_do_not_round_like_long_sums(rng, dtype):
    """PyTorch, which adds up what each step gives, is off by 0.84 units of the resolution (root of mean squares)."""
    steps, batch, width = 60, 32, 24
    x, y = (rng.standard_normal((steps * batch, n)).astype(dtype) for n in (8, width))
    before, w_ih, w_hh = np.zeros_like(y), np.ones((width, 8), dtype), np.zeros((width, width), dtype)
    g = rng.random((steps * batch, width)).astype(dtype)
    *_, bias = forms.rnn_grad(g, None, x, w_ih, w_hh, [batch] * steps, False, True, False, np.abs(y), before)
    wanted = g.astype(np.longdouble).sum(0)
    assert np.sqrt((((bias - wanted) / wanted) ** 2).mean()) <= 2 * 0.84 * np.finfo(dtype).eps


def test_what_is_left_to_numpy():
    x, h = np.ones((8, 16), np.float32), np.ones((2, 16), np.float32)
    w = np.ones((64, 16), np.float32)
    args = x, h, h, w, w, None, None
    assert forms.lstm(*args, None, [2] * 4, False) is not NotImplemented
    assert forms.lstm(*(a.astype(np.float16) for a in args[:5]), None, None, None, [2] * 4, False) is NotImplemented
    assert forms.lstm(x, h.astype(np.float64), *args[2:], None, [2] * 4, False) is NotImplemented
    assert forms.lstm(x[:0], h[:0], h[:0], *args[3:], None, [], False) is NotImplemented


def test_small_layers_are_compiled_once_they_keep_coming(monkeypatch):
    class Waiting(dict):
        ready = False

        def get(self, _):
            return self

    x, w, waiting = np.ones((8, 16), np.float32), np.ones((64, 16), np.float32), Waiting()
    monkeypatch.setattr(forms, "ENOUGH", 1 << 18)
    monkeypatch.setattr(forms, "_small", itertools.count())
    assert forms._serves(waiting, np.ones((1 << 8, 16), np.float32), w, 2)
    served = [forms._serves(waiting, x, w, 2) for _ in range(forms.OFTEN + 1)]
    assert served == [False] * forms.OFTEN + [True]
    waiting.ready, forms._small = True, itertools.count()
    assert forms._serves(waiting, x, w, 2)


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
    assert "recurrent.forward_4" in tour.numba.compiled() and "recurrent.backward_4" in tour.numba.compiled()
    assert all(np.allclose(a, b, atol=1e-4 * np.abs(b).max()) for a, b in zip(got, right, strict=True))
