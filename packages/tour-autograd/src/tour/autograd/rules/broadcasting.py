"""Gradients of broadcasting: sums over what was repeated."""

from __future__ import annotations

from tour.autograd.engine import sum_to
from tour.autograd.rule import vjp
from tour.ops import broadcasting as op

vjp(op._EXPAND, input=lambda g, input_shape: sum_to(g, input_shape))
