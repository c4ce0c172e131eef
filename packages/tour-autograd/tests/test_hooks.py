"""Hooks on tensors, retained gradients, and the graph as users see it."""

from __future__ import annotations

import weakref

import numpy as np
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


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (90, 90)])
def test_a_nan_is_found_in_every_dtype_and_layout_and_infinity_is_none(name, shape):
    from tour.autograd.anomaly import has_nan

    dtype = getattr(tour, name)
    a = tour.full(shape, tour.finfo(dtype).max, dtype=dtype).numpy()
    with np.errstate(all="ignore"):  # as in a backward pass
        for value in (a.flat[0], np.inf):
            a.reshape(-1)[-1:] = value
            assert not any(has_nan(x) for x in (a, a.T, a[::2] if a.ndim else a, a[:0] if a.ndim else a))
        a.reshape(-1)[-1:] = np.nan
        assert has_nan(a) and has_nan(a.T) and has_nan([None, (a,)])
    assert not has_nan(None)


def test_a_hook_on_several_tensors_waits_for_those_that_a_pass_reaches():
    a, b = tour.ones(2, requires_grad=True), tour.full((2,), 2.0, requires_grad=True)
    c, d, seen = a * b, a * b, []
    graph = tour.autograd.graph
    with graph.register_multi_grad_hook((a, b, a, c, d), lambda gs: seen.append([g is not None for g in gs])):
        c.sum().backward(retain_graph=True)
        c.sum().backward(inputs=(a,), retain_graph=True)
        (c + d).sum().backward(retain_graph=True)
    c.sum().backward(retain_graph=True)
    assert seen == [[True, True, True, True, False], [True, False, True, True, False], [True] * 5]
    seen.clear()
    graph.register_multi_grad_hook((a, c), lambda g: seen.append(g.tolist()), mode="any")
    c.sum().backward()
    assert seen == [[1.0, 1.0]]  # that of c
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        graph.register_multi_grad_hook((a, tour.ones(1)), print)
    with pytest.raises(ValueError, match="'all', 'any'"):
        graph.register_multi_grad_hook((a,), print, mode="each")


def test_a_gradient_edge_stands_for_its_tensor():
    x = tour.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    u, v = x.split(2)
    edge, leaf = map(tour.autograd.graph.get_gradient_edge, (v, x))
    assert edge.output_nr == 1 and edge.node == v.grad_fn and leaf.node.variable is x
    y = (u * v).sum()
    assert tour.autograd.grad(y, [edge], retain_graph=True)[0].tolist() == [1.0, 2.0]
    found = tour.autograd.grad([edge], [leaf], tour.tensor([5.0, 6.0]), retain_graph=True)
    assert found[0].tolist() == [0.0, 0.0, 5.0, 6.0]
    tour.autograd.backward(tour.autograd.graph.get_gradient_edge(y))
    assert x.grad.tolist() == [3.0, 4.0, 1.0, 2.0]
    with pytest.raises(RuntimeError, match="get the gradient edge"):
        tour.autograd.graph.get_gradient_edge(tour.ones(1))


def test_writing_over_saved_tensors_copies_them_where_that_is_allowed():
    w = tour.tensor([1.0, 2.0], requires_grad=True)
    allowed = tour.autograd.graph.allow_mutation_on_saved_tensors
    with allowed() as context:
        v = w.clone()
        loss = (v * v).sum() + v[:1].exp().sum()
        v[1] = 7.0
        v.zero_()
        loss.backward()
        assert w.grad.tolist() == pytest.approx([2.0 + 2.718281828, 4.0])
        with pytest.raises(RuntimeError, match="nested"), allowed():
            pass
        late, cleared = (w * w).sum(), (w * w).sum()
        context.clear()
        with pytest.raises(AssertionError, match="Trying to backward outside"):
            cleared.backward()
        late = (w * w).sum()
    with pytest.raises(AssertionError, match="Trying to backward outside"):
        late.backward()
    gone = weakref.ref(context)
    del context, late, cleared
    assert gone() is None  # without the collector
    v = w.clone()
    loss = (v * v).sum()
    v.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
