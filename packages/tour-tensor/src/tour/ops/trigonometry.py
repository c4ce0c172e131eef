"""Circular and hyperbolic functions and their inverses, element by element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _special
from tour._core import ndarray
from tour._declare import binary, unary
from tour._kernels import in_single
from tour._storing import in_place

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "acos",
    "acos_",
    "acosh",
    "acosh_",
    "arccos",
    "arccos_",
    "arccosh",
    "arccosh_",
    "arcsin",
    "arcsin_",
    "arcsinh",
    "arcsinh_",
    "arctan",
    "arctan2",
    "arctan_",
    "arctanh",
    "arctanh_",
    "asin",
    "asin_",
    "asinh",
    "asinh_",
    "atan",
    "atan2",
    "atan_",
    "atanh",
    "atanh_",
    "cos",
    "cos_",
    "cosh",
    "cosh_",
    "deg2rad",
    "deg2rad_",
    "rad2deg",
    "rad2deg_",
    "sin",
    "sin_",
    "sinc",
    "sinc_",
    "sinh",
    "sinh_",
    "tan",
    "tan_",
    "tanh",
    "tanh_",
]


@unary(np.sin, fractions=True)
def sin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Sine of each element, in radians.

    Examples:
        >>> import tour
        >>> tour.sin(tour.tensor([0.0, 1.0]))
        tensor([0.0000, 0.8415])
    """
    ...


@unary(np.cos, fractions=True)
def cos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Cosine of each element, in radians.

    Examples:
        >>> import tour
        >>> tour.cos(tour.tensor([0.0, 1.0]))
        tensor([1.0000, 0.5403])
    """
    ...


@unary(np.tan, fractions=True)
def tan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Tangent of each element, in radians.

    Examples:
        >>> import tour
        >>> tour.tan(tour.tensor([0.0, 1.0]))
        tensor([0.0000, 1.5574])
    """
    ...


@unary(np.arcsin, fractions=True)
def asin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverse sine of each element, in [-π/2, π/2]; NaN outside [-1, 1].

    Examples:
        >>> import tour
        >>> tour.asin(tour.tensor([0.0, 1.0]))
        tensor([0.0000, 1.5708])
    """
    ...


@unary(np.arccos, fractions=True)
def acos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverse cosine of each element, in [0, π]; NaN outside [-1, 1].

    Examples:
        >>> import tour
        >>> tour.acos(tour.tensor([0.0, 1.0]))
        tensor([1.5708, 0.0000])
    """
    ...


@unary(np.arctan, fractions=True)
def atan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverse tangent of each element, in [-π/2, π/2].

    Examples:
        >>> import tour
        >>> tour.atan(tour.tensor([0.0, 1.0]))
        tensor([0.0000, 0.7854])
    """
    ...


@unary(np.sinh, fractions=True)
def sinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Hyperbolic sine of each element.

    Examples:
        >>> import tour
        >>> tour.sinh(tour.tensor([0.0, 1.0]))
        tensor([0.0000, 1.1752])
    """
    ...


@unary(np.cosh, fractions=True)
def cosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Hyperbolic cosine of each element.

    Examples:
        >>> import tour
        >>> tour.cosh(tour.tensor([0.0, 1.0]))
        tensor([1.0000, 1.5431])
    """
    ...


@unary(np.tanh, fractions=True)
def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Hyperbolic tangent of each element.

    Examples:
        >>> import tour
        >>> tour.tanh(tour.tensor([0.0, 1.0]))
        tensor([0.0000, 0.7616])
    """
    ...


@unary(np.arcsinh, fractions=True)
def asinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverse hyperbolic sine of each element.

    Examples:
        >>> import tour
        >>> tour.asinh(tour.tensor([0.0, 1.0]))
        tensor([0.0000, 0.8814])
    """
    ...


@unary(np.arccosh, fractions=True)
def acosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverse hyperbolic cosine of each element; NaN below 1.

    Examples:
        >>> import tour
        >>> tour.acosh(tour.tensor([1.0, 2.0]))
        tensor([0.0000, 1.3170])
    """
    ...


