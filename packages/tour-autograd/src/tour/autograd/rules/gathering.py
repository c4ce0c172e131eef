"""Gradients of picking elements by index: added in where they were picked."""

from __future__ import annotations

from typing import Any

import tour
from tour.autograd.rule import tensor_vjp
from tour.ops import gathering as op


def _gather(g: Any, input_shape: tuple[int, ...], dim: int, index: Any) -> Any:
    zeros = tour.zeros(input_shape or (1,), dtype=g.dtype, device=g.device)
    return zeros.scatter_add(dim, index.reshape(index.shape or (1,)), g.reshape(g.shape or (1,))).reshape(input_shape)


tensor_vjp(op._GATHER, input=_gather)
