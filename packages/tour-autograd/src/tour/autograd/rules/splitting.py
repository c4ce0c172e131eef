"""Gradients of taking apart: the parts' gradients put together."""

from __future__ import annotations

from typing import Any

import numpy as np

import tour
from tour import _core
from tour.autograd.rule import vjp
from tour.ops import joining
from tour.ops import splitting as op


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
    return joining.cat(parts, dim) if isinstance(like, _core.Tensor) else np.concatenate(parts, dim)


def _stacked(g: list[Any], dim: int) -> Any:
    like = next(x for x in g if x is not None)
    if type(like) is np.ndarray:
        whole = np.empty((*like.shape[:dim], len(g), *like.shape[dim:]), like.dtype)
        lead: Any = (slice(None),) * dim
        for i, x in enumerate(g):
            whole[(*lead, i)] = 0 if x is None else x
        return whole
    parts = [_zeros(like, like.shape) if x is None else x for x in g]
    return joining.stack(parts, dim) if isinstance(like, _core.Tensor) else np.stack(parts, dim)


vjp(op._SPLIT, input=_joined)
vjp(op._UNBIND, input=_stacked)
