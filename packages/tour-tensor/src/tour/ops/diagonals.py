"""Diagonals and triangles of matrices."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._calling import numpy_too
from tour._core import Op, held, kernel_for, ndarray
from tour._declare import result
from tour._dtypes import as_numpy_dtype, int64
from tour._operands import promoted
from tour._shapes import index_of, wrap_dim
from tour._storing import in_place, store
from tour.ops.arranging import constant_pad_nd
from tour.ops.creation import finish
from tour.ops.joining import _tensors, cat, stack
from tour.ops.slicing import diagonal, diagonal_of

if TYPE_CHECKING:
    from tour._devices import device as Device
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = [
    "block_diag", "diag", "diag_embed", "diagflat", "trace", "tril", "tril_indices", "triu", "triu_indices", "vander",
]  # fmt: skip


def _diag_embed(a: Any, offset: int, dim1: int, dim2: int) -> Any:
    n = a.shape[-1] + abs(offset)
    shape = list(a.shape[:-1])
    for d in sorted((dim1, dim2)):
        shape.insert(d, n)
    out = np.zeros_like(a, shape=shape)
    diagonal_of(out, offset, dim1, dim2)[...] = a
    return out


_DIAG_EMBED = Op("diag_embed", ("input", "offset", "dim1", "dim2"), _diag_embed)


@numpy_too
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices that hold the last dimension on a diagonal, and zeros elsewhere.

    Args:
        input: At least one dimension.
        offset: Which diagonal: 0 the main one, positive above it, negative below.
        dim1: Where the rows go.
        dim2: Where the columns go.

    Examples:
        >>> import tour
        >>> tour.diag_embed(tour.tensor([1, 2]))
        tensor([[1, 0],
                [0, 2]])
    """
    a = input._a
    i, j = wrap_dim(dim1, a.ndim + 1), wrap_dim(dim2, a.ndim + 1)
    if i == j:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    if i > j:
        i, j, offset = j, i, -offset
    return result(_DIAG_EMBED, kernel_for(_DIAG_EMBED, a)(a, offset, i, j), input, offset, i, j)  # type: ignore[no-any-return]


@numpy_too
def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """A matrix with a vector on its diagonal; or a copy of the diagonal of a matrix.

    Examples:
        >>> import tour
        >>> tour.diag(tour.tensor([[1, 2], [3, 4]]))
        tensor([1, 4])
    """
    if input._a.ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input._a.ndim}D")
    t = diag_embed(input, diagonal) if input._a.ndim == 1 else input.diagonal(diagonal).clone()
    return t if out is None else store(out, t, "diag")


@numpy_too
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with all elements of a tensor on its diagonal.

    Examples:
        >>> import tour
        >>> tour.diagflat(tour.tensor([1, 2]))
        tensor([[1, 0],
                [0, 2]])
    """
    return diag_embed(input.reshape(-1), offset)


def _tril(a: Any, diagonal: int) -> Any:
    return np.where(_lower(a, diagonal), a, _zero(a.dtype))


def _triu(a: Any, diagonal: int) -> Any:
    return np.where(_lower(a, diagonal - 1), _zero(a.dtype), a)


@lru_cache(maxsize=64)
def _remembered(rows: int, columns: int, diagonal: int) -> Any:
    return np.tri(rows, columns, diagonal, dtype=bool)


def _lower(a: Any, diagonal: int) -> Any:
    """Where the lower triangle of a matrix is; small ones are remembered."""
    rows, columns = a.shape[-2:]
    if type(a) is not ndarray:
        return np.tri(rows, columns, diagonal, dtype=bool, like=a)
    return (_remembered if rows * columns <= 1 << 16 else _remembered.__wrapped__)(rows, columns, diagonal)


@cache
def _zero(dtype: Any) -> Any:
    return np.zeros((), dtype)


_TRIL, _TRIU = Op("tril", ("input", "diagonal"), _tril), Op("triu", ("input", "diagonal"), _triu)


def _triangle(op: Op, input: Tensor, diagonal: Any, out: Any) -> Tensor:
    a = input._a
    if a.ndim < 2:
        raise RuntimeError(f"{op.name}: input tensor must have at least 2 dimensions")
    k = index_of(diagonal)
    t: Tensor = result(op, kernel_for(op, a)(a, k), input, k)
    return t if out is None else store(out, t, op.name)


@numpy_too
def tril(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The lower triangles of matrices, up to a diagonal, with zeros above.

    Examples:
        >>> import tour
        >>> tour.tril(tour.ones(2, 2))
        tensor([[1., 0.],
                [1., 1.]])
    """
    return _triangle(_TRIL, input, diagonal, out)


