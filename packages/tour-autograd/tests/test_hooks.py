"""Hooks on tensors, retained gradients, and the graph as users see it."""

from __future__ import annotations

import pytest

import tour


@pytest.fixture
def x():
    return tour.tensor([1.0, 2.0], requires_grad=True)


def test_a_hook_sees_and_changes_the_gradient(x):
    seen = []
    y = x * 3
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert seen == [[1.0, 1.0]] and x.grad.tolist() == [30.0, 30.0]


def test_a_removed_hook_is_silent(x):
    handle = x.register_hook(lambda g: g * 10)
    handle.remove()
    handle.remove()
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_a_hook_registered_after_use_fires(x):
    y = x * 2
    z = y.sum()
    y.register_hook(lambda g: g * 100)
    z.backward()
    assert x.grad.tolist() == [200.0, 200.0]


def test_post_accumulate(x):
    seen = []
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.tolist()))
    (x * 2).sum().backward()
    assert seen == [[2.0, 2.0]]
    with pytest.raises(RuntimeError, match="non-leaf"):
        (x * 2).register_post_accumulate_grad_hook(print)


def test_retain_grad(x):
    y = x * 2
    assert not y.retains_grad
    y.retain_grad()
    assert y.retains_grad
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 8.0]


def test_hooks_need_a_tensor_that_records():
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        tour.ones(1).register_hook(print)


def test_the_graph_has_pytorchs_names(x):
    y = (x * 2 + 1).sum()
    names = []
    fn = y.grad_fn
    while fn is not None:
        names.append(fn.name())
        fn = fn.next_functions[0][0] if fn.next_functions else None
    assert names == ["SumBackward0", "AddBackward0", "MulBackward0", "AccumulateGrad"]
    assert y.grad_fn == y.grad_fn
    assert y.grad_fn.next_functions[0][0].next_functions[0][0].next_functions[0][0].variable is x
    assert x.grad_fn is None


def test_saved_values_are_packed_and_unpacked(x):
    log = []

    def pack(t):
        log.append("pack")
        return t.tolist()

    def unpack(values):
        log.append("unpack")
        return tour.tensor(values)

    with tour.autograd.graph.saved_tensors_hooks(pack, unpack):
        y = (x * x).exp().sum()
    z = (x * x).sum()
    assert log == ["pack"] * 3
    (y + z).backward()
    assert log == ["pack"] * 3 + ["unpack"] * 3
    expected = [2 * v * tour.tensor(v * v).exp().item() + 2 * v for v in (1.0, 2.0)]
    assert x.grad.tolist() == pytest.approx(expected)


def test_hooks_on_saved_values_can_be_refused():
    with tour.autograd.graph.disable_saved_tensors_hooks("not here"), pytest.raises(RuntimeError, match="not here"):
        with tour.autograd.graph.saved_tensors_hooks(str, str):
            pass


def test_anomaly_detection_names_the_op_and_its_line():
    x = tour.tensor(0.0, requires_grad=True)
    y = x.sqrt() * 0
    with (
        tour.autograd.detect_anomaly(),
        pytest.raises(RuntimeError, match=r"'SqrtBackward0' returned nan[\s\S]*test_hooks.py"),
    ):
        y.backward()
    assert x.grad is None
