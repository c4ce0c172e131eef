"""Gradients of powers and roots."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.autograd.both import zeros
from tour.autograd.rule import vjp
from tour.ops import powers as op


def _to_base(g: Any, input: Any, exponent: Any) -> Any:
    if exponent == 0:
        return zeros(g)
    if exponent == 2:
        return g * (2 * input).conj()
    return g * (exponent * input ** (exponent - 1)).conj()


vjp(op.sqrt, input=lambda g, out: g / (2 * out).conj())
vjp(op.rsqrt, input=lambda g, out: g * (out * out * out / -2).conj())
vjp(op._POW_NUMBER, input=_to_base)
vjp(
    op._pow,
    input=lambda g, input, exponent: np.where(exponent == 0, 0, g * (exponent * input ** (exponent - 1)).conj()),
    exponent=lambda g, input, exponent, out: (
        g * np.where((input == 0) & (exponent.real >= 0), 0, (out * np.log(input)).conj())
    ),
)
