"""Recording off and on: as context manager, decorator and function, in one thread at a time."""

from __future__ import annotations

import threading

import pytest

import tour


@pytest.fixture
def x():
    return tour.ones(2, requires_grad=True)


def test_context_managers_nest(x):
    with tour.no_grad():
        assert not (x * 2).requires_grad
        with tour.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_an_exception_restores_the_mode(x):
    with pytest.raises(ZeroDivisionError), tour.no_grad():
        _ = 1 / 0
    assert tour.is_grad_enabled() and (x * 2).requires_grad


@pytest.mark.parametrize("decorate", [tour.no_grad(), tour.no_grad, tour.inference_mode(), tour.inference_mode])
def test_decorators(x, decorate):
    @decorate
    def double(t):
        """Twice."""
        return t * 2

    assert not double(x).requires_grad and double.__doc__ == "Twice."
    assert tour.is_grad_enabled()


def test_a_generator_keeps_its_mode_between_steps(x):
    @tour.no_grad()
    def steps():
        for _ in range(2):
            yield (x * 2).requires_grad

    for inside in steps():
        assert not inside and tour.is_grad_enabled()


def test_set_grad_enabled_as_function_and_block(x):
    tour.set_grad_enabled(False)
    assert not tour.is_grad_enabled()
    tour.set_grad_enabled(True)
    with tour.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    assert tour.is_grad_enabled()


def test_modes_are_per_thread(x):
    recorded = []
    with tour.no_grad():
        thread = threading.Thread(target=lambda: recorded.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert recorded == [True]


def test_requires_grad_rules(x):
    with pytest.raises(RuntimeError, match="only Tensors of floating point and complex dtype"):
        tour.ones(2, dtype=tour.int64).requires_grad_()
    with pytest.raises(RuntimeError, match="leaf variables"):
        (x * 2).requires_grad = False
    x.sum().backward()
    x.requires_grad = False
    assert not x.requires_grad and x.grad.tolist() == [1.0, 1.0]


@pytest.fixture
def made_in_inference():
    with tour.inference_mode():
        return tour.tensor([1.0, 2.0])


def test_what_inference_mode_makes_is_marked_and_views_are_as_their_base(x, made_in_inference):
    plain = tour.ones(2)
    with tour.inference_mode():
        made = [plain * 2, x * 2, x.detach().clone(), tour.zeros(2), made_in_inference[:1]]
        shared = [plain[:1], plain.view(2, 1), x.detach(), plain.add_(1)]
        with tour.inference_mode(False):
            shared.append(plain * 2)
    assert all(map(tour.is_inference, made)) and not any(t.is_inference() for t in shared)
    assert made_in_inference.view(2, 1).is_inference() and made_in_inference.detach().is_inference()
    assert not (made_in_inference * 2).is_inference() and not made_in_inference.clone().is_inference()
    assert not (x * 2.0).detach().is_inference()  # the number 2 was first met inside


def test_a_graph_saves_no_tensor_of_inference_mode(x, made_in_inference):
    assert (x + made_in_inference).requires_grad  # nothing of it is saved
    for refused in (
        lambda: x * made_in_inference,
        lambda: made_in_inference[:1] * x,
        lambda: x[None] @ made_in_inference,
    ):
        with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
            refused()
    (x * made_in_inference.clone()).sum().backward()
    assert x.grad.tolist() == [1.0, 2.0]

    class Keeps(tour.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(b)
            return a + b

        @staticmethod
        def backward(ctx, g):
            return g, g

    with pytest.raises(RuntimeError, match="cannot be saved"):
        Keeps.apply(x, made_in_inference)


def test_writes_into_tensors_of_inference_mode_are_refused_outside(made_in_inference):
    writes = (
        lambda t: t.add_(1),
        lambda t: t[:1].zero_(),
        lambda t: t.__setitem__(0, 5.0),
        lambda t: tour.zeros(2, out=t),
        lambda t: t.requires_grad_(),
        lambda t: t._version,
    )
    for write in writes:
        with pytest.raises(RuntimeError, match=r"[Ii]nference"), tour.no_grad():
            write(made_in_inference)
    assert made_in_inference.tolist() == [1.0, 2.0]
    with tour.inference_mode():
        assert made_in_inference.add_(1).tolist() == [2.0, 3.0]


def test_recording_costs_no_check_once_the_tensors_of_inference_mode_are_gone(x):
    mul = tour.mul.op
    ordinary = mul.record
    with tour.inference_mode():
        y = tour.ones(2)
    assert mul.record is not ordinary
    del y
    assert mul.record is ordinary

    @tour.inference_mode()
    def f():
        return tour.is_inference_mode_enabled() and tour.ones(1).is_inference()

    assert f() and not tour.is_inference_mode_enabled() and mul.record is ordinary
