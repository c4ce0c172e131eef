"""Where parameters and samples of distributions may lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Check = Callable[[Any], Any]


class Constraint:
    """A region of values.

    Attributes:
        name: What messages call it.
        event_dim: How many dimensions of a tensor make one value.
    """

    def __init__(self, name: str, check: Check, event_dim: int = 0, is_discrete: bool = False) -> None:
        self.name, self._check, self.event_dim, self.is_discrete = name, check, event_dim, is_discrete

    def check(self, value: Any) -> Any:
        """A boolean tensor: which values lie in the region.

        Examples:
            >>> import tour
            >>> positive.check(tour.tensor([1.0, -1.0]))
            tensor([ True, False])
        """
        return self._check(value)

    def __repr__(self) -> str:
        return self.name


def _simplex(x: Any) -> Any:
    return (x >= 0).all(-1) & ((x.sum(-1) - 1).abs() < 1e-6)


def _one_hot(x: Any) -> Any:
    return ((x == 0) | (x == 1)).all(-1) & (x.sum(-1) == 1)


def _lower_cholesky(x: Any) -> Any:
    return (x.tril() == x).all(-1).all(-1) & (x.diagonal(0, -2, -1) > 0).all(-1)


real = Constraint("Real()", lambda x: x == x)
real_vector = Constraint("RealVector()", lambda x: (x == x).all(-1), 1)
positive = Constraint("GreaterThan(lower_bound=0.0)", lambda x: x > 0)
nonnegative = Constraint("GreaterThanEq(lower_bound=0.0)", lambda x: x >= 0)
unit_interval = Constraint("Interval(lower_bound=0.0, upper_bound=1.0)", lambda x: (x >= 0) & (x <= 1))
simplex = Constraint("Simplex()", _simplex, 1)
lower_cholesky = Constraint("LowerCholesky()", _lower_cholesky, 2)
boolean = Constraint("Boolean()", lambda x: (x == 0) | (x == 1), 0, True)
nonnegative_integer = Constraint("IntegerGreaterThan(lower_bound=0)", lambda x: (x % 1 == 0) & (x >= 0), 0, True)
one_hot = Constraint("OneHot()", _one_hot, 1, True)


def interval(low: Any, high: Any) -> Constraint:
    """From one bound to another, both included."""
    return Constraint(f"Interval(lower_bound={low}, upper_bound={high})", lambda x: (x >= low) & (x <= high))


def integer_interval(low: Any, high: Any) -> Constraint:
    """Whole numbers from one bound to another, both included."""
    return Constraint(
        f"IntegerInterval(lower_bound={low}, upper_bound={high})",
        lambda x: (x % 1 == 0) & (x >= low) & (x <= high),
        0,
        True,
    )
