"""Special functions of NumPy arrays: pure NumPy, vectorised, accurate to a few units in the last place.

Every function takes arrays (or what ``numpy.asarray`` takes), broadcasts them, and answers a new array of their floating
dtype: float32 and float64 are computed as such or better, float16, bfloat16 and float8 through float32, integers
as float64. Poles and domain edges are PyTorch's.
"""

from .elementary import entr, expit, logit, sinc, xlog1py, xlogy
from .error import erf, erfc, erfcx, erfinv
from .gamma import digamma, lgamma, multigammaln, trigamma
from .normal import log_ndtr, ndtr, ndtri
from .zeta import polygamma, zeta

__all__ = [
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcx",
    "erfinv",
    "expit",
    "lgamma",
    "log_ndtr",
    "logit",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "sinc",
    "trigamma",
    "xlog1py",
    "xlogy",
    "zeta",
]
