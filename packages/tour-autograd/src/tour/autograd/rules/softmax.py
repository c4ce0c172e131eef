"""Gradients of softmax and its logarithm."""

from __future__ import annotations

from typing import Any

from tour import _core, _softmax
from tour.autograd.rule import vjp
from tour.ops import softmax as op


def _to_logits(g: Any, out: Any, dim: int) -> Any:
    if isinstance(out, _core.Tensor):
        return out * (g - (g * out).sum(dim, keepdim=True))
    return _softmax.softmax_grad(g, out, dim)


def _to_logits_of_log(g: Any, out: Any, dim: int) -> Any:
    if isinstance(out, _core.Tensor):
        return g - out.exp() * g.sum(dim, keepdim=True)
    return _softmax.log_softmax_grad(g, out, dim)


vjp(op._SOFTMAX, input=_to_logits)
vjp(op._LOG_SOFTMAX, input=_to_logits_of_log)
