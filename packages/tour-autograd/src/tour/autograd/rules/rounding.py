"""Gradients of rounding and signs: zero, where a function moves in steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.autograd.both import zeros
from tour.autograd.rule import vjp
from tour.ops import rounding as op


def _around(g: Any, input: Any, out: Any) -> Any:
    """Of a complex sign only the direction can change: what points along it is taken away."""
    if out.dtype.kind != "c" if hasattr(out.dtype, "kind") else not out.is_complex():
        return zeros(g)
    return np.where(input == 0, 0, (g - out * (g * out.conj()).real) / np.abs(input))


for _step in (op.ceil, op.floor, op.trunc, op._round, op._round_decimals, op.sign):
    vjp(_step, input=zeros)
vjp(op.frac, input=lambda g: g)
vjp(op.sgn, input=_around)
vjp(op.copysign, input=lambda g, input, out: g * np.where(input == 0, 0, out / input), other=zeros)
vjp(op.nextafter, input=lambda g: g, other=zeros)
vjp(op._heaviside, input=zeros, values=zeros)
vjp(op._mantissa, input=lambda g, input, out: g * np.where(input == 0, 1, out / input))
