"""Medians, modes and quantiles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, return_types
from tour._calling import numpy_too
from tour._core import Op, as_array, held, kernel_for
from tour._dtypes import FROM_NUMPY
from tour._shapes import wrap_dim
from tour._storing import store
from tour._widening import single
from tour.ops.extremes import CHOICE, at, choose, not_empty, ordered
from tour.ops.sorting import order, ranked

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["median", "mode", "nanmedian", "nanquantile", "quantile"]


def _median(a: Any, axis: int, keepdim: bool) -> tuple[Any, Any]:
    """The lower of two middle elements, as PyTorch gives it; NaN if there is one."""
    if not a.ndim:
        return a.copy(), np.zeros((), np.int64)
    w = single(a)
    middle = ranked(w, (a.shape[axis] - 1) // 2, axis)
    if w.dtype.kind == "f" and (bad := np.isnan(w)).any():
        middle = np.where(bad.any(axis), bad.argmax(axis), middle)
    return at(a, middle, axis, keepdim)


def _nanmedian(a: Any, axis: int, keepdim: bool) -> tuple[Any, Any]:
    if not a.ndim:
        return a.copy(), np.zeros((), np.int64)
    w = single(a)
    places = order(w, axis, False)
    bad = np.isnan(w) if w.dtype.kind == "f" else np.zeros(w.shape, bool)
    rank = np.maximum(((~bad).sum(axis) - 1) // 2, 0)
    middle = np.take_along_axis(places, np.expand_dims(rank, axis), axis).squeeze(axis)
    return at(a, middle, axis, keepdim)


def _mode(a: Any, axis: int, keepdim: bool) -> tuple[Any, Any]:
    """The most frequent element, the smallest of those that tie, and where it stands last."""
    if not a.ndim:
        return a.copy(), np.zeros_like(a, np.int64)
    n = a.shape[axis]
    rows = np.moveaxis(a, axis, -1)
    places = order(rows, rows.ndim - 1, False)
    ordered_rows = np.take_along_axis(rows, places, -1)
    fresh = np.ones_like(rows, bool)
    fresh[..., 1:] = ordered_rows[..., 1:] != ordered_rows[..., :-1]
    start = np.maximum.accumulate(np.where(fresh, np.arange(n, like=a), 0), -1)
    last = (np.arange(n, like=a) - start).argmax(
        -1
    )  # the first place where a run of equal elements is longest is its end
    return at(a, np.take_along_axis(places, last[..., None], -1)[..., 0], axis, keepdim)


_MEDIAN, _NANMEDIAN, _MODE = (
    Op("median", CHOICE, _median),
    Op("nanmedian", CHOICE, _nanmedian),
    Op("mode", CHOICE, _mode),
)


def _choose_ranked(op: Op, input: Tensor, dim: int, keepdim: bool) -> tuple[Tensor, Tensor]:
    a = input._a
    ordered(op.name, a)
    axis = wrap_dim(dim, a.ndim)
    not_empty(op.name, a, axis if a.ndim else None)
    if not a.size:
        values = np.zeros_like(a, shape=[n for i, n in enumerate(a.shape) if i != axis or keepdim])
        return choose(op, input, (values, values.astype(np.int64)), axis, keepdim)
    return choose(op, input, kernel_for(op, a)(a, axis, keepdim), axis, keepdim)


def _middle_of_all(op: Op, input: Tensor, out: Any) -> Tensor:
    if not input._a.size:
        return input.new_full((), math.nan)
    t = _choose_ranked(op, input.reshape(-1), 0, False)[0]
    return t if out is None else store(out, t, op.name)


@numpy_too
def median(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """Median of all elements; or, with `dim`, medians along it and where they stand.

    Of an even number of elements it is the lower of the two in the middle; `quantile(0.5)` averages them. NaN if there is one.

    Args:
        input: A tensor of real numbers.
        dim: The dimension; None for all elements.
        keepdim: Whether the dimension stays, with size 1; without `dim` it means nothing.
        out: A tensor, or with `dim` a pair of tensors, to write the result into.

    Returns:
        A tensor without dimensions (NaN, if floating-point, for no elements); or, with `dim`, a named tuple
        `(values, indices)`.

    Raises:
        NotImplementedError: If the elements are complex.
        IndexError: If the dimension is out of range, or has size 0.

    Examples:
        >>> import tour
        >>> tour.median(tour.tensor([4, 1, 3, 2]))
        tensor(2)
    """
    if dim is None:
        return _middle_of_all(_MEDIAN, input, out)
    pair = _choose_ranked(_MEDIAN, input, dim, keepdim)
    return return_types.median(*(pair if out is None else store(tuple(out), pair, "median")))


@numpy_too
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """Median of what is not NaN: of all elements; or, with `dim`, along it, and where they stand.

    Args:
        input: A tensor of real numbers.
        dim: The dimension; None for all elements.
        keepdim: Whether the dimension stays, with size 1; without `dim` it means nothing.
        out: A tensor, or with `dim` a pair of tensors, to write the result into.

    Returns:
        A tensor without dimensions; or, with `dim`, a named tuple `(values, indices)`. NaN where all elements are.

    Raises:
        NotImplementedError: If the elements are complex.
        IndexError: If the dimension is out of range, or has size 0.

    Examples:
        >>> import tour
        >>> tour.nanmedian(tour.tensor([4.0, float("nan"), 3.0]))
        tensor(3.)
    """
    if dim is None:
        return _middle_of_all(_NANMEDIAN, input, out)
    pair = _choose_ranked(_NANMEDIAN, input, dim, keepdim)
    return return_types.nanmedian(*(pair if out is None else store(tuple(out), pair, "nanmedian")))


@numpy_too
def mode(input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> return_types.mode:
    """Most frequent elements along a dimension (the smallest of those that tie), and where they stand.

    Args:
        input: A tensor of real numbers.
        dim: The dimension, the last by default.
        keepdim: Whether the dimension stays, with size 1.
        out: A pair of tensors to write the results into.

    Returns:
        A named tuple `(values, indices)`; an index is that of the last of the equal elements.

    Raises:
        NotImplementedError: If the elements are complex.
        IndexError: If the dimension is out of range, or has size 0.

    Examples:
        >>> import tour
        >>> tour.mode(tour.tensor([3, 1, 1, 2])).values
        tensor(1)
    """
    pair = _choose_ranked(_MODE, input, dim, keepdim)
    return return_types.mode(*(pair if out is None else store(tuple(out), pair, "mode")))


def _quantile(input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str, skip_nan: bool) -> Tensor:
    """Quantiles by sorting: between the two elements that stand next to the wanted rank."""
    name = "nanquantile" if skip_nan else "quantile"
    q = _levels(name, input, q, interpolation)
    flat, axis = (input.reshape(-1), 0) if dim is None else (input, wrap_dim(dim, input._a.ndim))
    if not flat._a.ndim:
        flat = flat.reshape(1)
    if not flat._a.size:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    ranked = flat.sort(dim=axis)[0].movedim(axis, -1)
    missing = np.isnan(ranked._a)
    last = (
        (~missing).sum(-1, keepdims=True) - 1
        if skip_nan
        else np.full((*missing.shape[:-1], 1), missing.shape[-1] - 1, like=held(missing))
    )
    rank = q * _core.wrap(np.maximum(last, 0).astype(q._a.dtype))  # (..., levels)
    if not skip_nan:
        rank = rank.masked_fill(_core.wrap(missing.any(-1, keepdims=True)), missing.shape[-1] - 1)
    t = _between(ranked, rank, interpolation)
    t = t[..., 0] if not q._a.shape or q._a.ndim == 0 else t.movedim(-1, 0)
    if keepdim and input._a.ndim:
        many = int(q._a.ndim > 0)
        t = t.reshape(*t._a.shape[:many], *[1] * input._a.ndim) if dim is None else t.unsqueeze(axis + many)
    return t


def _levels(name: str, input: Tensor, q: Any, interpolation: str) -> Tensor:
    """The levels as a tensor, refused where they make no sense."""
    if FROM_NUMPY[input._a.dtype].name not in ("float32", "float64"):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if not isinstance(q, _core.Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q}")
        q = _core.wrap(np.full_like(held(input._a), q, shape=()))
    if q._a.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if q._a.dtype != input._a.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    elif q._a.size and not ((held(q._a) >= 0) & (held(q._a) <= 1)).all():
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    return q  # type: ignore[no-any-return]


def _between(ranked: Tensor, rank: Tensor, interpolation: str) -> Tensor:
    """Values at fractional ranks along the last dimension."""
    r = np.broadcast_to(rank._a, (*ranked._a.shape[:-1], rank._a.shape[-1] if rank._a.ndim else 1))
    if interpolation in ("lower", "higher", "nearest"):
        rounding: Any = {"lower": np.floor, "higher": np.ceil, "nearest": np.round}[interpolation]
        rounded = rounding(r)
        return ranked.gather(-1, _core.wrap(rounded.astype(np.int64)))
    low, high = (ranked.gather(-1, _core.wrap(f(r).astype(np.int64))) for f in (np.floor, np.ceil))
    weight = 0.5 if interpolation == "midpoint" else rank - _core.wrap(as_array(np.floor(rank._a)))
    return low + (high - low) * weight


@numpy_too
def quantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """Quantiles along a dimension, or of all elements; NaN where there is one.

    Args:
        input: A float32 or float64 tensor.
        q: A level from 0 to 1, or a vector of them, which becomes the first dimension of the result.
        dim: The dimension; None for all elements.
        keepdim: Whether the dimension stays, with size 1.
        interpolation: Between two elements: `"linear"`, `"lower"`, `"higher"`, `"midpoint"` or `"nearest"`.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.quantile(tour.tensor([0.0, 1.0, 2.0, 3.0]), 0.5)
        tensor(1.5000)
    """
    t = _quantile(input, q, dim, keepdim, interpolation, skip_nan=False)
    return t if out is None else store(out, t, "quantile")


@numpy_too
def nanquantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """Quantiles of what is not NaN, with the arguments of `quantile`.

    Args:
        input, q, dim, keepdim, interpolation, out: As for `quantile`.

    Returns:
        The quantiles; NaN where all elements are.

    Raises:
        RuntimeError: If `input` is empty or neither float32 nor float64, `q` is not from 0 to 1 or a tensor of another
            dtype, or `interpolation` is not known.
        IndexError: If the dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.nanquantile(tour.tensor([0.0, float("nan"), 2.0]), 0.5)
        tensor(1.)
    """
    t = _quantile(input, q, dim, keepdim, interpolation, skip_nan=True)
    return t if out is None else store(out, t, "nanquantile")


class Quantiles:
    """Order statistics, as methods."""

    __slots__ = ()

    median, nanmedian, mode, quantile, nanquantile = median, nanmedian, mode, quantile, nanquantile
