"""Random numbers in compiled form: the same numbers as without it, bit for bit, and the stream stands where it would."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour import _compiled
from tour import _random_sequential as sequential
from tour._random_engine import Engine
from tour._random_transforms import blocks
from tour.numba.forms import random as forms

COUNTS = [1, 2, 15, 16, 17, 311, 312, 313, 623, 624, 625, 1000, 5000, 70_001]


@pytest.fixture
def plainly():
    """What a function gives without compiled kernels."""

    def run(function):
        before = _compiled.provider()
        _compiled.plug(None)
        try:
            return function()
        finally:
            _compiled.plug(before)

    return run


@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
def test_words_follow_one_another_at_every_place_of_the_state(dtype):
    engine, plain = Engine(11), Engine(11)
    for n in COUNTS:
        words = plain.bits.random_raw(n if dtype is np.uint32 else 2 * n)
        wanted = words if dtype is np.uint32 else words[::2] << np.uint64(32) | words[1::2]
        assert np.array_equal(forms.draw(engine.bits, n, dtype), wanted)
    assert np.array_equal(engine.get_state(), plain.get_state())


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (1.0, 2.0), (0.0, 0.02), (-3.0, 1.0), (0.0, 0.0)])
def test_normals_are_equal_in_every_bit(guarded, rng, plainly, mean, std):
    for n in (16, 32, 48, 496, 512, 528, 8192, 1 << 17):
        words = rng.integers(0, 1 << 32, n, dtype=np.uint32)
        words[:2] = 0xFFFFFF, 0  # the largest uniform, and the smallest
        out, wanted = guarded.result((n,)), np.empty(n, np.float32)
        forms.blocks(words.copy(), out, mean, std)
        plainly(lambda w=words, wanted=wanted: blocks(w, wanted, mean, std))
        assert np.array_equal(out.view(np.int32), wanted.view(np.int32))


DRAWS = {
    "rand": lambda n: tour.rand(n),
    "rand float64": lambda n: tour.rand(n, dtype=tour.float64),
    "rand bfloat16": lambda n: tour.rand(n, dtype=tour.bfloat16),
    "uniform_": lambda n: tour.empty(n).uniform_(-1, 3),
    "randn": lambda n: tour.randn(n),
    "randn float64": lambda n: tour.randn(n, dtype=tour.float64),
    "randn float16": lambda n: tour.randn(n, dtype=tour.float16),
    "normal_": lambda n: tour.empty(n).normal_(5, 0.5),
    "normal_ with gaps": lambda n: tour.empty(n, 2)[:, 0].normal_(),
    "randint": lambda n: tour.randint(-5, 1000, (n,)),
    "randint of two words": lambda n: tour.randint(1 << 40, (n,)),
    "random_": lambda n: tour.empty(n, dtype=tour.int16).random_(),
    "randperm": tour.randperm,
    "bernoulli_": lambda n: tour.empty(n).bernoulli_(0.3),
    "exponential_": lambda n: tour.empty(n).exponential_(),
    "log_normal_": lambda n: tour.empty(n).log_normal_(),
    "geometric_": lambda n: tour.empty(n).geometric_(0.2),
    "multinomial": lambda n: tour.multinomial(tour.linspace(0, 1, 77), n, replacement=True),
    "multinomial in rows": lambda n: tour.multinomial(tour.linspace(0, 1, 200).reshape(20, 10), n, replacement=True),
    "poisson": lambda n: tour.poisson(tour.linspace(0, 40, n)),
    "poisson of large rates": lambda n: tour.poisson(tour.logspace(0, 15, n, dtype=tour.float64)),
    "binomial": lambda n: tour.binomial(tour.linspace(-1, 90, n), tour.linspace(0, 1, n)),
    "binomial float64": lambda n: tour.binomial(
        tour.logspace(0, 9, n, dtype=tour.float64), tour.full((n,), 0.7).double()
    ),
    "bernoulli_ float64": lambda n: tour.empty(n, dtype=tour.float64).bernoulli_(1),
    "bernoulli_ bool": lambda n: tour.empty(n, dtype=tour.bool).bernoulli_(0.9),
    "bernoulli_ int64": lambda n: tour.empty(n, dtype=tour.int64).bernoulli_(0),
    "dropout": lambda n: tour.nn.functional.dropout(tour.ones(n)),
    "dropout float64": lambda n: tour.nn.functional.dropout(tour.linspace(-1, 1, n, dtype=tour.float64), 0.1),
    "dropout float16": lambda n: tour.nn.functional.dropout(tour.ones(n, dtype=tour.float16), 0.7),
    "dropout in place": lambda n: tour.nn.functional.dropout(tour.ones(n), 0.3, inplace=True),
    "dropout of columns": lambda n: tour.nn.functional.dropout(tour.linspace(0, 1, 4 * n).reshape(n, 4).T, 0.3),
    "dropout1d": lambda n: tour.nn.functional.dropout1d(tour.ones(n, 2, 3), 0.3),
    "alpha_dropout": lambda n: tour.nn.functional.alpha_dropout(tour.linspace(-1, 1, n), 0.3, True),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_same_seed_same_numbers_same_state(plainly, draw):
    def numbers():
        tour.manual_seed(5)
        return [draw(n).contiguous().numpy() for n in (20_011, 1, 100, 16_384)], tour.get_rng_state().numpy()

    (wanted, stands), (got, arrived) = plainly(numbers), numbers()
    for a, b in zip(got, wanted, strict=True):
        assert a.dtype == b.dtype and np.array_equal(a.view(np.uint8), b.view(np.uint8))
    assert np.array_equal(stands, arrived)


def test_counts_that_need_no_draw(plainly):
    def numbers():
        engine = Engine(2)
        count = np.array([np.nan, np.inf, 0, 5, 5, 5, -1], np.float32)
        prob = np.array([0.5, 0.5, 0.5, 0, 1, np.nan, 0.5], np.float32)
        made = sequential.binomial(engine, np.resize(count, 20_000), np.resize(prob, 20_000))
        return made, sequential.poisson(engine, np.zeros(20_000)), engine.get_state()

    for a, b in zip(numbers(), plainly(numbers), strict=True):
        assert np.array_equal(a, b, equal_nan=True)


def test_places_in_rising_rows(rng):
    for n in (1, 2, 3, 7, 8, 9, 100):
        rows = np.sort(rng.integers(0, 9, (3, n)) / 8.0)
        wanted = np.concatenate([rows, rows - 1e-9, rows + 1e-9], 1)
        found = forms.found(rows, wanted)
        assert np.array_equal(found, [np.searchsorted(r, w) for r, w in zip(rows, wanted, strict=True)])


def test_another_layout_of_the_state_is_left_to_numpy(monkeypatch):
    monkeypatch.setattr(forms, "_laid_out_as_known", lambda: False)
    bits = Engine(0).bits
    assert forms.draw(bits, 5, np.uint32) is NotImplemented
    assert forms.poisson(bits, np.ones(1), np.ones(1)) is NotImplemented
    assert forms.bernoulli(bits, np.ones(1), 1) is NotImplemented
    assert forms.dropout(Engine(0), np.ones(5), 0.5, True) is NotImplemented
    assert forms.binomial(bits, np.ones(1, np.int64), np.ones(1), np.ones((7, 1))) is NotImplemented


@pytest.mark.parametrize("dtype", [tour.float32, tour.float64])
def test_dropout_in_one_pass_gives_what_two_give(plainly, rng, dtype):
    def both_ways():
        tour.manual_seed(3)
        found = []
        for n in (1, 7, 100, 511, 512, 513, 1024, 20_000):
            a = values[:n].copy()
            special = [np.nan, -np.inf, -0.0, 0.0, 1.0][:n]
            a[: len(special)] = special
            x = tour.tensor(a.reshape(1, n), dtype=dtype, requires_grad=True)
            y = tour.nn.functional.dropout(x, 0.3)
            y.backward(tour.tensor(values[-n:].reshape(1, n), dtype=dtype))
            assert y.shape == x.shape and "Mul" in repr(y.grad_fn)
            found += [y.detach().numpy(), x.grad.numpy(), tour.nn.functional.dropout(x.detach(), 0.9).numpy()]
        return [*found, tour.get_rng_state().numpy()]

    values = rng.standard_normal(40_000)
    tour.nn.functional.dropout(tour.ones(20_000, dtype=dtype))  # now small calls have it too
    for got, wanted in zip(both_ways(), plainly(both_ways), strict=True):
        assert got.dtype == wanted.dtype and np.array_equal(got.view(np.uint8), wanted.view(np.uint8))


def test_masks_stay_within_their_arrays(guarded, rng):
    engine, plain = Engine(4), Engine(4)
    for n in COUNTS:
        for dtype in (np.float32, np.float64):
            a = guarded.input(rng.standard_normal(n).astype(dtype))
            y, mask = forms.dropout(engine, a, 0.25, True)
            wanted = plain.bernoulli(np.empty(n, dtype), 0.25) * dtype(4)
            assert np.array_equal(mask, wanted) and np.array_equal(y, a * wanted)
            y, mask = forms.dropout(engine, a, 0.25, False)
            assert mask is None and np.array_equal(y, a * (plain.bernoulli(np.empty(n, dtype), 0.25) * dtype(4)))
    for dtype in (np.float32, np.float64, np.bool_):
        for n in COUNTS:
            buffer = np.full(n + 32, True if dtype is np.bool_ else 7, dtype)
            forms.bernoulli(engine.bits, buffer[16:-16], 1 << 52)
            assert (buffer[:16] == buffer[-1]).all() and (buffer[-16:] == buffer[0]).all()
            assert set(buffer[16:-16].tolist()) <= {0, 1}
    assert forms.bernoulli(engine.bits, np.empty(5, np.int8), 1) is NotImplemented
    assert forms.dropout(engine, np.ones((5, 4)).T, 0.5, True) is NotImplemented
