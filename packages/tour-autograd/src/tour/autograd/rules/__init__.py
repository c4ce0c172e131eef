"""One gradient rule per op, in files that mirror tour-tensor's `ops/`. Importing this package declares them all."""

from tour.autograd.rules import (
    arithmetic,
    casting,
    comparison,
    indexing,
    linear,
    math,
    nondifferentiable,
    reductions,
    shaping,
)

__all__ = [
    "arithmetic",
    "casting",
    "comparison",
    "indexing",
    "linear",
    "math",
    "nondifferentiable",
    "reductions",
    "shaping",
]
