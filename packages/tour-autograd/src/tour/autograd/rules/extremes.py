"""Gradients of choosing elements: those that were chosen get the gradient; equal ones share it where no index says which."""

from __future__ import annotations

from typing import Any

import numpy as np

import tour
from tour import _core
from tour.autograd.rule import tensor_vjp, vjp
from tour.autograd.rules.reductions import kept
from tour.ops import extremes, quantiles, scans, sorting
from tour.ops.gathering import grid


def _shared(g: Any, input: Any, dim: Any, keepdim: bool, out: Any) -> Any:
    g, out = (kept(x, input.shape, dim, keepdim) for x in (g, out))
    hit = (input == out) | ((input != input) & (out != out))
    over = tuple(range(input.ndim)) if dim is None or dim == () else dim
    count = hit.sum(over, True) if input.ndim else 1
    return (g / count).masked_fill(~hit, 0)


for op in (extremes._AMAX, extremes._AMIN):
    tensor_vjp(op, input=_shared)


def _to_chosen(g: Any, input_shape: tuple[int, ...], indices: Any, dim: int, keepdim: bool) -> Any:
    """The gradient of elements chosen once each, put where they stood; `g` is a list with the gradient of the values."""
    if not input_shape:
        return g.reshape(())
    if not keepdim:
        indices = np.expand_dims(indices, dim)
        g = g.reshape(indices.shape)
    if isinstance(g, _core.Tensor):
        return tour.zeros(input_shape, dtype=g.dtype, device=g.device).scatter(dim, _core.wrap(indices), g)
    whole = np.zeros_like(g, shape=input_shape)
    whole[grid(indices.shape, dim, indices)] = g
    return whole


for op in (
    extremes._MAX, extremes._MIN, quantiles._MEDIAN, quantiles._NANMEDIAN, quantiles._MODE, sorting._SORT, sorting._TOPK,
    sorting._KTHVALUE,
):  # fmt: skip
    vjp(op, input=_to_chosen)


def _to_running(g: Any, input_shape: tuple[int, ...], indices: Any, dim: int) -> Any:
    """The gradient of running extremes: an element may have been chosen several times."""
    return tour.zeros(input_shape, dtype=g.dtype, device=g.device).scatter_add(dim, indices, g)


for op in (scans._CUMMAX, scans._CUMMIN):
    tensor_vjp(op, input=_to_running)
