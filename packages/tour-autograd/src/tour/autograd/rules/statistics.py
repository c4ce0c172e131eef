"""Gradients of variance and standard deviation."""

from __future__ import annotations

from typing import Any

from tour.autograd.rule import tensor_vjp
from tour.autograd.rules.reductions import count_of, kept
from tour.ops import statistics as op


def _var(g: Any, input: Any, dim: Any, correction: float, keepdim: bool) -> Any:
    below = count_of(input.shape, dim) - correction
    scale = 2 / below if below > 0 else float("inf")
    return kept(g, input.shape, dim, keepdim) * scale * (input - input.mean(dim, True))


def _std(g: Any, input: Any, dim: Any, correction: float, keepdim: bool, out: Any) -> Any:
    return _var((g / (out * 2)).masked_fill(out == 0, 0), input, dim, correction, keepdim)


tensor_vjp(op._VAR, input=_var)
tensor_vjp(op._STD, input=_std)
