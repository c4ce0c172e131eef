"""Gradients of reductions: what was added up gets the gradient of the sum."""

from __future__ import annotations

from typing import Any

import numpy as np

import tour
from tour._shapes import wrap_dims
from tour.autograd.both import everywhere, expand
from tour.autograd.rule import tensor_vjp, vjp
from tour.ops import reductions as op


def kept(g: Any, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Any:
    """The gradient of a reduction over `dim` with the reduced dimensions put back, in size 1."""
    if keepdim or not shape:
        return g
    if dim is None:
        return g.reshape((1,) * len(shape))
    if type(dim) is int:
        i = dim if dim >= 0 else dim + len(shape)
        return g.reshape((*shape[:i], 1, *shape[i + 1 :]))
    gone = wrap_dims(dim, len(shape)) or range(len(shape))
    return g.reshape(tuple([1 if i in gone else n for i, n in enumerate(shape)]))


def spread(g: Any, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Any:
    """The gradient of a reduction over `dim`, repeated to the shape of what was reduced."""
    return expand(g if dim is None and not keepdim else kept(g, shape, dim, keepdim), shape)


def count_of(shape: tuple[int, ...], dim: Any) -> int:
    """How many elements each result of a reduction was made from."""
    over = range(len(shape)) if dim is None else wrap_dims(dim, len(shape)) or range(len(shape))
    count = 1
    for i in over if shape else ():
        count *= shape[i]
    return count


def _mean(g: Any, input_shape: tuple[int, ...], dim: Any, keepdim: bool) -> Any:
    return spread(g / (count_of(input_shape, dim) or 1), input_shape, dim, keepdim)


vjp(op._SUM, input=lambda g, input_shape, dim, keepdim: spread(g, input_shape, dim, keepdim))
vjp(op._MEAN, input=_mean)


def _logsumexp(g: Any, input: Any, dim: Any, keepdim: bool, out: Any) -> Any:
    g, out = (kept(x, input.shape, dim, keepdim) for x in (g, out))
    least = out.masked_fill(out.abs() == np.inf, 0) if not out.is_complex() else out
    return g * (input - least).exp().conj()


tensor_vjp(op._LOGSUMEXP, input=_logsumexp)


def _prod(g: Any, input: Any, dim: Any, keepdim: bool, out: Any) -> Any:
    g, out = (kept(x, input.shape, dim, keepdim) for x in (g, out))
    if everywhere(input != 0):
        return g * (out / input).conj()
    return g * of_others(input, dim).conj()


def of_others(x: Any, dim: int | None) -> Any:
    """For each element the product of the others along a dimension, or of all."""
    if not x.ndim:
        return tour.ones_like(x)
    if dim is None:
        return of_others(x.reshape(-1), 0).reshape(x.shape)
    n = x.shape[dim]
    one = tour.ones_like(x.narrow(dim, 0, 1))
    before = tour.cat([one, x.narrow(dim, 0, n - 1)], dim).cumprod(dim)
    behind = tour.cat([one, x.narrow(dim, 1, n - 1).flip(dim)], dim).cumprod(dim).flip(dim)
    return before * behind


tensor_vjp(op._PROD, input=_prod)
