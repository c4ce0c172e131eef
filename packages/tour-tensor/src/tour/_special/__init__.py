"""Special functions of NumPy arrays: pure NumPy, vectorised, accurate to a few units in the last place.

Every function takes arrays (or what ``numpy.asarray`` takes), broadcasts them, and answers a new array of their
floating dtype: float32 and float64 are computed as such or better, float16, bfloat16 and float8 through float32,
integers as float64. Poles and domain edges are PyTorch's.

The errors in the docstrings are the largest against mpmath over several thousand points of the whole range
(``tools/golden_special.py measure``), in units in the last place of a float64 result. Where nothing is said of float32,
its results come from float64 and are the exact values rounded.
"""

from .airy import airy_ai
from .bessel import bessel_j0, bessel_j1, bessel_y0, bessel_y1, spherical_bessel_j0
from .elementary import entr, expit, logit, sinc, xlog1py, xlogy
from .error import erf, erfc, erfcx, erfinv
from .gamma import digamma, lgamma, multigammaln, trigamma
from .incomplete_gamma import gammainc, gammaincc
from .modified_bessel import (
    i0,
    i0e,
    i1,
    i1e,
    modified_bessel_k0,
    modified_bessel_k1,
    scaled_modified_bessel_k0,
    scaled_modified_bessel_k1,
)
from .normal import log_ndtr, ndtr, ndtri
from .polynomials import (
    chebyshev_polynomial_t,
    chebyshev_polynomial_u,
    chebyshev_polynomial_v,
    chebyshev_polynomial_w,
    hermite_polynomial_h,
    hermite_polynomial_he,
    laguerre_polynomial_l,
    legendre_polynomial_p,
    shifted_chebyshev_polynomial_t,
    shifted_chebyshev_polynomial_u,
    shifted_chebyshev_polynomial_v,
    shifted_chebyshev_polynomial_w,
)
from .zeta import polygamma, zeta

modified_bessel_i0, modified_bessel_i1 = i0, i1

__all__ = [
    "airy_ai",
    "bessel_j0",
    "bessel_j1",
    "bessel_y0",
    "bessel_y1",
    "chebyshev_polynomial_t",
    "chebyshev_polynomial_u",
    "chebyshev_polynomial_v",
    "chebyshev_polynomial_w",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcx",
    "erfinv",
    "expit",
    "gammainc",
    "gammaincc",
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
    "lgamma",
    "log_ndtr",
    "logit",
    "modified_bessel_i0",
    "modified_bessel_i1",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1",
    "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
    "sinc",
    "spherical_bessel_j0",
    "trigamma",
    "xlog1py",
    "xlogy",
    "zeta",
]
