"""Checkpoints: the same gradients with less kept, also nested, used twice, and differentiated again."""

from __future__ import annotations

import gc
import weakref

import pytest

import tour
from tour.autograd import Function, grad
from tour.autograd.checkpoint import CheckpointError, checkpoint, checkpoint_sequential, set_checkpoint_early_stop
from tour.autograd.graph import saved_tensors_hooks


@pytest.fixture
def x():
    return tour.tensor([0.5, -1.0, 2.0], dtype=tour.float64, requires_grad=True)


@pytest.fixture
def w():
    return tour.tensor([1.5, 0.5, -0.3], dtype=tour.float64, requires_grad=True)


def gradients(y, *inputs):
    return [g.tolist() for g in grad(y, inputs)]


@pytest.mark.parametrize("use_reentrant", [True, False])
@pytest.mark.parametrize("early_stop", [True, False])
def test_gradients_are_those_without(x, w, use_reentrant, early_stop):
    def f(x):
        return ((x * w).tanh() * x.exp()).sum()  # finds w outside its arguments

    plain = gradients(f(x), x, w)
    y = checkpoint(f, x, use_reentrant=use_reentrant, early_stop=early_stop)
    y.backward()
    assert [x.grad.tolist(), w.grad.tolist()] == plain


def test_values_are_forgotten_and_computed_once_more(x):
    calls, kept = [], []

    def f(x):
        calls.append(1)
        y = x.exp()
        kept.append(weakref.ref(y._a))
        return (y * y).sum()

    y = checkpoint(f, x)
    assert kept[0]() is None, "the block should not keep what it computed"
    y.backward()
    assert len(calls) == 2
    assert kept[1]() is None


def test_nested_checkpoints(x, w):
    inner_calls = []

    def inner(x):
        inner_calls.append(1)
        return (x * w).sin() * x

    def outer(x):
        y = x.exp()
        return (checkpoint(inner, y, use_reentrant=False) * y).sum()

    plain = gradients(outer(x), x, w)
    inner_calls.clear()
    kept = weakref.WeakSet()
    with saved_tensors_hooks(lambda t: (kept.add(t), t)[1], lambda t: t):
        y = checkpoint(outer, x, use_reentrant=False)
    assert gradients(y, x, w) == plain
    assert len(inner_calls) == 3  # the first run, the outer's second, its own second


def test_one_function_used_twice_and_a_graph_walked_twice(x, w):
    def f(x, *, power):
        return (x * w) ** power

    def program(call):
        y = call(f, x, power=2)
        return call(f, y, power=3).sum()

    plain = gradients(program(lambda f, *args, **kwargs: f(*args, **kwargs)), x, w)
    y = program(lambda f, *args, **kwargs: checkpoint(f, *args, use_reentrant=False, **kwargs))
    assert [g.tolist() for g in grad(y, (x, w), retain_graph=True)] == plain
    assert gradients(y, x, w) == plain
    with pytest.raises(RuntimeError, match="second time"):
        grad(y, x)


def test_higher_orders(x):
    def second(call):
        (g,) = grad(call(lambda x: (x.tanh() * x * x).sum(), x), x, create_graph=True)
        return gradients((g * g).sum(), x)

    assert second(checkpoint) == second(lambda f, x: f(x))


def test_random_numbers_are_drawn_again(x):
    def f(x):
        return (x * tour.rand(3, dtype=tour.float64)).exp().sum()

    tour.manual_seed(3)
    plain = gradients(f(x), x)
    after = tour.rand(1).item()
    tour.manual_seed(3)
    y = checkpoint(f, x)
    tour.rand(7)
    assert gradients(y, x) == plain
    tour.manual_seed(3)
    gradients(checkpoint(f, x), x)
    assert tour.rand(1).item() == after, "the second run should leave the generator where it was"
    assert gradients(checkpoint(f, x, preserve_rng_state=False), x) != plain


