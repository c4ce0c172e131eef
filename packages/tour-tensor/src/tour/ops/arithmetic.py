"""Sums, differences, products and what is made of them: elementwise arithmetic of tensors, broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._calling import numpy_too
from tour._declare import binary, operator, primitive, unary
from tour._dtypes import BOOLEAN, FLOATING, FROM_NUMPY, INTEGRAL
from tour._errors import argument_error
from tour._kernels import in_single
from tour._operands import common, match, operand
from tour._storing import in_place, store

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "add",
    "addcdiv",
    "addcmul",
    "hypot",
    "lerp",
    "mul",
    "multiply",
    "neg",
    "neg_",
    "negative",
    "negative_",
    "positive",
    "rsub",
    "sub",
    "subtract",
]


# Each operator is an op without options, so that `x + y` is one frame; the functions add PyTorch's keywords.


@binary(np.add, numbers="all")
def _add(input: Tensor, other: Tensor | complex) -> Tensor:
    """Sum of two tensors."""
    ...


def _no_booleans(input: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """The operands of a difference in one dtype; PyTorch subtracts neither from masks nor masks."""
    if BOOLEAN in (FROM_NUMPY[input._a.dtype].rank, FROM_NUMPY[other._a.dtype].rank):
        raise RuntimeError(_NO_MASKS)
    return match(input, other)


def _no_boolean(x: Any, beside: Any) -> Any:
    """The second operand of a difference, which may be no boolean."""
    if type(x) is bool:
        raise RuntimeError(_NO_MASKS)
    return operand(x, beside)


_NO_MASKS = (
    "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the `~` or "
    "`logical_not()` operator instead."
)


@binary(np.subtract, numbers="all", unify=_no_booleans, second=_no_boolean)
def _sub(input: Tensor, other: Tensor | complex) -> Tensor:
    """Difference of two tensors."""
    ...


@binary(lambda a, b: np.subtract(b, a), unify=_no_booleans, second=_no_boolean)
def _rsub(input: Tensor, other: Tensor | complex) -> Tensor:
    """Difference `other - input`."""
    ...


@binary(np.multiply, numbers="all")
def mul(input: Tensor, other: Tensor | complex, *, out: Tensor | None = None) -> Tensor:
    """Product of two tensors, broadcasting.

    Examples:
        >>> import tour
        >>> tour.mul(tour.tensor([[1.0, 2.0], [3.0, 4.0]]), tour.tensor([[1.0], [10.0]]))
        tensor([[ 1.,  2.],
                [30., 40.]])
    """
    ...


@unary(np.negative, refuses="b")
def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Negation of each element; booleans are refused (`~` inverts a mask).

    Examples:
        >>> import tour
        >>> tour.neg(tour.tensor([1.0, -2.0]))
        tensor([-1.,  2.])
    """
    ...


@numpy_too
def positive(input: Tensor) -> Tensor:
    """The tensor itself; booleans are refused.

    Examples:
        >>> import tour
        >>> tour.positive(tour.tensor([1.0, -2.0]))
        tensor([ 1., -2.])
    """
    if FROM_NUMPY[input._a.dtype].rank == BOOLEAN:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def add(input: Tensor, other: Tensor | complex, *, alpha: complex = 1, out: Tensor | None = None) -> Tensor:
    """Sum `input + alpha * other`, broadcasting.

    Args:
        input: A tensor.
        other: A tensor or a number; the shapes broadcast, and the result has the dtype to which both promote.
        alpha: A factor of `other`. It must be an integer if both operands hold integers, and real if both are real.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If the shapes do not broadcast, or `alpha` does not suit the dtypes.
        TypeError: If `input` is no tensor, or `other` neither a tensor nor a number.

    Examples:
        >>> import tour
        >>> tour.add(tour.tensor([1.0, 2.0]), 10)
        tensor([11., 12.])
    """
    t = _add(input, other if alpha == 1 else scaled(other, alpha, input))
    return t if out is None else store(out, t, "add")


