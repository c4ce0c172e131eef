"""Gradients of bounds: they go to whichever operand was taken."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.autograd.both import masked
from tour.autograd.rule import vjp
from tour.ops import clipping as op


def _to_input(g: Any, input: Any, min: Any, max: Any) -> Any:
    if min is None:
        return masked(g, input <= max)
    return masked(g, input >= min if max is None else (input >= min) & (input <= max))


def _to_min(g: Any, input: Any, min: Any, max: Any) -> Any:
    return masked(g, input < min if max is None else (input < min) & (min < max))


def _to_max(g: Any, input: Any, min: Any, max: Any) -> Any:
    return masked(g, input > max if min is None else (input > max) | (max < min))


def _shared(g: Any, lost: Any, tied: Any) -> Any:
    """The gradient of the larger or smaller of two; equal ones get half each."""
    return np.where(tied, g / 2, masked(g, ~lost))


def _second(input: Any, other: Any, first: Any) -> Any:
    """Where `fmax` or `fmin` takes the second operand."""
    return ~(first | np.isnan(other))


vjp(op._clamp, input=_to_input, min=_to_min, max=_to_max)
vjp(
    op.maximum,
    input=lambda g, input, other: _shared(g, input < other, input == other),
    other=lambda g, input, other: _shared(g, other < input, input == other),
)
vjp(
    op.minimum,
    input=lambda g, input, other: _shared(g, input > other, input == other),
    other=lambda g, input, other: _shared(g, other > input, input == other),
)
vjp(
    op.fmax,
    input=lambda g, input, other: masked(g, ~_second(input, other, input >= other)),
    other=lambda g, input, other: masked(g, _second(input, other, input >= other)),
)
vjp(
    op.fmin,
    input=lambda g, input, other: masked(g, ~_second(input, other, input <= other)),
    other=lambda g, input, other: masked(g, _second(input, other, input <= other)),
)
vjp(op._nan_to_num, input=lambda g, input: masked(g, np.isfinite(input)))
