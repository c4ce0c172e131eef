"""PyTorch's `torch.special`: functions that statistics and physics have names for, element by element.

All of them are computed here, with kernels over NumPy; SciPy is not needed. Integers are taken in the default dtype first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tour import _special as kernels
from tour._declare import binary, unary
from tour.ops.math import exp2, expm1, log1p, sigmoid, xlogy
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


# --- Bessel and Airy functions ------------------------------------------------------------------------------------------------


@unary(kernels.i0e, fractions=True, refuses="c")
def i0e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`exp(-abs(input)) * i0(input)` of each element.

    Examples:
        >>> import tour
        >>> tour.special.i0e(tour.tensor([0.0, 1.0]))
        tensor([1.0000, 0.4658])
    """
    ...


@unary(kernels.i1, fractions=True, refuses="c")
def i1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Modified Bessel function of the first kind of order 1 of each element.

    Examples:
        >>> import tour
        >>> tour.special.i1(tour.tensor([0.0, 1.0]))
        tensor([0.0000, 0.5652])
    """
    ...


@unary(kernels.i1e, fractions=True, refuses="c")
def i1e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`exp(-abs(input)) * i1(input)` of each element.

    Examples:
        >>> import tour
        >>> tour.special.i1e(tour.tensor([0.0, 1.0]))
        tensor([0.0000, 0.2079])
    """
    ...


