"""Special functions of NumPy arrays: pure NumPy, vectorised, accurate to a few units in the last place.

Every function takes arrays (or what ``numpy.asarray`` takes), broadcasts them, and answers a new array of their
floating dtype: float32 and float64 are computed as such or better, float16, bfloat16 and float8 through float32,
integers as float64. Poles and domain edges are PyTorch's.

The errors in the docstrings are the largest against mpmath over several thousand points of the whole range
(``tools/golden_special.py measure``), in units in the last place of a float64 result. Where nothing is said of float32,
its results come from float64 and are the exact values rounded.
"""

from __future__ import annotations

from typing import Any

from tour._core import deferred

# The file of each function: most programs need few of them, and none at import. No file may have a function's name, or
# importing it would hide the function.
_FILES = {
    "airy": ("airy_ai",),
    "bessel": ("bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "spherical_bessel_j0"),
    "elementary": ("entr", "expit", "logit", "sinc", "xlog1py", "xlogy"),
    "error": ("erf", "erfc", "erfcx", "erfinv"),
    "gamma": ("digamma", "lgamma", "multigammaln", "trigamma"),
    "hurwitz": ("polygamma", "zeta"),
    "incomplete_gamma": ("gammainc", "gammaincc"),
    "modified_bessel": (
        "i0",
        "i0e",
        "i1",
        "i1e",
        "modified_bessel_k0",
        "modified_bessel_k1",
        "scaled_modified_bessel_k0",
        "scaled_modified_bessel_k1",
    ),
    "normal": ("log_ndtr", "ndtr", "ndtri"),
    "polynomials": (
        "chebyshev_polynomial_t",
        "chebyshev_polynomial_u",
        "chebyshev_polynomial_v",
        "chebyshev_polynomial_w",
        "hermite_polynomial_h",
        "hermite_polynomial_he",
        "laguerre_polynomial_l",
        "legendre_polynomial_p",
        "shifted_chebyshev_polynomial_t",
        "shifted_chebyshev_polynomial_u",
        "shifted_chebyshev_polynomial_v",
        "shifted_chebyshev_polynomial_w",
    ),
}
_HOMES = {name: file for file, names in _FILES.items() for name in names}
_ALIASES = {"modified_bessel_i0": "i0", "modified_bessel_i1": "i1"}


def __getattr__(name: str) -> Any:
    """A function by its name, whose file is imported at the first call."""
    known = _ALIASES.get(name, name)
    if known not in _HOMES:
        raise AttributeError(f"module 'tour._special' has no attribute {name!r}")
    function = globals()[name] = deferred(f"tour._special.{_HOMES[known]}", known)
    return function


def __dir__() -> list[str]:
    return sorted({*_HOMES, *_ALIASES})
