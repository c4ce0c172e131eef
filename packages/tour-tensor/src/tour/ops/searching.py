"""Finding: unique elements, places in sorted sequences, membership."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._calling import numpy_too
from tour._core import as_array, held, wrap
from tour._dtypes import FROM_NUMPY
from tour._errors import argument_error, shape_text
from tour._kernels import is_half
from tour._operands import NUMBER
from tour._shapes import wrap_dim
from tour._storing import store
from tour._widening import single
from tour.ops.sorting import in_order, order

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["bucketize", "isin", "searchsorted", "unique", "unique_consecutive"]


# --- Unique elements -------------------------------------------------------------------------------------------------------------


def _answers(wanted: tuple[bool, bool], unique: Any, inverse: Any, counts: Any) -> Any:
    """The unique elements, with what was asked for beside them."""
    extra = [wrap(x) for x, asked in zip((inverse, counts), wanted, strict=True) if asked]
    return (wrap(unique), *extra) if extra else wrap(unique)


def _runs(rows: Any) -> tuple[Any, Any, Any]:
    """First rows of runs of equal rows, the number of its run for each row, and lengths."""
    fresh = np.ones_like(rows, bool, shape=len(rows))
    differs = rows[1:] != rows[:-1]
    fresh[1:] = differs.reshape(len(rows) - 1, -1).any(1) if len(rows) > 1 else True
    starts = np.flatnonzero(fresh)
    return rows[starts], np.cumsum(fresh) - 1, np.diff(starts, append=len(rows))


@numpy_too
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements, in order; or, with `dim`, the different slices along it.

    Args:
        input: Any tensor.
        sorted: Accepted for PyTorch's sake; the result is always sorted.
        return_inverse: Whether to give, too, where in the result each element of `input` went.
        return_counts: Whether to give, too, how often each occurs.
        dim: The dimension whose slices are compared; None for single elements.

    Examples:
        >>> import tour
        >>> tour.unique(tour.tensor([3, 1, 3]), return_counts=True)
        (tensor([1, 3]), tensor([1, 2]))
    """
    a = input._a
    wanted = return_inverse, return_counts
    if dim is None:
        flat = a.reshape(-1)
        if not return_inverse and not is_half(a.dtype):
            values, _, counts = _runs(in_order(flat)) if flat.size else (flat, None, np.empty(0, np.int64))
            return _answers(wanted, values, None, counts)
        by = order(flat, 0, False)
        values, run, counts = _runs(flat[by]) if flat.size else (flat, by, by)
        inverse = np.empty(flat.shape, np.int64)
        inverse[by] = run
        return _answers(wanted, values, inverse.reshape(a.shape), counts)
    axis = wrap_dim(dim, a.ndim)
    rows = _rows(a, axis, "unique")
    by = np.lexsort(single(rows).T[::-1]) if rows.shape[1] else np.arange(len(rows))
    _, run, counts = _runs(rows[by])
    inverse = np.empty(len(rows), np.int64)
    inverse[by] = run
    return _answers(wanted, np.take(a, by[np.cumsum(counts) - counts], axis), inverse, counts)


def _rows(a: Any, axis: int, name: str) -> Any:
    """The slices along an axis as rows of a matrix."""
    if not a.ndim:
        return a.reshape(1, 1)
    if not a.size and any(not n for i, n in enumerate(a.shape) if i != axis) and a.shape[axis]:
        raise RuntimeError(
            f"{name}: There are 0 sized dimensions, and they aren't selected, so unique cannot be applied to shape "
            f"{shape_text(a.shape)}"
        )
    moved = np.moveaxis(a, axis, 0)
    return moved.reshape(len(moved), -1) if moved.size else moved.reshape(len(moved), 0)


@numpy_too
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The first of each run of equal elements; or, with `dim`, of equal slices along it.

    Args:
        input: Any tensor; without `dim` its elements are read in row-major order.
        return_inverse: Whether to give, too, the number of its run for each element (or slice).
        return_counts: Whether to give, too, how long each run is.
        dim: The dimension whose slices are compared; None for single elements.

    Returns:
        A tensor; or, if more was asked for, a tuple of it, the inverse and the counts.

    Raises:
        IndexError: If the dimension is out of range.
        RuntimeError: If the slices along `dim` are empty.

    Examples:
        >>> import tour
        >>> tour.unique_consecutive(tour.tensor([1, 1, 2, 1]))
        tensor([1, 2, 1])
    """
    a = input._a
    wanted = return_inverse, return_counts
    if dim is None:
        flat = a.reshape(-1)
        values, run, counts = _runs(flat) if flat.size else (flat, np.empty(0, np.int64), np.empty(0, np.int64))
        return _answers(wanted, values, run.reshape(a.shape), counts)
    axis = wrap_dim(dim, a.ndim)
    rows = _rows(a, axis, "unique_consecutive")
    _, run, counts = _runs(rows) if len(rows) else (rows, np.empty(0, np.int64), np.empty(0, np.int64))
    return _answers(wanted, np.take(a, np.cumsum(counts) - counts, axis), run, counts)


# --- Searching -------------------------------------------------------------------------------------------------------------------


@numpy_too
def searchsorted(
    sorted_sequence: Tensor,
    values: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Where values would be inserted into sorted sequences to keep their order.

    Args:
        sorted_sequence: A sorted vector; or sequences along the last dimension, with the leading dimensions of `values`.
        values: A tensor or a number.
        out_int32: Whether indices are int32 instead of int64.
        right: Whether to insert behind equal elements.
        side: `"left"` or `"right"`, another form of `right`.
        sorter: Indices that sort `sorted_sequence`, where that is not sorted itself.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.searchsorted(tour.tensor([1, 3, 5]), tour.tensor([3, 6]))
        tensor([1, 3])
    """
    _check_side(side, right)
    _check_search(sorted_sequence, values, sorter)
    s = sorted_sequence._a
    v = values._a if isinstance(values, _core.Tensor) else np.asarray(values)
    if sorter is not None:
        s = np.take_along_axis(s, sorter._a, -1)
    where = _search(s, v, "right" if right or side == "right" else "left")
    t = wrap(where.astype(np.int32 if out_int32 else np.int64))
    if out is not None and out._a.dtype != t._a.dtype:
        raise RuntimeError(
            f"searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) depending on whether out_int32 "
            f"flag is True, but we got output tensor's dtype {out.dtype.name} and out_int32 flag is {out_int32}"
        )
    return t if out is None else store(out, t, "searchsorted")