def test_contexts_of_both_runs(x):
    entered = []

    class Context:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            entered.append(self.name)

        def __exit__(self, *_):
            entered.append("/" + self.name)

    y = checkpoint(lambda x: x.exp().sum(), x, context_fn=lambda: (Context("first"), Context("second")))
    assert entered == ["first", "/first"]
    y.backward()
    assert entered == ["first", "/first", "second", "/second"]


def test_a_function_that_does_something_else_the_second_time_is_noticed(x):
    runs = []

    def shorter(x):
        runs.append(1)
        y = x.exp()
        return y.sin().sum() if len(runs) == 1 else y.sum()

    with pytest.raises(CheckpointError, match=r"different number of tensors was saved .*: 2 and 1"):
        checkpoint(shorter, x).backward()

    def narrower(x):
        runs.append(1)
        return (x.exp() if len(runs) % 2 else x[:2].exp()).sum()

    with pytest.raises(CheckpointError, match=r"float64 tensor of shape \[3\] on cpu and is now .* shape \[2\]"):
        checkpoint(narrower, x).backward()
    assert x.grad is None
    with pytest.raises(ValueError, match="determinism_check"):
        checkpoint(shorter, x, determinism_check="strict")


def test_an_input_that_is_overwritten_is_noticed(x):
    y = x * 1
    z = checkpoint(lambda y: y.exp().sum(), y)
    y.mul_(2)
    with pytest.raises(RuntimeError, match=r"inplace operation[\s\S]*saved by a checkpoint"):
        z.backward()


def test_results_of_any_shape_and_without_gradients(x):
    y = checkpoint(lambda x: {"y": x * x, "n": (x > 0, 3)}, x)
    assert y["n"][1] == 3
    y["y"].sum().backward()
    assert x.grad.tolist() == [1.0, -2.0, 4.0]
    assert not checkpoint(tour.exp, x.detach()).requires_grad
    with tour.no_grad():
        assert not checkpoint(tour.exp, x).requires_grad


def test_what_a_function_of_the_user_saves_is_forgotten_too(x):
    kept = []

    class Exp(Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            kept.append(weakref.ref(y._a))
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0]

    y = checkpoint(lambda x: Exp.apply(x).sum(), x)
    assert kept[0]() is None
    y.backward()
    assert x.grad.tolist() == x.detach().exp().tolist()


def test_sequences(x):
    steps = [tour.sin, tour.exp, tour.tanh, tour.cos, tour.exp]

    def plain(x):
        for step in steps:
            x = step(x)
        return x

    for segments in (1, 2, 3, 5, 9):
        for use_reentrant in (True, False):
            y = checkpoint_sequential(steps, segments, x, use_reentrant=use_reentrant)
            assert gradients(y.sum(), x) == gradients(plain(x).sum(), x)


def test_stopping_early_can_be_switched_for_a_block(x):
    last = []

    def f(x):
        y = x.exp()
        last.append(1)
        return y.sum()

    checkpoint(f, x).backward()
    assert len(last) == 1  # the second run stopped after exp
    with set_checkpoint_early_stop(False):
        y = checkpoint(f, x)
    y.backward()
    assert len(last) == 3


def test_nothing_is_kept_alive(x):
    gc.disable()
    try:
        y = checkpoint(lambda x: x.exp().sum(), x)
        node = weakref.ref(y)
        y.backward()
        del y
        assert node() is None
    finally:
        gc.enable()


def test_a_block_open_while_rules_are_declared_leaves_recorders_as_they_are():
    import subprocess
    import sys

    code = """
import tour, tour.autograd
with tour.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), tour.tensor):
    x = tour.ones(2, requires_grad=True)
    y = x.exp()
(y + x.exp()).sum().backward()
assert x.grad.tolist() == (2 * tour.ones(2).exp()).tolist()
"""
    subprocess.run([sys.executable, "-c", code], check=True)
