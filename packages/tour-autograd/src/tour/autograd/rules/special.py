"""Gradients of special functions."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from tour import special
from tour.autograd.both import masked, reading
from tour.autograd.rule import vjp
from tour.ops import special as op
from tour.ops.rounding import sgn

_digamma, _polygamma, _zeta = reading(op.digamma), reading(op._polygamma), reading(special.zeta)
_erfinv = reading(op.erfinv)
_i0, _i0e, _i1, _i1e, _sgn = map(reading, (op.i0, special.i0e, special.i1, special.i1e, sgn))
_erfcx, _xlog1py = reading(special.erfcx), reading(special.xlog1py)


def _to_odds(g: Any, input: Any, eps: Any) -> Any:
    grad = g / (input * (1 - input))
    return grad if eps is None else masked(grad, (input >= eps) & (input <= 1 - eps))


vjp(op.erf, input=lambda g, input: g * (np.exp(-input * input) * (2 / sqrt(pi))))
vjp(op.erfc, input=lambda g, input: g * (np.exp(-input * input) * (-2 / sqrt(pi))))
vjp(op.erfinv, input=lambda g, input: g * (np.exp(_erfinv(input) ** 2) * (sqrt(pi) / 2)))
vjp(op.lgamma, input=lambda g, input: g * _digamma(input))
vjp(op.digamma, input=lambda g, input: g * _polygamma(input, 1))
vjp(op._polygamma, input=lambda g, input, n: g * _polygamma(input, n + 1))
vjp(op._logit, input=_to_odds)

# --- The module `tour.special` ------------------------------------------------------------------------------------------------


def _i1_slope(input: Any, out: Any) -> Any:
    return np.where(input == 0, 0.5, _i0(input) - out / np.where(input == 0, 1, input))


def _i1e_slope(input: Any, out: Any) -> Any:
    return np.where(input == 0, 0.5, _i0e(input) - out * (_sgn(input) + 1 / np.where(input == 0, 1, input)))


vjp(op.i0, input=lambda g, input: g * _i1(input))
vjp(special.i0e, input=lambda g, input, out: g * (_i1e(input) - _sgn(input) * out))
vjp(special.i1, input=lambda g, input, out: g * _i1_slope(input, out))
vjp(special.i1e, input=lambda g, input, out: g * _i1e_slope(input, out))
vjp(special.ndtr, input=lambda g, input: g * (np.exp(input * input / -2) / sqrt(2 * pi)))
vjp(special.ndtri, input=lambda g, out: g * (np.exp(out * out / 2) * sqrt(2 * pi)))
vjp(special.log_ndtr, input=lambda g, input: g * (sqrt(2 / pi) / _erfcx(-input * sqrt(0.5))))
vjp(special.entr, input=lambda g, input: g * (-np.log(input) - 1))
vjp(special.erfcx, input=lambda g, input, out: g * (2 * input * out - 2 / sqrt(pi)))
vjp(
    special.xlog1py,
    input=lambda g, input, other: np.where((input == 0) & (other <= -1), 0, _xlog1py(g, other)),
    other=lambda g, input, other: g * input / (other + 1),
)
