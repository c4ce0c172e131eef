"""Gradients of choosing; comparisons themselves have none."""

from __future__ import annotations

import numpy as np

from tour.autograd.rule import vjp
from tour.ops import comparison as op

vjp(
    op._where,
    input=lambda g, condition: np.where(condition, g, 0),
    other=lambda g, condition: np.where(condition, 0, g),
)
