"""The user's own operations."""

from __future__ import annotations

import gc
import weakref

import pytest

import tour
from tour.autograd import Function, grad
from tour.autograd.function import once_differentiable


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x**2


class Exp(Function):
    """Saves its output."""

    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]


class Scale(Function):
    """Has two outputs, a plain argument, and the form with `setup_context`."""

    @staticmethod
    def forward(x, k):
        return x * k, x + k

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.k = inputs[1]

    @staticmethod
    def backward(ctx, a, b):
        return a * ctx.k + b, None


@pytest.fixture
def x():
    return tour.tensor(2.0, dtype=tour.float64, requires_grad=True)


@pytest.mark.parametrize(
    "function, values", [(Cube, [12.0, 12.0, 6.0]), (Exp, [pytest.approx(2.718281828459045**2)] * 3)]
)
def test_three_orders(x, function, values):
    y = function.apply(x)
    for value in values:
        (y,) = grad(y, x, create_graph=True)
        assert y.item() == value


def test_several_outputs(x):
    a, b = Scale.apply(x, 5)
    (a * b).backward()
    assert x.grad.item() == 5 * 7 + 10


def test_an_unused_output_gets_zeros_unless_told_otherwise(x):
    Scale.apply(x, 5)[1].backward()
    assert x.grad.item() == 1.0


def test_needs_input_grad(x):
    seen = []

    class Look(Function):
        @staticmethod
        def forward(ctx, a, b, c):
            seen.append(ctx.needs_input_grad)
            return a * b

        @staticmethod
        def backward(ctx, g):
            return g, None, None

    Look.apply(x, tour.ones(1), 3).backward()
    assert seen == [(True, False, False)]


@pytest.mark.parametrize("result", [lambda g: (g, g), lambda g: ()])
def test_a_wrong_number_of_gradients_is_refused(x, result):
    class Wrong(Function):
        @staticmethod
        def forward(ctx, a):
            return a * 2

        @staticmethod
        def backward(ctx, g):
            return result(g)

    with pytest.raises(RuntimeError, match="incorrect number of gradients"):
        Wrong.apply(x).backward()
    assert x.grad is None


def test_saved_tensors_are_freed_and_checked(x):
    y = Cube.apply(x * 1)
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()
    a = x * 1
    z = Cube.apply(a)
    a.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


def test_once_differentiable_refuses_a_second_derivative(x):
    class Once(Cube):
        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            return g * 3 * ctx.saved_tensors[0] ** 2

    (g,) = grad(Once.apply(x), x, create_graph=True)
    assert g.item() == 12.0
    with pytest.raises(RuntimeError, match="once_differentiable"):
        grad(g, x)


def test_mark_non_differentiable(x):
    class Both(Function):
        @staticmethod
        def forward(ctx, a):
            b = a > 0
            ctx.mark_non_differentiable(b)
            return a * 2, b

        @staticmethod
        def backward(ctx, g, _):
            return g * 2

    a, b = Both.apply(x)
    assert a.requires_grad and not b.requires_grad


def test_mark_dirty(x):
    class Double(Function):
        @staticmethod
        def forward(ctx, a):
            a.mul_(2)
            ctx.mark_dirty(a)
            return a

        @staticmethod
        def backward(ctx, g):
            return g * 2

    y = x * 1
    assert Double.apply(y) is y
    y.backward()
    assert x.grad.item() == 2.0


def test_a_saved_output_makes_no_cycle(x):
    gc.disable()
    try:
        y = Exp.apply(x)
        ref = weakref.ref(y)
        del y
        assert ref() is None
    finally:
        gc.enable()
