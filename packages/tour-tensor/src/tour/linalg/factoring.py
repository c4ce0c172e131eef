"""Factorizations of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, return_types
from tour._calling import numpy_too
from tour._core import Op, held, with_room
from tour.linalg import _kernels
from tour.linalg._checks import LinAlgError, demand, fractional, given, made, matrix, scipy_lapack, square
from tour.ops.ranges import eye

if TYPE_CHECKING:
    from tour._tensor import Tensor

# --- Cholesky -------------------------------------------------------------------------------------------------------------------


def _minor(order: int) -> str:
    return (
        "The factorization could not be completed because the input is not positive-definite (the leading minor of order "
        f"{order} is not positive-definite)."
    )


_CHOLESKY = Op("linalg_cholesky_ex", ("input", "upper"), _kernels.cholesky)


@numpy_too
def cholesky_ex(
    input: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None
) -> return_types.linalg_cholesky_ex:
    """Cholesky factors and, instead of an error, a number for each matrix.

    Args:
        input: Hermitian positive-definite matrices, `(..., n, n)`.
        upper: Whether to give the upper factor.
        check_errors: Whether to raise all the same.
        out: Two tensors to write the results into.

    Returns:
        The factor `L`, and `info`: 0, or the order of the first leading minor that is not positive-definite.

    Examples:
        >>> import tour
        >>> tour.linalg.cholesky_ex(tour.tensor([[4.0, 0.0], [0.0, -1.0]])).info
        tensor(2, dtype=tour.int32)
    """
    factor, info = made(_CHOLESKY, square("linalg.cholesky", input), upper)
    if check_errors:
        demand(info._a, "linalg.cholesky_ex", _minor)
    return given((factor, info), out, "linalg.cholesky_ex", return_types.linalg_cholesky_ex)  # type: ignore[no-any-return]


@numpy_too
def cholesky(input: Tensor, *, upper: bool = False, out: Tensor | None = None) -> Tensor:
    """The lower triangular factor L with `A = L @ L.mH` of Hermitian positive-definite matrices; or the upper one.

    Only one triangle of `input` is read.

    Raises:
        LinAlgError: If a matrix is not positive-definite.

    Examples:
        >>> import tour
        >>> tour.linalg.cholesky(tour.tensor([[4.0, 2.0], [2.0, 10.0]]))
        tensor([[2., 0.],
                [1., 3.]])
    """
    factor, info = made(_CHOLESKY, square("linalg.cholesky", input), upper)
    demand(info._a, "linalg.cholesky", _minor)
    return given(factor, out, "linalg.cholesky")  # type: ignore[no-any-return]


# --- QR ---------------------------------------------------------------------------------------------------------------------------


def _qr(a: Any, mode: str) -> tuple[Any, Any]:
    if mode == "r":
        return np.empty(0, a.dtype), np.linalg.qr(a, "r")
    q, r = np.linalg.qr(a, "complete" if mode == "complete" else "reduced")
    return q, r


_QR = Op("linalg_qr", ("input", "mode"), _qr)


@numpy_too
def qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> return_types.linalg_qr:
    """QR factorization `A = Q @ R`: orthonormal columns times an upper triangle.

    Args:
        A: Matrices, `(..., m, n)`.
        mode: `"reduced"`: Q is `(..., m, k)` with k = min(m, n); `"complete"`: Q is square; `"r"`: R only, Q is empty.
        out: Two tensors to write the results into.

    Raises:
        RuntimeError: If the mode is none of these.

    Examples:
        >>> import tour
        >>> Q, R = tour.linalg.qr(tour.tensor([[3.0, 1.0], [4.0, 2.0]]))
        >>> tour.allclose(Q @ R, tour.tensor([[3.0, 1.0], [4.0, 2.0]]))
        True
    """
    A = matrix("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    return given(made(_QR, A, mode), out, "linalg.qr", return_types.linalg_qr)  # type: ignore[no-any-return]


# --- Eigenvalues --------------------------------------------------------------------------------------------------------------------


def _eig(a: Any) -> tuple[Any, Any]:
    if not np.isfinite(a).all():
        raise LinAlgError("linalg.eig: input tensor should not contain infs or NaNs.")
    w, v = np.linalg.eig(a)
    kind = np.result_type(a.dtype, np.complex64)
    return w.astype(kind, copy=False), v.astype(kind, copy=False)


def _eigh(a: Any, uplo: Any) -> tuple[Any, Any]:
    w, v = np.linalg.eigh(a, uplo)
    return w, v


_EIG = Op("linalg_eig", ("input",), _eig)
_EIGH = Op("linalg_eigh", ("input", "uplo"), _eigh)


@numpy_too
def eig(input: Tensor, *, out: Any = None) -> return_types.linalg_eig:
    """Eigenvalues and eigenvectors of square matrices: `A @ V = V * L`. Both are complex, also for real matrices.

    Raises:
        RuntimeError: If there are infs or NaNs.

    Examples:
        >>> import tour
        >>> tour.linalg.eig(tour.tensor([[2.0, 0.0], [0.0, 3.0]])).eigenvalues
        tensor([2.+0.j, 3.+0.j])
    """
    return given(made(_EIG, square("linalg.eig", input)), out, "linalg.eig", return_types.linalg_eig)  # type: ignore[no-any-return]


@numpy_too
def eigvals(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Eigenvalues of square matrices, complex.

    Examples:
        >>> import tour
        >>> tour.linalg.eigvals(tour.tensor([[0.0, 1.0], [-1.0, 0.0]])).abs()
        tensor([1., 1.])
    """
    return given(made(_EIG, square("linalg.eigvals", input))[0], out, "linalg.eigvals")  # type: ignore[no-any-return]


