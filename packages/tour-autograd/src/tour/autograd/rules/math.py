"""Gradients of elementwise functions of one tensor."""

from __future__ import annotations

import numpy as np

from tour.autograd.rule import vjp
from tour.ops import math as op

vjp(op.exp, input=lambda g, out: g * out.conj())
vjp(op.log, input=lambda g, input: g / input.conj())
vjp(op.sqrt, input=lambda g, out: g / (2 * out).conj())
vjp(op.sin, input=lambda g, input: g * np.cos(input).conj())
vjp(op.cos, input=lambda g, input: -g * np.sin(input).conj())
vjp(op.tanh, input=lambda g, out: g * (1 - out * out).conj())
vjp(op.abs, input=lambda g, input: g * np.sign(input))
vjp(op._conj, input=lambda g: g.conj())