def sub(input: Tensor, other: Tensor | complex, *, alpha: complex = 1, out: Tensor | None = None) -> Tensor:
    """Difference `input - alpha * other`, broadcasting.

    Args:
        input: A tensor, not of booleans.
        other: A tensor, not of booleans, or a number; the shapes broadcast, and the result has the dtype to which both
            promote.
        alpha: A factor of `other`. It must be an integer if both operands hold integers, and real if both are real.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If the shapes do not broadcast, an operand is boolean (`~` inverts a mask), or `alpha` does not
            suit the dtypes.
        TypeError: If `input` is no tensor, or `other` neither a tensor nor a number.

    Examples:
        >>> import tour
        >>> tour.sub(tour.tensor([1.0, 2.0]), tour.tensor([1.0, 1.0]), alpha=2)
        tensor([-1.,  0.])
    """
    t = _sub(input, other if alpha == 1 else scaled(other, alpha, input))
    return t if out is None else store(out, t, "sub")


def rsub(input: Tensor, other: Tensor | complex, *, alpha: complex = 1) -> Tensor:
    """Difference `other - alpha * input`, broadcasting.

    Args:
        input: What is subtracted: a tensor, not of booleans.
        other: What it is subtracted from: a tensor, not of booleans, or a number; the shapes broadcast.
        alpha: A factor of `input`. It must be an integer if both operands hold integers, and real if both are real.

    Raises:
        RuntimeError: If the shapes do not broadcast, an operand is boolean, or `alpha` does not suit the dtypes.
        TypeError: If `input` is no tensor, or `other` neither a tensor nor a number.

    Examples:
        >>> import tour
        >>> tour.rsub(tour.tensor([1.0, 2.0]), 10, alpha=2)
        tensor([8., 6.])
    """
    if not isinstance(input, _core.Tensor):
        raise argument_error("rsub", "input", input)
    return _rsub(input if alpha == 1 else scaled(input, alpha, other), other)


def scaled(other: Any, alpha: complex, input: Any) -> Any:
    """The product `alpha * other` in a sum with `input`.

    Raises:
        RuntimeError: If the sum has a lower kind of dtype than `alpha`.
    """
    kinds = [FROM_NUMPY[t._a.dtype].rank for t in (input, other) if isinstance(t, _core.Tensor)]
    highest = max(kinds, default=FLOATING)
    if isinstance(alpha, bool) and highest > BOOLEAN:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if isinstance(alpha, float) and highest <= INTEGRAL and not isinstance(other, float):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, complex) and highest <= FLOATING and not isinstance(other, complex):  # type: ignore[redundant-expr]
        raise RuntimeError("For non-complex input tensors, argument alpha must not be a complex number.")
    if highest == BOOLEAN:
        return mul(other, bool(alpha))  # a product with an integer would not stay boolean
    return other * alpha


# --- Three operands -------------------------------------------------------------------------------------------------------


@in_single
def _addcmul_kernel(a: Any, b: Any, c: Any, value: Any) -> Any:
    return a + (b * c if value == 1 else b * c * a.dtype.type(value))


@primitive(_addcmul_kernel, broadcasts=True)
def _addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, value: complex) -> Tensor:
    """Sum of a tensor and a product of two."""
    ...


def addcmul(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: complex = 1, out: Tensor | None = None
) -> Tensor:
    """Sum `input + value * tensor1 * tensor2`, broadcasting.

    Args:
        input: What is added to.
        tensor1: A factor.
        tensor2: Another factor. The shapes of the three tensors broadcast, and the result has the dtype to which they
            promote.
        value: A number to multiply the product by; taken in the dtype of the result, so that integers lose its
            fraction.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If the shapes do not broadcast.
        TypeError: If one of the three is no tensor.

    Examples:
        >>> import tour
        >>> tour.addcmul(tour.tensor([1.0]), tour.tensor([2.0]), tour.tensor([3.0]), value=0.5)
        tensor([4.])
    """
    a, b, c = _three("addcmul", input, tensor1, tensor2)
    t = _addcmul(a, b, c, value)
    return t if out is None else store(out, t, "addcmul")


@in_single
def _addcdiv_kernel(a: Any, b: Any, c: Any, value: Any) -> Any:
    return a + (b / c if value == 1 else a.dtype.type(value) * b / c)


@primitive(_addcdiv_kernel, broadcasts=True)
def _addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, value: complex) -> Tensor:
    """Sum of a tensor and a quotient of two."""
    ...


