"""Randomised factorisations of large matrices that have nearly a low rank (Halko, Martinsson and Tropp, 2009, arXiv:0909.4061)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tour import return_types
from tour._calling import numpy_too
from tour._dtypes import FLOATING, FROM_NUMPY
from tour.linalg.factoring import qr, svd
from tour.ops.continuous import randn

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["pca_lowrank", "svd_lowrank"]


@numpy_too
def svd_lowrank(A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None) -> return_types.svd:
    """The q largest singular values and their vectors, approximately: `A ≈ U @ diag(S) @ V.mH`, by random projection.

    Args:
        A: Matrices, `(..., m, n)`.
        q: How many; somewhat more than the rank that is expected.
        niter: Rounds of power iteration; more are more accurate where singular values fall slowly.
        M: A matrix to subtract from A, or a row of means.

    Returns:
        U `(..., m, q)`, S `(..., q)` and V `(..., n, q)`.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> U, S, V = tour.svd_lowrank(tour.tensor([[3.0, 0.0], [0.0, 4.0]]), q=2)
        >>> S
        tensor([4., 3.])
    """
    A = A if M is None else A - M
    wide = A.shape[-2] < A.shape[-1]
    tall = A.mH if wide else A
    Q = _range(tall, 6 if q is None else q, 2 if niter is None else niter)
    U, S, Vh = svd(Q.mH @ tall, full_matrices=False)
    U, V = Q @ U, Vh.mH
    return return_types.svd(V, S, U) if wide else return_types.svd(U, S, V)


def _range(A: Tensor, q: int, niter: int) -> Tensor:
    """An orthonormal basis of q vectors that nearly spans the columns of A."""
    Q = qr(A @ randn(A.shape[-1], q, dtype=A.dtype)).Q
    for _ in range(niter):
        Q = qr(A.mH @ Q).Q
        Q = qr(A @ Q).Q
    return Q


@numpy_too
def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> return_types.svd:
    """Principal component analysis: the low-rank singular value decomposition of data whose column means are taken out.

    Args:
        A: Data, `(..., samples, features)`.
        q: How many components; at most six if None.
        center: Whether to subtract the means.
        niter: Rounds of power iteration, as in `svd_lowrank`.

    Returns:
        U, S and V: `A @ V` are the components, `S**2 / (samples - 1)` their variances.

    Raises:
        ValueError: If `q` or `niter` is out of range, or A holds integers.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> U, S, V = tour.pca_lowrank(tour.tensor([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]), q=1)
        >>> V.abs()
        tensor([[0.4472],
                [0.8944]])
    """
    m, n = A.shape[-2:]
    q = min(6, m, n) if q is None else q
    if not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    if FROM_NUMPY[A._a.dtype].rank < FLOATING:
        raise ValueError(f"pca_lowrank: expected a floating-point or complex tensor, but got {A.dtype}")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
