"""The error, gamma and Bessel functions that PyTorch shows beside the elementary ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _special
from tour._core import ndarray
from tour._declare import admitted, binary, primitive, unary
from tour._errors import argument_error
from tour._storing import in_place, store

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "digamma",
    "erf",
    "erf_",
    "erfc",
    "erfc_",
    "erfinv",
    "i0",
    "i0_",
    "igamma",
    "igammac",
    "lgamma",
    "logit",
    "logit_",
    "mvlgamma",
    "polygamma",
]


@unary(_special.erf, fractions=True, refuses="c")
def erf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Error function `2/√π ∫₀ˣ exp(-t²) dt` of each element.

    Examples:
        >>> import tour
        >>> tour.erf(tour.tensor([0.0, 1.0]))
        tensor([0.0000, 0.8427])
    """
    ...


@unary(_special.erfc, fractions=True, refuses="c")
def erfc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Complementary error function `1 - erf(input)` of each element, accurate for large ones.

    Examples:
        >>> import tour
        >>> tour.erfc(tour.tensor([0.0, 1.0]))
        tensor([1.0000, 0.1573])
    """
    ...


@unary(_special.erfinv, fractions=True, refuses="c")
def erfinv(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverse of the error function on [-1, 1]; infinite at the ends, NaN outside.

    Examples:
        >>> import tour
        >>> tour.erfinv(tour.tensor([0.0, 0.5]))
        tensor([0.0000, 0.4769])
    """
    ...


@unary(_special.lgamma, fractions=True, refuses="c")
def lgamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Logarithm of the absolute value of the gamma function of each element.

    Examples:
        >>> import tour
        >>> tour.lgamma(tour.tensor([0.5, 10.0]))
        tensor([ 0.5724, 12.8018])
    """
    ...


@unary(_special.digamma, fractions=True, refuses="c")
def digamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Derivative of `lgamma` at each element.

    Examples:
        >>> import tour
        >>> tour.digamma(tour.tensor([0.5, 1.0]))
        tensor([-1.9635, -0.5772])
    """
    ...


def _polygamma_kernel(a: Any, n: int) -> Any:
    return _special.polygamma(n, a)


@primitive(_polygamma_kernel, broadcasts=True)
def _polygamma(input: Tensor, n: int) -> Tensor:
    """The n-th derivative of digamma."""
    ...


def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The n-th derivative of `digamma` at each element.

    Args:
        n: Which derivative, not negative.
        input: A real tensor; integers are taken in the default dtype.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If `n` is negative.

    Examples:
        >>> import tour
        >>> tour.polygamma(1, tour.tensor([1.0, 0.5]))
        tensor([1.6449, 4.9348])
    """
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    input = admitted("polygamma", input, True, "c")
    t = _polygamma(input, n) if n else digamma(input)
    return t if out is None else store(out, t, "polygamma")


def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """Logarithm of the multivariate gamma function of dimension `p` of each element.

    Raises:
        RuntimeError: If `p` is less than 1.

    Examples:
        >>> import tour
        >>> tour.mvlgamma(tour.tensor([3.0]), 2)
        tensor([1.5502])
    """
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    input = admitted("mvlgamma", input, True, "bc")
    t = lgamma(input)
    for j in range(1, p):
        t = t + lgamma(input - j / 2)
    t = t + p * (p - 1) / 4 * math.log(math.pi)
    return t if out is None else store(out, t, "mvlgamma")


def _logit_kernel(a: Any, eps: float | None) -> Any:
    if type(a) is ndarray:
        return _special.logit(a, eps)
    a = a if eps is None else np.minimum(np.maximum(a, a.dtype.type(eps)), a.dtype.type(1 - eps))
    return np.log(a / (1 - a))


@primitive(_logit_kernel, broadcasts=True)
def _logit(input: Tensor, eps: float | None) -> Tensor:
    """Logarithm of the odds."""
    ...


def logit(input: Tensor, eps: float | None = None, *, out: Tensor | None = None) -> Tensor:
    """Logarithm `log(input / (1 - input))` of the odds of each element.

    Args:
        input: Probabilities; NaN outside [0, 1] unless `eps` is given.
        eps: If given, elements are first clamped to [eps, 1 - eps].
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.logit(tour.tensor([0.5, 0.9]))
        tensor([0.0000, 2.1972])
    """
    if eps is not None and not isinstance(eps, (int, float, np.number)):
        raise argument_error("logit", "eps", eps, "float")
    t = _logit(admitted("logit", input, True, "c"), eps)
    return t if out is None else store(out, t, "logit")


@unary(_special.i0, fractions=True, refuses="c")
def i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Modified Bessel function of the first kind of order 0 of each element.

    Examples:
        >>> import tour
        >>> tour.i0(tour.tensor([0.0, 1.0]))
        tensor([1.0000, 1.2661])
    """
    ...


@binary(_special.gammainc, fractions=True, refuses="c", numbers="none")
def igamma(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Regularised lower incomplete gamma function P(input, other).

    Examples:
        >>> import tour
        >>> tour.igamma(tour.tensor([1.0, 4.0]), tour.tensor([1.0, 5.0]))
        tensor([0.6321, 0.7350])
    """
    ...


@binary(_special.gammaincc, fractions=True, refuses="c", numbers="none")
def igammac(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Regularised upper incomplete gamma function Q(input, other) = 1 - P.

    Examples:
        >>> import tour
        >>> tour.igammac(tour.tensor([1.0, 4.0]), tour.tensor([1.0, 5.0]))
        tensor([0.3679, 0.2650])
    """
    ...


def _of_order(input: Any, n: int) -> Tensor:
    return polygamma(n, input)


_polygamma_ = in_place(_of_order)
erf_, erfc_, erfinv_ = in_place(erf), in_place(erfc), in_place(erfinv)
lgamma_, digamma_, logit_, i0_ = in_place(lgamma), in_place(digamma), in_place(logit), in_place(i0)


class Special:
    """Special functions, as methods."""

    __slots__ = ()

    erf, erfc, erfinv, erf_, erfc_, erfinv_ = erf, erfc, erfinv, erf_, erfc_, erfinv_
    lgamma, digamma, logit, i0, lgamma_, digamma_, logit_, i0_ = (
        lgamma,
        digamma,
        logit,
        i0,
        lgamma_,
        digamma_,
        logit_,
        i0_,
    )
    mvlgamma, mvlgamma_ = mvlgamma, in_place(mvlgamma)
    igamma, igammac, igamma_, igammac_ = igamma, igammac, in_place(igamma), in_place(igammac)

    def polygamma(self: Any, n: int) -> Tensor:
        """The n-th derivative of `digamma` at each element.

        Examples:
            >>> import tour
            >>> tour.tensor([1.0, 2.0]).polygamma(1)
            tensor([1.6449, 0.6449])
        """
        return polygamma(n, self)

    def polygamma_(self: Any, n: int) -> Tensor:
        """In-place version of `polygamma`; returns the tensor itself.

        Examples:
            >>> import tour
            >>> tour.tensor([1.0, 2.0]).polygamma_(1)
            tensor([1.6449, 0.6449])
        """
        return _polygamma_(self, n)
