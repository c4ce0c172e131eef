"""Gradients of quotients and remainders; rounding has none."""

from __future__ import annotations

from tour.autograd.both import reading, zeros
from tour.autograd.rule import vjp
from tour.ops import division as op

_floored, _truncated = reading(op._div_floor), reading(op._div_trunc)

vjp(op._div, input=lambda g, other: g / other.conj(), other=lambda g, input, other: -g * (input / other / other).conj())
vjp(
    op._rdiv, input=lambda g, input, other: -g * (other / input / input).conj(), other=lambda g, input: g / input.conj()
)
vjp(op._div_floor, input=zeros, other=zeros)
vjp(op._div_trunc, input=zeros, other=zeros)
vjp(op.floor_divide, input=zeros, other=zeros)
vjp(op._remainder, input=lambda g: g, other=lambda g, input, other: -g * _floored(input, other))
vjp(op.fmod, input=lambda g: g, other=lambda g, input, other: -g * _truncated(input, other))
vjp(op.reciprocal, input=lambda g, out: -g * (out * out).conj())
