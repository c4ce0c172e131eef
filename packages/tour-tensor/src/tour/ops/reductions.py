"""Sums, means, extremes over dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _dtypes
from tour._core import kernel_for
from tour._declare import new_op, result, store
from tour._dtypes import FLOATING, FROM_NUMPY, as_numpy_dtype
from tour._shapes import axes

if TYPE_CHECKING:
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = ["mean", "sum"]

Dim = int | tuple[int, ...] | None


def _wide(a: Any) -> Any:
    """The dtype to add numbers up in: half precision in single, booleans and integers in int64."""
    d = FROM_NUMPY[a.dtype]
    if d.rank < FLOATING:
        return np.int64
    return np.float32 if d.itemsize < 4 else a.dtype


def _sum(a: Any, dim: Any, keepdim: bool, dtype: Any) -> Any:
    if dtype is not None:
        a = a.astype(dtype, copy=False)
    wide = _wide(a)
    r = np.add.reduce(a, axis=axes(dim, a.ndim), dtype=wide, keepdims=keepdim)
    return r if dtype is None and wide is np.int64 else r.astype(a.dtype, copy=False)


def sum(
    input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Dtype | None = None, out: Tensor | None = None
) -> Tensor:
    """Sum over dimensions, or over all.

    Args:
        input: Any dtype; booleans and integers are added up in int64.
        dim: The dimension or dimensions to sum over; None for all.
        keepdim: Whether summed dimensions stay, with size 1.
        dtype: Cast to this dtype before adding.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.sum(tour.ones(2, 3), dim=1)
        tensor([3., 3.])
    """
    wanted = as_numpy_dtype(dtype)
    if wanted is not None and input._a.dtype is not wanted:
        input = input.to(dtype)
    a = input._a
    t: Tensor = result(_SUM, kernel_for(_SUM, a)(a, dim, keepdim, wanted), input, dim, keepdim)
    return t if out is None else store(out, t, "sum")  # type: ignore[no-any-return]


_SUM = new_op(sum, _sum)


def mean(
    input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Dtype | None = None, out: Tensor | None = None
) -> Tensor:
    """Mean over dimensions, or over all.

    Args:
        input: A floating-point or complex tensor.
        dim: The dimension or dimensions to average over; None for all.
        keepdim: Whether averaged dimensions stay, with size 1.
        dtype: Cast to this dtype first.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If the dtype is an integer or boolean one.

    Examples:
        >>> import tour
        >>> tour.mean(tour.tensor([[1.0, 2.0], [3.0, 5.0]]))
        tensor(2.7500)
    """
    if dtype is not None:
        input = input.to(dtype)
    d = FROM_NUMPY[input._a.dtype]
    if d.rank < FLOATING:
        raise RuntimeError(
            f"mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: {d.name}; "
            "pass dtype=tour.float32, or call .float() first"
        )
    total = sum(input, dim, keepdim)
    count = input._a.size // total._a.size if total._a.size else 0
    t = total / count if count else total / 0
    return t if out is None else store(out, t, "mean")  # type: ignore[no-any-return]


class Reductions:
    """Reductions, as methods."""

    __slots__ = ()

    sum, mean = sum, mean
