"""Inverses and solutions of linear systems."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, return_types
from tour._calling import numpy_too
from tour._core import Op, held
from tour._dtypes import FROM_NUMPY, int64
from tour.linalg import _kernels
from tour.linalg._checks import (
    LinAlgError,
    alike,
    batches,
    demand,
    fractional,
    given,
    made,
    matrix,
    scipy_lapack,
    singular,
    square,
)
from tour.ops.factories import empty

if TYPE_CHECKING:
    from tour._tensor import Tensor

# --- Inverses -------------------------------------------------------------------------------------------------------------------

_INV = Op("linalg_inv_ex", ("A",), _kernels.inverse)


@numpy_too
def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> return_types.linalg_inv_ex:
    """Inverses and, instead of an error, a number for each matrix: 0, or the first zero pivot, counted from 1.

    Examples:
        >>> import tour
        >>> tour.linalg.inv_ex(tour.zeros(2, 2)).info
        tensor(1, dtype=tour.int32)
    """
    inverse, info = made(_INV, square("linalg.inv", A))
    if check_errors:
        demand(info._a, "linalg.inv_ex", singular)
    return given((inverse, info), out, "linalg.inv_ex", return_types.linalg_inv_ex)  # type: ignore[no-any-return]


@numpy_too
def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverses of square matrices.

    Raises:
        LinAlgError: If a matrix is singular.

    Examples:
        >>> import tour
        >>> tour.linalg.inv(tour.tensor([[2.0, 0.0], [0.0, 4.0]]))
        tensor([[0.5000, 0.0000],
                [0.0000, 0.2500]])
    """
    inverse, info = made(_INV, square("linalg.inv", A))
    demand(info._a, "linalg.inv", singular)
    return given(inverse, out, "linalg.inv")  # type: ignore[no-any-return]


_PINV = Op("linalg_pinv", ("input", "atol", "rtol", "hermitian"), _kernels.pinv)


def tolerances(name: str, A: Any, atol: Any, rtol: Any) -> tuple[Any, Any]:
    """Absolute and relative tolerance as raw arrays or numbers; the relative one is `eps * max(m, n)` if neither is given."""
    for what, x in (("atol", atol), ("rtol", rtol)):
        if isinstance(x, _core.Tensor) and x._a.dtype.kind == "c":
            raise RuntimeError(f"torch.{name}: {what} tensor of complex type is not supported.")
    if rtol is None:
        eps = float(np.finfo(A._a.dtype).eps) * max(A._a.shape[-2:])
        if atol is None:
            rtol = eps
        elif isinstance(atol, _core.Tensor):
            rtol = np.where(atol._a > 0, 0, eps)
        else:
            rtol = 0.0 if atol > 0 else eps
    raw = (x._a if isinstance(x, _core.Tensor) else x for x in (0.0 if atol is None else atol, rtol))
    first, second = raw
    return first, second


@numpy_too
def pinv(
    A: Tensor,
    rcond: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """Moore–Penrose pseudo-inverses.

    Args:
        A: Matrices, `(..., m, n)`.
        rcond: The older name of `rtol`.
        hermitian: Whether the matrices are Hermitian; only the lower triangle is read then.
        atol: Singular values at or below it count as zero.
        rtol: The same, relative to the largest one; `eps * max(m, n)` unless either tolerance is given.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.linalg.pinv(tour.tensor([[2.0, 0.0], [0.0, 0.0]]))
        tensor([[0.5000, 0.0000],
                [0.0000, 0.0000]])
    """
    A = square("linalg.pinv", A) if hermitian else matrix("linalg.pinv", A)
    low, relative = tolerances("linalg.pinv", A, atol, rcond if rtol is None else rtol)
    return given(made(_PINV, A, low, relative, hermitian), out, "linalg.pinv")  # type: ignore[no-any-return]


# --- Systems ----------------------------------------------------------------------------------------------------------------------


def _solve(a: Any, b: Any) -> tuple[Any, Any]:
    return _kernels.solve(a, b)


_SOLVE = Op("linalg_solve_ex", ("A", "B"), _solve, tensors=("B",))


def is_vector(a: Any, b: Any) -> bool:
    """Whether `b` is a vector, or one for each matrix of `a`, rather than matrices."""
    return bool(b.ndim == 1 or (a.ndim - 1 == b.ndim and b.shape == a.shape[:-1]))


def _solved(name: str, A: Any, B: Any, left: bool) -> tuple[Any, Any]:
    A, B = square(name, A), fractional(name, B)
    alike(name, A, B)
    vector = is_vector(A._a, B._a)
    if vector and not left:
        raise RuntimeError(f"{name}: Vector broadcasting of the left hand side is not supported for left=False. In this case "
                           "linalg.solve is equivalent to B / A.squeeze(-1)")  # fmt: skip
    if vector:
        B = B.unsqueeze(-1)
    if not left:
        A, B = A.mT, B.mT
    n, rows = A._a.shape[-1], B._a.shape[-2]
    if n != rows:
        a, b = list(A._a.shape), list(B._a.shape)
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} ({a} and {b})"
        )
    batches(name, A._a, B._a)
    X, info = made(_SOLVE, A, B)
    X = X if left else X.mT
    return (X.squeeze(-1) if vector else X), info


