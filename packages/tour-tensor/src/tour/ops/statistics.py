"""Variance, standard deviation, correlation."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tour._calling import numpy_too
from tour._core import Op, as_array, held, kernel_for
from tour._declare import result
from tour._dtypes import BOOLEAN, FLOATING, FROM_NUMPY
from tour._shapes import axes
from tour._storing import store
from tour._widening import double, reduce_add, single
from tour.ops.complexes import complex
from tour.ops.linear import matmul
from tour.ops.reductions import Dim, _sum, mean

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["corrcoef", "cov", "std", "std_mean", "var", "var_mean"]

_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)
_FEW = 1 << 13  # elements below which a sum costs more to call than to add up


def _wide_var(a: Any, dim: Any, correction: float, keepdim: bool) -> Any:
    """Variance in two passes: the mean first, then the squares of what differs from it; of single precision in double."""
    d = a.dtype
    wide = double(a if d is _F32 or d is _F64 else single(a))
    axis: Any = axes(dim, a.ndim)
    few = a.size < _FEW and (d is _F32 or axis is None or axis == a.ndim - 1)  # NumPy's own sums are exact enough
    total = reduce_add(wide, axis, None, None, True) if few else _sum(wide, axis, True)
    count = a.size // total.size if total.size and a.size else 0
    if not count:
        away = wide
    else:
        mean = total / as_divisor(count, total.dtype)
        away = as_array(wide - mean) if wide.dtype is d else np.subtract(wide, mean, wide)
    squares = np.multiply(away, away, away) if away.dtype.kind == "f" else (away * away.conj()).real
    added = reduce_add(squares, axis, None, None, keepdim) if few else _sum(squares, axis, keepdim)
    return added / as_divisor(max(count - correction, 0), squares.dtype)


def _narrow(r: Any, d: Any) -> Any:
    """A result in the real dtype of its input's."""
    if d is _F32:
        with np.errstate(over="ignore"):
            return r.astype(_F32, copy=False)
    return r if r.dtype is d else r.astype(FROM_NUMPY[d].to_real().numpy, copy=False)


def _var(a: Any, dim: Any, correction: float, keepdim: bool) -> Any:
    return _narrow(_wide_var(a, dim, correction, keepdim), a.dtype)


@lru_cache(maxsize=1024)
def as_divisor(n: float, dtype: Any) -> Any:
    """A number as an array: NumPy takes twice the time to divide by Python's numbers."""
    return np.array(n, dtype)


def _std(a: Any, dim: Any, correction: float, keepdim: bool) -> Any:
    return _narrow(np.sqrt(_wide_var(a, dim, correction, keepdim)), a.dtype)


_VAR, _STD = (Op(name, ("input", "dim", "correction", "keepdim"), f) for name, f in (("var", _var), ("std", _std)))


def _spread(op: Op, input: Tensor, dim: Any, unbiased: Any, correction: Any, keepdim: bool) -> Tensor:
    a = input._a
    if FROM_NUMPY[a.dtype].rank < FLOATING:
        raise RuntimeError(f"{op.name}: only support floating point and complex dtypes, got {FROM_NUMPY[a.dtype].name}")
    dim, by = _correction(op.name, dim, unbiased, correction)
    axes(dim, a.ndim)
    return result(op, kernel_for(op, a)(a, dim, by, keepdim), input, dim, by, keepdim)  # type: ignore[no-any-return]


def _correction(name: str, dim: Any, unbiased: Any, correction: Any) -> tuple[Any, float]:
    """The dimensions and the correction from the two forms `var(dim, unbiased)` and `var(unbiased)`."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(f"{name}(): give either unbiased or correction, not both")
    return dim, (1 if unbiased is None or unbiased else 0) if correction is None else correction


@numpy_too
def var(
    input: Tensor,
    dim: Dim = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Variance over dimensions, or over all.

    Args:
        input: A floating-point or complex tensor.
        dim: The dimension or dimensions; None for all.
        unbiased: Whether to divide by the number of elements minus one (the default) instead of by the number.
        keepdim: Whether the dimensions stay, with size 1.
        correction: What to subtract from the number of elements, 1 unless given.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.var(tour.tensor([1.0, 2.0, 3.0]))
        tensor(1.)
    """
    t = _spread(_VAR, input, dim, unbiased, correction, keepdim)
    return t if out is None else store(out, t, "var")


