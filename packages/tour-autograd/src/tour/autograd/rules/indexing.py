"""Gradients of reading and writing parts of a tensor by index."""

from __future__ import annotations

import math
from typing import Any

from tour.autograd import views
from tour.autograd.both import place
from tour.autograd.engine import sum_to
from tour.autograd.rule import vjp
from tour.ops import indexing as op


def _without(g: Any, index: Any) -> Any:
    """The gradient of what a write left in place."""
    g = g.clone() if hasattr(g, "clone") else g.copy()
    g[index] = 0
    return g


vjp(op._GETITEM, input=lambda g, input_shape, index: place(g, input_shape, index))
vjp(op._PLACE, input=lambda g, index: g[index])
vjp(op._SETITEM, input=_without, value=lambda g, index, value_shape: sum_to(g[index], value_shape))

vjp(views.COPY_SLICES, base=lambda g, keep: g * keep, part=lambda g, region: g.reshape(-1)[region])
vjp(
    views.AS_STRIDED,
    input=lambda g, input_shape, region: place(g, (math.prod(input_shape),), region).reshape(input_shape),
)
