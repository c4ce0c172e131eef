"""Gradients of the error and gamma functions."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from tour.autograd.both import masked, reading
from tour.autograd.rule import vjp
from tour.ops import special as op

_digamma, _polygamma = reading(op.digamma), reading(op._polygamma)


def _to_odds(g: Any, input: Any, eps: Any) -> Any:
    grad = g / (input * (1 - input))
    return grad if eps is None else masked(grad, (input >= eps) & (input <= 1 - eps))


vjp(op.erf, input=lambda g, input: g * (np.exp(-input * input) * (2 / sqrt(pi))))
vjp(op.erfc, input=lambda g, input: g * (np.exp(-input * input) * (-2 / sqrt(pi))))
vjp(op.erfinv, input=lambda g, out: g * (np.exp(out * out) * (sqrt(pi) / 2)))
vjp(op.lgamma, input=lambda g, input: g * _digamma(input))
vjp(op.digamma, input=lambda g, input: g * _polygamma(input, 1))
vjp(op._polygamma, input=lambda g, input, n: g * _polygamma(input, n + 1))
vjp(op._logit, input=_to_odds)
