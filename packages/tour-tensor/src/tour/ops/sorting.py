"""Order: sort, topk, kthvalue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import return_types
from tour._calling import numpy_too
from tour._compiled import compilable
from tour._core import Op, as_array, kernel_for, packed, wrap
from tour._errors import shape_text
from tour._shapes import index_of, wrap_dim
from tour._storing import store
from tour._widening import single
from tour.ops.extremes import CHOICE, at, choose, not_empty, ordered
from tour.ops.gathering import grid

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["argsort", "kthvalue", "msort", "sort", "topk"]


# --- Sorting -----------------------------------------------------------------------------------------------------------------


_FEW = 64  # elements up to which ties are always kept in their order


@compilable()
def order(a: Any, axis: int, descending: bool, stable: bool = True) -> Any:
    """The indices that sort an array, equal elements in their order if `stable`; NaN counts as the largest."""
    if not a.ndim:
        return np.zeros((), np.int64)
    kind: Any = (
        "stable" if stable or a.shape[axis] <= _FEW else "quicksort"
    )  # a third of the time for floating-point numbers
    if not descending:
        return single(a).argsort(axis, kind=kind)
    back = (*(slice(None),) * axis, slice(None, None, -1))
    rising = single(a)[back].argsort(axis, kind=kind)  # of equal elements the last first: read backwards, the first
    return packed(np.subtract(a.shape[axis] - 1, rising[back]))


@compilable()
def in_order(a: Any) -> Any:
    """The elements of a vector in order, without where they stood."""
    return np.sort(a)


@compilable()
def ranked(a: Any, rank: int, axis: int) -> Any:
    """Where the elements of a rank along an axis stand; from some length on without sorting the others."""
    if a.shape[axis] <= _FEW:
        return a.argsort(axis, kind="stable").take(rank, axis)
    return a.argpartition(rank, axis).take(rank, axis)


@compilable()
def _sort(a: Any, axis: int, descending: bool, stable: bool) -> tuple[Any, Any]:
    indices = order(a, axis, descending, stable)
    return (a[grid(a.shape, axis, indices)] if a.ndim else a.copy()), indices


_SORT = Op("sort", CHOICE, _sort)


@numpy_too
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False, *, out: Any = None
) -> return_types.sort:
    """Elements in order along a dimension, and where they stood; NaN comes after all numbers.

    Equal elements keep their order if `stable`.

    Args:
        input: A tensor of real numbers.
        dim: The dimension, the last by default.
        descending: Whether the largest come first, and NaN before them.
        stable: Whether equal elements must keep their order.
        out: A pair of tensors to write the results into.

    Returns:
        A named tuple `(values, indices)`; the indices are int64 and count along the dimension.

    Raises:
        NotImplementedError: If the elements are complex.
        IndexError: If the dimension is out of range.

    Examples:
        >>> import tour
        >>> values, indices = tour.sort(tour.tensor([3, 1, 2]))
        >>> values, indices
        (tensor([1, 2, 3]), tensor([1, 2, 0]))
    """
    a = input._a
    ordered("sort", a)
    axis = wrap_dim(dim, a.ndim)
    pair = choose(_SORT, input, kernel_for(_SORT, a)(a, axis, bool(descending), stable), axis, True)
    return return_types.sort(*(pair if out is None else store(tuple(out), pair, "sort")))


@numpy_too
def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The indices that sort along a dimension; equal elements keep their order if `stable`.

    Args:
        input: A tensor of real numbers.
        dim: The dimension, the last by default.
        descending: Whether the largest come first, and NaN before them.
        stable: Whether equal elements must keep their order.
        out: A tensor to write the result into.

    Returns:
        An int64 tensor in the shape of `input`.

    Raises:
        NotImplementedError: If the elements are complex.
        IndexError: If the dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.argsort(tour.tensor([3, 1, 2]))
        tensor([1, 2, 0])
    """
    ordered("argsort", input._a)
    t = wrap(as_array(order(input._a, wrap_dim(dim, input._a.ndim), bool(descending), bool(stable))))
    return t if out is None else store(out, t, "argsort")


