"""Gradients of exponentials and logarithms."""

from __future__ import annotations

from math import log

import numpy as np

from tour._activations import sigmoid_grad
from tour._core import ndarray
from tour.autograd.both import one_minus, reading
from tour.autograd.rule import vjp
from tour.ops import math as op
from tour.ops.rounding import sgn

_xlogy, _sgn = reading(op.xlogy), reading(sgn)

vjp(op.exp, input=lambda g, out: g * out.conj())
vjp(op.exp2, input=lambda g, out: g * (out * log(2)).conj())
vjp(op.expm1, input=lambda g, out: g * (out + 1).conj())
vjp(op.log, input=lambda g, input: g / input.conj())
vjp(op.log2, input=lambda g, input: g / (input * log(2)).conj())
vjp(op.log10, input=lambda g, input: g / (input * log(10)).conj())
vjp(op.log1p, input=lambda g, input: g / (input + 1).conj())
vjp(
    op.logaddexp,
    input=lambda g, input, other: g / (1 + np.exp(other - input)).conj(),
    other=lambda g, input, other: g / (1 + np.exp(input - other)).conj(),
)
vjp(
    op.logaddexp2,
    input=lambda g, input, other: g / (1 + np.exp2(other - input)),
    other=lambda g, input, other: g / (1 + np.exp2(input - other)),
)
vjp(
    op.xlogy,
    input=lambda g, input, other: np.where((input == 0) & (other <= 0), 0, _xlogy(g, other)),
    other=lambda g, input, other: g * input / other,
)
vjp(
    op.sigmoid,
    input=lambda g, out: sigmoid_grad(g, out) if type(g) is type(out) is ndarray else g * (out * one_minus(out)).conj(),
)
vjp(op.abs, input=lambda g, input: g * _sgn(input))
