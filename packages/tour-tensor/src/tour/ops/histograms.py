"""Counts of elements in bins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, return_types
from tour._calling import numpy_too
from tour._core import as_array, held, ndarray, wrap
from tour._dtypes import FROM_NUMPY
from tour._errors import shape_text
from tour._kernels import is_half
from tour._storing import store
from tour._widening import single

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["bincount", "histc", "histogram", "histogramdd"]


@numpy_too
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each number 0, 1, 2, … occurs in a vector of non-negative integers; or the sum of its weights.

    Args:
        input: A vector of integers that are not negative.
        weights: A vector as long as `input`: each element counts as its weight. None counts them as 1.
        minlength: The least length of the result.

    Returns:
        A vector with a place for each number up to the largest: counts in int64, or sums of weights in float32 for
        float32 ones and in float64 for others.

    Raises:
        RuntimeError: If `input` is no such vector, the weights do not fit, or `minlength` is negative.

    Examples:
        >>> import tour
        >>> tour.bincount(tour.tensor([0, 2, 2]))
        tensor([1, 0, 2])
    """
    a = input._a
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if a.dtype.kind not in "iu":
        raise RuntimeError(f'"bincount_cpu" not implemented for {input.dtype.name}')
    plain = type(a) is np.ndarray  # whose own check finds numbers below zero
    if a.ndim != 1 or (not plain and a.size and a.dtype.kind == "i" and a.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is not None and (weights._a.ndim != 1 or weights._a.size != a.size):
        raise RuntimeError("weights should be 1-d and have the same length as input")
    try:
        counts = np.bincount(a.astype(np.int64, copy=False), None if weights is None else weights._a, minlength)
    except ValueError:
        if a.min() < 0:
            raise RuntimeError("bincount only supports 1-d non-negative integral inputs.") from None
        raise
    if weights is not None and weights._a.dtype == np.float32:
        counts = counts.astype(np.float32)
    return wrap(counts)


def _limits(name: str, a: Any, low: float, high: float) -> tuple[Any, Any]:
    """The range of bins: what was given, or that of the elements."""
    if low == high and a.size:
        low, high = a.min(), a.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"{name}: range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError(f"{name}: max must be larger than min, got min {low} and max {high}")
    return (low - 1, high + 1) if low == high else (low, high)


@numpy_too
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0, *, out: Tensor | None = None) -> Tensor:
    """Counts of elements in `bins` equal bins from `min` to `max` (if both are 0, from the smallest to the largest element).

    Elements outside are passed over.

    Args:
        input: A real tensor, in any shape.
        bins: How many bins, at least 1. Each holds its lower edge; the last one holds both.
        min: Where the first bin begins.
        max: Where the last bin ends. If it equals `min`, the bins span the elements.
        out: A tensor to write the result into.

    Returns:
        A vector of `bins` counts, of the same dtype as `input`.

    Raises:
        RuntimeError: If `bins` is not positive, `min` is larger than `max`, the range is not finite, or the elements
            are boolean or complex.

    Examples:
        >>> import tour
        >>> tour.histc(tour.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
        tensor([0., 2., 1., 0.])
    """
    a = input._a
    if a.dtype.kind in "bc":
        raise RuntimeError(f'"histc" not implemented for {input.dtype.name}')
    if bins <= 0:
        raise RuntimeError("bins must be > 0")
    if held(a) is not a:
        return _histc_of_each(input.reshape(-1), bins, min, max)
    flat = a.reshape(-1)
    low, high = _limits("histc", single(flat), min, max)
    inside = flat[(flat >= low) & (flat <= high)]
    exact = inside if is_half(a.dtype) else inside.astype(np.float64)  # PyTorch counts half precision in half precision
    low, high = (as_array(x).astype(exact.dtype) if hasattr(x, "astype") else exact.dtype.type(x) for x in (low, high))
    where = np.minimum(((exact - low) * exact.dtype.type(bins) / (high - low)).astype(np.int64), bins - 1)
    t = wrap(np.bincount(where, minlength=bins).astype(a.dtype))
    return t if out is None else store(out, t, "histc")


def _histc_of_each(input: Tensor, bins: int, low: float, high: float) -> Tensor:
    """The same in ops that run for all samples of a `vmap` at once; each may have limits of its own."""
    x: Any = input.double()
    first: Any = low
    last: Any = high
    if low == high:
        first, last = x.amin(), x.amax()
        same = (first == last).double()
        first, last = first - same, last + same
    place = ((x - first) * bins / (last - first)).floor().clamp(max=bins - 1)
    inside = (x >= first) & (x <= last)
    found = (place[:, None] == wrap(np.arange(bins))) & inside[:, None]
    return found.sum(0).to(input.dtype)  # type: ignore[no-any-return]


