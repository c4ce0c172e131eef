"""The backward pass: what it computes, what it refuses, and what it leaves behind."""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import tour
from tour._core import OPS
from tour.autograd import engine, grad
from tour.autograd.checkpoint import checkpoint


def leaf(*values, dtype=tour.float64):
    return tour.tensor(values if len(values) > 1 else values[0], dtype=dtype, requires_grad=True)


def test_gradients_add_up_in_leaves():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [4.0, 8.0]


def test_a_value_used_twice_gets_both_gradients():
    x = leaf(3.0)
    y = x * x
    (y * y + y).backward()
    assert x.grad.item() == 4 * 27 + 6


def test_broadcasting_is_summed_back():
    a, b = tour.ones(2, 3, requires_grad=True), tour.ones(3, requires_grad=True)
    c = tour.ones(2, 1, requires_grad=True)
    (a * b + c).sum().backward()
    assert b.grad.tolist() == [2.0] * 3
    assert c.grad.tolist() == [[3.0], [3.0]]


def test_leaves_never_share_one_gradient():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (a + b).sum().backward()
    a.grad.mul_(10)
    assert b.grad.tolist() == [1.0, 1.0]


def test_a_gradient_keeps_the_dtype_of_its_tensor():
    x = tour.ones(2, requires_grad=True)
    (x * tour.ones(2, dtype=tour.float64)).sum().backward()
    assert x.grad.dtype is tour.float32


@pytest.mark.parametrize("order, value", [(1, 3 * 4.0), (2, 6 * 2.0), (3, 6.0)])
def test_higher_orders(order, value):
    x = leaf(2.0)
    y = x**3
    for _ in range(order):
        (y,) = grad(y, x, create_graph=True)
    assert y.item() == pytest.approx(value)


def test_grad_touches_no_grad_attribute():
    x = leaf(1.0, 2.0)
    (g,) = grad((x * 3).sum(), x)
    assert g.tolist() == [3.0, 3.0] and x.grad is None


def test_grad_of_an_intermediate_and_of_a_leaf_at_once():
    x = leaf(2.0)
    y = x * 3
    gy, gx = grad(y * y, [y, x])
    assert (gy.item(), gx.item()) == (12.0, 36.0)


def counted(monkeypatch, name, calls):
    """Let an op's formulas note their input's name when they are called."""
    rule = OPS[name].rule

    def noting(formula, parameter):
        return lambda *args: (calls.append(parameter), formula(*args))[1]

    plan = [(noting(f, p), *rest) for (f, *rest), p in zip(rule.plan, rule.inputs, strict=True)]
    monkeypatch.setattr(rule, "plan", tuple(plan))


@pytest.mark.parametrize("name, call", [("mul", lambda a, b: a * b), ("matmul", lambda a, b: a @ b), ("div", tour.div)])
def test_only_wanted_gradients_are_computed(monkeypatch, name, call):
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    calls = []
    call(x, w)
    counted(monkeypatch, name, calls)
    call(x, w).sum().backward()
    assert calls == ["input", "other"]
    for inputs, expected in ((x, ["input"]), (w, ["other"])):
        for compute in (grad, lambda y, x: y.backward(inputs=x)):
            calls.clear()
            compute(call(x, w).sum(), inputs)
            assert calls == expected
    calls.clear()
    call(x.detach(), w).sum().backward()
    assert calls == ["other"]


def test_what_does_not_lead_to_a_wanted_gradient_is_not_walked(monkeypatch):
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    h = w.exp().sin().cos()
    calls = []
    for name in ("exp", "sin", "cos"):
        counted(monkeypatch, name, calls)
    y = (x.exp() * h).sum()
    grad(y, x)
    assert calls == ["input"]


def test_what_no_wanted_gradient_needs_is_not_kept():
    a, w = tour.ones(3, 3), tour.ones(3, 3, requires_grad=True)
    x, y = a * 2, a + 1
    kept = weakref.ref(x._a), weakref.ref(y._a)
    z = (x @ w).sum() + (w + y).sum()
    del x, y
    assert kept[0]() is not None and kept[1]() is None
    z.backward()
    assert kept[0]() is None


def test_backward_with_inputs_fills_only_those():
    x, w = leaf(2.0), leaf(3.0)
    (x * w).backward(inputs=[x])
    assert x.grad.item() == 3.0 and w.grad is None


def test_unused_inputs():
    x, w = leaf(2.0), leaf(3.0)
    with pytest.raises(RuntimeError, match="not have been used in the graph"):
        grad(x * 2, w)
    assert grad(x * 2, w, allow_unused=True) == (None,)
    assert grad(x * 2, w, materialize_grads=True)[0].item() == 0.0


