"""Exponentials, logarithms, roots, trigonometry, rounding: elementwise functions of one tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tour._declare import in_place, unary

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["abs", "conj", "cos", "exp", "log", "sin", "sqrt", "tanh"]


@unary(np.absolute)
def abs(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Absolute value of each element.

    Examples:
        >>> import tour
        >>> tour.abs(tour.tensor([-1.0, 2.0]))
        tensor([1., 2.])
    """
    ...


@unary(np.exp, fractions=True)
def exp(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Exponential of each element.

    Examples:
        >>> import tour
        >>> tour.exp(tour.tensor([0.0, 1.0]))
        tensor([1.0000, 2.7183])
    """
    ...


@unary(np.log, fractions=True)
def log(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Natural logarithm of each element; NaN below zero.

    Examples:
        >>> import tour
        >>> tour.log(tour.tensor([1.0, 10.0]))
        tensor([0.0000, 2.3026])
    """
    ...


@unary(np.sqrt, fractions=True)
def sqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Square root of each element; NaN below zero.

    Examples:
        >>> import tour
        >>> tour.sqrt(tour.tensor([4.0, 9.0]))
        tensor([2., 3.])
    """
    ...


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


@unary(np.tanh, fractions=True)
def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Hyperbolic tangent of each element.

    Examples:
        >>> import tour
        >>> tour.tanh(tour.tensor([0.0, 1.0]))
        tensor([0.0000, 0.7616])
    """
    ...


@unary(np.conjugate)
def _conj(input: Tensor) -> Tensor:
    """Complex conjugate of each element."""
    ...


def conj(input: Tensor) -> Tensor:
    """Complex conjugate of each element; a real tensor is returned as it is.

    Examples:
        >>> import tour
        >>> tour.conj(tour.tensor([1 + 2j]))
        tensor([1.-2.j])
    """
    return _conj(input) if input._a.dtype.kind == "c" else input


class Math:
    """Functions of one tensor, as methods."""

    __slots__ = ()

    abs, exp, log, sqrt, sin, cos, tanh, conj = abs, exp, log, sqrt, sin, cos, tanh, conj
    __abs__ = abs

    abs_ = in_place(abs)
    exp_ = in_place(exp)
    log_ = in_place(log)
    sqrt_ = in_place(sqrt)
    sin_ = in_place(sin)
    cos_ = in_place(cos)
    tanh_ = in_place(tanh)
