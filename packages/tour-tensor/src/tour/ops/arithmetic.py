"""Sums, products, quotients, powers: elementwise arithmetic of two tensors, broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._declare import binary, in_place, primitive, store, unary
from tour._dtypes import FROM_NUMPY, INTEGRAL

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "add",
    "div",
    "divide",
    "mul",
    "multiply",
    "neg",
    "negative",
    "pow",
    "rsub",
    "sub",
    "subtract",
    "true_divide",
]


# Each operator is an op without options, so that `x + y` is one frame; the functions add PyTorch's keywords.


@binary(np.add)
def _add(input: Tensor, other: Tensor | complex) -> Tensor:
    """Sum of two tensors."""
    ...


@binary(np.subtract)
def _sub(input: Tensor, other: Tensor | complex) -> Tensor:
    """Difference of two tensors."""
    ...


@binary(lambda a, b: np.subtract(b, a))
def _rsub(input: Tensor, other: Tensor | complex) -> Tensor:
    """Difference `other - input`."""
    ...


@binary(np.multiply)
def mul(input: Tensor, other: Tensor | complex, *, out: Tensor | None = None) -> Tensor:
    """Product of two tensors, broadcasting.

    Examples:
        >>> import tour
        >>> tour.mul(tour.tensor([1.0, 2.0]), tour.tensor([[3.0], [4.0]]))
        tensor([[3., 6.],
                [4., 8.]])
    """
    ...


@binary(np.true_divide, fractions=True)
def _div(input: Tensor, other: Tensor | complex) -> Tensor:
    """Quotient of two tensors."""
    ...


@binary(lambda a, b: np.true_divide(b, a), fractions=True)
def _rdiv(input: Tensor, other: Tensor | complex) -> Tensor:
    """Quotient `other / input`."""
    ...


@unary(np.negative)
def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Negation of each element.

    Examples:
        >>> import tour
        >>> tour.neg(tour.tensor([1.0, -2.0]))
        tensor([-1.,  2.])
    """
    ...


def add(input: Tensor, other: Tensor | complex, *, alpha: complex = 1, out: Tensor | None = None) -> Tensor:
    """Sum `input + alpha * other`, broadcasting.

    Examples:
        >>> import tour
        >>> tour.add(tour.tensor([1.0, 2.0]), 10)
        tensor([11., 12.])
    """
    t = _add(input, other if alpha == 1 else scaled(other, alpha))
    return t if out is None else store(out, t, "add")


def sub(input: Tensor, other: Tensor | complex, *, alpha: complex = 1, out: Tensor | None = None) -> Tensor:
    """Difference `input - alpha * other`, broadcasting.

    Examples:
        >>> import tour
        >>> tour.sub(tour.tensor([1.0, 2.0]), tour.tensor([1.0, 1.0]), alpha=2)
        tensor([-1.,  0.])
    """
    t = _sub(input, other if alpha == 1 else scaled(other, alpha))
    return t if out is None else store(out, t, "sub")


def rsub(input: Tensor, other: Tensor | complex, *, alpha: complex = 1) -> Tensor:
    """Difference `other - alpha * input`, broadcasting."""
    return _rsub(input if alpha == 1 else scaled(input, alpha), other)


def scaled(other: Any, alpha: complex) -> Any:
    """The product `alpha * other`.

    Raises:
        RuntimeError: If `other` holds integers and `alpha` has a fraction.
    """
    if isinstance(other, _core.Tensor) and isinstance(alpha, float) and FROM_NUMPY[other._a.dtype].rank <= INTEGRAL:
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    return other * alpha


def div(
    input: Tensor, other: Tensor | complex, *, rounding_mode: str | None = None, out: Tensor | None = None
) -> Tensor:
    """Quotient of two tensors, broadcasting; integers are divided in the default floating-point dtype.

    Args:
        input: Dividend.
        other: Divisor.
        rounding_mode: None for the true quotient, `"trunc"` to round towards zero, `"floor"` to round down.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.div(tour.tensor([1, 2]), 2)
        tensor([0.5000, 1.0000])
    """
    if rounding_mode is not None:
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}"
        )
    t = _div(input, other)
    return t if out is None else store(out, t, "div")


multiply, negative, subtract, divide, true_divide = mul, neg, sub, div, div


def _power(a: Any, exponent: Any) -> Any:
    if exponent == 2:  # np.power is ten times slower than a product
        return np.square(a)
    return np.power(a, np.asarray(exponent, a.dtype)[()])


@primitive(_power)
def _pow_number(input: Tensor, exponent: float) -> Tensor:
    """A tensor to the power of a number."""
    ...


@binary(np.power)
def _pow(input: Tensor, other: Tensor | complex) -> Tensor:
    """Power of two tensors."""
    ...


def pow(input: Tensor, exponent: Tensor | complex, *, out: Tensor | None = None) -> Tensor:
    """Power `input ** exponent`, broadcasting.

    Examples:
        >>> import tour
        >>> tour.pow(tour.tensor([1.0, 2.0, 3.0]), 2)
        tensor([1., 4., 9.])
    """
    simple = isinstance(input, _core.Tensor) and isinstance(exponent, (int, float)) and input._a.dtype.kind == "f"
    t = _pow_number(input, exponent) if simple else _pow(input, exponent)  # type: ignore[arg-type]
    return t if out is None else store(out, t, "pow")


def _rpow(input: Tensor, other: Tensor | complex) -> Tensor:
    """Power `other ** input`."""
    return _pow(_core.Tensor._of(other, input), input)


class Arithmetic:
    """Arithmetic as methods and operators."""

    __slots__ = ()

    add, sub, mul, div, pow, neg = add, sub, mul, div, pow, neg
    subtract, multiply, divide, true_divide, negative = sub, mul, div, div, neg
    __add__ = __radd__ = _add
    __sub__, __rsub__ = _sub, _rsub
    __mul__ = __rmul__ = mul
    __truediv__, __rtruediv__ = _div, _rdiv
    __neg__ = neg
    __pow__, __rpow__ = pow, _rpow

    add_ = in_place(add)
    sub_ = subtract_ = in_place(sub)
    mul_ = multiply_ = in_place(mul)
    div_ = divide_ = true_divide_ = in_place(div)
    pow_ = in_place(pow)
    neg_ = negative_ = in_place(neg)
    __iadd__ = in_place(_add)
    __isub__ = in_place(_sub)
    __imul__ = in_place(mul)
    __itruediv__ = in_place(_div)
    __ipow__ = in_place(pow)