def addcdiv(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: complex = 1, out: Tensor | None = None
) -> Tensor:
    """Sum `input + value * tensor1 / tensor2`, broadcasting.

    Args:
        input: What is added to.
        tensor1: The numerator.
        tensor2: The denominator. The shapes of the three tensors broadcast, and the result has the dtype to which they
            promote.
        value: A number to multiply the quotient by.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If `tensor1` and `tensor2` both hold integers, or the shapes do not broadcast.
        TypeError: If one of the three is no tensor.

    Examples:
        >>> import tour
        >>> tour.addcdiv(tour.tensor([1.0]), tour.tensor([3.0]), tour.tensor([2.0]), value=2)
        tensor([4.])
    """
    a, b, c = _three("addcdiv", input, tensor1, tensor2)
    if FROM_NUMPY[tensor1._a.dtype].rank <= INTEGRAL and FROM_NUMPY[tensor2._a.dtype].rank <= INTEGRAL:
        raise RuntimeError(
            "addcdiv does not divide integers by integers: use input + value * tour.trunc(tensor1 / tensor2), or take the "
            "tensors in a floating-point dtype first"
        )
    t = _addcdiv(a, b, c, value)
    return t if out is None else store(out, t, "addcdiv")


def _three(name: str, *tensors: Any) -> tuple[Tensor, ...]:
    for label, t in zip(("input", "tensor1", "tensor2"), tensors, strict=True):
        if not isinstance(t, _core.Tensor):
            raise argument_error(name, label, t)
    return common(*tensors)


@in_single
def _lerp_kernel(a: Any, b: Any, weight: Any) -> Any:
    """Exact at both ends: counted from the nearer one."""
    step = b - a
    if not isinstance(weight, (int, float, complex)):
        return np.where(np.abs(weight) < 0.5, a + weight * step, b - step * (1 - weight))
    weight = a.dtype.type(weight)
    return a + weight * step if np.abs(weight) < 0.5 else b - step * (1 - weight)


@primitive(_lerp_kernel, broadcasts=True)
def _lerp(input: Tensor, end: Tensor, weight: Tensor | complex) -> Tensor:
    """Linear interpolation."""
    ...


def lerp(input: Tensor, end: Tensor, weight: Tensor | complex, *, out: Tensor | None = None) -> Tensor:
    """Linear interpolation `input + weight * (end - input)`, broadcasting.

    Args:
        input: Where weight 0 lies.
        end: Where weight 1 lies; of the same dtype.
        weight: A number, or a tensor of the same dtype.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If the dtypes differ or hold integers.

    Examples:
        >>> import tour
        >>> tour.lerp(tour.tensor([1.0, 2.0]), tour.tensor([3.0, 6.0]), 0.5)
        tensor([2., 4.])
    """
    d = FROM_NUMPY[input._a.dtype]
    if d.rank < FLOATING:
        raise NotImplementedError(f'"lerp" is not implemented for {d.name}')
    for label, t in (("end", end), ("weight", weight)):
        if isinstance(t, _core.Tensor) and t._a.dtype is not input._a.dtype:
            if label == "weight" and not t._a.ndim and t._tape is None:
                weight = operand(t._a.item(), input)
                continue
            raise RuntimeError(f"expected dtype {d.name} for `{label}` but got dtype {t.dtype.name}")
    t = _lerp(input, end, weight)
    return t if out is None else store(out, t, "lerp")


@binary(np.hypot, refuses="bic", numbers="none")
def hypot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Length of the hypotenuse, `sqrt(input² + other²)`, without overflow on the way.

    Examples:
        >>> import tour
        >>> tour.hypot(tour.tensor([3.0]), tour.tensor([4.0]))
        tensor([5.])
    """
    ...


multiply, negative, subtract = mul, neg, sub
neg_ = negative_ = in_place(neg)


class Arithmetic:
    """Arithmetic as methods and operators."""

    __slots__ = ()

    add, sub, mul, neg, positive = add, sub, mul, neg, positive
    subtract, multiply, negative = sub, mul, neg
    addcmul, addcdiv, lerp, hypot = addcmul, addcdiv, lerp, hypot
    __add__ = __radd__ = operator(_add)
    __sub__, __rsub__ = operator(_sub), operator(_rsub)
    __mul__ = __rmul__ = operator(mul)
    __neg__, __pos__ = neg, positive

    add_ = in_place(add, plain=_add)
    sub_ = subtract_ = in_place(sub, plain=_sub)
    mul_ = multiply_ = in_place(mul)
    neg_ = negative_ = neg_
    addcmul_, addcdiv_, lerp_, hypot_ = in_place(addcmul), in_place(addcdiv), in_place(lerp), in_place(hypot)
    __iadd__ = in_place(operator(_add))
    __isub__ = in_place(operator(_sub))
    __imul__ = in_place(operator(mul))