def test_a_gradient_of_several_elements_must_be_given():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"only for scalar outputs, not for a tensor of shape \[2\]"):
        (x * 2).backward()
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        (x * 2).backward(tour.ones(3))
    (x * 2).backward(tour.tensor([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 20.0]


def test_backward_of_a_constant_says_why():
    with pytest.raises(RuntimeError, match="does not require grad"):
        tour.ones(1).backward()


def test_a_second_pass_needs_the_graph_kept():
    x = leaf(2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match=r"second time[\s\S]*mul, called at .*test_engine.py"):
        y.backward()
    assert x.grad.item() == 8.0


def test_a_graph_that_saved_nothing_may_be_walked_twice():
    x = leaf(2.0)
    y = x + 1
    y.backward()
    y.backward()
    assert x.grad.item() == 2.0


def test_errors_name_the_line_that_saved_and_the_line_that_wrote():
    x = leaf(1.0, 2.0)
    y = x * 1
    z = (y * y).sum()  # saves y
    y.add_(1)  # overwrites it
    with pytest.raises(RuntimeError) as caught:
        z.backward()
    text = str(caught.value)
    assert "modified by an inplace operation" in text
    assert "saved by mul at" in text and "overwritten at" in text
    lines = [int(part.split()[0].split("\n")[0]) for part in text.split("test_engine.py:")[1:]]
    assert lines[1] == lines[0] + 1


def test_a_graph_is_freed_with_its_last_tensor_without_the_collector():
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        for _ in range(20):
            ((x * x).tanh() @ x).backward()
        before = len(gc.get_objects())
        for _ in range(2000):
            ((x * x).tanh() @ x).backward()
            x.grad = None
        assert len(gc.get_objects()) - before < 50
    finally:
        gc.enable()


class Saves(tour.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[1]


def in_place(x):
    y = x * 2
    y[1:].mul_(3)
    return y.sum().backward()


def hooked(x):
    y = x * 2
    y.register_hook(lambda g: g * 2)
    y.grad_fn.register_hook(lambda inputs, outputs: None)
    y.retain_grad()
    y.sum().backward()


def twice(x):
    y = (x * x).sum()
    y.backward()
    with contextlib.suppress(RuntimeError):
        y.backward()


def overwritten(x):
    y = x.exp()
    y.add_(1)
    with contextlib.suppress(RuntimeError):
        y.sum().backward()


def packed(x):
    with tour.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        y = (x * x).sum()
    y.backward()


@pytest.mark.parametrize(
    "program",
    [
        lambda x: ((x * x).tanh() @ x).backward(),
        lambda x: Saves.apply(x).sum().backward(),
        lambda x: (x * 2).topk(2)[0].sum().backward(),
        lambda x: grad(grad((x**3).sum(), x, create_graph=True)[0].sum(), x),
        lambda x: checkpoint(lambda a: (a.exp() * a).sum(), x).backward(),
        lambda x: str(tour.autograd.graph.draw((x * x).sum())),
        in_place,
        hooked,
        twice,
        overwritten,
        packed,
    ],
)
def test_nothing_is_left_to_the_collector(program):
    x = leaf(0.5, 0.1, 0.2)
    program(x)
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            program(x)
            x.grad = None
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_memory_stays_flat_over_ten_thousand_steps_with_the_collector_off():
    gc.collect()
    gc.disable()
    w = leaf(0.5, 0.1)

    def steps(count):
        for _ in range(count):
            ((w * w + 1).exp() * w).sum().backward()
            w.grad = None

    try:
        steps(5000)
        tracemalloc.start()
        steps(10)  # fills caches of the tracer itself
        first = tracemalloc.get_traced_memory()[0]
        steps(500)
        grown = tracemalloc.get_traced_memory()[0] - first
        tracemalloc.stop()
        before = sys.getallocatedblocks()
        steps(4500)
        assert grown < 2000 and sys.getallocatedblocks() - before < 200
    finally:
        tracemalloc.stop()
        gc.enable()


def test_a_graph_may_be_three_hundred_thousand_ops_deep():
    x = leaf(1.0)
    y = x
    for _ in range(300_000):
        y = y * 1.0
    y.backward()
    assert x.grad.item() == 1.0


def test_threads_differentiate_side_by_side():
    results = {}

    def work(i):
        x = tour.full((3,), float(i), requires_grad=True)
        for _ in range(50):
            x.grad = None
            (x * x).sum().backward()
        results[i] = x.grad.tolist()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == {i: [2.0 * i] * 3 for i in range(4)}


def test_products_of_every_rank():
    rng = np.random.default_rng(0)
    for a_shape, b_shape in [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 4)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3, 4)),
        ((5, 1, 2, 3), (4, 3, 2)),
    ]:
        a, b = (tour.tensor(rng.standard_normal(s), requires_grad=True) for s in (a_shape, b_shape))
        y = a @ b
        u = tour.tensor(rng.standard_normal(y.shape))
        ga, gb = grad(y, [a, b], u)
        eps = 1e-6
        da, db = rng.standard_normal(a_shape), rng.standard_normal(b_shape)
        numeric = (np.sum(u.numpy() * ((a.detach().numpy() + eps * da) @ (b.detach().numpy() + eps * db)))
                   - np.sum(u.numpy() * ((a.detach().numpy() - eps * da) @ (b.detach().numpy() - eps * db)))) / (2 * eps)  # fmt: skip
        assert np.sum(ga.numpy() * da) + np.sum(gb.numpy() * db) == pytest.approx(numeric, rel=1e-6)


@pytest.mark.parametrize("steps", [1, 50])
def test_what_lies_behind_a_single_target_is_not_walked(steps):
    x = w = leaf(0.5)
    for _ in range(steps):
        x = x * w.sin()
    y = (x * x).exp()
    waiting, useful = engine._dependencies([y._tape], {id(x._tape)})
    assert len(waiting) == 3 and len(useful) == 3
    assert grad(y, x, retain_graph=True)[0].item() == pytest.approx(2 * x.item() * y.item())
    assert grad(x, x, retain_graph=True)[0].item() == 1
    assert grad(y, leaf(1.0), allow_unused=True, retain_graph=True) == (None,)
    first, second = grad(y, (x, w))  # one target behind the other
    assert first.item() == pytest.approx(2 * x.item() * y.item())
    assert second.item() == pytest.approx(first.item() * grad(x_of(w, steps), w)[0].item())


def x_of(w, steps):
    """The value of that many steps, recorded anew."""
    x = w
    for _ in range(steps):
        x = x * w.sin()
    return x
