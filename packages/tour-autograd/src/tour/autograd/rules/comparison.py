"""Gradients of choosing; comparisons themselves have none."""

from __future__ import annotations

from tour.autograd.both import masked
from tour.autograd.rule import vjp
from tour.ops import comparison as op

vjp(
    op._where,
    input=lambda g, condition: masked(g, condition),
    other=lambda g, condition: masked(g, ~condition),
)
