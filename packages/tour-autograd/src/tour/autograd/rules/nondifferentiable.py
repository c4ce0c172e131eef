"""Ops whose results have no gradient, by the reason; every other op has a rule."""

from __future__ import annotations

from typing import Any, Final

import tour.special  # noqa: F401  (declares ops)
from tour._core import OPS
from tour.autograd.recorders import plug

NONDIFFERENTIABLE: Final[dict[str, frozenset[str]]] = {
    "the result is boolean": frozenset(
        {
            "eq",
            "ge",
            "gt",
            "isfinite",
            "isinf",
            "isnan",
            "isneginf",
            "isposinf",
            "le",
            "logical_and",
            "logical_not",
            "logical_or",
        }
        | {"logical_xor", "lt", "ne", "signbit"}
    ),
    "its operands are integers": frozenset(
        {
            "bitwise_and",
            "bitwise_left_shift",
            "bitwise_not",
            "bitwise_or",
            "bitwise_right_shift",
            "bitwise_xor",
            "gcd",
            "lcm",
        }
    ),
    "PyTorch has none": frozenset(
        {"linalg_ldl_factor_ex", "linalg_ldl_solve"}
        | {
            "airy_ai",
            "bessel_j0",
            "bessel_j1",
            "bessel_y0",
            "bessel_y1",
            "igamma",
            "igammac",
            "spherical_bessel_j0",
            "zeta",
        }
        | {"modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1"}
        | {"scaled_modified_bessel_k0", "scaled_modified_bessel_k1"}
        | {f"{shift}chebyshev_polynomial_{kind}" for shift in ("", "shifted_") for kind in "tuvw"}
        | {"hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p"}
    ),
}


def _record_nothing(*_: Any) -> None:
    """The recorder of an op without gradient."""


def declare() -> None:
    """Let the listed ops record nothing."""
    for names in NONDIFFERENTIABLE.values():
        for name in names:
            plug(OPS[name], _record_nothing)


declare()