def _unsolvable(row: int) -> str:
    return "The solver failed because the input matrix is singular."


@numpy_too
def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None
) -> return_types.linalg_solve_ex:
    """Solutions of linear systems and, instead of an error, a number for each: 0, or the first zero pivot, counted from 1.

    Examples:
        >>> import tour
        >>> X, info = tour.linalg.solve_ex(tour.tensor([[2.0, 0.0], [0.0, 4.0]]), tour.tensor([2.0, 2.0]))
        >>> X, info
        (tensor([1.0000, 0.5000]), tensor(0, dtype=tour.int32))
    """
    X, info = _solved("linalg.solve", A, B, left)
    if check_errors:
        demand(info._a, "torch.linalg.solve_ex", _unsolvable)
    return given((X, info), out, "linalg.solve_ex", return_types.linalg_solve_ex)  # type: ignore[no-any-return]


@numpy_too
def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """The solution X of `A @ X = B`, or of `X @ A = B`.

    Args:
        A: Square matrices, `(..., n, n)`.
        B: Matrices `(..., n, k)`, or vectors `(..., n)`.
        left: Whether A stands on the left.
        out: A tensor to write the result into.

    Raises:
        LinAlgError: If a matrix is singular.

    Examples:
        >>> import tour
        >>> tour.linalg.solve(tour.tensor([[2.0, 0.0], [0.0, 4.0]]), tour.tensor([2.0, 8.0]))
        tensor([1., 2.])
    """
    X, info = _solved("linalg.solve", A, B, left)
    demand(info._a, "torch.linalg.solve", _unsolvable)
    return given(X, out, "linalg.solve")  # type: ignore[no-any-return]


_TRIANGULAR = Op("linalg_solve_triangular", ("A", "B", "upper", "unit"), _kernels.triangular, tensors=("B",))


@numpy_too
def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False, out: Tensor | None = None
) -> Tensor:
    """The solution X of `A @ X = B` (or `X @ A = B`) for triangular A, by substitution; the other triangle is not read.

    Args:
        A: Square matrices, `(..., n, n)`.
        B: Matrices, `(..., n, k)`.
        upper: Whether A is an upper triangle.
        left: Whether A stands on the left.
        unitriangular: Whether its diagonal counts as ones.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.linalg.solve_triangular(tour.tensor([[2.0, 1.0], [0.0, 4.0]]), tour.tensor([[4.0], [8.0]]), upper=True)
        tensor([[1.],
                [2.]])
    """
    name = "linalg.solve_triangular"
    A, B = square(name, A), matrix(name, B, "B")
    alike(name, A, B)
    if A._a.shape[-1] != B._a.shape[-2 if left else -1]:
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} ({list(A._a.shape)} and "
            f"{list(B._a.shape)})"
        )
    batches(name, A._a, B._a)
    t = (
        made(_TRIANGULAR, A, B, upper, unitriangular)
        if left
        else made(_TRIANGULAR, A.mT, B.mT, not upper, unitriangular).mT
    )
    return given(t, out, name)  # type: ignore[no-any-return]


