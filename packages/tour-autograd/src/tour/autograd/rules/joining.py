"""Gradients of putting together: the parts of the gradient."""

from __future__ import annotations

from typing import Any

from tour.autograd.rule import vjp
from tour.ops import joining as op


def _cut(g: Any, tensors_shape: tuple[tuple[int, ...], ...], dim: int) -> list[Any]:
    """The part of the gradient that belongs to each tensor."""
    lead = (slice(None),) * (dim if dim >= 0 else dim + g.ndim)
    parts, start = [], 0
    for shape in tensors_shape:
        n = shape[len(lead)] if len(shape) == g.ndim else 0
        parts.append(g[(*lead, slice(start, start + n))] if len(shape) == g.ndim else g[:0].reshape(-1)[:0])
        start += n
    return parts


def _slices(g: Any, tensors_shape: tuple[Any, ...], dim: int) -> list[Any]:
    lead = (slice(None),) * dim
    return [g[(*lead, i)] for i in range(len(tensors_shape))]


vjp(op._CAT, tensors=_cut)
vjp(op._STACK, tensors=_slices)
