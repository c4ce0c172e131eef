"""Running sums, products and extremes along a dimension; differences and integrals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, return_types
from tour._calling import numpy_too
from tour._compiled import compilable
from tour._core import Op, kernel_for
from tour._declare import result
from tour._dtypes import BOOLEAN, FLOATING, FROM_NUMPY, as_dtype
from tour._shapes import wrap_dim
from tour._storing import in_place, store
from tour._widening import double, single, sum_dtype
from tour.ops.extremes import CHOICE, choose, ordered
from tour.ops.joining import cat

if TYPE_CHECKING:
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = [
    "cummax", "cummin", "cumprod", "cumsum", "cumulative_trapezoid", "diff", "logcumsumexp", "trapezoid", "trapz",
]  # fmt: skip


def _scan(ufunc: np.ufunc, a: Any, dim: int) -> Any:
    """A running sum or product: integers in int64, half precision in float32, single precision in double."""
    wide = sum_dtype(a.dtype)
    if not a.ndim:
        return a.astype(wide)
    if type(a) is np.ndarray and a.dtype == np.float32:
        wide = np.dtype(np.float64)
    if a.size < 1 << 14 or dim == a.ndim - 1 or type(a) is not np.ndarray or math.prod(a.shape[dim + 1 :]) < 128:
        return ufunc.accumulate(a, dim, wide)
    # Long slices: eight times as fast as element by element.
    out = np.empty(a.shape, a.dtype if wide.kind == "f" else wide)
    lead: Any = (slice(None),) * dim
    before = a[(*lead, 0)].astype(wide)
    out[(*lead, 0)] = before
    for i in range(1, a.shape[dim]):
        ufunc(before, a[(*lead, i)], before)
        out[(*lead, i)] = before
    return out


def _scanned(ufunc: np.ufunc, a: Any, dim: int) -> Any:
    r = _scan(ufunc, a, dim)
    if FROM_NUMPY[a.dtype].rank < FLOATING:
        return r
    with np.errstate(over="ignore"):
        return r.astype(a.dtype, copy=False)


@compilable()
def _cumsum(a: Any, dim: int) -> Any:
    return _scanned(np.add, a, dim)


@compilable()
def _cumprod(a: Any, dim: int) -> Any:
    return _scanned(np.multiply, a, dim)


def _logcumsumexp(a: Any, dim: int) -> Any:
    if not a.ndim or not a.size:
        return a.copy()
    if a.dtype.kind == "c":
        return _complex_logcumsumexp(a, dim)
    return np.logaddexp.accumulate(double(single(a)), dim).astype(a.dtype, copy=False)


def _complex_logcumsumexp(a: Any, dim: int) -> Any:
    out = np.moveaxis(a.copy(), dim, 0)
    for i in range(1, len(out)):  # each step depends on the one before
        more = out[i].real > out[i - 1].real
        top, other = np.where(more, out[i], out[i - 1]), np.where(more, out[i - 1], out[i])
        out[i] = np.where(other.real == -np.inf, top, top + np.log1p(np.exp(other - top)))
    return np.moveaxis(out, 0, dim)


_CUMSUM, _CUMPROD = Op("cumsum", ("input", "dim"), _cumsum), Op("cumprod", ("input", "dim"), _cumprod)
_LOGCUMSUMEXP = Op("logcumsumexp", ("input", "dim"), _logcumsumexp)


def _run(op: Op, input: Tensor, dim: int, out: Any) -> Tensor:
    a = input._a
    axis = wrap_dim(dim, a.ndim)
    t: Tensor = result(op, kernel_for(op, a)(a, axis), input, axis)
    return t if out is None else store(out, t, op.name)


def _typed_run(op: Op, input: Tensor, dim: int, dtype: Any, out: Any) -> Tensor:
    """A scan in a given dtype; integers are scanned in int64 and then cast, as they would wrap the same way."""
    if dtype is None and (out is None or out._a.dtype is input._a.dtype):
        return _run(op, input, dim, out)
    wanted = as_dtype(dtype or out.dtype)
    if wanted.rank == BOOLEAN and dtype is None and input._a.ndim and input._a.size:
        raise NotImplementedError(f"\"{op.name}_out_cpu\" not implemented for 'Bool'")
    t = _run(op, input.to(wanted), dim, None).to(wanted)
    return t if out is None else store(out, t, op.name)


@numpy_too
def cumsum(input: Tensor, dim: int, *, dtype: Dtype | None = None, out: Tensor | None = None) -> Tensor:
    """Running sum along a dimension; of booleans and integers in int64.

    Examples:
        >>> import tour
        >>> tour.cumsum(tour.tensor([1, 2, 3]), dim=0)
        tensor([1, 3, 6])
    """
    return _typed_run(_CUMSUM, input, dim, dtype, out)


@numpy_too
def cumprod(input: Tensor, dim: int, *, dtype: Dtype | None = None, out: Tensor | None = None) -> Tensor:
    """Running product along a dimension; of booleans and integers in int64.

    Examples:
        >>> import tour
        >>> tour.cumprod(tour.tensor([1, 2, 3]), dim=0)
        tensor([1, 2, 6])
    """
    return _typed_run(_CUMPROD, input, dim, dtype, out)


@numpy_too
def logcumsumexp(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """Logarithm of the running sum of exponentials along a dimension, without overflow.

    Examples:
        >>> import tour
        >>> tour.logcumsumexp(tour.zeros(3), dim=0)
        tensor([0.0000, 0.6931, 1.0986])
    """
    if FROM_NUMPY[input._a.dtype].rank < FLOATING:
        raise RuntimeError(f'"logcumsumexp_out_cpu" not implemented for {input.dtype.name}; call .float() first')
    return _run(_LOGCUMSUMEXP, input, dim, out)


def _running_best(a: Any, dim: int, better: np.ufunc) -> tuple[Any, Any]:
    """Running extremes, and for each where it stands: the latest of elements that tie; NaN is the most extreme."""
    if not a.ndim or not a.size:
        return a.copy(), np.zeros_like(a, np.int64)
    values = better.accumulate(a, dim)
    fresh = a == values
    if FROM_NUMPY[a.dtype].rank >= FLOATING:
        fresh |= np.isnan(a)
    position = np.arange(a.shape[dim], like=a).reshape(-1, *[1] * (a.ndim - dim - 1))
    return values, np.maximum.accumulate(np.where(fresh, position, 0), dim)


@compilable()
def _cummax(a: Any, dim: int) -> tuple[Any, Any]:
    return _running_best(a, dim, np.maximum)


@compilable()
def _cummin(a: Any, dim: int) -> tuple[Any, Any]:
    return _running_best(a, dim, np.minimum)


_CUMMAX, _CUMMIN = Op("cummax", CHOICE, _cummax), Op("cummin", CHOICE, _cummin)


def _choose_running(op: Op, input: Tensor, dim: int, out: Any) -> Any:
    a = input._a
    ordered(op.name, a)
    axis = wrap_dim(dim, a.ndim)
    pair = choose(op, input, kernel_for(op, a)(a, axis), axis, True)
    return pair if out is None else store(tuple(out), pair, op.name)


@numpy_too
def cummax(input: Tensor, dim: int, *, out: tuple[Tensor, Tensor] | None = None) -> return_types.cummax:
    """Running maximum along a dimension, and where each stands.

    Examples:
        >>> import tour
        >>> tour.cummax(tour.tensor([1, 3, 2]), dim=0).values
        tensor([1, 3, 3])
    """
    return return_types.cummax(*_choose_running(_CUMMAX, input, dim, out))


@numpy_too
def cummin(input: Tensor, dim: int, *, out: tuple[Tensor, Tensor] | None = None) -> return_types.cummin:
    """Running minimum along a dimension, and where each stands.

    Examples:
        >>> import tour
        >>> tour.cummin(tour.tensor([3, 1, 2]), dim=0).values
        tensor([3, 1, 1])
    """
    return return_types.cummin(*_choose_running(_CUMMIN, input, dim, out))


@numpy_too
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Differences of neighbours along a dimension, taken `n` times; of booleans, whether they differ.

    Args:
        input: At least one dimension.
        n: How often.
        dim: The dimension.
        prepend: Values to put in front first.
        append: Values to put behind first.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.diff(tour.tensor([1, 3, 6]))
        tensor([2, 3])
    """
    if not input._a.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    for beside in (prepend, append):
        if beside is not None and beside._a.ndim != input._a.ndim:
            raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    axis = wrap_dim(dim, input._a.ndim)
    if not n:
        return input.clone() if out is None else store(out, input, "diff")
    parts = [x for x in (prepend, input, append) if x is not None]
    t = cat(parts, axis) if len(parts) > 1 else input
    for _ in range(min(n, t._a.shape[axis])):
        low, high = t[(slice(None),) * axis + (slice(None, -1),)], t[(slice(None),) * axis + (slice(1, None),)]
        t = high ^ low if FROM_NUMPY[t._a.dtype].rank == BOOLEAN else high - low
    if t is input:
        t = input.clone()
    return t if out is None else store(out, t, "diff")


