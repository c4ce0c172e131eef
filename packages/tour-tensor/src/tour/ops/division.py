"""Quotients and remainders: true, rounded down, rounded towards zero; greatest common divisors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour._core import held
from tour._declare import binary, operator, reflected, unary
from tour._storing import in_place, store

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "div",
    "divide",
    "floor_divide",
    "fmod",
    "gcd",
    "gcd_",
    "lcm",
    "lcm_",
    "reciprocal",
    "reciprocal_",
    "remainder",
    "true_divide",
]


@binary(np.true_divide, fractions=True, numbers="all")
def _div(input: Tensor, other: Tensor | complex) -> Tensor:
    """Quotient of two tensors."""
    ...


@binary(lambda a, b: np.true_divide(b, a), fractions=True)
def _rdiv(input: Tensor, other: Tensor | complex) -> Tensor:
    """Quotient `other / input`."""
    ...


def _no_zero(b: Any) -> None:
    if b.dtype.kind in "iu" and not held(b).all():
        raise RuntimeError("ZeroDivisionError: an integer tensor was divided by a tensor that holds a zero")


def _floor_kernel(a: Any, b: Any) -> Any:
    _no_zero(b)
    return np.floor_divide(a, b)


def _trunc_kernel(a: Any, b: Any) -> Any:
    _no_zero(b)
    if a.dtype.kind not in "iu":
        return np.trunc(np.true_divide(a, b))
    down = np.floor_divide(a, b)
    return down if a.dtype.kind == "u" else down + ((a % b != 0) & ((a < 0) != (b < 0)))


def _remainder_kernel(a: Any, b: Any) -> Any:
    _no_zero(b)
    return np.remainder(a, b)


def _fmod_kernel(a: Any, b: Any) -> Any:
    _no_zero(b)
    return np.fmod(a, b)


@binary(_floor_kernel, refuses="bc", numbers="all")
def _div_floor(input: Tensor, other: Tensor | float) -> Tensor:
    """Quotient of two tensors, rounded down."""
    ...


@binary(_trunc_kernel, refuses="bc", numbers="all")
def _div_trunc(input: Tensor, other: Tensor | float) -> Tensor:
    """Quotient of two tensors, rounded towards zero."""
    ...


@binary(_floor_kernel, refuses="bc")
def floor_divide(input: Tensor, other: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Quotient rounded down, `floor(input / other)`, broadcasting; without a gradient.

    Raises:
        RuntimeError: If an integer is divided by zero.

    Examples:
        >>> import tour
        >>> tour.floor_divide(tour.tensor([7, -7]), 2)
        tensor([ 3, -4])
    """
    ...


@binary(_remainder_kernel, refuses="bc")
def _remainder(input: Tensor, other: Tensor | float) -> Tensor:
    """Remainder with the sign of the divisor."""
    ...


def remainder(input: Tensor | float, other: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Remainder with the sign of the divisor, `input - floor(input / other) * other`, as Python's `%`.

    Raises:
        RuntimeError: If an integer is divided by zero.

    Examples:
        >>> import tour
        >>> tour.remainder(tour.tensor([7, -7]), 3)
        tensor([1, 2])
    """
    t = _remainder(input, other)  # type: ignore[arg-type]
    return t if out is None else store(out, t, "remainder")


@binary(_fmod_kernel, refuses="bc", numbers="other")
def fmod(input: Tensor, other: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Remainder with the sign of the dividend, as C's `fmod`.

    Raises:
        RuntimeError: If an integer is divided by zero.

    Examples:
        >>> import tour
        >>> tour.fmod(tour.tensor([7, -7]), 3)
        tensor([ 1, -1])
    """
    ...


_BY_MODE = {None: _div, "floor": _div_floor, "trunc": _div_trunc}


def div(
    input: Tensor, other: Tensor | complex, *, rounding_mode: str | None = None, out: Tensor | None = None
) -> Tensor:
    """Quotient of two tensors, broadcasting; integers are divided in the default floating-point dtype.

    Args:
        input: Dividend.
        other: Divisor.
        rounding_mode: None for the true quotient, `"trunc"` to round towards zero, `"floor"` to round down; integers then stay
            integers.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If an integer is divided by zero and rounded.

    Examples:
        >>> import tour
        >>> tour.div(tour.tensor([7.0, -7.0]), 2, rounding_mode="trunc")
        tensor([ 3., -3.])
        >>> tour.div(tour.tensor([1, 2]), 2)
        tensor([0.5000, 1.0000])
    """
    if rounding_mode not in _BY_MODE:
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}"
        )
    t = _BY_MODE[rounding_mode](input, other)  # type: ignore[arg-type]
    return t if out is None else store(out, t, "div")


def true_divide(input: Tensor, other: Tensor | complex, *, out: Tensor | None = None) -> Tensor:
    """Quotient of two tensors, broadcasting: `div` without rounding.

    Examples:
        >>> import tour
        >>> tour.true_divide(tour.tensor([1.0, 2.0]), 2)
        tensor([0.5000, 1.0000])
    """
    return div(input, other, out=out)


@unary(np.reciprocal, fractions=True)
def reciprocal(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Reciprocal `1 / input` of each element.

    Examples:
        >>> import tour
        >>> tour.reciprocal(tour.tensor([2.0, 4.0]))
        tensor([0.5000, 0.2500])
    """
    ...


@binary(np.gcd, refuses="bfc", numbers="none")
def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Greatest common divisor of integers; `gcd(0, 0)` is 0.

    Examples:
        >>> import tour
        >>> tour.gcd(tour.tensor([12, 18]), tour.tensor([8, 27]))
        tensor([4, 9])
    """
    ...


@binary(np.lcm, refuses="bfc", numbers="none")
def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Least common multiple of integers.

    Examples:
        >>> import tour
        >>> tour.lcm(tour.tensor([4, 6]), tour.tensor([6, 10]))
        tensor([12, 30])
    """
    ...


divide = div
reciprocal_, gcd_, lcm_ = in_place(reciprocal), in_place(gcd), in_place(lcm)


class Division:
    """Division as methods and operators."""

    __slots__ = ()

    div, true_divide, floor_divide, remainder, fmod = div, true_divide, floor_divide, remainder, fmod
    divide, reciprocal, gcd, lcm = div, reciprocal, gcd, lcm
    __truediv__, __rtruediv__ = operator(_div), operator(_rdiv)
    __floordiv__, __rfloordiv__ = operator(floor_divide), reflected(floor_divide)
    __mod__, __rmod__ = operator(_remainder), reflected(_remainder)
    __div__, __rdiv__ = __truediv__, __rtruediv__  # PyTorch still has Python 2's names

    div_ = divide_ = in_place(div, plain=_div)
    true_divide_ = in_place(true_divide, plain=_div)
    floor_divide_, remainder_, fmod_ = in_place(floor_divide), in_place(remainder, plain=_remainder), in_place(fmod)
    reciprocal_, gcd_, lcm_ = reciprocal_, gcd_, lcm_
    __itruediv__ = in_place(operator(_div))
    __ifloordiv__ = in_place(operator(floor_divide))
    __imod__ = in_place(operator(_remainder))

    def __divmod__(self: Any, other: Any) -> Any:
        return (self // other, self % other)

    def __rdivmod__(self: Any, other: Any) -> Any:
        return (other // self, other % self)