@numpy_too
def histogram(
    input: Tensor,
    bins: int | Tensor,
    *,
    range: tuple[float, float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
    out: Any = None,
) -> return_types.histogram:
    """Counts of elements in bins, and the edges of the bins.

    Args:
        input: A float32 or float64 tensor.
        bins: How many equal bins; or a sorted vector of edges.
        range: From where to where equal bins go; by default from the smallest to the largest element.
        weight: A weight for each element.
        density: Whether to give the share of the total per unit instead of counts.
        out: A pair of tensors to write the results into.

    Examples:
        >>> import tour
        >>> tour.histogram(tour.tensor([1.0, 2.0, 1.0]), bins=2, range=(0.0, 2.0)).hist
        tensor([0., 3.])
    """
    edges = _edges(input._a, bins, range, 0)
    a = input._a.reshape(-1, 1)
    pair = wrap(_counts("histogram", a, [edges], _weights("histogram", weight, input._a.shape), density)), wrap(edges)
    return return_types.histogram(*(pair if out is None else store(tuple(out), pair, "histogram")))


def _edges(a: Any, bins: Any, range: Any, dim: int) -> Any:
    """Edges of bins for a column of elements."""
    if a.dtype not in (np.float32, np.float64):
        raise RuntimeError(f'"histogram" not implemented for {FROM_NUMPY[a.dtype].name}')
    if isinstance(bins, _core.Tensor):
        if bins._a.dtype != a.dtype:
            raise RuntimeError(
                f"histogramdd(): input tensor and bins tensors should have the same dtype, but got input with dtype "
                f"{FROM_NUMPY[a.dtype].name} and bins for dimension {dim} with dtype {bins.dtype.name}"
            )
        if bins._a.ndim != 1 or not bins._a.size:
            raise RuntimeError(
                f"histogramdd(): bins tensor should have one dimension, but got {bins._a.ndim} for dimension {dim}"
            )
        return bins._a.copy()
    if bins <= 0:
        raise RuntimeError(f"histogramdd(): bins must be > 0, but got {bins} for dimension {dim}")
    low, high = (0.0, 1.0) if range is None else range
    if range is None and a.size:
        low, high = a.min(), a.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"histogramdd(): dimension {dim}'s range [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError(
            f"histogramdd(): min should not exceed max, but got min {low} max {high} for dimension {dim}"
        )
    if low == high:
        low, high = low - 0.5, high + 0.5
    return _equal_edges(low, high, bins, a)


def _equal_edges(low: Any, high: Any, bins: int, a: Any) -> Any:
    """Edges of equal bins, on the device of an array."""
    if type(a) is ndarray:
        return np.linspace(low, high, bins + 1, dtype=a.dtype)
    return np.asarray(np.linspace(float(low), float(high), bins + 1, dtype=a.dtype), like=a)


def _weights(name: str, weight: Any, shape: tuple[int, ...]) -> Any:
    if weight is None:
        return None
    if weight._a.shape != shape:
        raise RuntimeError(
            f"{name}(): if weight tensor is provided it should have the same shape as the input tensor excluding its innermost "
            f"dimension, but got input with shape {shape_text(shape)} and weight with shape {shape_text(weight._a.shape)}"
        )
    return weight._a.reshape(-1)


def _counts(name: str, points: Any, edges: list[Any], weights: Any, density: bool) -> Any:
    """Sums of weights of points in bins; the last bin holds its upper edge too."""
    shape = [len(e) - 1 for e in edges]
    inside = np.ones(len(points), bool, like=points)
    place: Any = np.zeros(len(points), np.int64, like=points)
    for column, e in zip(points.T, edges, strict=True):
        inside &= (column >= e[0]) & (column <= e[-1])
        bin_of = np.searchsorted(e, column, "right") - 1
        place = place * (len(e) - 1) + np.clip(np.where(column == e[-1], len(e) - 2, bin_of), 0, max(len(e) - 2, 0))
    hist = np.bincount(place[inside], None if weights is None else weights[inside], int(np.prod(shape)))
    hist = hist.astype(points.dtype).reshape(shape)
    if density:
        widths: Any = 1
        for i, e in enumerate(edges):
            widths = widths * np.diff(e).reshape(-1, *[1] * (len(edges) - i - 1))
        hist = hist / (hist.sum() * widths)
    return hist.astype(points.dtype, copy=False)


@numpy_too
def histogramdd(
    input: Tensor,
    bins: Any,
    *,
    range: Any = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> return_types.histogramdd:
    """Counts of points in bins of several dimensions, and the edges along each.

    Args:
        input: Points, along the last dimension.
        bins: How many equal bins in each dimension (one number serves all), or a vector of edges for each.
        range: For each dimension from where to where equal bins go, in one flat list.
        weight: A weight for each point.
        density: Whether to give the share of the total per unit of volume instead of counts.

    Examples:
        >>> import tour
        >>> tour.histogramdd(tour.tensor([[0.0, 0.0], [1.0, 1.0]]), bins=[2, 2]).hist
        tensor([[1., 0.],
                [0., 1.]])
    """
    a = input._a
    if a.ndim < 2:
        raise RuntimeError("histogramdd(): input tensor should have at least 2 dimensions, but got " + str(a.ndim))
    n = a.shape[-1]
    each = [bins] * n if isinstance(bins, int) else list(bins)
    if len(each) != n:
        raise RuntimeError(
            f"histogramdd(): expected {n} sequences of bin edges for a {n}-dimensional histogram but got {len(each)}"
        )
    if range is not None and len(range) != 2 * n:
        raise RuntimeError(
            f"histogramdd(): for a {n}-dimensional histogram range should have {2 * n} elements, but got {len(range)}"
        )
    points = a.reshape(-1, n)
    ranges = [None] * n if range is None else [tuple(range[2 * i : 2 * i + 2]) for i in np.arange(n)]
    edges = [_edges(points[:, i], b, r, i) for i, (b, r) in enumerate(zip(each, ranges, strict=True))]
    hist = _counts("histogramdd", points, edges, _weights("histogramdd", weight, a.shape[:-1]), density)
    return return_types.histogramdd(wrap(hist), tuple(map(wrap, edges)))


class Histograms:
    """Counts, as methods."""

    __slots__ = ()

    bincount, histc, histogram = bincount, histc, histogram
