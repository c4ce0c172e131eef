"""Comparing and choosing: elementwise questions whose answers are booleans, and `where`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._declare import binary, in_place, primitive, store
from tour._operands import match, operand

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["eq", "ge", "gt", "le", "lt", "ne", "where"]


@binary(np.equal)
def eq(input: Tensor, other: Tensor | complex, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are equal, broadcasting.

    Examples:
        >>> import tour
        >>> tour.eq(tour.tensor([1, 2]), 2)
        tensor([False,  True])
    """
    ...


@binary(np.not_equal)
def ne(input: Tensor, other: Tensor | complex, *, out: Tensor | None = None) -> Tensor:
    """Whether elements differ, broadcasting."""
    ...


@binary(np.less)
def lt(input: Tensor, other: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are less than those of `other`, broadcasting."""
    ...


@binary(np.less_equal)
def le(input: Tensor, other: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are less than or equal to those of `other`, broadcasting."""
    ...


@binary(np.greater)
def gt(input: Tensor, other: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are greater than those of `other`, broadcasting."""
    ...


@binary(np.greater_equal)
def ge(input: Tensor, other: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are greater than or equal to those of `other`, broadcasting."""
    ...


@primitive(np.where, broadcasts=True)
def _where(condition: Tensor, input: Tensor, other: Tensor) -> Tensor:
    """Elements of `input` where the condition holds, else of `other`."""
    ...


def where(condition: Tensor, input: Any = None, other: Any = None, *, out: Tensor | None = None) -> Any:
    """Elements of `input` where `condition` holds, and of `other` elsewhere, broadcasting.

    With the condition alone: the indices where it holds, one tensor per dimension (`nonzero(as_tuple=True)`).

    Raises:
        TypeError: If the condition is not boolean.

    Examples:
        >>> import tour
        >>> x = tour.tensor([-1.0, 2.0])
        >>> tour.where(x > 0, x, 0.0)
        tensor([0., 2.])
    """
    if input is None and other is None:
        return tuple(_core.wrap(i) for i in np.nonzero(condition._a))
    a, b = (input, other) if isinstance(input, _core.Tensor) else (other, input)
    if not isinstance(a, _core.Tensor):
        a = _core.Tensor._of_number(a)
    b = operand(b, a)
    if a._a.dtype is not b._a.dtype:
        a, b = match(a, b)
    t = _where(condition, a, b) if isinstance(input, _core.Tensor) or a is input else _where(condition, b, a)
    return t if out is None else store(out, t, "where")


class Comparison:
    """Comparisons, as methods and operators."""

    __slots__ = ()

    eq, ne, lt, le, gt, ge = eq, ne, lt, le, gt, ge
    __lt__, __le__, __gt__, __ge__ = lt, le, gt, ge
    eq_, ne_ = in_place(eq), in_place(ne)
    lt_, le_, gt_, ge_ = in_place(lt), in_place(le), in_place(gt), in_place(ge)

    def __eq__(self, other: object) -> Any:
        return eq(self, other) if other is not None else False  # type: ignore[arg-type]

    def __ne__(self, other: object) -> Any:
        return ne(self, other) if other is not None else True  # type: ignore[arg-type]

    def where(self: Any, condition: Tensor, other: Any) -> Tensor:
        """Elements of this tensor where `condition` holds, and of `other` elsewhere."""
        return where(condition, self, other)  # type: ignore[no-any-return]
