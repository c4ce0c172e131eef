"""Products of matrices and vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._core import as_array, ndarray, new
from tour._declare import binary, new_op, retry, store
from tour._errors import shape_text

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["matmul"]


def _product(a: Any, b: Any) -> Any:
    """The matrix product of two arrays of one dtype; `dot` of small matrices takes a third of the time of `np.matmul`."""
    if a.ndim == 2 and b.ndim == 2:
        return a.dot(b)
    return np.matmul(a, b)


def _fits(a: Any, b: Any) -> str | None:
    """What is wrong with the shapes of a matrix product, or None."""
    if not a.ndim or not b.ndim:
        return f"both arguments to matmul need to be at least 1D, but they are {a.ndim}D and {b.ndim}D"
    inner_a, inner_b = a.shape[-1], b.shape[-2] if b.ndim > 1 else b.shape[0]
    if inner_a == inner_b:
        return None
    return (
        f"mat1 and mat2 shapes cannot be multiplied ({shape_text(a.shape)} and {shape_text(b.shape)}): "
        f"the last dimension of the first ({inner_a}) must equal the {'second last' if b.ndim > 1 else 'only'} "
        f"dimension of the second ({inner_b})"
    )


def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Matrix product of two tensors; leading dimensions broadcast, vectors count as a row or a column.

    Shapes: `(..., n, k) @ (..., k, m) -> (..., n, m)`.

    Raises:
        RuntimeError: If the inner dimensions or the dtypes differ.

    Examples:
        >>> import tour
        >>> tour.matmul(tour.ones(2, 3), tour.ones(3, 4)).shape
        tour.Size([2, 4])
    """
    try:
        a, b = input._a, other._a
        if a.dtype is not b.dtype:
            raise RuntimeError(
                f"expected m1 and m2 to have the same dtype, but got: {input.dtype.name} != {other.dtype.name}"
            )
        r = _MATMUL.impls[type(a)](a, b) if type(a) is not ndarray and _MATMUL.impls else _product(a, b)
    except (AttributeError, TypeError, ValueError) as error:
        if isinstance(input, _core.Tensor) and isinstance(other, _core.Tensor) and (wrong := _fits(input._a, other._a)):
            raise RuntimeError(wrong) from None
        return retry(matmul, _MATMUL, error, input, other, out=out)  # type: ignore[no-any-return]
    t: Tensor = new(_core.Tensor)
    t._a = r if type(r) is ndarray else as_array(r)
    t._tape = None
    if input._tape is not None or other._tape is not None:
        _MATMUL.record(t, input, other)
    return t if out is None else store(out, t, "matmul")  # type: ignore[no-any-return]


_MATMUL = new_op(matmul, _product)
matmul.op = _MATMUL  # type: ignore[attr-defined]


def _rmatmul(input: Tensor, other: Any) -> Tensor:
    """Product `other @ input`, for an array on the left."""
    return matmul(other, input)


class Linear:
    """Products of matrices, as methods and operators."""

    __slots__ = ()

    matmul = __matmul__ = matmul
    __rmatmul__ = _rmatmul
