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
