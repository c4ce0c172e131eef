"""Ops whose results have no gradient, by the reason; every other op has a rule."""

from __future__ import annotations

from typing import Any, Final

from tour._core import OPS

NONDIFFERENTIABLE: Final[dict[str, frozenset[str]]] = {
    "the result is boolean": frozenset(
        {"eq", "ge", "gt", "isfinite", "isinf", "isnan", "isneginf", "isposinf", "le", "logical_and", "logical_not", "logical_or"}
        | {"logical_xor", "lt", "ne", "signbit"}
    ),
    "its operands are integers": frozenset(
        {"bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "gcd", "lcm"}
    ),
    "PyTorch has none": frozenset({"floor_divide", "heaviside", "nextafter"}),
}


def _record_nothing(*_: Any) -> None:
    """The recorder of an op without gradient."""


def declare() -> None:
    """Let the listed ops record nothing."""
    for names in NONDIFFERENTIABLE.values():
        for name in names:
            OPS[name].record = _record_nothing


declare()
