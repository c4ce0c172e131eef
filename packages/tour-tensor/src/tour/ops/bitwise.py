"""Bits of integers, and masks of booleans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour._declare import binary, operator, reflected, unary
from tour._storing import in_place

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
]


@binary(np.bitwise_and, refuses="fc")
def bitwise_and(input: Tensor, other: Tensor | int, *, out: Tensor | None = None) -> Tensor:
    """Bits that both have; logical and for booleans.

    Examples:
        >>> import tour
        >>> tour.bitwise_and(tour.tensor([6, 5]), 3)
        tensor([2, 1])
    """
    ...


@binary(np.bitwise_or, refuses="fc")
def bitwise_or(input: Tensor, other: Tensor | int, *, out: Tensor | None = None) -> Tensor:
    """Bits that either has; logical or for booleans.

    Examples:
        >>> import tour
        >>> tour.bitwise_or(tour.tensor([6, 5]), 3)
        tensor([7, 7])
    """
    ...


@binary(np.bitwise_xor, refuses="fc")
def bitwise_xor(input: Tensor, other: Tensor | int, *, out: Tensor | None = None) -> Tensor:
    """Bits in which they differ; logical exclusive or for booleans.

    Examples:
        >>> import tour
        >>> tour.bitwise_xor(tour.tensor([6, 5]), 3)
        tensor([5, 6])
    """
    ...


@binary(np.left_shift, refuses="bfc")
def bitwise_left_shift(input: Tensor, other: Tensor | int, *, out: Tensor | None = None) -> Tensor:
    """Bits moved up by `other` places; zero where all are moved out.

    Examples:
        >>> import tour
        >>> tour.bitwise_left_shift(tour.tensor([1, 2]), 3)
        tensor([ 8, 16])
    """
    ...


@binary(np.right_shift, refuses="bfc")
def bitwise_right_shift(input: Tensor, other: Tensor | int, *, out: Tensor | None = None) -> Tensor:
    """Bits moved down by `other` places, keeping the sign.

    Examples:
        >>> import tour
        >>> tour.bitwise_right_shift(tour.tensor([16, -16]), 2)
        tensor([ 4, -4])
    """
    ...


@unary(np.invert, refuses="fc")
def bitwise_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Each bit inverted; logical not for booleans.

    Examples:
        >>> import tour
        >>> tour.bitwise_not(tour.tensor([0, 5]))
        tensor([-1, -6])
    """
    ...


class Bitwise:
    """Bits, as methods and operators."""

    __slots__ = ()

    bitwise_and, bitwise_or, bitwise_xor, bitwise_not = bitwise_and, bitwise_or, bitwise_xor, bitwise_not
    bitwise_left_shift, bitwise_right_shift = bitwise_left_shift, bitwise_right_shift
    __and__ = __rand__ = operator(bitwise_and)
    __or__ = __ror__ = operator(bitwise_or)
    __xor__ = __rxor__ = operator(bitwise_xor)
    __lshift__, __rlshift__ = operator(bitwise_left_shift), reflected(bitwise_left_shift)
    __rshift__, __rrshift__ = operator(bitwise_right_shift), reflected(bitwise_right_shift)

    bitwise_and_, bitwise_or_, bitwise_xor_ = in_place(bitwise_and), in_place(bitwise_or), in_place(bitwise_xor)
    bitwise_not_ = in_place(bitwise_not)
    bitwise_left_shift_, bitwise_right_shift_ = in_place(bitwise_left_shift), in_place(bitwise_right_shift)
    __iand__, __ior__, __ixor__ = map(in_place, (operator(bitwise_and), operator(bitwise_or), operator(bitwise_xor)))
    __ilshift__ = in_place(operator(bitwise_left_shift))
    __irshift__ = in_place(operator(bitwise_right_shift))

    def __invert__(self: Any) -> Tensor:
        if self._a.dtype.kind not in "biu":
            raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
        return bitwise_not(self)
