"""Comparing and choosing: elementwise questions whose answers are booleans, and `where`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, _dtypes
from tour._core import as_array, wrap
from tour._declare import binary, operator, primitive, unary
from tour._errors import argument_error, explain
from tour._kernels import select
from tour._operands import match, number, operand, result_type
from tour._storing import in_place, store

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "allclose",
    "eq",
    "equal",
    "ge",
    "greater",
    "greater_equal",
    "gt",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "le",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "ne",
    "not_equal",
    "where",
]


@binary(np.equal, numbers="other")
def eq(input: Tensor, other: Tensor | complex, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are equal, broadcasting.

    Examples:
        >>> import tour
        >>> tour.eq(tour.tensor([1, 2, 3]), 2)
        tensor([False,  True, False])
    """
    ...


@binary(np.not_equal, numbers="other")
def ne(input: Tensor, other: Tensor | complex, *, out: Tensor | None = None) -> Tensor:
    """Whether elements differ, broadcasting.

    Examples:
        >>> import tour
        >>> tour.ne(tour.tensor([1, 2, 3]), 2)
        tensor([ True, False,  True])
    """
    ...


@binary(np.less, refuses="c", numbers="other")
def lt(input: Tensor, other: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are less than those of `other`, broadcasting.

    Examples:
        >>> import tour
        >>> tour.lt(tour.tensor([1, 2, 3]), 2)
        tensor([ True, False, False])
    """
    ...


@binary(np.less_equal, refuses="c", numbers="other")
def le(input: Tensor, other: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are less than or equal to those of `other`, broadcasting.

    Examples:
        >>> import tour
        >>> tour.le(tour.tensor([1, 2, 3]), 2)
        tensor([ True,  True, False])
    """
    ...


@binary(np.greater, refuses="c", numbers="other")
def gt(input: Tensor, other: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are greater than those of `other`, broadcasting.

    Examples:
        >>> import tour
        >>> tour.gt(tour.tensor([1, 2, 3]), 2)
        tensor([False, False,  True])
    """
    ...


@binary(np.greater_equal, refuses="c", numbers="other")
def ge(input: Tensor, other: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are greater than or equal to those of `other`, broadcasting.

    Examples:
        >>> import tour
        >>> tour.ge(tour.tensor([1, 2, 3]), 2)
        tensor([False,  True,  True])
    """
    ...


# --- Truth ------------------------------------------------------------------------------------------------------------------


@binary(np.logical_and, numbers="none")
def logical_and(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether both elements are nonzero, broadcasting.

    Examples:
        >>> import tour
        >>> tour.logical_and(tour.tensor([True, False]), tour.tensor([True, True]))
        tensor([ True, False])
    """
    ...


@binary(np.logical_or, numbers="none")
def logical_or(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether either element is nonzero, broadcasting.

    Examples:
        >>> import tour
        >>> tour.logical_or(tour.tensor([True, False]), tour.tensor([True, True]))
        tensor([True, True])
    """
    ...


@binary(np.logical_xor, numbers="none")
def logical_xor(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether exactly one of two elements is nonzero, broadcasting.

    Examples:
        >>> import tour
        >>> tour.logical_xor(tour.tensor([True, False]), tour.tensor([True, True]))
        tensor([False,  True])
    """
    ...


@unary(np.logical_not)
def logical_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether each element is zero.

    Examples:
        >>> import tour
        >>> tour.logical_not(tour.tensor([0.0, 2.0]))
        tensor([ True, False])
    """
    ...


# --- What is no ordinary number -------------------------------------------------------------------------------------------------


@unary(np.isnan)
def isnan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether each element is NaN; either part for complex tensors.

    Examples:
        >>> import tour
        >>> tour.isnan(tour.tensor([1.0, float("nan")]))
        tensor([False,  True])
    """
    ...


@unary(np.isinf)
def isinf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether each element is infinite; either part for complex tensors.

    Examples:
        >>> import tour
        >>> tour.isinf(tour.tensor([1.0, float("-inf")]))
        tensor([False,  True])
    """
    ...


@unary(np.isfinite)
def isfinite(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether each element is neither NaN nor infinite.

    Examples:
        >>> import tour
        >>> tour.isfinite(tour.tensor([1.0, float("nan")]))
        tensor([ True, False])
    """
    ...


@unary(lambda a: a == np.inf if a.dtype.kind in "fV" else np.zeros_like(a, np.bool_), refuses="c")
def isposinf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether each element is positive infinity.

    Examples:
        >>> import tour
        >>> tour.isposinf(tour.tensor([1.0, float("inf")]))
        tensor([False,  True])
    """
    ...


@unary(lambda a: a == -np.inf if a.dtype.kind in "fV" else np.zeros_like(a, np.bool_), refuses="c")
def isneginf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether each element is negative infinity.

    Examples:
        >>> import tour
        >>> tour.isneginf(tour.tensor([1.0, float("-inf")]))
        tensor([False,  True])
    """
    ...


# --- Nearly equal -------------------------------------------------------------------------------------------------------------


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether elements are equal up to `atol + rtol * abs(other)`, broadcasting.

    Args:
        input: Any tensor.
        other: A tensor of the same dtype.
        rtol: Relative tolerance, not negative.
        atol: Absolute tolerance, not negative.
        equal_nan: Whether NaN is close to NaN.

    Raises:
        RuntimeError: If the dtypes differ, or a tolerance is negative.

    Examples:
        >>> import tour
        >>> tour.isclose(tour.tensor([1.0, 2.0]), tour.tensor([1.0 + 1e-9, 2.1]))
        tensor([ True, False])
    """
    for name, x in (("input", input), ("other", other)):
        if not isinstance(x, _core.Tensor):
            raise argument_error("isclose", name, x)
    a, b = input._a, other._a
    if a.dtype is not b.dtype:
        raise RuntimeError(f"{input.dtype.name} did not match {other.dtype.name}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if not tolerance >= 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance}")
    try:
        return wrap(as_array(_isclose_kernel(a, b, rtol, atol, equal_nan)))
    except ValueError as error:
        raise explain("isclose", error, input, other) from None


def _isclose_kernel(a: Any, b: Any, rtol: float, atol: float, equal_nan: bool) -> Any:
    same = a == b
    if equal_nan and a.dtype.kind in "fcV":
        same = same | (np.isnan(a) & np.isnan(b))
    if not rtol and not atol:
        return same
    if a.dtype.kind in "biu":
        a, b = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore"):
        error = np.abs(a - b)
        return same | (np.isfinite(error) & (error <= atol + np.abs(rtol * b)))


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are equal up to `atol + rtol * abs(other)`.

    Args:
        input: Any tensor.
        other: A tensor of the same dtype; the shapes broadcast.
        rtol: Relative tolerance, not negative.
        atol: Absolute tolerance, not negative.
        equal_nan: Whether NaN is close to NaN.

    Returns:
        A Python bool; True if there are no elements.

    Raises:
        RuntimeError: If the dtypes differ, the shapes do not broadcast, or a tolerance is negative.
        TypeError: If one of the two is no tensor.

    Examples:
        >>> import tour
        >>> tour.allclose(tour.tensor([1.0]), tour.tensor([1.0 + 1e-9]))
        True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan)._a.all())


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same elements; NaN equals nothing.

    Examples:
        >>> import tour
        >>> tour.equal(tour.tensor([1, 2]), tour.tensor([1, 2]))
        True
    """
    for name, x in (("input", input), ("other", other)):
        if not isinstance(x, _core.Tensor):
            raise argument_error("equal", name, x)
    a, b = input._a, other._a
    return bool(a.shape == b.shape and (a == b).all())


# --- Choosing ---------------------------------------------------------------------------------------------------------------


@primitive(select, broadcasts=True)
def _where(condition: Tensor, input: Tensor, other: Tensor) -> Tensor:
    """Elements of `input` where the condition holds, else of `other`."""
    ...


def where(condition: Tensor, input: Any = None, other: Any = None, *, out: Tensor | None = None) -> Any:
    """Elements of `input` where `condition` holds, and of `other` elsewhere, broadcasting.

    With the condition alone: the indices where it holds, one tensor per dimension (`nonzero(as_tuple=True)`).

    Args:
        condition: A boolean tensor; uint8 counts as boolean, too.
        input: A tensor or a number, taken where the condition holds.
        other: A tensor or a number, taken elsewhere; the result has the dtype to which both promote.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If the condition is not boolean, or the shapes do not broadcast.
        TypeError: If the condition is no tensor, or only one of `input` and `other` is given.

    Examples:
        >>> import tour
        >>> x = tour.tensor([-1.0, 2.0])
        >>> tour.where(x > 0, x, 0.0)
        tensor([0., 2.])
    """
    if not isinstance(condition, _core.Tensor):
        raise argument_error("where", "condition", condition)
    if input is None and other is None:
        return tuple(wrap(i) for i in np.nonzero(np.atleast_1d(condition._a)))
    if (d := condition.dtype) is not _dtypes.bool:
        if d is not _dtypes.uint8:
            raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {d.name}")
        condition = condition.to(_dtypes.bool)
    t = _where(condition, *_choices(input, other))
    return t if out is None else store(out, t, "where")


def _choices(a: Any, b: Any) -> tuple[Any, Any]:
    """Two tensors of one dtype."""
    if not isinstance(a, _core.Tensor) and not isinstance(b, _core.Tensor):
        d = result_type(a, b).numpy
        return number(a, d), number(b, d)
    a = a if isinstance(a, _core.Tensor) else operand(a, b)
    b = operand(b, a)
    return (a, b) if a._a.dtype is b._a.dtype else match(a, b)


greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne


class Comparison:
    """Comparisons, as methods and operators."""

    __slots__ = ()

    eq, ne, lt, le, gt, ge = eq, ne, lt, le, gt, ge
    greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
    logical_and, logical_or, logical_xor, logical_not = logical_and, logical_or, logical_xor, logical_not
    isnan, isinf, isfinite, isposinf, isneginf = isnan, isinf, isfinite, isposinf, isneginf
    isclose, allclose, equal = isclose, allclose, equal
    __lt__, __le__, __gt__, __ge__ = operator(lt), operator(le), operator(gt), operator(ge)
    __eq__: Any = operator(eq)
    __ne__: Any = operator(ne)

    eq_, ne_ = in_place(eq), in_place(ne)
    lt_, le_, gt_, ge_ = in_place(lt), in_place(le), in_place(gt), in_place(ge)
    greater_, greater_equal_, less_, less_equal_, not_equal_ = gt_, ge_, lt_, le_, ne_
    logical_and_, logical_or_ = in_place(logical_and), in_place(logical_or)
    logical_xor_, logical_not_ = in_place(logical_xor), in_place(logical_not)

    def where(self: Any, condition: Tensor, other: Any) -> Tensor:
        """Elements of this tensor where `condition` holds, and of `other` elsewhere.

        Examples:
            >>> import tour
            >>> x = tour.tensor([1.0, -2.0])
            >>> x.where(x > 0, 0.0)
            tensor([1., 0.])
        """
        return where(condition, self, other)  # type: ignore[no-any-return]
