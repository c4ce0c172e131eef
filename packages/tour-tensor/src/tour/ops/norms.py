"""Lengths and distances."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tour._calling import numpy_too
from tour._core import Op, as_array, kernel_for
from tour._declare import primitive, result
from tour._dtypes import FLOATING, FROM_NUMPY, as_dtype
from tour._errors import shape_text
from tour._shapes import axes, wrap_dim, wrap_dims
from tour._storing import in_place, store
from tour._widening import reduce_add, reduce_maximum, reduce_minimum, single
from tour.ops.comparison import where
from tour.ops.reductions import _sum

if TYPE_CHECKING:
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = ["cdist", "dist", "frobenius_norm", "norm", "norm_except_dim", "nuclear_norm", "renorm"]

Dim = int | tuple[int, ...] | None


def _norm(a: Any, ord: float, dim: Any, keepdim: bool) -> Any:
    """The p-norm over dimensions, real."""
    real = FROM_NUMPY[a.dtype].to_real().numpy
    a = single(a)
    axis: Any = axes(dim, a.ndim)
    if ord == 2 and a.dtype.kind == "f" and axis == a.ndim - 1 and a.ndim > 1 and type(a) is np.ndarray:
        r = np.sqrt(np.vecdot(a, a))
        return (r[..., None] if keepdim else r).astype(real, copy=False)
    if ord == 2 and a.dtype.kind == "f":
        if (axis is None or a.ndim == 1) and a.flags.c_contiguous:
            line = a.reshape(-1)
            r = np.sqrt(line.dot(line))
            return (r.reshape((1,) * a.ndim) if keepdim else as_array(r)).astype(real, copy=False)
        return np.sqrt(_sum(np.square(a), axis, keepdim)).astype(real, copy=False)
    size = np.abs(a)
    if ord == math.inf:
        r = reduce_maximum(size, axis=axis, keepdims=keepdim)
    elif ord == -math.inf:
        r = reduce_minimum(size, axis=axis, keepdims=keepdim)
    elif ord == 0:
        r = reduce_add(size != 0, axis=axis, keepdims=keepdim, dtype=real)
    elif ord == 1:
        r = _sum(size, axis, keepdim)
    elif ord == 2:
        r = np.sqrt(_sum(np.square(size), axis, keepdim))
    else:
        r = np.power(_sum(np.power(size, ord), axis, keepdim), 1 / ord)
    return r.astype(real, copy=False)


_NORM = Op("vector_norm", ("input", "ord", "dim", "keepdim"), _norm)


def vector_norm(input: Tensor, ord: float = 2, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The p-norm `(Σ |x|^p)^(1/p)` over dimensions, or over all; a real tensor.

    Args:
        input: A floating-point or complex tensor.
        ord: The power p; infinity for the largest absolute value, 0 for the number of elements that are not zero.
        dim: The dimension or dimensions; None for all.
        keepdim: Whether they stay, with size 1.

    Raises:
        RuntimeError: If there is no largest absolute value because there are no elements.
    """
    a = input._a
    if FROM_NUMPY[a.dtype].rank < FLOATING:
        raise RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {FROM_NUMPY[a.dtype].name}"
        )
    p = float(ord)
    if not a.size and (p < 0 or p == math.inf):
        axis: Any = axes(dim, a.ndim)
        over = range(a.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        if axis is None or any(not a.shape[i] for i in over):
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the operation does not have an identity"
            )
    return result(_NORM, kernel_for(_NORM, a)(a, p, dim, keepdim), input, p, dim, keepdim)  # type: ignore[no-any-return]


