"""Gradient rules as text."""

from __future__ import annotations

import pytest

import tour
from tour._core import OPS
from tour.autograd.formula import formula_text


@pytest.fixture
def x():
    return tour.tensor([[0.5, 1.0], [2.0, 3.0]], requires_grad=True)


@pytest.mark.parametrize(
    "call, text",
    [
        (tour.neg, "grad_input = -g"),
        (tour.exp, "grad_input = g * out.conj()"),
        (lambda x: x * x, "grad_input = g * other.conj()\ngrad_other = g * input.conj()"),
        (lambda x: x - x, "grad_input = g\ngrad_other = -g"),
        (tour.trace, None),
    ],
)
def test_formulas_are_the_source_of_the_rule(x, call, text):
    found = call(x).grad_fn.formula
    assert found == text or (text is None and "g" in found)


def test_named_formulas_come_with_their_definition(x):
    found = (x @ x).grad_fn.formula
    assert found.startswith(
        "grad_input = _to_left(g, input_shape, other)\ngrad_other = _to_right(g, input, other_shape)"
    )
    assert "def _to_left(" in found and "def _to_right(" in found


def test_the_end_of_the_tape_and_one_of_several_outputs(x):
    leaf = x.exp().grad_fn.next_functions[0][0]
    assert leaf.formula == "variable.grad += g"
    assert "grad_input = " in x.max(0)[0].grad_fn.formula


def test_a_function_shows_its_backward(x):
    class Twice(tour.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return 2 * g

    found = Twice.apply(x).grad_fn.formula
    assert "def backward(ctx, g):" in found and "return 2 * g" in found


def test_every_rule_can_be_read(x):
    for op in OPS.values():
        if op.rule is not None:
            text = formula_text([op])
            assert "g" in text and "<lambda>" not in text and "cannot be read" not in text, op