@numpy_too
def triu(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The upper triangles of matrices, from a diagonal on, with zeros below.

    Examples:
        >>> import tour
        >>> tour.triu(tour.ones(2, 2), 1)
        tensor([[0., 1.],
                [0., 0.]])
    """
    return _triangle(_TRIU, input, diagonal, out)


def _triangle_indices(name: str, numpy: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Tensor:
    if row < 0 or col < 0:
        raise RuntimeError(f"{name}: row and col must be non-negative, got {row} and {col}")
    target = as_numpy_dtype(dtype) or np.dtype(np.int64)
    if target not in (np.int64, np.int32):
        raise RuntimeError(f'"{name}" not implemented for {dtype}; choose int64 or int32')
    return finish(np.stack(numpy(row, offset, col)).astype(target), device)


def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Dtype | None = None,
    device: Device | str | int | None = None,
    layout: Any = None,
) -> Tensor:
    """Indices of the lower triangle of a matrix: a row of row numbers, and one of column numbers.

    Args:
        row: Rows of the matrix.
        col: Columns of the matrix.
        offset: A diagonal, and the triangle goes up to it: 0 is the main one, positive ones lie above it, negative ones
            below.
        dtype: int64 (if None) or int32.
        device: Where the tensor goes; the default device if None.
        layout: Accepted for PyTorch's sake.

    Returns:
        Shape (2, n) for n elements, in row-major order.

    Raises:
        RuntimeError: If a size is negative, or the dtype is another one.

    Examples:
        >>> import tour
        >>> tour.tril_indices(2, 2)
        tensor([[0, 1, 1],
                [0, 0, 1]])
    """
    return _triangle_indices("tril_indices", np.tril_indices, row, col, offset, dtype, device)


def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Dtype | None = None,
    device: Device | str | int | None = None,
    layout: Any = None,
) -> Tensor:
    """Indices of the upper triangle of a matrix: a row of row numbers, and one of column numbers.

    Args:
        row: Rows of the matrix.
        col: Columns of the matrix.
        offset: A diagonal, and the triangle begins at it: 0 is the main one, positive ones lie above it, negative ones
            below.
        dtype: int64 (if None) or int32.
        device: Where the tensor goes; the default device if None.
        layout: Accepted for PyTorch's sake.

    Returns:
        Shape (2, n) for n elements, in row-major order.

    Raises:
        RuntimeError: If a size is negative, or the dtype is another one.

    Examples:
        >>> import tour
        >>> tour.triu_indices(2, 2)
        tensor([[0, 0, 1],
                [0, 1, 1]])
    """
    return _triangle_indices("triu_indices", np.triu_indices, row, col, offset, dtype, device)


@numpy_too
def trace(input: Tensor) -> Tensor:
    """Sum of the diagonal of a matrix.

    Examples:
        >>> import tour
        >>> tour.trace(tour.tensor([[1, 2], [3, 4]]))
        tensor(5)
    """
    if input._a.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input._a.ndim}")
    return diagonal(input).sum()


def block_diag(*tensors: Any) -> Tensor:
    """A matrix with matrices along its diagonal, and zeros elsewhere; vectors count as rows.

    Examples:
        >>> import tour
        >>> tour.block_diag(tour.tensor([[1]]), tour.tensor([2, 3]))
        tensor([[1, 0, 0],
                [0, 2, 3]])
    """
    if not tensors:
        return _core.wrap(np.empty((1, 0), np.float32))
    made = []
    for i, t in enumerate(_tensors("block_diag", tensors[0] if isinstance(tensors[0], (list, tuple)) else tensors)):
        if t._a.ndim > 2:
            raise RuntimeError(
                f"block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {t._a.ndim} dimensions"
            )
        made.append(t.reshape(1, -1) if t._a.ndim < 2 else t)
    common, width, left, rows = promoted(made), sum(t._a.shape[1] for t in made), 0, []
    for t in made:
        rows.append(constant_pad_nd(t.to(common), (left, width - left - t._a.shape[1])))
        left += t._a.shape[1]
    return cat(rows)


@numpy_too
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The Vandermonde matrix of a vector: its powers as columns, the highest first unless `increasing`.

    Args:
        x: A vector of n elements; integers and booleans are taken as int64.
        N: Columns of the result; n if None.
        increasing: Whether the powers go from 0 up to `N - 1` rather than down.

    Returns:
        Shape (n, N): `x[i] ** (N - 1 - j)` in row i and column j, or `x[i] ** j` if `increasing`.

    Raises:
        RuntimeError: If `x` is no vector, or `N` is negative.

    Examples:
        >>> import tour
        >>> tour.vander(tour.tensor([1, 2, 3]))
        tensor([[1, 1, 1],
                [4, 2, 1],
                [9, 3, 1]])
    """
    if x._a.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x._a.size if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    if x._a.dtype.kind in "biu":
        x = x.to(int64)
    columns = [x.new_ones(x._a.size)]
    for _ in range(count - 1):
        columns.append(columns[-1] * x)
    if not count:
        return x.new_empty((x._a.size, 0))
    return stack(columns if increasing else columns[::-1], 1)


def fill_diagonal_(input: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """Write one value on the main diagonal in place; returns the tensor itself.

    Args:
        input: At least two dimensions; of more than two all sizes must be equal.
        fill_value: A number.
        wrap: Whether the diagonal of a tall matrix begins anew after as many rows as there are columns, and one more.

    Examples:
        >>> import tour
        >>> tour.zeros(2, 2).fill_diagonal_(5)
        tensor([[5., 0.],
                [0., 5.]])
    """
    shape = input._a.shape
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError(f"all dimensions of input must be of equal length, got {list(shape)}")
    rows, columns = shape[0], shape[-1]
    for start in range(0, rows if wrap and len(shape) == 2 else 1, columns + 1):
        n = min(rows - start, *shape[1:])
        steps = np.arange(n, like=held(input._a))
        input[(steps + start, *[steps] * (len(shape) - 1))] = fill_value
    return input


class Diagonals:
    """Diagonals and triangles, as methods."""

    __slots__ = ()

    diag, diag_embed, diagflat, tril, triu, trace = diag, diag_embed, diagflat, tril, triu, trace
    tril_, triu_, fill_diagonal_ = in_place(tril), in_place(triu), fill_diagonal_