@numpy_too
def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False, out: Tensor | None = None
) -> Tensor:
    """The solution X of `A @ X = B` for A factored by `lu_factor`.

    Args:
        LU: Both factors in one matrix, `(..., n, n)`.
        pivots: The swaps of rows, `(..., n)`.
        B: Matrices, `(..., n, k)`.
        left: Whether A stands on the left.
        adjoint: Whether A is conjugated and transposed first.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> LU, pivots = tour.linalg.lu_factor(tour.tensor([[0.0, 1.0], [2.0, 0.0]]))
        >>> tour.linalg.lu_solve(LU, pivots, tour.tensor([[3.0], [4.0]]))
        tensor([[2.],
                [3.]])
    """
    name = "linalg.lu_solve"
    LU, B = square(name, LU, "LU"), matrix(name, B, "B")
    alike(name, LU, B)
    if pivots._a.dtype != np.int32:
        raise RuntimeError(f"{name}: pivots should be a Tensor of scalar type torch.int32, got {pivots.dtype.name}")
    if pivots._a.shape != LU._a.shape[:-1]:
        raise RuntimeError(f"{name}: Number of pivots per batch should be same as the dimension of the matrix, got pivots of shape "
                           f"{list(pivots._a.shape)} for {list(LU._a.shape)}")  # fmt: skip
    if not left:  # X A = B is A^H X^H = B^H
        return given(lu_solve(LU, pivots, B.mH, adjoint=not adjoint).mH, out, name)  # type: ignore[no-any-return]
    n = LU._a.shape[-1]
    if B._a.shape[-2] != n:
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation AX = B ({list(LU._a.shape)} and {list(B._a.shape)})"
        )
    shape = batches(name, LU._a, B._a)
    order = np.broadcast_to(_kernels.permutation(pivots._a, n), (*shape, n))
    B = B.expand(*shape, *B._a.shape[-2:])
    if not adjoint:
        X = made(_TRIANGULAR, LU, _rows(B, order), False, True)
        return given(made(_TRIANGULAR, LU, X, True, False), out, name)  # type: ignore[no-any-return]
    X = made(_TRIANGULAR, LU.mH, B, False, False)
    X = made(_TRIANGULAR, LU.mH, X, True, True)
    return given(_rows(X, np.argsort(order, -1)), out, name)  # type: ignore[no-any-return]


def _rows(x: Any, order: Any) -> Any:
    """The rows of matrices in another order."""
    return x.take_along_dim(_core.wrap(_core.packed(order))[..., None], -2)


def _ldl_solve(packed: Any, pivots: Any, b: Any, hermitian: bool) -> Any:
    lapack = scipy_lapack("linalg.ldl_solve")
    kind = {"f": "s", "d": "d", "F": "c", "D": "z"}[packed.dtype.char]
    substitute = getattr(lapack, f"{kind}{'he' if hermitian and kind in 'cz' else 'sy'}trs")
    shape = np.broadcast_shapes(packed.shape[:-2], b.shape[:-2])
    packed, b = (np.broadcast_to(x, (*shape, *x.shape[-2:])) for x in (packed, b))
    pivots, x = np.broadcast_to(pivots, (*shape, pivots.shape[-1])), np.zeros(b.shape, b.dtype)
    for i in np.ndindex(shape) if b.size else ():
        x[i] = substitute(packed[i], pivots[i], b[i], lower=1)[0]
    return x


_LDL_SOLVE = Op("linalg_ldl_solve", ("LD", "pivots", "B", "hermitian"), _ldl_solve, tensors=("pivots", "B"))


@numpy_too
def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False, out: Tensor | None = None) -> Tensor:
    """The solution X of `A @ X = B` for A factored by `ldl_factor`. Needs SciPy.

    Examples:
        >>> import tour
        >>> A = tour.tensor([[4.0, 2.0], [2.0, 3.0]])
        >>> tour.linalg.ldl_solve(*tour.linalg.ldl_factor(A), tour.tensor([[8.0], [8.0]]))
        tensor([[1.],
                [2.]])
    """
    name = "linalg.ldl_solve"
    LD, B = square(name, LD, "LD"), matrix(name, B, "B")
    alike(name, LD, B)
    if pivots._a.dtype.kind not in "iu":
        raise RuntimeError(f"{name}: Expected pivots to be integers. Got {pivots.dtype.name}")
    if pivots._a.shape != LD._a.shape[:-1]:
        raise RuntimeError(f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
                           f"{list(pivots._a.shape)} instead")  # fmt: skip
    if B._a.shape[-2] != LD._a.shape[-1]:
        raise RuntimeError(f"{name}: Incompatible shapes of A and B for the equation AX = B")
    batches(name, LD._a, B._a)
    return given(made(_LDL_SOLVE, LD, pivots, B, hermitian), out, name)  # type: ignore[no-any-return]


# --- Least squares ----------------------------------------------------------------------------------------------------------------


def _lstsq(a: Any, b: Any, rcond: float) -> tuple[Any, Any, Any]:
    """Least-squares solutions of least norm, ranks and singular values."""
    shape = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    s = np.linalg.svd(a, compute_uv=False)
    rank = (s > rcond * s.max(-1, initial=0, keepdims=True)).sum(-1)
    return _kernels.pinv(a, 0.0, rcond, False) @ np.broadcast_to(b, (*shape, *b.shape[-2:])), rank, s


_LSTSQ = Op("linalg_lstsq", ("A", "B", "rcond"), _lstsq, tensors=("B",))
_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


