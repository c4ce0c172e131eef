"""Rounding, signs, and the parts of a floating-point number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, return_types
from tour._calling import numpy_too
from tour._core import wrap
from tour._declare import binary, primitive, unary
from tour._errors import argument_error
from tour._kernels import in_single
from tour._storing import in_place, store

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "ceil",
    "ceil_",
    "copysign",
    "fix",
    "fix_",
    "floor",
    "floor_",
    "frac",
    "frac_",
    "frexp",
    "heaviside",
    "nextafter",
    "round",
    "round_",
    "sgn",
    "sign",
    "signbit",
    "trunc",
    "trunc_",
]


@unary(np.ceil, refuses="bc")
def ceil(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Each element rounded up; integers stay as they are.

    Examples:
        >>> import tour
        >>> tour.ceil(tour.tensor([1.5, -1.5]))
        tensor([ 2., -1.])
    """
    ...


@unary(np.floor, refuses="bc")
def floor(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Each element rounded down; integers stay as they are.

    Examples:
        >>> import tour
        >>> tour.floor(tour.tensor([1.5, -1.5]))
        tensor([ 1., -2.])
    """
    ...


@unary(np.trunc, refuses="bc")
def trunc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Each element rounded towards zero; integers stay as they are.

    Examples:
        >>> import tour
        >>> tour.trunc(tour.tensor([1.5, -1.5]))
        tensor([ 1., -1.])
    """
    ...


@in_single
def _frac(a: Any) -> Any:
    return a - np.trunc(a)


@unary(_frac, refuses="bic")
def frac(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """What rounding towards zero takes away: `input - trunc(input)`.

    Examples:
        >>> import tour
        >>> tour.frac(tour.tensor([1.5, -1.5]))
        tensor([ 0.5000, -0.5000])
    """
    ...


@in_single
def _round_kernel(a: Any, decimals: int) -> Any:
    scale = a.dtype.type(10.0 ** np.abs(decimals))
    return np.rint(a * scale) / scale if decimals > 0 else np.rint(a / scale) * scale


@primitive(_round_kernel)
def _round_decimals(input: Tensor, decimals: int) -> Tensor:
    """Each element rounded to a number of decimals."""
    ...


@unary(lambda a: np.rint(a) if a.dtype.kind in "fV" else np.positive(a), refuses="bc")
def _round(input: Tensor) -> Tensor:
    """Each element rounded to the nearest integer."""
    ...


def round(input: Tensor, *, decimals: int = 0, out: Tensor | None = None) -> Tensor:
    """Each element rounded to the nearest integer, halves to even; integers stay as they are.

    Args:
        input: A real tensor.
        decimals: How many decimals to keep; negative to round to tens, hundreds, …
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.round(tour.tensor([0.5, 1.5])), tour.round(tour.tensor([123.456]), decimals=-1)
        (tensor([0., 2.]), tensor([120.]))
    """
    if decimals and input._a.dtype.kind not in "fV":
        raise NotImplementedError(f'"round" with decimals is not implemented for {input.dtype.name}')
    t = _round_decimals(input, decimals) if decimals else _round(input)
    return t if out is None else store(out, t, "round")


# --- Signs ----------------------------------------------------------------------------------------------------------------


def _sign_kernel(a: Any) -> Any:
    if a.dtype.kind in "fV":  # NumPy keeps NaN; PyTorch gives 0
        return np.subtract(a > 0, a < 0, dtype=np.float32).astype(a.dtype, copy=False)
    return a.copy() if a.dtype.kind == "b" else np.sign(a)


@unary(_sign_kernel, refuses="c")
def sign(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-1, 0 or 1 by the sign of each element; 0 for NaN.

    Examples:
        >>> import tour
        >>> tour.sign(tour.tensor([-2.0, 0.0, 3.0]))
        tensor([-1.,  0.,  1.])
    """
    ...


@unary(_sign_kernel)
def sgn(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`input / abs(input)` of each element, 0 at zero; for complex tensors too.

    Examples:
        >>> import tour
        >>> tour.sgn(tour.tensor([3 + 4j, 0j]))
        tensor([0.6000+0.8000j, 0.0000+0.0000j])
    """
    ...


@unary(
    lambda a: (
        np.signbit(a) if a.dtype.kind in "fV" else np.less(a, 0) if a.dtype.kind == "i" else np.zeros_like(a, bool)
    ),
    refuses="c",
)
def signbit(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether the sign bit of each element is set; true for -0.0.

    Examples:
        >>> import tour
        >>> tour.signbit(tour.tensor([-2.0, -0.0, 3.0]))
        tensor([ True,  True, False])
    """
    ...


@binary(np.copysign, fractions=True, refuses="c", numbers="other")
def copysign(input: Tensor, other: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """The size of `input` with the sign of `other`, broadcasting.

    Examples:
        >>> import tour
        >>> tour.copysign(tour.tensor([1.0, -2.0]), tour.tensor([-0.0, 3.0]))
        tensor([-1.,  2.])
    """
    ...


@binary(np.nextafter, refuses="bic")
def nextafter(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The next number of the dtype after `input`, towards `other`.

    Examples:
        >>> import tour
        >>> tour.nextafter(tour.tensor([1.0]), tour.tensor([2.0]))
        tensor([1.0000])
    """
    ...


@binary(lambda a, b: np.where(a == 0, b, np.greater(a, 0).astype(a.dtype)), refuses="c")
def _heaviside(input: Tensor, values: Tensor) -> Tensor:
    """The step function."""
    ...


def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The step function: 0 below zero, 1 above, `values` at zero.

    Raises:
        RuntimeError: If the dtypes differ.

    Examples:
        >>> import tour
        >>> tour.heaviside(tour.tensor([-1.0, 0.0, 2.0]), tour.tensor([0.5]))
        tensor([0.0000, 0.5000, 1.0000])
    """
    if not isinstance(values, _core.Tensor):
        raise argument_error("heaviside", "values", values)
    if input._a.dtype is not values._a.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    t = _heaviside(input, values)
    return t if out is None else store(out, t, "heaviside")


# --- Mantissa and exponent --------------------------------------------------------------------------------------------------


@unary(lambda a: np.frexp(a)[0])
def _mantissa(input: Tensor) -> Tensor:
    """Mantissa of each element."""
    ...


@numpy_too
def frexp(input: Tensor, *, out: tuple[Tensor, Tensor] | None = None) -> return_types.frexp:
    """Mantissa in ±[0.5, 1) and int32 exponent of each element: `input = mantissa * 2 ** exponent`.

    Raises:
        RuntimeError: If the dtype is no floating-point one.

    Examples:
        >>> import tour
        >>> tour.frexp(tour.tensor([1.0, 10.0]))
        tour.return_types.frexp(
        mantissa=tensor([0.5000, 0.6250]),
        exponent=tensor([1, 4], dtype=tour.int32))
    """
    if not input.dtype.is_floating_point:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    pair = _mantissa(input), wrap(np.frexp(input._a)[1].astype(np.int32, copy=False))
    return return_types.frexp(*(pair if out is None else store(out, pair, "frexp")))


fix = trunc

ceil_, floor_, trunc_, frac_, round_ = in_place(ceil), in_place(floor), in_place(trunc), in_place(frac), in_place(round)
fix_ = trunc_


class Rounding:
    """Rounding and signs, as methods."""

    __slots__ = ()

    ceil, floor, trunc, fix, frac, round = ceil, floor, trunc, fix, frac, round
    ceil_, floor_, trunc_, fix_, frac_, round_ = ceil_, floor_, trunc_, fix_, frac_, round_
    sign, sgn, signbit, copysign, nextafter, heaviside = sign, sgn, signbit, copysign, nextafter, heaviside
    sign_, sgn_, copysign_, nextafter_ = in_place(sign), in_place(sgn), in_place(copysign), in_place(nextafter)
    heaviside_ = in_place(heaviside)
    frexp = frexp
