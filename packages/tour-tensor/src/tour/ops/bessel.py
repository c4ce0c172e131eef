"""Bessel and Airy functions, shown in `tour.special`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tour import _special as kernels
from tour._declare import unary

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "airy_ai",
    "bessel_j0",
    "bessel_j1",
    "bessel_y0",
    "bessel_y1",
    "i0e",
    "i1",
    "i1e",
    "modified_bessel_i0",
    "modified_bessel_i1",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1",
    "spherical_bessel_j0",
]


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
