"""Orthogonal polynomials, shown in `tour.special`: `input` is where, `n` the degree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tour import _special as kernels
from tour._declare import binary

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
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
]


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