@numpy_too
def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Dim = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
) -> Tensor:
    """Norm of a tensor over dimensions, or over all.

    Args:
        input: A floating-point or complex tensor.
        p: The power; or `"fro"` for 2; or `"nuc"` for the sum of singular values of matrices in two dimensions.
        dim: The dimension or dimensions; None for all.
        keepdim: Whether they stay, with size 1.
        out: A tensor to write the result into.
        dtype: Cast to this dtype first.

    Examples:
        >>> import tour
        >>> tour.norm(tour.tensor([3.0, 4.0]))
        tensor(5.)
    """
    if FROM_NUMPY[input._a.dtype].rank < FLOATING and dtype is None:
        raise RuntimeError(
            f"norm(): input dtype should be either floating point or complex. Got {input.dtype.name} instead."
        )
    if dtype is not None:
        input = input.to(as_dtype(dtype))
    if p == "nuc":
        t = _nuclear(input, dim, keepdim)
    elif isinstance(p, str) and p != "fro":
        raise RuntimeError(f"only valid string values are 'fro' and 'nuc', found {p}")
    else:
        t = vector_norm(input, 2 if p is None or p == "fro" else p, dim, keepdim)  # type: ignore[arg-type]
    return t if out is None else store(out, t, "norm")


def _nuclear(input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    from tour.linalg import svdvals

    dims = wrap_dims(range(input._a.ndim) if dim is None else dim, input._a.ndim)
    if len(dims) != 2:
        raise IndexError(
            f"nuclear norm: 'dim' must name two dimensions, got {dims} for shape {shape_text(input._a.shape)}"
        )
    total = svdvals(input.movedim(dims, (-2, -1))).sum(-1)
    if keepdim:
        for d in sorted(dims):
            total = total.unsqueeze(d)
    return total


@numpy_too
def frobenius_norm(input: Tensor, dim: Dim, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Root of the sum of squares over dimensions.

    The formula is `sqrt(Σ |x|²)`.

    Args:
        input: A floating-point or complex tensor.
        dim: The dimension or dimensions; None for all.
        keepdim: Whether the dimensions stay, with size 1.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If the dtype is an integer or boolean one.
        IndexError: If a dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.frobenius_norm(tour.tensor([[3.0, 4.0]]), (0, 1))
        tensor(5.)
    """
    return norm(input, "fro", dim, keepdim, out=out)


@numpy_too
def nuclear_norm(input: Tensor, dim: Dim = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Sum of the singular values of matrices in two dimensions.

    Args:
        input: A floating-point or complex tensor; a matrix if `dim` is None.
        dim: The two dimensions of the matrices; None for those of a matrix.
        keepdim: Whether the dimensions stay, with size 1.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If the dtype is an integer or boolean one.
        IndexError: If there are not two dimensions to take, or one is out of range.

    Examples:
        >>> import tour
        >>> tour.nuclear_norm(tour.eye(3))
        tensor(3.)
    """
    return norm(input, "nuc", dim, keepdim, out=out)


@numpy_too
def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """Norm over all dimensions but one; with `dim=-1` over all.

    Args:
        v: A floating-point or complex tensor.
        pow: The power p of the norm `(Σ |x|^p)^(1/p)`.
        dim: The dimension that stays; -1 for none.

    Returns:
        As many dimensions as `v`, all but `dim` with size 1; a tensor without dimensions for `dim=-1`.

    Raises:
        RuntimeError: If the dtype is an integer or boolean one.
        IndexError: If the dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.norm_except_dim(tour.tensor([[3.0, 4.0], [0.0, 1.0]]))
        tensor([[5.],
                [1.]])
    """
    if dim == -1:
        return norm(v, pow)
    kept = wrap_dim(dim, v._a.ndim)
    return norm(v, pow, tuple(i for i in range(v._a.ndim) if i != kept), True)


@numpy_too
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of a difference.

    The formula is `(Σ |input - other|^p)^(1/p)`, over all elements.

    Args:
        input: A tensor.
        other: A tensor whose shape broadcasts with that of `input`.
        p: The power; infinity for the largest difference, 0 for the number of elements that differ.

    Returns:
        A tensor without dimensions.

    Raises:
        RuntimeError: If the shapes do not broadcast, the difference is neither floating-point nor complex, or there
            is no largest one because there are no elements.

    Examples:
        >>> import tour
        >>> tour.dist(tour.tensor([0.0, 0.0]), tour.tensor([3.0, 4.0]))
        tensor(5.)
    """
    return vector_norm(input - other, p)


_MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")
_MANY = 25  # rows from which PyTorch, too, finds distances by a matrix product


@numpy_too
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """Distances between all rows of two matrices, or of batches of them.

    Shapes: `(..., P, M)` and `(..., R, M)` give `(..., P, R)`.

    Args:
        x1: Rows.
        x2: Rows.
        p: The power of the norm.
        compute_mode: Whether Euclidean distances may be found by a matrix product, which is faster and less exact:
            `"use_mm_for_euclid_dist_if_necessary"` (for more than 25 rows), `"use_mm_for_euclid_dist"` or
            `"donot_use_mm_for_euclid_dist"`.

    Examples:
        >>> import tour
        >>> tour.cdist(tour.tensor([[0.0, 0.0]]), tour.tensor([[3.0, 4.0], [0.0, 1.0]]))
        tensor([[5., 1.]])
    """
    _check_rows(x1, x2, p)
    if compute_mode not in _MODES:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode; choose one of {', '.join(_MODES)}")
    many = x1._a.shape[-2] > _MANY or x2._a.shape[-2] > _MANY
    if p == 2 and x1._a.size and x2._a.size and (compute_mode == _MODES[1] or (many and compute_mode == _MODES[0])):
        return _euclidean(x1, x2)
    return vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


@primitive(lambda a, b: _by_product(single(a), single(b)).astype(a.dtype, copy=False))
def _euclidean(x1: Tensor, x2: Tensor) -> Tensor:
    """Euclidean distances between rows, `|a - b|² = |a|² + |b|² - 2 a·b`."""
    ...


def _by_product(a: Any, b: Any) -> Any:
    squares = np.square(a).sum(-1)[..., :, None] + np.square(b).sum(-1)[..., None, :] - 2 * (a @ np.swapaxes(b, -1, -2))
    return np.sqrt(np.maximum(squares, 0))


def _check_rows(x1: Tensor, x2: Tensor, p: float) -> None:
    for name, x in (("x1", x1), ("x2", x2)):
        if FROM_NUMPY[x._a.dtype].rank != FLOATING:
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name.upper()} got: {x.dtype.name}")
        if x._a.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name.upper()} got: {x._a.ndim}D")
    if x1._a.shape[-1] != x2._a.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1._a.shape[-1]} X2: {x2._a.shape[-1]}"
        )
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")


@numpy_too
def renorm(input: Tensor, p: float, dim: int, maxnorm: float, *, out: Tensor | None = None) -> Tensor:
    """The slices along a dimension scaled down to a p-norm of at most `maxnorm`.

    A slice x whose norm n is larger is multiplied by `maxnorm / (n + 1e-7)`; the others stay as they are.

    Args:
        input: A floating-point or complex tensor with at least two dimensions.
        p: The power of the norm, above 0.
        dim: The dimension that counts the slices; each norm is over all the others.
        maxnorm: The largest norm that is left alone, at least 0.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If `p`, `maxnorm`, the dtype or the number of dimensions is not as above.
        IndexError: If the dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.renorm(tour.tensor([[3.0, 4.0], [0.0, 1.0]]), 2, 0, 1.0)
        tensor([[0.6000, 0.8000],
                [0.0000, 1.0000]])
    """
    if p <= 0:
        raise RuntimeError("non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"expected maxnorm to be >= 0 but got {maxnorm}")
    if input._a.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input._a.ndim} dimensions")
    axis = wrap_dims(dim, input._a.ndim)[0]
    length = vector_norm(input, p, tuple(i for i in range(input._a.ndim) if i != axis), True)
    scale = where(length > maxnorm, maxnorm / (length + 1e-7), 1.0)
    t = (input * scale).to(input.dtype)
    return t if out is None else store(out, t, "renorm")  # type: ignore[no-any-return]


class Norms:
    """Lengths, as methods."""

    __slots__ = ()

    norm, dist, renorm = norm, dist, renorm
    renorm_ = in_place(renorm)