@numpy_too
def lstsq(
    A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None, out: Any = None
) -> return_types.linalg_lstsq:
    """The X that makes the norm of `A @ X - B` least.

    Args:
        A: Matrices, `(..., m, n)`.
        B: Matrices `(..., m, k)`, or vectors `(..., m)`.
        rcond: Singular values at or below this part of the largest count as zero; by default `eps * max(m, n)`.
        driver: `"gelsy"` (the default), `"gels"`, `"gelsd"` or `"gelss"`. All of them go by singular values here; the name decides
            which of the further results are given, as in PyTorch.
        out: Four tensors to write the results into.

    Returns:
        `solution`; `residuals`, the squared norms, if m > n and A has full rank; `rank`; and `singular_values`.

    Examples:
        >>> import tour
        >>> A = tour.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
        >>> tour.linalg.lstsq(A, tour.tensor([[1.0], [3.0], [5.0]])).solution
        tensor([[1.0000],
                [2.0000]])
    """
    name = "torch.linalg.lstsq"
    A, B = matrix(name, A), fractional(name, B)
    if driver is not None and driver not in _DRIVERS:
        raise RuntimeError(f"{name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), got {driver}")
    if A._a.dtype != B._a.dtype:
        raise RuntimeError(
            f"{name}: Expected input and other to have the same dtype, but got {A.dtype.name} and {B.dtype.name}"
        )
    if not B._a.ndim or A._a.ndim < B._a.ndim or A._a.ndim - B._a.ndim > 1:
        raise RuntimeError(
            f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1"
        )
    vector = is_vector(A._a, B._a)
    full = B.unsqueeze(-1) if vector else B
    if full._a.shape[-2] != A._a.shape[-2]:
        raise RuntimeError(f"{name}: input.size(-2) should match other.size(-{1 if vector else 2}), got {A._a.shape[-2]} and "
                           f"{full._a.shape[-2]}")  # fmt: skip
    batches(name, A._a, full._a)
    limit = rcond if rcond is not None else float(np.finfo(A._a.dtype).eps) * max(A._a.shape[-2:])
    X, rank, s = made(_LSTSQ, A, full, limit)
    s, (m, n) = s.detach(), A._a.shape[-2:]
    residuals = empty(0, dtype=FROM_NUMPY[A._a.dtype].to_real())
    if m > n and driver != "gelsy" and (held(rank._a) == n).all():
        residuals = (A @ X - full).abs().square().sum(-2)
        residuals = residuals.squeeze(-1) if vector else residuals
    nothing = empty(0, dtype=residuals.dtype)
    four = (
        X.squeeze(-1) if vector else X,
        residuals,
        rank if driver != "gels" else empty(0, dtype=int64),
        s if driver in ("gelsd", "gelss") else nothing,
    )
    return given(four, out, "linalg.lstsq", return_types.linalg_lstsq)  # type: ignore[no-any-return]


# --- Tensors as matrices -----------------------------------------------------------------------------------------------------------


@numpy_too
def tensorinv(A: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """The inverse of a tensor seen as a matrix from its last dimensions to its first `ind` ones.

    Examples:
        >>> import tour
        >>> tour.linalg.tensorinv(tour.eye(4).reshape(2, 2, 4)).shape
        tour.Size([4, 2, 2])
    """
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    shape = fractional("linalg.tensorinv", A)._a.shape
    rows, columns = math.prod(shape[:ind]), math.prod(shape[ind:])
    if rows != columns:
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got {columns} != {rows}"
        )
    inverse, info = made(_INV, A.reshape(rows, columns))
    if held(info._a).any():
        raise LinAlgError("Failed to invert the input tensor, because it is singular.")
    return given(inverse.reshape(*shape[ind:], *shape[:ind]), out, "linalg.tensorinv")  # type: ignore[no-any-return]


@numpy_too
def tensorsolve(A: Tensor, B: Tensor, dims: Any = None, *, out: Tensor | None = None) -> Tensor:
    """The solution X of `tensordot(A, X, X.ndim) = B`.

    Args:
        A: A tensor whose first dimensions have the sizes of B's, and as many elements in the others.
        B: A tensor.
        dims: Dimensions of A to move to its end first.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.linalg.tensorsolve(tour.eye(4).reshape(2, 2, 4), tour.ones(2, 2))
        tensor([1., 1., 1., 1.])
    """
    A, B = fractional("linalg.tensorsolve", A), fractional("linalg.tensorsolve", B)
    if dims is not None:
        A = A.movedim(tuple(dims), tuple(range(A._a.ndim - len(dims), A._a.ndim)))
    shape = A._a.shape[B._a.ndim :]
    if math.prod(shape) != math.prod(A._a.shape[: B._a.ndim]):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), but got "
            f"{math.prod(shape)} != {math.prod(A._a.shape[: B._a.ndim])}"
        )
    X = solve(A.reshape(math.prod(shape), math.prod(shape)), B.reshape(-1))
    return given(X.reshape(shape), out, "linalg.tensorsolve")  # type: ignore[no-any-return]
