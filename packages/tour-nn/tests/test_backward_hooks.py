"""Backward hooks of modules."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import pytest

import tour
from tour.nn.hooks import GLOBAL_HOOKS
from tour.nn.modules.container import Sequential
from tour.nn.modules.module import (
    Module,
    register_module_backward_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
)
from tour.nn.parameter import Parameter

seen: list[Any] = []
Pair = namedtuple("Pair", ["a", "b"])


class Weighted(Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = Parameter(tour.tensor([2.0, 3.0]))

    def forward(self, x: Any) -> Any:
        return x * self.w


class Product(Module):
    def forward(self, x: Any, y: Any) -> Any:
        return x * y


class Outputs(Module):
    """Returns `make(x)`."""

    def __init__(self, make: Any) -> None:
        super().__init__()
        self.make = make

    def forward(self, x: Any) -> Any:
        return self.make(x)


@pytest.fixture(autouse=True)
def _clean() -> Any:
    seen.clear()
    yield
    assert not GLOBAL_HOOKS


def leaf(requires_grad: bool = True) -> Any:
    return tour.tensor([1.0, 2.0], requires_grad=requires_grad)


def lists(grads: Any) -> list[Any]:
    return [None if g is None else g.tolist() for g in grads]


def see(module: Module, *grads: Any) -> None:
    seen.append((type(module).__name__, *map(lists, grads)))


def test_a_hook_sees_gradients_of_inputs_and_outputs() -> None:
    m, x = Weighted(), leaf()
    handle = m.register_full_backward_hook(see)
    m(x).sum().backward()
    assert seen == [("Weighted", [[2, 3]], [[1, 1]])]
    assert x.grad.tolist() == [2, 3] and m.w.grad is not None and m.w.grad.tolist() == [1, 2]
    handle.remove()
    m(x).sum().backward()
    assert len(seen) == 1


def test_pre_hooks_and_order() -> None:
    m, x = Weighted(), leaf()
    m.register_full_backward_hook(lambda *_: seen.append("second"))
    m.register_full_backward_hook(see, prepend=True)
    m.register_full_backward_pre_hook(lambda module, grads: (grads[0] * 3,))
    m.register_full_backward_pre_hook(see, prepend=True)
    m(x).sum().backward()
    assert seen == [("Weighted", [[1, 1]]), ("Weighted", [[6, 9]], [[3, 3]]), "second"]
    assert x.grad.tolist() == [6, 9]


def test_hooks_may_replace_gradients() -> None:
    m, x = Weighted(), leaf()
    m.register_full_backward_hook(lambda module, grad_input, grad_output: (grad_input[0] * 10,))
    m(x).sum().backward()
    assert x.grad.tolist() == [20, 30] and m.w.grad is not None and m.w.grad.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("register", "words"),
    [
        (
            "register_full_backward_hook",
            "Backward hook returned an invalid number of grad_input, got 2, but expected 1",
        ),
        ("register_full_backward_pre_hook", "Backward pre hook returned an invalid number of grad_output, got 2"),
    ],
)
def test_a_wrong_number_of_gradients(register: str, words: str) -> None:
    m = Weighted()
    getattr(m, register)(lambda *args: (None, None))
    with pytest.raises(RuntimeError, match=words):
        m(leaf()).sum().backward()


def test_arguments_without_gradient() -> None:
    m, x = Product(), leaf()
    m.register_full_backward_hook(see)
    m(x, leaf(False)).sum().backward()
    m(x, 3.0).sum().backward()
    m(x, tour.tensor([1, 2])).sum().backward()
    assert [entry[1] for entry in seen] == [[[1, 2], [0, 0]], [[3, 3], None], [[1, 2], [0, 0]]]


def test_keyword_arguments_are_not_watched() -> None:
    m, x, y = Product(), leaf(), leaf()
    m.register_full_backward_hook(see)
    m(x, y=y).sum().backward()
    assert seen == [("Product", [[1, 2]], [[1, 1]])] and y.grad.tolist() == [1, 2]


def test_no_input_with_gradient() -> None:
    m = Weighted()
    m.register_full_backward_hook(see)
    with pytest.warns(UserWarning, match="since no inputs require gradients"):
        m(leaf(False)).sum().backward()
    assert seen == [("Weighted", [None], [[1, 1]])]
    m.register_full_backward_hook(lambda module, grad_input, grad_output: grad_output)
    with pytest.warns(UserWarning), pytest.raises(RuntimeError, match="should always return None"):
        m(leaf(False)).sum().backward()


def test_nothing_is_watched_without_recording() -> None:
    m = Weighted()
    m.register_full_backward_hook(see)
    with tour.no_grad():
        assert not m(leaf()).requires_grad
    assert not seen


@pytest.mark.parametrize(
    ("make", "use", "grad_output"),
    [
        (lambda x: (x * 2, x * 3), lambda out: out[1], [None, [1, 1]]),
        (lambda x: (x * 2, 5), lambda out: out[0], [[1, 1], None]),
        (lambda x: Pair(x * 2, 5), lambda out: out.a, [[1, 1], None]),
        (lambda x: (x * 2, tour.tensor([1, 2])), lambda out: out[0], [[1, 1], None]),
    ],
)
def test_several_outputs(make: Any, use: Any, grad_output: Any) -> None:
    m = Outputs(make)
    m.register_full_backward_hook(see)
    out = m(leaf())
    assert type(out) is type(make(leaf()))
    use(out).sum().backward()
    assert seen[0][2] == grad_output


@pytest.mark.parametrize(
    ("make", "use"), [(lambda x: {"a": x * 2}, lambda out: out["a"]), (lambda x: [x * 2], lambda out: out[0])]
)
def test_other_outputs_cannot_be_watched(make: Any, use: Any) -> None:
    m, x = Outputs(make), leaf()
    m.register_full_backward_hook(see)
    with pytest.warns(UserWarning, match="output should be a Tensor or a tuple of Tensors but received"):
        use(m(x)).sum().backward()
    assert not seen and x.grad.tolist() == [2, 2]


def test_global_hooks() -> None:
    net, x = Sequential(Weighted(), Weighted()), leaf()
    with (
        register_module_full_backward_hook(see),
        register_module_full_backward_pre_hook(lambda module, grads: (grads[0] * 2,)),
    ):
        net(x).sum().backward()
    assert [entry[0] for entry in seen] == ["Weighted", "Weighted", "Sequential"]
    assert x.grad.tolist() == [8 * 4, 8 * 9]


def test_twice_in_one_graph_and_twice_backward() -> None:
    m, x = Weighted(), leaf()
    m.register_full_backward_hook(see)
    y = m(m(x)).sum()
    y.backward(retain_graph=True)
    assert seen == [("Weighted", [[2, 3]], [[1, 1]]), ("Weighted", [[4, 9]], [[2, 3]])]
    y.backward()
    assert len(seen) == 4 and x.grad.tolist() == [8, 18]


def test_with_forward_hooks() -> None:
    m, x = Weighted(), leaf()
    m.register_full_backward_hook(see)
    m.register_forward_pre_hook(lambda module, args: (args[0] * 3,))
    m.register_forward_hook(lambda module, args, output: output * 2)
    m(x).sum().backward()
    assert seen == [("Weighted", [[4, 6]], [[1, 1]])] and x.grad.tolist() == [12, 18]


def test_gradients_of_gradients_pass_hooks() -> None:
    m, x = Weighted(), leaf()
    m.register_full_backward_hook(lambda module, grad_input, grad_output: (grad_input[0] * grad_input[0],))
    (g,) = tour.autograd.grad((m(x) ** 2).sum(), x, create_graph=True)
    assert g.tolist() == [64, 1296]
    g.sum().backward()
    assert x.grad.tolist() == [16384, 1679616]


# --- The older kind ---------------------------------------------------------------------------------------------------


def test_the_older_kind_sees_the_last_operation() -> None:
    m, x = Outputs(lambda x: (x * 3) * 2), leaf()
    m.register_backward_hook(lambda module, grad_input, grad_output: (grad_input[0] * 10, *grad_input[1:]))
    with pytest.warns(FutureWarning, match="Using a non-full backward hook"):
        m(x).sum().backward()
    assert x.grad.tolist() == [60, 60]


@pytest.mark.parametrize("first", ["register_backward_hook", "register_full_backward_hook"])
def test_kinds_do_not_mix(first: str) -> None:
    (second,) = {"register_backward_hook", "register_full_backward_hook"} - {first}
    m = Weighted()
    getattr(m, first)(see)
    with pytest.raises(RuntimeError, match=r"on a single Module. Please use only one of them"):
        getattr(m, second)(see)
    with register_module_full_backward_hook(see), pytest.raises(RuntimeError, match="as a global Module hook"):
        register_module_backward_hook(see)