@numpy_too
def std(
    input: Tensor,
    dim: Dim = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Standard deviation over dimensions, or over all: the root of `var`, with the same arguments.

    Args:
        input, dim, unbiased, keepdim, correction, out: As for `var`.

    Raises:
        RuntimeError: If the dtype is an integer or boolean one.
        TypeError: If both `unbiased` and `correction` are given.
        IndexError: If a dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.std(tour.tensor([1.0, 3.0, 5.0]))
        tensor(2.)
    """
    t = _spread(_STD, input, dim, unbiased, correction, keepdim)
    return t if out is None else store(out, t, "std")


@numpy_too
def var_mean(
    input: Tensor,
    dim: Dim = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Variance and mean, with the arguments of `var`.

    Args:
        input, dim, unbiased, keepdim, correction: As for `var`.

    Returns:
        A pair of tensors of the same shape.

    Raises:
        RuntimeError: If the dtype is an integer or boolean one.
        TypeError: If both `unbiased` and `correction` are given.
        IndexError: If a dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.var_mean(tour.tensor([1.0, 2.0, 3.0]))
        (tensor(1.), tensor(2.))
    """
    variance = _spread(_VAR, input, dim, unbiased, correction, keepdim)
    return variance, mean(input, None if isinstance(dim, bool) else dim, keepdim)


@numpy_too
def std_mean(
    input: Tensor,
    dim: Dim = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean, with the arguments of `var`.

    Args:
        input, dim, unbiased, keepdim, correction: As for `var`.

    Returns:
        A pair of tensors of the same shape.

    Raises:
        RuntimeError: If the dtype is an integer or boolean one.
        TypeError: If both `unbiased` and `correction` are given.
        IndexError: If a dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.std_mean(tour.tensor([1.0, 3.0, 5.0]))
        (tensor(2.), tensor(3.))
    """
    deviation = _spread(_STD, input, dim, unbiased, correction, keepdim)
    return deviation, mean(input, None if isinstance(dim, bool) else dim, keepdim)


@numpy_too
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """Covariances of variables, the rows of a matrix, over their observations, its columns.

    Args:
        input: At most two dimensions; a vector is one variable.
        correction: What to subtract from the number of observations.
        fweights: How often each observation counts: integers.
        aweights: How much each observation counts.

    Examples:
        >>> import tour
        >>> tour.cov(tour.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
        tensor([[ 1., -1.],
                [-1.,  1.]])
    """
    a = input._a
    if a.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {a.ndim} dimensions"
        )
    if FROM_NUMPY[a.dtype].rank == BOOLEAN:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    rows = input if a.ndim == 2 else input.reshape(1, -1)
    count = rows._a.shape[1]
    weights = _weights("fweights", fweights, count, "iu"), _weights("aweights", aweights, count, "fV")
    w = weights[0] if weights[1] is None else weights[1] if weights[0] is None else weights[0] * weights[1]
    total = count if w is None else w.sum()
    centre = (rows if w is None else rows * w).sum(1, True) / total
    if w is None or weights[1] is None or correction == 0:
        below = total - correction
    else:
        below = total - correction * (w * weights[1]).sum() / total
    if w is not None and not held(total._a).all():
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    away = rows - centre
    product = matmul(away, (away if w is None else away * w).t().conj())
    t = product / (
        below if isinstance(below, int) and below > 0 else 0.0 if isinstance(below, int) else below.clamp(min=0)
    )
    return t.squeeze()


def _weights(name: str, w: Any, count: int, kinds: str) -> Any:
    """Weights of observations, refused where they do not fit."""
    if w is None:
        return None
    if w._a.ndim > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with {w._a.ndim} dimensions"
        )
    if w._a.dtype.kind not in kinds:
        kind = "integral" if kinds == "iu" else "floating point"
        raise RuntimeError(f"cov(): expected {name} to have {kind} dtype but got {name} with {w.dtype.name} dtype")
    if w._a.size != count:
        raise RuntimeError(f"cov(): expected {name} to have the same numel as there are observations in the input but got "
                           f"{w._a.size} != {count}")  # fmt: skip
    if w._a.size and held(w._a).min() < 0:
        raise RuntimeError(f"cov(): {name} cannot be negative")
    return w


@numpy_too
def corrcoef(input: Tensor) -> Tensor:
    """Pearson's correlation coefficients of variables, the rows of a matrix.

    Examples:
        >>> import tour
        >>> tour.corrcoef(tour.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
        tensor([[ 1., -1.],
                [-1.,  1.]])
    """
    if input._a.ndim > 2:
        raise RuntimeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got an input with {input._a.ndim} dimensions"
        )
    c = cov(input)
    if not c._a.ndim:
        return c / c
    deviation = (c.diagonal() if c._a.dtype.kind != "c" else c.diagonal().real).sqrt()
    t = c / deviation.unsqueeze(-1) / deviation.unsqueeze(0)
    if t._a.dtype.kind != "c":
        return t.clamp(-1, 1)
    return complex(t.real.clamp(-1, 1), t.imag.clamp(-1, 1))


class Statistics:
    """Spread and correlation, as methods."""

    __slots__ = ()

    var, std, cov, corrcoef = var, std, cov, corrcoef