@unary(np.arctanh, fractions=True)
def atanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverse hyperbolic tangent of each element; NaN outside [-1, 1].

    Examples:
        >>> import tour
        >>> tour.atanh(tour.tensor([0.0, 0.5]))
        tensor([0.0000, 0.5493])
    """
    ...


@binary(np.arctan2, fractions=True, refuses="c", numbers="none")
def atan2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Angle of the point (`other`, `input`) in the plane, in (-π, π], broadcasting.

    Examples:
        >>> import tour
        >>> tour.atan2(tour.tensor([1.0, -1.0]), tour.tensor([1.0, -1.0]))
        tensor([ 0.7854, -2.3562])
    """
    ...


@in_single
def _sinc_kernel(a: Any) -> Any:
    if a.dtype.kind != "c" and type(a) is ndarray:
        return _special.sinc(a)
    angle = a * math.pi
    return np.where(a == 0, 1, np.sin(angle) / angle)


@unary(_sinc_kernel, fractions=True)
def sinc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`sin(π input) / (π input)` of each element, which is 1 at zero.

    Examples:
        >>> import tour
        >>> tour.sinc(tour.tensor([0.0, 0.5]))
        tensor([1.0000, 0.6366])
    """
    ...


@unary(np.deg2rad, fractions=True, refuses="c")
def deg2rad(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Degrees as radians.

    Examples:
        >>> import tour
        >>> tour.deg2rad(tour.tensor([0.0, 180.0]))
        tensor([0.0000, 3.1416])
    """
    ...


@unary(np.rad2deg, fractions=True, refuses="c")
def rad2deg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Radians as degrees.

    Examples:
        >>> import tour
        >>> tour.rad2deg(tour.tensor([0.0, 3.1416]))
        tensor([  0.0000, 180.0004])
    """
    ...


arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh

sin_, cos_, tan_ = in_place(sin), in_place(cos), in_place(tan)
asin_, acos_, atan_ = in_place(asin), in_place(acos), in_place(atan)
sinh_, cosh_, tanh_ = in_place(sinh), in_place(cosh), in_place(tanh)
asinh_, acosh_, atanh_ = in_place(asinh), in_place(acosh), in_place(atanh)
arcsin_, arccos_, arctan_, arcsinh_, arccosh_, arctanh_ = asin_, acos_, atan_, asinh_, acosh_, atanh_
sinc_, deg2rad_, rad2deg_ = in_place(sinc), in_place(deg2rad), in_place(rad2deg)


class Trigonometry:
    """Circular and hyperbolic functions, as methods."""

    __slots__ = ()

    sin, cos, tan, sin_, cos_, tan_ = sin, cos, tan, sin_, cos_, tan_
    asin, acos, atan, asin_, acos_, atan_ = asin, acos, atan, asin_, acos_, atan_
    sinh, cosh, tanh, sinh_, cosh_, tanh_ = sinh, cosh, tanh, sinh_, cosh_, tanh_
    asinh, acosh, atanh, asinh_, acosh_, atanh_ = asinh, acosh, atanh, asinh_, acosh_, atanh_
    arcsin, arccos, arctan, arcsin_, arccos_, arctan_ = asin, acos, atan, asin_, acos_, atan_
    arcsinh, arccosh, arctanh, arcsinh_, arccosh_, arctanh_ = asinh, acosh, atanh, asinh_, acosh_, atanh_
    atan2, arctan2 = atan2, atan2
    atan2_ = arctan2_ = in_place(atan2)
    sinc, deg2rad, rad2deg, sinc_, deg2rad_, rad2deg_ = sinc, deg2rad, rad2deg, sinc_, deg2rad_, rad2deg_
