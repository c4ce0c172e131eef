"""Gradients of casts, moves and copies."""

from __future__ import annotations

from typing import Any

from tour import _core
from tour._devices import move
from tour._dtypes import FROM_NUMPY
from tour.autograd.both import cast
from tour.autograd.rule import vjp
from tour.ops import casting as op


def _move_back(g: Any, device: Any) -> Any:
    return g.to(device) if isinstance(g, _core.Tensor) else move(g, device)


vjp(op._CAST, input=lambda g, input_dtype: cast(g, FROM_NUMPY[input_dtype]))
vjp(op._MOVE, input=_move_back)
vjp(op._CLONE, input=lambda g: g)
