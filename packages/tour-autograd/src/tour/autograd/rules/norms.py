"""Gradients of norms and distances; at zero, where a norm has a kink, the gradient is zero."""

from __future__ import annotations

import math
from typing import Any

from tour.autograd.rule import joint_vjp, tensor_vjp
from tour.autograd.rules.reductions import kept
from tour.ops import norms as op


def _over(g: Any, out: Any) -> Any:
    """The quotient, zero where it is divided by zero; so are its own gradients."""
    return g / out.masked_fill(out == 0, math.inf)


def _norm(g: Any, input: Any, ord: float, dim: Any, keepdim: bool, out: Any) -> Any:
    g, out = (kept(x, input.shape, dim, keepdim) for x in (g, out))
    if ord == 0:
        return input * 0
    if ord == 2:
        return input * _over(g, out)
    if ord == 1:
        return input.sgn() * g
    size = input.abs()
    if math.isinf(ord):
        hit = size == out
        return input.sgn() * hit * (g / hit.sum(dim, True))
    if ord < 2:
        scaled = input.sgn() * size.pow(ord - 1).masked_fill(input == 0, 0)
    else:
        scaled = input * size.pow(ord - 2)
    return scaled * _over(g, out.pow(ord - 1))


tensor_vjp(op._NORM, input=_norm)


@joint_vjp(op._euclidean, "x1", "x2", on_tensors=True)
def _euclidean(g: Any, wanted: tuple[bool, bool], x1: Any, x2: Any, out: Any) -> Any:
    pull = _over(g, out)
    to_x1 = (x1 * pull.sum(-1, True) - pull @ x2) if wanted[0] else None
    to_x2 = (x2 * pull.sum(-2).unsqueeze(-1) - pull.mT @ x1) if wanted[1] else None
    return _fitted(to_x1, x1), _fitted(to_x2, x2)


def _fitted(g: Any, like: Any) -> Any:
    return None if g is None else g.sum_to_size(like.shape)
