"""Gradients of shape ops: the gradient in the shape of the input."""

from __future__ import annotations

from typing import Any

from tour.autograd.both import permute
from tour.autograd.engine import sum_to
from tour.autograd.rule import vjp
from tour.ops import shaping as op


def _inverse(dims: tuple[int, ...]) -> tuple[int, ...]:
    order = [0] * len(dims)
    for i, d in enumerate(dims):
        order[d] = i
    return tuple(order)


def _swap(g: Any, dim0: int, dim1: int) -> Any:
    return g.swapaxes(dim0, dim1) if g.ndim else g


vjp(op._VIEW, input=lambda g, input_shape: g.reshape(input_shape))
vjp(op._PERMUTE, input=lambda g, dims: permute(g, _inverse(dims)))
vjp(op._TRANSPOSE, input=_swap)
vjp(op._EXPAND, input=lambda g, input_shape: sum_to(g, input_shape))
