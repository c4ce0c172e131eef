"""Gradients of other orders of dimensions: the order turned back."""

from __future__ import annotations

from typing import Any

from tour.autograd.both import permute
from tour.autograd.rule import vjp
from tour.ops import permuting as op


def _inverse(dims: tuple[int, ...]) -> tuple[int, ...]:
    order = [0] * len(dims)
    for i, d in enumerate(dims):
        order[d] = i
    return tuple(order)


def _swap(g: Any, dim0: int, dim1: int) -> Any:
    return g.swapaxes(dim0, dim1) if g.ndim else g


vjp(op._PERMUTE, input=lambda g, dims: permute(g, _inverse(dims)))
vjp(op._TRANSPOSE, input=_swap)
