"""Gradients of views of parts, and of copies with a part replaced."""

from __future__ import annotations

from typing import Any

import numpy as np

import tour
from tour.autograd.rule import tensor_vjp
from tour.ops import slicing as op


def _zeros(g: Any, shape: tuple[int, ...]) -> Any:
    return tour.zeros(shape, dtype=g.dtype, device=g.device)


def _unfold(g: Any, input_shape: tuple[int, ...], dimension: int, size: int, step: int) -> Any:
    """Each window added in where it was: by whole slices, one for each place in a window."""
    if not input_shape:
        return g.sum()
    if step >= size:  # windows that do not overlap
        whole = _zeros(g, input_shape)
        return tour.as_strided_scatter(whole, g, g.shape, _window_strides(whole, dimension, step))
    count = g.shape[dimension]
    total: Any = 0
    for k in range(size):
        part = _zeros(g, input_shape).slice_scatter(g.select(-1, k), dimension, k, k + (count - 1) * step + 1, step)
        total = total + part
    return total if size else _zeros(g, input_shape)


def _window_strides(whole: Any, dimension: int, step: int) -> tuple[int, ...]:
    steps = whole.stride()
    return (*steps[:dimension], steps[dimension] * step, *steps[dimension + 1 :], steps[dimension])


def _as_strided(g: Any, input_shape: tuple[int, ...], places: Any) -> Any:
    line = _zeros(g, (int(np.prod(input_shape)) + 1,))  # the last place takes what was outside of the input
    where = places.reshape(-1)
    where = tour.where(where < 0, line.numel() - 1, where)
    return line.index_add(0, where, g.reshape(-1))[:-1].reshape(input_shape)


tensor_vjp(
    op._DIAGONAL,
    input=lambda g, input_shape, offset, dim1, dim2: op.diagonal_scatter(_zeros(g, input_shape), g, offset, dim1, dim2),
)
tensor_vjp(op._UNFOLD, input=_unfold)
tensor_vjp(op._AS_STRIDED, input=_as_strided)


def _without(g: Any, index: Any) -> Any:
    g = g.clone()
    g[index] = 0
    return g


tensor_vjp(op._SET_PART, input=_without, src=lambda g, index: g[index])
tensor_vjp(
    op._DIAGONAL_SCATTER,
    input=lambda g, src_shape, offset, dim1, dim2: op.diagonal_scatter(g, _zeros(g, src_shape), offset, dim1, dim2),
    src=lambda g, offset, dim1, dim2: g.diagonal(offset, dim1, dim2),
)
tensor_vjp(
    op._AS_STRIDED_SCATTER,
    input=lambda g, src_shape, size, stride, offset: op.as_strided_scatter(
        g, _zeros(g, src_shape), size, stride, offset
    ),
    src=lambda g, size, stride, offset: g.contiguous().clone().as_strided(size, stride, offset),
)
