"""Norms, determinants, condition numbers and ranks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, return_types
from tour._calling import numpy_too
from tour._core import Op, held
from tour._dtypes import FROM_NUMPY, as_dtype, can_cast
from tour._shapes import is_int, wrap_dims
from tour.linalg._checks import fractional, given, made, matrix, square
from tour.linalg.factoring import eigvalsh, svdvals
from tour.linalg.solving import inv_ex, tolerances
from tour.ops import norms
from tour.ops.factories import zeros

if TYPE_CHECKING:
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

Dim = int | tuple[int, ...] | None
Order = int | float | str | None


# --- Norms ------------------------------------------------------------------------------------------------------------------------


def _in_dtype(name: str, input: Any, dtype: Any) -> Any:
    """The input in the dtype in which a norm is taken."""
    input = fractional(name, input, low=True)
    if dtype is None:
        return input
    wanted = as_dtype(dtype)
    have = FROM_NUMPY[input._a.dtype]
    if have.is_complex is not wanted.is_complex:
        kind = "complex" if have.is_complex else "real"
        raise RuntimeError(f"{name}: dtype should be {kind} for {kind} inputs, but got {wanted.name}")
    if not can_cast(have, wanted) or wanted.itemsize < have.itemsize:
        raise RuntimeError(f"{name}: the dtype of the input ({have.name}) should be convertible without narrowing to the specified "
                           f"dtype ({wanted.name})")  # fmt: skip
    return input.to(wanted)


@numpy_too
def vector_norm(
    x: Tensor,
    ord: float = 2,
    dim: Dim = None,
    keepdim: bool = False,
    *,
    dtype: Dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The p-norm `(Σ |x|^p)^(1/p)` over dimensions, or over all elements.

    Args:
        x: A floating-point or complex tensor.
        ord: The power; infinity for the largest absolute value, 0 for the number of elements that are not zero.
        dim: The dimension or dimensions; None for all.
        keepdim: Whether they stay, with size 1.
        dtype: Cast to this dtype first.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.linalg.vector_norm(tour.tensor([[3.0, 4.0], [6.0, 8.0]]), dim=1)
        tensor([ 5., 10.])
    """
    if isinstance(ord, str):
        raise TypeError(f"linalg.vector_norm(): argument 'ord' must be Number, not {type(ord).__name__}")
    x = _in_dtype("linalg.vector_norm", x, dtype)
    return given(norms.vector_norm(x, ord, dim, keepdim), out, "linalg.vector_norm")  # type: ignore[no-any-return]


