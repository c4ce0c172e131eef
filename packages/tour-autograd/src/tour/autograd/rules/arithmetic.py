"""Gradients of elementwise arithmetic."""

from __future__ import annotations

import numpy as np

from tour.autograd.rule import vjp
from tour.ops import arithmetic as op

vjp(op._add, input=lambda g: g, other=lambda g: g)
vjp(op._sub, input=lambda g: g, other=lambda g: -g)
vjp(op._rsub, input=lambda g: -g, other=lambda g: g)
vjp(op.neg, input=lambda g: -g)
vjp(op.mul, input=lambda g, other: g * other.conj(), other=lambda g, input: g * input.conj())
vjp(op._div, input=lambda g, other: g / other.conj(), other=lambda g, other, out: -g * (out / other).conj())
vjp(op._rdiv, input=lambda g, input, out: -g * (out / input).conj(), other=lambda g, input: g / input.conj())
vjp(
    op._pow_number,
    input=lambda g, input, exponent: g * (exponent * input ** (exponent - 1)).conj() if exponent else g * 0,
)
vjp(
    op._pow,
    input=lambda g, input, other: g * np.where(other == 0, 0, other * input ** (other - 1)).conj(),
    other=lambda g, input, other, out: g * np.where((input == 0) & (other >= 0), 0, out * np.log(input)).conj(),
)
