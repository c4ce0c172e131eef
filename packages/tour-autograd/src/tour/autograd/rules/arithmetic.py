"""Gradients of elementwise arithmetic."""

from __future__ import annotations

from typing import Any

from tour.autograd.rule import vjp
from tour.ops import arithmetic as op


def _conj(x: Any) -> Any:
    """Complex conjugate, of a number too."""
    return x.conj() if hasattr(x, "conj") else x.conjugate()


vjp(op._add, input=lambda g: g, other=lambda g: g)
vjp(op._sub, input=lambda g: g, other=lambda g: -g)
vjp(op._rsub, input=lambda g: -g, other=lambda g: g)
vjp(op.neg, input=lambda g: -g)
vjp(op.mul, input=lambda g, other: g * other.conj(), other=lambda g, input: g * input.conj())
vjp(
    op._addcmul,
    input=lambda g: g,
    tensor1=lambda g, tensor2, value: g * (tensor2 * value).conj(),
    tensor2=lambda g, tensor1, value: g * (tensor1 * value).conj(),
)
vjp(
    op._addcdiv,
    input=lambda g: g,
    tensor1=lambda g, tensor2, value: g * (value / tensor2).conj(),
    tensor2=lambda g, tensor1, tensor2, value: -g * (value * tensor1 / (tensor2 * tensor2)).conj(),
)
vjp(
    op._lerp,
    input=lambda g, weight: g * _conj(1 - weight),
    end=lambda g, weight: g * _conj(weight),
    weight=lambda g, input, end: g * (end - input).conj(),
)
vjp(op.hypot, input=lambda g, input, out: g * (input / out), other=lambda g, other, out: g * (other / out))
