"""Powers and roots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, _dtypes
from tour._core import Op, kernel_for
from tour._declare import binary, mapped, unary, yielding
from tour._dtypes import BOOLEAN, FLOATING, FROM_NUMPY, INTEGRAL
from tour._errors import argument_error
from tour._kernels import in_single
from tour._operands import is_operand, number
from tour._storing import in_place, store

if TYPE_CHECKING:
    from tour._tensor import Tensor

_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)

__all__ = ["float_power", "ldexp", "ldexp_", "pow", "rsqrt", "rsqrt_", "sqrt", "sqrt_", "square", "square_"]


@unary(np.sqrt, fractions=True)
def sqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Square root of each element; NaN below zero.

    Examples:
        >>> import tour
        >>> tour.sqrt(tour.tensor([4.0, 9.0]))
        tensor([2., 3.])
    """
    ...


@in_single
def _rsqrt(a: Any) -> Any:
    root = np.sqrt(a)
    return np.reciprocal(root, root) if type(root) is np.ndarray else np.reciprocal(root)


@unary(_rsqrt, fractions=True)
def rsqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Reciprocal `1 / sqrt(input)` of the square root of each element.

    Examples:
        >>> import tour
        >>> tour.rsqrt(tour.tensor([4.0, 16.0]))
        tensor([0.5000, 0.2500])
    """
    ...


# PyTorch computes these powers without a logarithm; NumPy's power is ten times slower than a product.
_BY_EXPONENT: dict[complex, Any] = {
    0: np.ones_like,
    0.5: np.sqrt,
    1: np.positive,
    2: np.square,
    3: lambda a: a * a * a,
    -0.5: _rsqrt,
    -1: np.reciprocal,
    -2: lambda a: np.reciprocal(np.square(a)),
}


@in_single
def _power_kernel(a: Any, exponent: Any) -> Any:
    simple = _BY_EXPONENT.get(exponent)
    return np.power(a, a.dtype.type(exponent)) if simple is None else simple(a)


_POW_NUMBER = Op("pow_number", ("input", "exponent"), _power_kernel)


def _powers_kernel(a: Any, b: Any) -> Any:
    if a.dtype.kind != "i":
        return np.power(a, b)
    down = b < 0  # only 1 and -1 have integer reciprocals
    r = np.power(a, np.where(down, b & 1, b))
    return np.where(down & (np.abs(a) != 1), 0, r)


@binary(_powers_kernel, refuses="b")
def _pow(input: Tensor, exponent: Tensor | complex) -> Tensor:
    """Power of two tensors."""
    ...


def pow(input: Tensor | complex, exponent: Tensor | complex, *, out: Tensor | None = None) -> Tensor:
    """Power `input ** exponent`, broadcasting; either may be a number.

    Integers to negative powers round towards zero, except that a negative number as exponent is refused.

    Raises:
        RuntimeError: If integers are raised to a negative integer.

    Examples:
        >>> import tour
        >>> tour.pow(tour.tensor([1.0, 2.0, 3.0]), 2), tour.pow(2, tour.tensor([1, 2, 3]))
        (tensor([1., 4., 9.]), tensor([2, 4, 8]))
    """
    if not isinstance(input, _core.Tensor):
        base = _core.Tensor._of(input, exponent) if isinstance(exponent, _core.Tensor) else input
        t = _pow(base, exponent)  # type: ignore[arg-type]  # two numbers are refused there, with PyTorch's exception
    elif isinstance(exponent, (int, float, complex)):
        base = _power_base(input, exponent)
        t = mapped(_POW_NUMBER, kernel_for(_POW_NUMBER, base._a)(base._a, exponent), base, exponent)
    else:
        t = _pow(input, exponent)
    return t if out is None else store(out, t, "pow")


def _power_base(input: Any, exponent: complex) -> Any:
    """The base in the dtype of its power of a number."""
    if (d := input._a.dtype) is _F32 or d is _F64:
        if not isinstance(exponent, complex):
            return input
    rank = FROM_NUMPY[d].rank
    if isinstance(exponent, int) and rank <= INTEGRAL and exponent < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    if rank >= FLOATING and not isinstance(exponent, complex):
        return input
    d = number(exponent, input._a.dtype).dtype
    if d.rank == BOOLEAN:
        raise NotImplementedError('"pow" is not implemented for bool')
    return input.to(d)


def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Square of each element.

    Examples:
        >>> import tour
        >>> tour.square(tour.tensor([-1.0, 2.0]))
        tensor([1., 4.])
    """
    return pow(input, 2, out=out)


def float_power(input: Tensor | complex, exponent: Tensor | complex, *, out: Tensor | None = None) -> Tensor:
    """Power computed in float64, or complex128 if either side is complex.

    Examples:
        >>> import tour
        >>> tour.float_power(tour.tensor([2, 3]), -1)
        tensor([0.5000, 0.3333], dtype=tour.float64)
    """
    sides = (input, exponent)
    curved = any(x.is_complex() if isinstance(x, _core.Tensor) else isinstance(x, complex) for x in sides)
    d = _dtypes.complex128 if curved else _dtypes.float64
    if out is not None and out.dtype is not d:
        raise RuntimeError(
            f"the output given to float_power has dtype {out.dtype.name} but the operation's result requires dtype {d.name}"
        )
    base, power = (x.to(d) if isinstance(x, _core.Tensor) else complex(x) if curved else float(x) for x in sides)  # type: ignore[arg-type]
    return pow(base, power, out=out)


def float_power_(self: Any, exponent: Any) -> Any:
    """In-place version of `float_power`, for float64 and complex128.

    Examples:
        >>> import tour
        >>> tour.tensor([1.0, 2.0], dtype=tour.float64).float_power_(3)
        tensor([1., 8.], dtype=tour.float64)
    """
    result = float_power(self, exponent)
    if result.dtype is not self.dtype:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {self.dtype.name} but the operation's result requires dtype {result.dtype.name}"
        )
    return self.pow_(exponent)


def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Product `input * 2 ** other`.

    Examples:
        >>> import tour
        >>> tour.ldexp(tour.tensor([1.5]), tour.tensor([3]))
        tensor([12.])
    """
    for name, x in (("input", input), ("other", other)):
        if not isinstance(x, _core.Tensor):
            raise argument_error("ldexp", name, x)
    t = input * pow(2.0, other)
    return t if out is None else store(out, t, "ldexp")


sqrt_, square_, rsqrt_, ldexp_ = in_place(sqrt), in_place(square), in_place(rsqrt), in_place(ldexp)


class Powers:
    """Powers and roots as methods and operators."""

    __slots__ = ()

    pow, square, sqrt, rsqrt, float_power, ldexp = pow, square, sqrt, rsqrt, float_power, ldexp
    pow_, square_, sqrt_, rsqrt_, ldexp_ = in_place(pow), square_, sqrt_, rsqrt_, ldexp_
    float_power_ = float_power_
    __pow__ = yielding(pow)
    __ipow__ = in_place(yielding(pow))

    def __rpow__(self: Any, other: Any) -> Any:
        return pow(other, self) if is_operand(other) else NotImplemented
