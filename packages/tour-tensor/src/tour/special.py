"""PyTorch's `torch.special`: functions that statistics and physics have names for, element by element.

All of them are computed here, with kernels over NumPy; SciPy is not needed. Integers are taken in the default dtype first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tour import _special as kernels
from tour._declare import binary, unary
from tour.ops.bessel import (
    airy_ai,
    bessel_j0,
    bessel_j1,
    bessel_y0,
    bessel_y1,
    i0e,
    i1,
    i1e,
    modified_bessel_i0,
    modified_bessel_i1,
    modified_bessel_k0,
    modified_bessel_k1,
    scaled_modified_bessel_k0,
    scaled_modified_bessel_k1,
    spherical_bessel_j0,
)
from tour.ops.math import exp2, expm1, log1p, sigmoid, xlogy
from tour.ops.polynomials import (
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
from tour.ops.reductions import logsumexp
from tour.ops.rounding import round
from tour.ops.softmax import log_softmax, softmax
from tour.ops.special import digamma, erf, erfc, erfinv, i0, igamma, igammac, lgamma, logit, mvlgamma, polygamma
from tour.ops.trigonometry import sinc

if TYPE_CHECKING:
    from tour._tensor import Tensor

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
    "exp2",
    "expit",
    "expm1",
    "gammainc",
    "gammaincc",
    "gammaln",
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
    "log1p",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "modified_bessel_i0",
    "modified_bessel_i1",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "round",
    "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1",
    "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
    "sinc",
    "softmax",
    "spherical_bessel_j0",
    "xlog1py",
    "xlogy",
    "zeta",
]

expit, psi, gammaln, multigammaln = sigmoid, digamma, lgamma, mvlgamma
gammainc, gammaincc = igamma, igammac

# --- Probability ------------------------------------------------------------------------------------------------------------


@unary(kernels.entr, fractions=True, refuses="c")
def entr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Entropy `-input * log(input)` of each element; 0 at zero, -inf below.

    Examples:
        >>> import tour
        >>> tour.special.entr(tour.tensor([0.0, 0.5]))
        tensor([0.0000, 0.3466])
    """
    ...


@unary(kernels.erfcx, fractions=True, refuses="c")
def erfcx(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Scaled complementary error function `exp(input²) * erfc(input)` of each element.

    Examples:
        >>> import tour
        >>> tour.special.erfcx(tour.tensor([0.0, 10.0]))
        tensor([1.0000, 0.0561])
    """
    ...


@unary(kernels.ndtr, fractions=True, refuses="c")
def ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Probability that a standard normal number is at most each element.

    Examples:
        >>> import tour
        >>> tour.special.ndtr(tour.tensor([0.0, 1.96]))
        tensor([0.5000, 0.9750])
    """
    ...


@unary(kernels.ndtri, fractions=True, refuses="c")
def ndtri(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Quantile of the standard normal distribution at each element: the inverse of `ndtr`.

    Examples:
        >>> import tour
        >>> tour.special.ndtri(tour.tensor([0.5, 0.975]))
        tensor([0.0000, 1.9600])
    """
    ...


@unary(kernels.log_ndtr, fractions=True, refuses="c")
def log_ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Logarithm of `ndtr`, accurate far below zero.

    Examples:
        >>> import tour
        >>> tour.special.log_ndtr(tour.tensor([0.0, -40.0]))
        tensor([-6.9315e-01, -8.0461e+02])
    """
    ...


@binary(kernels.xlog1py, fractions=True, refuses="c")
def xlog1py(input: Tensor, other: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """`input * log1p(other)`, which is zero where `input` is zero and `other` is not NaN.

    Examples:
        >>> import tour
        >>> tour.special.xlog1py(tour.tensor([0.0, 2.0]), tour.tensor([-1.0, 3.0]))
        tensor([0.0000, 2.7726])
    """
    ...


@binary(kernels.zeta, fractions=True, refuses="c")
def zeta(input: Tensor, other: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Hurwitz zeta function `Σ (k + other) ** -input` over k = 0, 1, 2, …

    Examples:
        >>> import tour
        >>> tour.special.zeta(tour.tensor([2.0, 4.0]), 1)
        tensor([1.6449, 1.0823])
    """
    ...
