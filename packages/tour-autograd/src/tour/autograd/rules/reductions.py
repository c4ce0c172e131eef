"""Gradients of reductions: what was added up gets the gradient of the sum."""

from __future__ import annotations

from typing import Any

from tour._shapes import wrap_dims
from tour.autograd.both import expand
from tour.autograd.rule import vjp
from tour.ops import reductions as op


def spread(g: Any, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Any:
    """The gradient of a reduction over `dim`, repeated to the shape of what was reduced."""
    if not keepdim and dim is not None and shape:
        gone = wrap_dims(dim, len(shape)) or range(len(shape))
        g = g.reshape(tuple(1 if i in gone else n for i, n in enumerate(shape)))
    return expand(g, shape)


vjp(op._SUM, input=lambda g, input_shape, dim, keepdim: spread(g, input_shape, dim, keepdim))
