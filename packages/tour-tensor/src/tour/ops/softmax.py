"""Softmax and its logarithm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tour import _softmax as kernels
from tour._core import kernel_for
from tour._declare import new_op, result
from tour._dtypes import FLOATING, FROM_NUMPY
from tour._operands import tensor_argument
from tour._shapes import wrap_dim
from tour._storing import store

if TYPE_CHECKING:
    from tour._core import Op
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = ["log_softmax", "softmax"]


def softmax(input: Tensor, dim: int, dtype: Dtype | None = None, *, out: Tensor | None = None) -> Tensor:
    """`exp(input) / sum(exp(input))` along a dimension: positive numbers that add up to one.

    Args:
        input: A floating-point tensor of any shape.
        dim: The dimension to add up over.
        dtype: Cast to this dtype first.
        out: A tensor to write the result into.

    Raises:
        NotImplementedError: If the dtype is no floating-point one.

    Examples:
        >>> import tour
        >>> tour.softmax(tour.tensor([0.0, 1.0, 1000.0]), dim=0)
        tensor([0., 0., 1.])
    """
    t = _along(_SOFTMAX, input, dim, dtype)
    return t if out is None else store(out, t, "softmax")


_SOFTMAX = new_op(softmax, kernels.softmax)


def log_softmax(input: Tensor, dim: int, dtype: Dtype | None = None, *, out: Tensor | None = None) -> Tensor:
    """`log(softmax(input))` along a dimension, without underflow.

    Args:
        input: A floating-point tensor of any shape.
        dim: The dimension to add up over.
        dtype: Cast to this dtype first.
        out: A tensor to write the result into.

    Raises:
        NotImplementedError: If the dtype is no floating-point one.

    Examples:
        >>> import tour
        >>> tour.log_softmax(tour.tensor([0.0, 1000.0]), dim=0)
        tensor([-1000.,     0.])
    """
    t = _along(_LOG_SOFTMAX, input, dim, dtype)
    return t if out is None else store(out, t, "log_softmax")


_LOG_SOFTMAX = new_op(log_softmax, kernels.log_softmax)


def _along(op: Op, input: Tensor, dim: int, dtype: Dtype | None) -> Tensor:
    if dtype is not None:
        input = input.to(dtype)
    a = tensor_argument(op.name, "input", input)._a
    axis = wrap_dim(dim, a.ndim)
    if FROM_NUMPY[a.dtype].rank != FLOATING:
        raise NotImplementedError(f'"{op.name}" is not implemented for {input.dtype.name}; pass dtype=tour.float32')
    return result(op, kernel_for(op, a)(a, axis), input, axis, None)  # type: ignore[no-any-return]


class Softmax:
    """Softmax, as methods."""

    __slots__ = ()

    softmax, log_softmax = softmax, log_softmax
