"""Ops whose results have no gradient, by the reason; every other op has a rule."""

from __future__ import annotations

from typing import Any, Final

from tour._core import OPS

NONDIFFERENTIABLE: Final[dict[str, frozenset[str]]] = {
    "the result is boolean": frozenset({"eq", "ge", "gt", "le", "lt", "ne"}),
}


def _record_nothing(*_: Any) -> None:
    """The recorder of an op without gradient."""


def declare() -> None:
    """Let the listed ops record nothing."""
    for names in NONDIFFERENTIABLE.values():
        for name in names:
            OPS[name].record = _record_nothing


declare()
