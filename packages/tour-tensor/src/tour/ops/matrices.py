"""Linear algebra under PyTorch's top-level names and as methods; most of it is `tour.linalg` with older names and orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tour import return_types
from tour._calling import numpy_too
from tour._core import Op
from tour.linalg import _checks, factoring, measures, solving
from tour.linalg._checks import given
from tour.linalg._kernels import adjoint, triangular
from tour.linalg.factoring import householder_product as orgqr
from tour.linalg.measures import det
from tour.linalg.products import matrix_exp, matrix_power
from tour.linalg.solving import inv as inverse
from tour.ops.comparison import where
from tour.ops.factories import empty, zeros
from tour.ops.ranges import eye

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "cholesky", "cholesky_inverse", "cholesky_solve", "det", "geqrf", "inverse", "logdet", "lu", "lu_solve", "lu_unpack", "matrix_exp",
    "matrix_power", "orgqr", "ormqr", "pinverse", "qr", "slogdet", "svd", "triangular_solve",
]  # fmt: skip


@numpy_too
def slogdet(input: Tensor, *, out: Any = None) -> return_types.slogdet:
    """Sign and logarithm of the absolute value of determinants; the same as `tour.linalg.slogdet`.

    Examples:
        >>> import tour
        >>> tour.slogdet(tour.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tour.return_types.slogdet(
        sign=tensor(-1.),
        logabsdet=tensor(0.6931))
    """
    return return_types.slogdet(*measures.slogdet(input, out=out))


@numpy_too
def logdet(input: Tensor) -> Tensor:
    """Logarithm of determinants; NaN for a negative one, -inf for zero.

    Examples:
        >>> import tour
        >>> tour.logdet(tour.eye(2))
        tensor(0.)
    """
    sign, logabsdet = measures.slogdet(input)
    if sign.is_complex():
        return logabsdet + sign.log()  # type: ignore[no-any-return]
    return where(sign == -1, float("nan"), logabsdet)  # type: ignore[no-any-return]


@numpy_too
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """Pseudo-inverses; singular values at or below `rcond` times the largest count as zero.

    Examples:
        >>> import tour
        >>> tour.pinverse(tour.tensor([[2.0, 0.0], [0.0, 0.0]]))
        tensor([[0.5000, 0.0000],
                [0.0000, 0.0000]])
    """
    return solving.pinv(input, rcond)


@numpy_too
def cholesky(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Cholesky factors of Hermitian positive-definite matrices; the newer name is `tour.linalg.cholesky`.

    Examples:
        >>> import tour
        >>> tour.cholesky(tour.tensor([[4.0, 2.0], [2.0, 5.0]]))
        tensor([[2., 0.],
                [1., 2.]])
    """
    return factoring.cholesky(input, upper=upper, out=out)


def _cholesky_solve(b: Any, factor: Any, upper: bool) -> Any:
    low, high = (adjoint(factor), factor) if upper else (factor, adjoint(factor))
    return triangular(high, triangular(low, b, False, False), True, False)


_CHOLESKY_SOLVE = Op("cholesky_solve", ("B", "L", "upper"), _cholesky_solve, tensors=("L",))


@numpy_too
def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The solution X of `A @ X = B` for A given by its Cholesky factor.

    Args:
        B: Matrices, `(..., n, k)`.
        L: The factor, `(..., n, n)`.
        upper: Whether it is the upper one.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.cholesky_solve(tour.tensor([[8.0]]), tour.tensor([[2.0]]))
        tensor([[2.]])
    """
    name = "cholesky_solve"
    B, L = _checks.matrix(name, B, "b"), _checks.square(name, L, "A")
    if L._a.shape[-1] != B._a.shape[-2]:
        raise RuntimeError(f"Incompatible matrix sizes for {name}: each A matrix is {L._a.shape[-1]} by {L._a.shape[-1]} but each b "
                           f"matrix is {B._a.shape[-2]} by {B._a.shape[-1]}")  # fmt: skip
    _checks.alike(name, L, B)
    _checks.batches(name, L._a, B._a)
    return given(_checks.made(_CHOLESKY_SOLVE, B, L, upper), out, name)  # type: ignore[no-any-return]


@numpy_too
def cholesky_inverse(L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The inverse of a matrix given by its Cholesky factor.

    Examples:
        >>> import tour
        >>> tour.cholesky_inverse(tour.tensor([[2.0]]))
        tensor([[0.2500]])
    """
    L = _checks.square("cholesky_inverse", L)
    one = eye(L._a.shape[-1], dtype=L.dtype).expand(L._a.shape)
    return given(cholesky_solve(one, L, upper), out, "cholesky_inverse")  # type: ignore[no-any-return]


@numpy_too
def qr(input: Tensor, some: bool = True, *, out: Any = None) -> return_types.qr:
    """QR factorization, reduced if `some`; the newer name is `tour.linalg.qr`.

    Examples:
        >>> import tour
        >>> q, r = tour.qr(tour.tensor([[3.0, 1.0], [4.0, 2.0]]))
        >>> (q @ r).allclose(tour.tensor([[3.0, 1.0], [4.0, 2.0]])), r.diagonal().abs()
        (True, tensor([5.0000, 0.4000]))
    """
    return return_types.qr(*factoring.qr(input, "reduced" if some else "complete", out=out))


@numpy_too
def svd(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> return_types.svd:
    """Singular value decomposition `U @ diag(S) @ V.mH`; the newer name is `tour.linalg.svd`, which gives `V.mH`.

    Args:
        input: Matrices, `(..., m, n)`.
        some: Whether U and V have min(m, n) columns; otherwise they are square.
        compute_uv: Whether to compute U and V; otherwise they are zeros.
        out: Three tensors to write the results into.

    Examples:
        >>> import tour
        >>> u, s, v = tour.svd(tour.tensor([[0.0, 2.0], [3.0, 0.0]]))
        >>> s, (u * s @ v.mH).abs()
        (tensor([3., 2.]), tensor([[0., 2.],
                [3., 0.]]))
    """
    if not compute_uv:
        S = factoring.svdvals(input)
        *batch, m, n = input.shape
        U, V = (zeros(*batch, k, k, dtype=input.dtype) for k in (m, n))
    else:
        U, S, Vh = factoring.svd(input, not some)
        V = Vh.mH
    return given((U, S, V), out, "svd", return_types.svd)  # type: ignore[no-any-return]


@numpy_too
def geqrf(input: Tensor, *, out: Any = None) -> return_types.geqrf:
    """QR factorization in LAPACK's form: R, with Householder reflections below its diagonal, and their factors; for `ormqr`.

    Examples:
        >>> import tour
        >>> a, tau = tour.geqrf(tour.tensor([[3.0, 1.0], [4.0, 2.0]]))
        >>> a.triu()
        tensor([[-5.0000, -2.2000],
                [ 0.0000,  0.4000]])
    """
    return given(factoring.raw_qr(_checks.matrix("geqrf", input)), out, "geqrf", return_types.geqrf)  # type: ignore[no-any-return]


@numpy_too
def ormqr(
    input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The product of Q, given as `geqrf` gives it, and a matrix.

    Args:
        input: Householder vectors below the diagonal, `(..., m, k)`.
        tau: Their factors, `(..., k)`.
        other: Matrices.
        left: Whether Q stands on the left.
        transpose: Whether Q is conjugated and transposed.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> A = tour.tensor([[3.0, 1.0], [4.0, 2.0]])
        >>> a, tau = tour.geqrf(A)
        >>> tour.ormqr(a, tau, a.triu()).allclose(A)
        True
    """
    name = "ormqr"
    input, other = _checks.matrix(name, input, "input"), _checks.matrix(name, other, "other")
    rows, k = other._a.shape[-2 if left else -1], tau._a.shape[-1] if tau._a.ndim else 0
    at = -2 if left else -1
    for fault, text in (
        (rows < k, f"other.shape[{at}] must be greater than or equal to tau.shape[-1]"),
        (rows != input._a.shape[-2], f"other.shape[{at}] must be equal to input.shape[-2]"),
        (k > input._a.shape[-1], "tau.shape[-1] must be less than or equal to input.shape[-1]"),
        (
            input._a.ndim - tau._a.ndim != 1,
            f"Expected tau to have one dimension less than input, but got tau.ndim equal to {tau._a.ndim} and input.ndim is equal to "
            f"{input._a.ndim}",
        ),
        (
            input._a.ndim != other._a.ndim,
            f"Expected other to have the same number of dimensions as input, but got other.ndim equal to {other._a.ndim} and input.ndim "
            f"is equal to {input._a.ndim}",
        ),
        (input._a.shape[:-2] != tau._a.shape[:-1], "Expected batch dimensions of tau to be equal to input.shape[:-2]"),
        (
            input._a.shape[:-2] != other._a.shape[:-2],
            "Expected batch dimensions of other to be equal to input.shape[:-2]",
        ),
        (tau._a.dtype != input._a.dtype, "Expected input and tau to have the same dtype"),
        (other._a.dtype != input._a.dtype, "Expected input and other to have the same dtype"),
    ):
        if fault:
            raise RuntimeError(f"{name}: {text}.")
    x = other if left else other.mH
    down = left is transpose  # Q @ x applies the last reflection first, Q.mH @ x the first
    order = range(k) if down else reversed(range(k))
    t = factoring.reflected(input, tau.conj() if down else tau, x, order)
    return given(t if left else t.mH, out, name)  # type: ignore[no-any-return]


@numpy_too
def lu(input: Tensor, pivot: bool = True, get_infos: bool = False, *, out: Any = None) -> tuple[Tensor, ...]:
    """The LU factorization in LAPACK's packed form, its pivots, and, if `get_infos`, where a pivot is zero.

    The newer names are `tour.linalg.lu_factor` and `tour.linalg.lu_factor_ex`.

    Args:
        input: Floating-point or complex matrices, `(..., m, n)`.
        pivot: Whether rows are swapped; it must be True on the CPU.
        get_infos: Whether to give the numbers of faulty rows, too.
        out: As many tensors as are returned, to write the results into.

    Returns:
        `LU`, both factors in one matrix, `(..., m, n)`; `pivots`, the row that each row was swapped with, counted from
        1, int32 of shape `(..., min(m, n))`; and, if `get_infos`, `info`: 0, or the first row with a zero on the
        diagonal of U, counted from 1.

    Raises:
        RuntimeError: If `input` is no matrix or holds integers, or `pivot` is False on the CPU.
        TypeError: If `out` has another number of tensors.

    Examples:
        >>> import tour
        >>> packed, pivots = tour.lu(tour.tensor([[1.0, 2.0], [2.0, 2.0]]))
        >>> packed, pivots
        (tensor([[2.0000, 2.0000],
                [0.5000, 1.0000]]), tensor([2, 2], dtype=tour.int32))
    """
    three = factoring.lu_factor_ex(input, pivot=pivot)
    made = three if get_infos else return_types.linalg_lu_factor(*three[:2])
    if out is None:
        return made
    if len(out) != len(made):
        raise TypeError(f"lu(): expected {len(made)} tensors in out, but got {len(out)}")
    return tuple(o.resize_as_(t).copy_(t) for o, t in zip(out, made, strict=True))  # in the dtypes that they have


@numpy_too
def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The solution of `A @ X = b` for A factored by `tour.linalg.lu_factor`; the newer name is `tour.linalg.lu_solve`.

    Args:
        b: Matrices, `(..., n, k)`.
        LU_data: Both factors in one matrix, `(..., n, n)`, of the same dtype.
        LU_pivots: The swaps of rows, int32 of shape `(..., n)`.
        out: A tensor to write the result into.

    Returns:
        X, `(..., n, k)`; the leading dimensions of `b` and `LU_data` broadcast.

    Raises:
        RuntimeError: If shapes or dtypes do not fit.

    Examples:
        >>> import tour
        >>> A, b = tour.tensor([[1.0, 2.0], [3.0, 4.0]]), tour.tensor([[5.0], [11.0]])
        >>> tour.lu_solve(b, *tour.linalg.lu_factor(A))
        tensor([[1.],
                [2.]])
    """
    return solving.lu_solve(LU_data, LU_pivots, b, out=out)


@numpy_too
def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True, *, out: Any = None
) -> return_types.lu_unpack:
    """The factors P, L and U of a packed LU factorization; what is not wanted is empty.

    Args:
        LU_data: Both factors in one matrix, `(..., m, n)`, as `tour.linalg.lu_factor` gives them.
        LU_pivots: The swaps of rows, int32 of shape `(..., min(m, n))`.
        unpack_data: Whether L and U are wanted.
        unpack_pivots: Whether P is wanted.
        out: Three tensors to write the results into.

    Returns:
        A named tuple with `P @ L @ U` equal to what was factored: `P`, `(..., m, m)`; `L`, `(..., m, min(m, n))`, with
        ones on its diagonal; and `U`, `(..., min(m, n), n)`.

    Raises:
        RuntimeError: If the factors have fewer than two dimensions, or P is wanted and the pivots are not int32.

    Examples:
        >>> import tour
        >>> P, L, U = tour.lu_unpack(*tour.linalg.lu_factor(tour.tensor([[0.0, 1.0], [2.0, 3.0]])))
        >>> P
        tensor([[0., 1.],
                [1., 0.]])
    """
    if LU_data.dim() < 2:
        raise RuntimeError(
            f"lu_unpack: Expected tensor with 2 or more dimensions. Got size: {list(LU_data.shape)} instead"
        )
    if unpack_pivots and LU_pivots._a.dtype.name != "int32":
        raise RuntimeError("torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype. Note: this function "
                           "is intended to be used with the output produced by torch.linalg.lu_factor")  # fmt: skip
    P, L, U = factoring.unpacked(LU_data, LU_pivots)
    none = empty(0, dtype=LU_data.dtype)
    if not unpack_pivots:
        P = none
    if not unpack_data:
        L = U = none
    return given((P, L, U), out, "lu_unpack", return_types.lu_unpack)  # type: ignore[no-any-return]


@numpy_too
def triangular_solve(
    b: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
    *,
    out: Any = None,
) -> return_types.triangular_solve:
    """The solution of `A @ X = b` for triangular A, and a copy of A; the newer name is `tour.linalg.solve_triangular`.

    Args:
        b: Matrices, `(..., n, k)`.
        A: Square matrices, `(..., n, n)`, of the same floating-point or complex dtype; the leading dimensions
            broadcast.
        upper: Whether A is an upper triangle rather than a lower one; the other triangle is not read.
        transpose: Whether to solve with A transposed.
        unitriangular: Whether the diagonal of A counts as ones.
        out: Two tensors to write the results into.

    Returns:
        A named tuple of `solution`, `(..., n, k)`, and `cloned_coefficient`, the copy of A.

    Raises:
        RuntimeError: If shapes or dtypes do not fit.

    Examples:
        >>> import tour
        >>> A, b = tour.tensor([[2.0, 1.0], [0.0, 4.0]]), tour.tensor([[4.0], [8.0]])
        >>> tour.triangular_solve(b, A).solution
        tensor([[1.],
                [2.]])
    """
    matrix, high = (A.mT, not upper) if transpose else (A, upper)
    X = solving.solve_triangular(matrix, b, upper=high, unitriangular=unitriangular)
    copy = A.expand(*X._a.shape[:-2], *A._a.shape[-2:]).clone()
    return given((X, copy), out, "triangular_solve", return_types.triangular_solve)  # type: ignore[no-any-return]


class Matrices:
    """Linear algebra, as methods."""

    __slots__ = ()

    cholesky, cholesky_inverse, cholesky_solve = cholesky, cholesky_inverse, cholesky_solve
    det, logdet, slogdet, inverse, pinverse = det, logdet, slogdet, inverse, pinverse
    matrix_exp, matrix_power, qr, svd, geqrf = matrix_exp, matrix_power, qr, svd, geqrf
    orgqr, ormqr, lu, lu_solve, triangular_solve = orgqr, ormqr, lu, lu_solve, triangular_solve