@numpy_too
def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Elements in order along the first dimension.

    Examples:
        >>> import tour
        >>> tour.msort(tour.tensor([3, 1, 2]))
        tensor([1, 2, 3])
    """
    t = sort(input, 0)[0]
    return t if out is None else store(out, t, "msort")  # type: ignore[no-any-return]


# --- The k largest, the k-th smallest --------------------------------------------------------------------------------------------


@compilable()
def _topk(a: Any, k: int, axis: int, largest: bool, sorted: bool) -> tuple[Any, Any]:
    if not a.ndim:
        return (a.copy() if k else np.empty((), a.dtype)), np.zeros((), np.int64)
    n = a.shape[axis]
    lead = (slice(None),) * axis
    if k * 8 >= n or n < 64 or not k:
        indices = order(a, axis, largest)[(*lead, slice(k))]
    else:  # find the k largest without sorting the rest, then sort those
        part = single(a).argpartition(n - k if largest else k - 1, axis)
        part = np.sort(part[(*lead, slice(n - k, None) if largest else slice(k))], axis)
        ranks = order(a[grid(part.shape, axis, part)], axis, largest)
        indices = part[grid(part.shape, axis, ranks)]
    indices = packed(indices)
    return a[grid(indices.shape, axis, indices)], indices


_TOPK = Op("topk", CHOICE, _topk)


@numpy_too
def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, out: Any = None
) -> return_types.topk:
    """The `k` largest (or smallest) elements along a dimension, in order, and where they stand.

    Args:
        input: A tensor of real numbers; NaN counts as the largest.
        k: How many, from 0 to the size of the dimension.
        dim: The dimension, the last by default.
        largest: Whether to take the largest elements instead of the smallest.
        sorted: Accepted for PyTorch's sake; the result is always in order.
        out: A pair of tensors to write the results into.

    Returns:
        A named tuple `(values, indices)`; the indices are int64 and count along the dimension.

    Raises:
        RuntimeError: If `k` is out of range.
        NotImplementedError: If the elements are complex.
        IndexError: If the dimension is out of range.

    Examples:
        >>> import tour
        >>> values, indices = tour.topk(tour.tensor([1, 5, 3]), 2)
        >>> values, indices
        (tensor([5, 3]), tensor([1, 2]))
    """
    a = input._a
    ordered("topk", a)
    axis, k = wrap_dim(dim, a.ndim), index_of(k)
    if not 0 <= k <= (a.shape[axis] if a.ndim else 1):
        raise RuntimeError(
            f"selected index k out of range: k = {k} for dimension {axis} of shape {shape_text(a.shape)}"
        )
    pair = choose(_TOPK, input, kernel_for(_TOPK, a)(a, k, axis, largest, sorted), axis, True)
    return tuple.__new__(return_types.topk, pair if out is None else store(tuple(out), pair, "topk"))


def _kthvalue(a: Any, k: int, axis: int, keepdim: bool) -> tuple[Any, Any]:
    if not a.ndim:
        return a.copy(), np.zeros((), np.int64)
    return at(a, ranked(single(a), k - 1, axis), axis, keepdim)


_KTHVALUE = Op("kthvalue", CHOICE, _kthvalue)


@numpy_too
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> return_types.kthvalue:
    """The `k`-th smallest elements along a dimension, counted from 1, and where they stand.

    Args:
        input: A tensor of real numbers; NaN counts as the largest.
        k: The rank, from 1 to the size of the dimension.
        dim: The dimension, the last by default.
        keepdim: Whether the dimension stays, with size 1.
        out: A pair of tensors to write the results into.

    Returns:
        A named tuple `(values, indices)`; the indices are int64 and count along the dimension.

    Raises:
        RuntimeError: If `k` is out of range.
        NotImplementedError: If the elements are complex.
        IndexError: If the dimension is out of range, or has size 0.

    Examples:
        >>> import tour
        >>> tour.kthvalue(tour.tensor([3, 1, 2]), 2).values
        tensor(2)
    """
    a = input._a
    ordered("kthvalue", a)
    axis, k = wrap_dim(dim, a.ndim), index_of(k)
    not_empty("kthvalue", a, axis if a.ndim else None)
    if not 1 <= k <= (a.shape[axis] if a.ndim else 1):
        raise RuntimeError(f"selected number k out of range for dimension {axis}: k = {k}, shape {shape_text(a.shape)}")
    pair = choose(_KTHVALUE, input, kernel_for(_KTHVALUE, a)(a, k, axis, keepdim), axis, keepdim)
    if out is not None:
        pair = store(tuple(out), pair, "kthvalue", input)
    return return_types.kthvalue(*pair)


class Sorting:
    """Order, as methods."""

    __slots__ = ()

    sort, argsort, msort, topk, kthvalue = sort, argsort, msort, topk, kthvalue
