"""Gradients of putting together and taking apart: each is the other's."""

from __future__ import annotations

from typing import Any

import numpy as np

import tour
from tour import _core
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


def _zeros(like: Any, shape: tuple[int, ...]) -> Any:
    return (
        tour.zeros(shape, dtype=like.dtype, device=like.device)
        if isinstance(like, _core.Tensor)
        else np.zeros_like(like, shape=shape)
    )


def _joined(g: list[Any], input_shape: tuple[int, ...], bounds: tuple[int, ...], dim: int) -> Any:
    """The gradients of all parts, with zeros for parts that nobody used."""
    like = next(x for x in g if x is not None)
    parts = [
        _zeros(like, (*input_shape[:dim], high - low, *input_shape[dim + 1 :])) if x is None else x
        for x, low, high in zip(g, bounds, bounds[1:], strict=False)
    ]
    return op.cat(parts, dim) if isinstance(like, _core.Tensor) else np.concatenate(parts, dim)


def _stacked(g: list[Any], dim: int) -> Any:
    like = next(x for x in g if x is not None)
    parts = [_zeros(like, like.shape) if x is None else x for x in g]
    return op.stack(parts, dim) if isinstance(like, _core.Tensor) else np.stack(parts, dim)


vjp(op._SPLIT, input=_joined)
vjp(op._UNBIND, input=_stacked)
