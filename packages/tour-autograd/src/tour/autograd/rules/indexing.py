"""Gradients of reading and writing parts of a tensor by index."""

from __future__ import annotations

import math
from typing import Any

from tour.autograd import views
from tour.autograd.both import components, masked, place, united
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

vjp(views.COPY_SLICES, base=lambda g, keep: masked(g, keep), part=lambda g, region: g.reshape(-1)[region])
vjp(
    views.AS_STRIDED,
    input=lambda g, input_shape, region: place(g, (math.prod(input_shape),), region).reshape(input_shape),
)


def _parts(g: Any, is_complex: bool) -> Any:
    return components(g) if is_complex else g


def _whole(g: Any, is_complex: bool) -> Any:
    return united(g) if is_complex else g


vjp(
    views.COPY_PARTS,
    base=lambda g, keep, complex: _whole(masked(_parts(g, complex[0]), keep), complex[0]),
    part=lambda g, region, complex: _whole(_parts(g, complex[0]).reshape(-1)[region], complex[1]),
)
vjp(
    views.STRIDED_PARTS,
    input=lambda g, shape, region, complex: _whole(
        place(_parts(g, complex[1]), (math.prod(shape),), region).reshape(shape), complex[0]
    ),
)