def _steps(y: Tensor, x: Tensor, dim: int) -> Tensor:
    """The distances of sample points along a dimension of `y`, ready to be multiplied with its values."""
    if x._a.ndim == 1:
        if x._a.shape[0] != y._a.shape[dim]:
            raise RuntimeError(
                "trapezoid: There must be one `x` value for each sample point; "
                f"got {x._a.shape[0]} for {y._a.shape[dim]} points"
            )
        return diff(x).reshape(-1, *[1] * (y._a.ndim - dim - 1))
    return diff(x, dim=dim - y._a.ndim + x._a.ndim if x._a.ndim < y._a.ndim else dim)


def _panels(y: Tensor, x: Tensor | None, dx: Any, dim: int) -> Tensor:
    """The area under each straight piece between neighbours."""
    if FROM_NUMPY[y._a.dtype].rank == BOOLEAN:
        raise RuntimeError("trapezoid: received a bool input for `y`, but bool is not supported")
    lead = (slice(None),) * dim
    both = y[(*lead, slice(1, None))] + y[(*lead, slice(None, -1))]
    if x is not None:
        return both * _steps(y, x, dim) / 2
    return both * dx / 2  # type: ignore[no-any-return]


@numpy_too
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """Integral along a dimension by the trapezoidal rule.

    Args:
        y: Values at the sample points.
        x: The sample points; by default `dx` apart.
        dx: Distance of sample points.
        dim: The dimension.

    Examples:
        >>> import tour
        >>> tour.trapezoid(tour.tensor([1.0, 2.0, 3.0]))
        tensor(4.)
    """
    axis = wrap_dim(dim, y._a.ndim)
    if not y._a.shape[axis]:
        return _core.Tensor.new_zeros(y, y._a.shape[:axis] + y._a.shape[axis + 1 :])  # type: ignore[no-any-return]
    return _panels(y, x, dx, axis).sum(axis)


trapz = trapezoid


@numpy_too
def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """Running integral along a dimension by the trapezoidal rule; one element shorter than `y`.

    The formula is `out[i] = Σ_(j ≤ i) (x[j + 1] - x[j]) (y[j] + y[j + 1]) / 2`.

    Args:
        y: Values at the sample points.
        x: The sample points, a vector as long as the dimension or in a shape that broadcasts; `dx` apart if None.
        dx: Distance of sample points; not used if `x` is given.
        dim: The dimension.

    Raises:
        RuntimeError: If `y` is boolean, or `x` does not fit it.
        IndexError: If the dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.cumulative_trapezoid(tour.tensor([1.0, 2.0, 3.0]))
        tensor([1.5000, 4.0000])
    """
    axis = wrap_dim(dim, y._a.ndim)
    return cumsum(_panels(y, x, dx, axis), axis)


class Scans:
    """Scans, as methods."""

    __slots__ = ()

    cumsum, cumprod, logcumsumexp, cummax, cummin, diff = cumsum, cumprod, logcumsumexp, cummax, cummin, diff
    cumsum_, cumprod_ = in_place(cumsum), in_place(cumprod)