@unary(kernels.airy_ai, fractions=True, refuses="c")
def airy_ai(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Airy function Ai of each element.

    Examples:
        >>> import tour
        >>> tour.special.airy_ai(tour.tensor([0.0, 1.0]))
        tensor([0.3550, 0.1353])
    """
    ...


@unary(kernels.bessel_j0, fractions=True, refuses="c")
def bessel_j0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Bessel function of the first kind of order 0 of each element.

    Examples:
        >>> import tour
        >>> tour.special.bessel_j0(tour.tensor([1.0, 2.0]))
        tensor([0.7652, 0.2239])
    """
    ...


@unary(kernels.bessel_j1, fractions=True, refuses="c")
def bessel_j1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Bessel function of the first kind of order 1 of each element.

    Examples:
        >>> import tour
        >>> tour.special.bessel_j1(tour.tensor([1.0, 2.0]))
        tensor([0.4401, 0.5767])
    """
    ...


@unary(kernels.bessel_y0, fractions=True, refuses="c")
def bessel_y0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Bessel function of the second kind of order 0 of each element.

    Examples:
        >>> import tour
        >>> tour.special.bessel_y0(tour.tensor([1.0, 2.0]))
        tensor([0.0883, 0.5104])
    """
    ...


@unary(kernels.bessel_y1, fractions=True, refuses="c")
def bessel_y1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Bessel function of the second kind of order 1 of each element.

    Examples:
        >>> import tour
        >>> tour.special.bessel_y1(tour.tensor([1.0, 2.0]))
        tensor([-0.7812, -0.1070])
    """
    ...


@unary(kernels.i0, fractions=True, refuses="c")
def modified_bessel_i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Modified Bessel function of the first kind of order 0 of each element; as `i0`.

    Examples:
        >>> import tour
        >>> tour.special.modified_bessel_i0(tour.tensor([1.0, 2.0]))
        tensor([1.2661, 2.2796])
    """
    ...


@unary(kernels.i1, fractions=True, refuses="c")
def modified_bessel_i1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Modified Bessel function of the first kind of order 1 of each element; as `i1`.

    Examples:
        >>> import tour
        >>> tour.special.modified_bessel_i1(tour.tensor([1.0, 2.0]))
        tensor([0.5652, 1.5906])
    """
    ...


@unary(kernels.modified_bessel_k0, fractions=True, refuses="c")
def modified_bessel_k0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Modified Bessel function of the second kind of order 0 of each element.

    Examples:
        >>> import tour
        >>> tour.special.modified_bessel_k0(tour.tensor([1.0, 2.0]))
        tensor([0.4210, 0.1139])
    """
    ...


@unary(kernels.modified_bessel_k1, fractions=True, refuses="c")
def modified_bessel_k1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Modified Bessel function of the second kind of order 1 of each element.

    Examples:
        >>> import tour
        >>> tour.special.modified_bessel_k1(tour.tensor([1.0, 2.0]))
        tensor([0.6019, 0.1399])
    """
    ...


@unary(kernels.scaled_modified_bessel_k0, fractions=True, refuses="c")
def scaled_modified_bessel_k0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`exp(input) * modified_bessel_k0(input)` of each element.

    Examples:
        >>> import tour
        >>> tour.special.scaled_modified_bessel_k0(tour.tensor([1.0, 2.0]))
        tensor([1.1445, 0.8416])
    """
    ...


@unary(kernels.scaled_modified_bessel_k1, fractions=True, refuses="c")
def scaled_modified_bessel_k1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`exp(input) * modified_bessel_k1(input)` of each element.

    Examples:
        >>> import tour
        >>> tour.special.scaled_modified_bessel_k1(tour.tensor([1.0, 2.0]))
        tensor([1.6362, 1.0335])
    """
    ...


@unary(kernels.spherical_bessel_j0, fractions=True, refuses="c")
def spherical_bessel_j0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Spherical Bessel function of the first kind of order 0, `sin(input) / input`, of each element.

    Examples:
        >>> import tour
        >>> tour.special.spherical_bessel_j0(tour.tensor([1.0, 2.0]))
        tensor([0.8415, 0.4546])
    """
    ...


# --- Orthogonal polynomials: `input` is where, `n` the degree ------------------------------------------------------------------


@binary(kernels.chebyshev_polynomial_t, fractions=True, refuses="c")
def chebyshev_polynomial_t(input: Tensor, n: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Chebyshev polynomial of the first kind and degree `n` at each element.

    Examples:
        >>> import tour
        >>> tour.special.chebyshev_polynomial_t(tour.tensor([0.5, 2.0]), 3)
        tensor([-1., 26.])
    """
    ...


@binary(kernels.chebyshev_polynomial_u, fractions=True, refuses="c")
def chebyshev_polynomial_u(input: Tensor, n: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Chebyshev polynomial of the second kind and degree `n` at each element.

    Examples:
        >>> import tour
        >>> tour.special.chebyshev_polynomial_u(tour.tensor([0.5, 2.0]), 3)
        tensor([-1., 56.])
    """
    ...


@binary(kernels.chebyshev_polynomial_v, fractions=True, refuses="c")
def chebyshev_polynomial_v(input: Tensor, n: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Chebyshev polynomial of the third kind and degree `n` at each element.

    Examples:
        >>> import tour
        >>> tour.special.chebyshev_polynomial_v(tour.tensor([0.5, 2.0]), 3)
        tensor([-1., 41.])
    """
    ...


@binary(kernels.chebyshev_polynomial_w, fractions=True, refuses="c")
def chebyshev_polynomial_w(input: Tensor, n: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Chebyshev polynomial of the fourth kind and degree `n` at each element.

    Examples:
        >>> import tour
        >>> tour.special.chebyshev_polynomial_w(tour.tensor([0.5, 2.0]), 3)
        tensor([-1., 71.])
    """
    ...


@binary(kernels.shifted_chebyshev_polynomial_t, fractions=True, refuses="c")
def shifted_chebyshev_polynomial_t(input: Tensor, n: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Chebyshev polynomial of the first kind and degree `n` at `2 * input - 1`.

    Examples:
        >>> import tour
        >>> tour.special.shifted_chebyshev_polynomial_t(tour.tensor([0.5, 2.0]), 3)
        tensor([-0., 99.])
    """
    ...


@binary(kernels.shifted_chebyshev_polynomial_u, fractions=True, refuses="c")
def shifted_chebyshev_polynomial_u(input: Tensor, n: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Chebyshev polynomial of the second kind and degree `n` at `2 * input - 1`.

    Examples:
        >>> import tour
        >>> tour.special.shifted_chebyshev_polynomial_u(tour.tensor([0.5, 2.0]), 3)
        tensor([ -0., 204.])
    """
    ...


@binary(kernels.shifted_chebyshev_polynomial_v, fractions=True, refuses="c")
def shifted_chebyshev_polynomial_v(input: Tensor, n: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Chebyshev polynomial of the third kind and degree `n` at `2 * input - 1`.

    Examples:
        >>> import tour
        >>> tour.special.shifted_chebyshev_polynomial_v(tour.tensor([0.5, 2.0]), 3)
        tensor([  1., 169.])
    """
    ...


@binary(kernels.shifted_chebyshev_polynomial_w, fractions=True, refuses="c")
def shifted_chebyshev_polynomial_w(input: Tensor, n: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Chebyshev polynomial of the fourth kind and degree `n` at `2 * input - 1`.

    Examples:
        >>> import tour
        >>> tour.special.shifted_chebyshev_polynomial_w(tour.tensor([0.5, 2.0]), 3)
        tensor([ -1., 239.])
    """
    ...


@binary(kernels.hermite_polynomial_h, fractions=True, refuses="c")
def hermite_polynomial_h(input: Tensor, n: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Physicists' Hermite polynomial of degree `n` at each element.

    Examples:
        >>> import tour
        >>> tour.special.hermite_polynomial_h(tour.tensor([0.5, 2.0]), 3)
        tensor([-5., 40.])
    """
    ...


@binary(kernels.hermite_polynomial_he, fractions=True, refuses="c")
def hermite_polynomial_he(input: Tensor, n: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Probabilists' Hermite polynomial of degree `n` at each element.

    Examples:
        >>> import tour
        >>> tour.special.hermite_polynomial_he(tour.tensor([0.5, 2.0]), 3)
        tensor([-1.3750,  2.0000])
    """
    ...


@binary(kernels.laguerre_polynomial_l, fractions=True, refuses="c")
def laguerre_polynomial_l(input: Tensor, n: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Laguerre polynomial of degree `n` at each element.

    Examples:
        >>> import tour
        >>> tour.special.laguerre_polynomial_l(tour.tensor([0.5, 2.0]), 3)
        tensor([-0.1458, -0.3333])
    """
    ...


@binary(kernels.legendre_polynomial_p, fractions=True, refuses="c")
def legendre_polynomial_p(input: Tensor, n: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Legendre polynomial of degree `n` at each element.

    Examples:
        >>> import tour
        >>> tour.special.legendre_polynomial_p(tour.tensor([0.5, 2.0]), 3)
        tensor([-0.4375, 17.0000])
    """
    ...