def _check_side(side: str | None, right: bool) -> None:
    if side is not None and side not in ("left", "right"):
        raise RuntimeError(f"searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )


def _check_search(sequence: Tensor, values: Any, sorter: Any) -> None:
    s = sequence._a
    if not s.ndim:
        raise RuntimeError(
            "searchsorted(): input sequence should be a vector or more, but got a tensor without dimensions"
        )
    if isinstance(values, _core.Tensor):
        v = values._a
        if v.dtype != s.dtype and v.dtype.kind != s.dtype.kind and "c" in (v.dtype.kind, s.dtype.kind):
            raise RuntimeError("searchsorted(): complex numbers have no order")
        if s.ndim > 1 and v.shape[:-1] != s.shape[:-1]:
            raise RuntimeError(
                "searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input "
                f"value tensor must match, but we got boundaries tensor {shape_text(s.shape)} and input value tensor "
                f"{shape_text(v.shape)}"
            )
    elif s.ndim > 1:
        raise RuntimeError(
            f"searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we got {shape_text(s.shape)}"
        )
    if sorter is not None:
        if sorter._a.shape != s.shape:
            raise RuntimeError(
                "searchsorted(): boundary and sorter must have the same size, but got boundary tensor "
                f"{shape_text(s.shape)} and got sorter tensor {shape_text(sorter._a.shape)}"
            )
        if sorter._a.dtype != np.int64:
            raise RuntimeError(
                f"searchsorted(): sorter must be a tensor of long dtype but got dtype {sorter.dtype.name}"
            )
        if sorter._a.size and (sorter._a.min() < 0 or sorter._a.max() >= s.shape[-1]):
            raise RuntimeError("searchsorted(): sorter index out of range")


def _search(s: Any, v: Any, side: Any) -> Any:
    if s.ndim == 1 or held(s) is not s or held(v) is not v:
        return as_array(np.searchsorted(single(s), single(v), side))
    out = np.empty(v.shape, np.int64)
    for i in np.ndindex(*s.shape[:-1]):
        out[i] = np.searchsorted(single(s[i]), single(v[i]), side)
    return out


@numpy_too
def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False, out: Tensor | None = None
) -> Tensor:
    """The number of the bucket that each element falls into, between sorted boundaries.

    Bucket i holds `boundaries[i - 1] < v <= boundaries[i]`; if `right`, `boundaries[i - 1] <= v < boundaries[i]`.

    Args:
        input: A tensor or a number.
        boundaries: A vector in ascending order, which is not checked.
        out_int32: Whether the result is int32 instead of int64.
        right: Whether an element equal to a boundary goes into the bucket behind it.
        out: A tensor to write the result into.

    Returns:
        Numbers from 0 to `len(boundaries)`, in the shape of `input`.

    Raises:
        RuntimeError: If `boundaries` is not a vector, or `out` has the wrong dtype.

    Examples:
        >>> import tour
        >>> tour.bucketize(tour.tensor([0, 3, 9]), tour.tensor([1, 5]))
        tensor([0, 1, 2])
    """
    if boundaries._a.ndim != 1:
        raise RuntimeError(f"bucketize(): boundaries tensor must be 1 dimension, but got dim({boundaries._a.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)


@numpy_too
def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False, out: Any = None
) -> Tensor:
    """Whether each element is among the test elements.

    Args:
        elements: A tensor or a number.
        test_elements: A tensor or a number, of any shape.
        assume_unique: Whether neither has an element twice, which can save time.
        invert: Whether to ask instead which elements are not among them.
        out: A tensor to write the result into.

    Returns:
        A bool tensor in the shape of `elements`.

    Raises:
        RuntimeError: If the elements of either are boolean or complex.
        TypeError: If neither is a tensor, or one is neither a tensor nor a number.

    Examples:
        >>> import tour
        >>> tour.isin(tour.tensor([1, 2, 3]), tour.tensor([2, 3]))
        tensor([False,  True,  True])
    """
    both = {"elements": elements, "test_elements": test_elements}
    for name, x in both.items():
        if not isinstance(x, (_core.Tensor, np.ndarray, *NUMBER)):
            raise argument_error("isin", name, x)
    if isinstance(elements, NUMBER) and isinstance(test_elements, NUMBER):
        raise TypeError(f"isin() needs a tensor, got numbers only: {elements!r} and {test_elements!r}")
    a, b = (x._a if isinstance(x, _core.Tensor) else np.asarray(x) for x in both.values())
    for x in (a, b):
        if x.dtype.kind in "cb" or FROM_NUMPY.get(x.dtype) is None:
            raise RuntimeError(f"Unsupported input type encountered for isin(): {x.dtype}")
    t = wrap(as_array(np.isin(single(a), single(b), assume_unique=assume_unique, invert=invert)))
    return t if out is None else store(out, t, "isin")


class Searching:
    """Finding, as methods."""

    __slots__ = ()

    unique, unique_consecutive = unique, unique_consecutive