def _triangle(name: str, UPLO: str) -> str:
    if str(UPLO).upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return UPLO.upper()


@numpy_too
def eigh(input: Tensor, UPLO: str = "L", *, out: Any = None) -> return_types.linalg_eigh:
    """Eigenvalues, real and ascending, and orthonormal eigenvectors of Hermitian matrices: `A = Q @ diag(L) @ Q.mH`.

    Args:
        input: Hermitian matrices, `(..., n, n)`.
        UPLO: Which triangle is read: `"L"` or `"U"`.
        out: Two tensors to write the results into.

    Examples:
        >>> import tour
        >>> tour.linalg.eigh(tour.tensor([[2.0, 1.0], [1.0, 2.0]])).eigenvalues
        tensor([1., 3.])
    """
    pair = made(_EIGH, square("linalg.eigh", input), _triangle("linalg.eigh", UPLO))
    return given(pair, out, "linalg.eigh", return_types.linalg_eigh)  # type: ignore[no-any-return]


@numpy_too
def eigvalsh(input: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """Eigenvalues of Hermitian matrices, real and ascending.

    Examples:
        >>> import tour
        >>> tour.linalg.eigvalsh(tour.tensor([[2.0, 1.0], [1.0, 2.0]]))
        tensor([1., 3.])
    """
    pair = made(_EIGH, square("linalg.eigvalsh", input), _triangle("linalg.eigvalsh", UPLO))
    return given(pair[0], out, "linalg.eigvalsh")  # type: ignore[no-any-return]


# --- Singular values ----------------------------------------------------------------------------------------------------------------


def _svd(a: Any, full_matrices: bool) -> tuple[Any, Any, Any]:
    u, s, vh = np.linalg.svd(a, full_matrices)
    return u, s, vh


_SVD = Op("linalg_svd", ("input", "full_matrices"), _svd)


def _driver(name: str, driver: str | None) -> None:
    if driver is not None:
        raise RuntimeError(
            f"{name}: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        )


@numpy_too
def svd(
    A: Tensor, full_matrices: bool = True, *, driver: str | None = None, out: Any = None
) -> return_types.linalg_svd:
    """Singular value decomposition `A = U @ diag(S) @ Vh`, singular values descending.

    Args:
        A: Matrices, `(..., m, n)`.
        full_matrices: Whether U and Vh are square; otherwise they have min(m, n) columns and rows.
        driver: For CUDA only.
        out: Three tensors to write the results into.

    Examples:
        >>> import tour
        >>> tour.linalg.svd(tour.tensor([[3.0, 0.0], [0.0, 4.0]])).S
        tensor([4., 3.])
    """
    _driver("linalg.svd", driver)
    three = made(_SVD, matrix("linalg.svd", A), full_matrices)
    return given(three, out, "linalg.svd", return_types.linalg_svd)  # type: ignore[no-any-return]


@numpy_too
def svdvals(A: Tensor, *, driver: str | None = None, out: Tensor | None = None) -> Tensor:
    """Singular values, descending.

    Examples:
        >>> import tour
        >>> tour.linalg.svdvals(tour.tensor([[3.0, 0.0], [0.0, 4.0]]))
        tensor([4., 3.])
    """
    _driver("linalg.svdvals", driver)
    return given(made(_SVD, matrix("linalg.svdvals", A), False)[1], out, "linalg.svdvals")  # type: ignore[no-any-return]


# --- LU -------------------------------------------------------------------------------------------------------------------------------

_LU = Op("linalg_lu_factor_ex", ("input", "pivot"), _kernels.lu)


def _factored(name: str, A: Any, pivot: bool) -> Any:
    A = matrix(name, A)
    if not pivot and type(A._a) is np.ndarray:
        raise RuntimeError(f"{name}: LU without pivoting is not implemented on the CPU")
    return made(_LU, A, pivot)


@numpy_too
def lu_factor_ex(
    A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None
) -> return_types.linalg_lu_factor_ex:
    """The LU factorization in LAPACK's packed form and, instead of an error, a number for each matrix.

    Returns:
        `LU`, both factors in one matrix; `pivots`, the row that each row was swapped with, counted from 1; and `info`: 0, or the
        first row with a zero on the diagonal of U.

    Examples:
        >>> import tour
        >>> tour.linalg.lu_factor_ex(tour.tensor([[0.0, 1.0], [2.0, 3.0]])).pivots
        tensor([2, 2], dtype=tour.int32)
    """
    three = _factored("linalg.lu_factor_ex", A, pivot)
    if check_errors:
        demand(three[2]._a, "torch.linalg.lu_factor_ex", _zero_pivot)
    return given(three, out, "linalg.lu_factor_ex", return_types.linalg_lu_factor_ex)  # type: ignore[no-any-return]


def _zero_pivot(row: int) -> str:
    return f"U[{row},{row}] is zero and using it on lu_solve would result in a division by zero."


@numpy_too
def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> return_types.linalg_lu_factor:
    """The LU factorization in LAPACK's packed form, for `lu_solve`.

    Raises:
        LinAlgError: If U has a zero on its diagonal.

    Examples:
        >>> import tour
        >>> tour.linalg.lu_factor(tour.tensor([[0.0, 1.0], [2.0, 3.0]])).LU
        tensor([[2., 3.],
                [0., 1.]])
    """
    packed, pivots, info = _factored("linalg.lu_factor", A, pivot)
    demand(info._a, "torch.linalg.lu_factor", _zero_pivot)
    return given((packed, pivots), out, "linalg.lu_factor", return_types.linalg_lu_factor)  # type: ignore[no-any-return]


@numpy_too
def lu(A: Tensor, *, pivot: bool = True, out: Any = None) -> return_types.linalg_lu:
    """LU factorization with partial pivoting: `A = P @ L @ U`.

    Examples:
        >>> import tour
        >>> P, L, U = tour.linalg.lu(tour.tensor([[0.0, 1.0], [2.0, 3.0]]))
        >>> P @ L @ U
        tensor([[0., 1.],
                [2., 3.]])
    """
    packed, pivots, _ = _factored("linalg.lu", A, pivot)
    return given(unpacked(packed, pivots), out, "linalg.lu", return_types.linalg_lu)  # type: ignore[no-any-return]


def unpacked(packed: Any, pivots: Any) -> tuple[Any, Any, Any]:
    """The three factors of a packed LU factorization."""
    m, n = packed._a.shape[-2:]
    k = min(m, n)
    order = _kernels.permutation(pivots._a, m)
    P = with_room(np.zeros_like(held(packed._a), shape=(*order.shape, m)), order)
    np.put_along_axis(P, order[..., None, :], 1, -2)
    one = eye(m, k, dtype=packed.dtype, device=packed.device)
    return _core.wrap(P), packed[..., :, :k].tril(-1) + one, packed[..., :k, :].triu()


# --- LDL ------------------------------------------------------------------------------------------------------------------------------


def _ldl(a: Any, hermitian: bool) -> tuple[Any, Any, Any]:
    lapack = scipy_lapack("linalg.ldl_factor")
    kind = {"f": "s", "d": "d", "F": "c", "D": "z"}[a.dtype.char]
    factor = getattr(lapack, f"{kind}{'he' if hermitian and kind in 'cz' else 'sy'}trf")
    packed = np.empty_like(a)
    pivots, info = np.zeros(a.shape[:-1], np.int32), np.zeros(a.shape[:-2], np.int32)
    for i in np.ndindex(info.shape) if a.shape[-1] else ():
        packed[i], pivots[i], info[i] = factor(a[i], lower=1)
    return np.tril(packed), pivots, info


_LDL = Op("linalg_ldl_factor_ex", ("input", "hermitian"), _ldl)


@numpy_too
def ldl_factor_ex(
    A: Tensor, *, hermitian: bool = False, check_errors: bool = False, out: Any = None
) -> return_types.linalg_ldl_factor_ex:
    """Bunch–Kaufman factorization in LAPACK's packed form and, instead of an error, a number for each matrix. Needs SciPy.

    Examples:
        >>> import tour
        >>> A = tour.tensor([[4.0, 2.0], [2.0, 3.0]])
        >>> LD, pivots, info = tour.linalg.ldl_factor_ex(A)
        >>> LD, info
        (tensor([[4.0000, 0.0000],
                [0.5000, 2.0000]]), tensor(0, dtype=tour.int32))
    """
    three = made(_LDL, square("linalg.ldl_factor_ex", A), hermitian)
    if check_errors:
        demand(three[2]._a, "torch.linalg.ldl_factor_ex", lambda row: f"D[{row},{row}] is exactly zero")
    return given(three, out, "linalg.ldl_factor_ex", return_types.linalg_ldl_factor_ex)  # type: ignore[no-any-return]


@numpy_too
def ldl_factor(A: Tensor, *, hermitian: bool = False, out: Any = None) -> return_types.linalg_ldl_factor:
    """Bunch–Kaufman factorization of symmetric (or Hermitian) matrices in LAPACK's packed form. Needs SciPy.

    Raises:
        LinAlgError: If D has a zero on its diagonal.

    Examples:
        >>> import tour
        >>> A = tour.tensor([[4.0, 2.0], [2.0, 3.0]])
        >>> LD, pivots = tour.linalg.ldl_factor(A)
        >>> tour.linalg.ldl_solve(LD, pivots, tour.tensor([[8.0], [8.0]]))
        tensor([[1.],
                [2.]])
    """
    packed, pivots, info = made(_LDL, square("linalg.ldl_factor", A), hermitian)
    demand(info._a, "torch.linalg.ldl_factor", lambda row: f"D[{row},{row}] is exactly zero")
    return given((packed, pivots), out, "linalg.ldl_factor", return_types.linalg_ldl_factor)  # type: ignore[no-any-return]


# --- Householder reflections --------------------------------------------------------------------------------------------------------------


@numpy_too
def householder_product(A: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The first n columns of a product of Householder reflections `I - tau[i] * v_i @ v_i.mH`, as in a QR factorization.

    Args:
        A: `(..., m, n)`, m >= n; column i holds v_i below its diagonal, where v_i has a one.
        tau: `(..., k)`, k <= n.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.linalg.householder_product(tour.tensor([[1.0], [0.0]]), tour.tensor([2.0]))
        tensor([[-1.],
                [ 0.]])
    """
    A = matrix("linalg.householder_product", A)
    (m, n), k = A._a.shape[-2:], tau._a.shape[-1] if tau._a.ndim else 0
    for fault, text in (
        (m < n, "input.shape[-2] must be greater than or equal to input.shape[-1]"),
        (n < k, "input.shape[-1] must be greater than or equal to tau.shape[-1]"),
        (
            A._a.ndim - tau._a.ndim != 1,
            f"Expected tau to have one dimension less than input, but got tau.ndim equal to {tau._a.ndim} and input.ndim is equal "
            f"to {A._a.ndim}",
        ),
        (
            A._a.shape[:-2] != tau._a.shape[:-1],
            f"Expected batch dimensions of tau to be equal to input.shape[:-2], but got {list(tau._a.shape[:-1])}",
        ),
        (A._a.dtype != tau._a.dtype, f"tau dtype {tau.dtype.name} does not match input dtype {A.dtype.name}"),
    ):
        if fault:
            raise RuntimeError(f"torch.linalg.householder_product: {text}")
    one = eye(m, n, dtype=A.dtype, device=A.device)
    q = one.expand(A._a.shape) if k else A.clone().copy_(one)  # without reflections with A's gradient, which is zero
    return given(reflected(A, tau, q, reversed(range(k))), out, "linalg.householder_product")  # type: ignore[no-any-return]


def reflected(A: Any, tau: Any, x: Any, order: Any) -> Any:
    """`x` multiplied from the left by Householder reflections, one after the other."""
    v = A.tril(-1) + eye(*A._a.shape[-2:], dtype=A.dtype, device=A.device)
    for i in order:
        column = v[..., :, i : i + 1]
        x = x - tau[..., i : i + 1, None] * (column @ (column.mH @ x))
    return x


def raw_qr(A: Any) -> tuple[Any, Any]:
    """LAPACK's geqrf: R with the reflections below it, and their factors tau; no gradient."""
    h, tau = np.linalg.qr(fractional("geqrf", A)._a, "raw")
    return _core.wrap(_core.packed(h.swapaxes(-1, -2))), _core.wrap(tau)