@numpy_too
def matrix_norm(
    A: Tensor,
    ord: Order = "fro",
    dim: tuple[int, int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """A norm of matrices.

    Args:
        A: Matrices.
        ord: `"fro"` (root of the sum of squares), `"nuc"` (sum of singular values), infinity (largest sum of a row), -infinity
            (smallest), 1 (largest sum of a column), -1 (smallest), 2 (largest singular value), -2 (smallest).
        dim: The two dimensions of the matrices.
        keepdim: Whether they stay, with size 1.
        dtype: Cast to this dtype first.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.linalg.matrix_norm(tour.tensor([[1.0, -2.0], [3.0, 4.0]]), float("inf"))
        tensor(7.)
    """
    name = "linalg.matrix_norm"
    A = _in_dtype(name, A, dtype)
    if A._a.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    dims = (dim,) if is_int(dim) else tuple(dim)
    if len(dims) != 2:
        raise RuntimeError(f"{name}: dim must be a 2-tuple. Got {' '.join(map(str, dims))}")
    rows, columns = wrap_dims(dims, A._a.ndim)
    t = _norm_of_matrices(name, A, ord, rows, columns)
    for d in sorted((rows, columns)) if keepdim else ():
        t = t.unsqueeze(d)
    return given(t, out, name)  # type: ignore[no-any-return]


def _norm_of_matrices(name: str, A: Any, ord: Any, rows: int, columns: int) -> Any:
    if ord == "fro":
        return norms.vector_norm(A, 2, (rows, columns))
    if isinstance(ord, str) and ord != "nuc":
        raise RuntimeError(f"{name}: Order {ord} not supported.")
    if ord != "nuc" and abs(ord) not in (1, 2, math.inf):
        raise RuntimeError(f"{name}: Order {ord} not supported.")
    if ord == "nuc" or abs(ord) == 2:
        s = svdvals(A.movedim((rows, columns), (-2, -1)))
        if ord == "nuc":
            return s.sum(-1)
        if not s._a.shape[-1] and ord > 0:
            return s.sum(-1)
        return s.amax(-1) if ord > 0 else s.amin(-1)
    along, over = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = norms.vector_norm(A, 1, along, True)
    if not sums._a.size and sums._a.shape[over] == 0 < ord:
        return zeros(sums.sum((rows, columns)).shape, dtype=sums.dtype)
    best = sums.amax(over, True) if ord > 0 else sums.amin(over, True)
    return best.squeeze((rows, columns))


@numpy_too
def norm(
    A: Tensor,
    ord: Order = None,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """A norm of vectors, or of matrices where `dim` names two dimensions, or `ord` is given for a matrix.

    Examples:
        >>> import tour
        >>> tour.linalg.norm(tour.tensor([3.0, 4.0]))
        tensor(5.)
    """
    A = fractional("linalg.norm", A, low=True)
    dims = None if dim is None else (dim,) if is_int(dim) else tuple(dim)
    if dims is not None and len(dims) > 2 and ord is not None:
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}")
    if dims is None and ord is not None and A._a.ndim not in (1, 2):
        raise RuntimeError("linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
                           f"{A._a.ndim}D.")  # fmt: skip
    if ord is not None and (len(dims) == 2 if dims is not None else A._a.ndim == 2):
        return matrix_norm(A, ord, dims or (0, 1), keepdim, dtype=dtype, out=out)
    if isinstance(ord, str):
        raise RuntimeError(f"linalg.norm: Order {ord} is for matrices; the input is {A._a.ndim}D")
    return vector_norm(A, 2 if ord is None else ord, dims, keepdim, dtype=dtype, out=out)


# --- Determinants -------------------------------------------------------------------------------------------------------------------

_DET = Op("linalg_det", ("input",), np.linalg.det)
_SLOGDET = Op("linalg_slogdet", ("input",), lambda a: tuple(np.linalg.slogdet(a)))


@numpy_too
def det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Determinants of square matrices.

    Examples:
        >>> import tour
        >>> tour.linalg.det(tour.tensor([[2.0, 0.0], [0.0, 4.0]]))
        tensor(8.)
    """
    return given(made(_DET, square("linalg.det", A)), out, "linalg.det")  # type: ignore[no-any-return]


@numpy_too
def slogdet(A: Tensor, *, out: Any = None) -> return_types.linalg_slogdet:
    """Sign (for complex matrices the phase) and logarithm of the absolute value of determinants.

    Examples:
        >>> import tour
        >>> tour.linalg.slogdet(tour.tensor([[1.0, 0.0], [0.0, -1.0]])).sign
        tensor(-1.)
    """
    pair = made(_SLOGDET, square("linalg.slogdet", A))
    return given(pair, out, "linalg.slogdet", return_types.linalg_slogdet)  # type: ignore[no-any-return]


# --- Condition and rank ---------------------------------------------------------------------------------------------------------------


@numpy_too
def cond(A: Tensor, p: Order = None, *, out: Tensor | None = None) -> Tensor:
    """Condition numbers: the norm of a matrix times that of its inverse.

    Args:
        A: Square matrices; for `p` None, 2 or -2 any.
        p: The norm, as for `matrix_norm`; None is 2. Singular matrices have the condition number infinity.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.linalg.cond(tour.tensor([[2.0, 0.0], [0.0, 4.0]]))
        tensor(2.)
    """
    A = matrix("linalg.cond", A)
    if p is None or p in (2, -2):
        s = svdvals(A)
        if not s._a.shape[-1]:
            t = _core.wrap(np.zeros(s._a.shape[:-1], s._a.dtype))
        else:
            t = s[..., 0] / s[..., -1] if p != -2 else s[..., -1] / s[..., 0]
        return given(t, out, "linalg.cond")  # type: ignore[no-any-return]
    if isinstance(p, str) and p not in ("fro", "nuc"):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    if not isinstance(p, str) and abs(p) not in (1, math.inf):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    A = square("linalg.cond", A)
    if not A._a.size:
        return given(_core.wrap(np.zeros(A._a.shape[:-2], A._a.real.dtype)), out, "linalg.cond")  # type: ignore[no-any-return]
    inverse, info = inv_ex(A)
    t = matrix_norm(A, p) * matrix_norm(inverse, p)
    if held(info._a).any():
        t = t.masked_fill(_core.wrap(info._a != 0), math.inf)
    return given(t, out, "linalg.cond")  # type: ignore[no-any-return]


@numpy_too
def matrix_rank(
    A: Tensor,
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """How many singular values are larger than `max(atol, rtol * the largest)`.

    Args:
        A: Matrices.
        tol: The older name of `atol`.
        hermitian: Whether the matrices are Hermitian; only the lower triangle is read then.
        atol: The absolute tolerance.
        rtol: The relative one; `eps * max(m, n)` unless either tolerance is given.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.linalg.matrix_rank(tour.tensor([[1.0, 2.0], [2.0, 4.0]]))
        tensor(1)
    """
    A = square("linalg.matrix_rank", A) if hermitian else matrix("linalg.matrix_rank", A)
    low, relative = tolerances("linalg.matrix_rank", A, tol if atol is None else atol, 0.0 if tol is not None else rtol)
    A = A.detach()
    s = (eigvalsh(A).abs() if hermitian else svdvals(A))._a
    limit = np.maximum(low, relative * s.max(-1, initial=0))
    rank = (s > _core.as_array(limit)[..., None]).sum(-1)
    return given(_core.wrap(_core.as_array(rank)), out, "linalg.matrix_rank")  # type: ignore[no-any-return]
