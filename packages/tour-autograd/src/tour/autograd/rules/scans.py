"""Gradients of running sums and products: running the other way."""

from __future__ import annotations

from typing import Any

import tour
from tour.autograd.both import everywhere
from tour.autograd.rule import tensor_vjp
from tour.ops import scans as op


def _backwards(g: Any, dim: int) -> Any:
    """Running sum from the end."""
    return g.flip(dim).cumsum(dim).flip(dim)


def _cumprod(g: Any, input: Any, dim: int, out: Any) -> Any:
    if not input.ndim:
        return g
    if everywhere(input != 0):
        return _backwards(g * out.conj(), dim) / input.conj()
    n = input.shape[dim]
    parts = []
    for k in range(n):  # each product without factor k; one at a time, because a quotient by zero is none
        rest = tour.cat([tour.ones_like(input.narrow(dim, 0, 1)), input.narrow(dim, k + 1, n - k - 1)], dim).cumprod(
            dim
        )
        if k:
            rest = rest * input.narrow(dim, 0, k).prod(dim, keepdim=True)
        parts.append((g.narrow(dim, k, n - k) * rest.conj()).sum(dim, keepdim=True))
    return tour.cat(parts, dim)


def _logcumsumexp(g: Any, input: Any, dim: int, out: Any) -> Any:
    if not input.ndim:
        return g
    if input.is_complex():
        return _shares(g.log(), input.conj(), dim, out.conj())
    positive, negative = (_log_where(g, s) for s in (1, -1))
    return _shares(positive, input, dim, out) - _shares(negative, input, dim, out)


def _shares(log_g: Any, input: Any, dim: int, out: Any) -> Any:
    """What each element gets of gradients that are given by their logarithms."""
    return ((log_g - out).flip(dim).logcumsumexp(dim).flip(dim) + input).exp()


def _log_where(g: Any, sign: int) -> Any:
    """Logarithm of `sign * g` where that is positive, and the least number elsewhere (infinities would become NaN)."""
    there = g * sign > 0
    return tour.where(there, tour.where(there, g * sign, 1.0).log(), tour.finfo(g.dtype).min)


tensor_vjp(op._CUMSUM, input=lambda g, dim: _backwards(g, dim) if g.ndim else g)
tensor_vjp(op._CUMPROD, input=_cumprod)
tensor_vjp(op._LOGCUMSUMEXP, input=_logcumsumexp)
