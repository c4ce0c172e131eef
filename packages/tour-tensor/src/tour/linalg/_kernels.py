"""Factorizations and solvers on raw arrays that NumPy lacks; all of them take batches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tour._core import held

_PANEL = 32  # columns that are eliminated one by one before the rest of the matrix is updated by one product


def adjoint(a: Any) -> Any:
    """Conjugate transpose of each matrix."""
    return a.conj().swapaxes(-1, -2)


def _size(a: Any) -> Any:
    """What LAPACK compares pivots by: the absolute value, for complex numbers that of both parts."""
    return np.abs(a) if a.dtype.kind != "c" else np.abs(a.real) + np.abs(a.imag)


def lu(a: Any, pivot: bool = True) -> tuple[Any, Any, Any]:
    """LU factorization with partial pivoting, as LAPACK's getrf.

    Returns:
        Both factors in one matrix; the pivots, counted from 1; and info: the first row with a zero pivot, counted from 1, or 0.
    """
    shape, (m, n) = a.shape, a.shape[-2:]
    k = min(m, n)
    a = a.copy(order="C").reshape(math.prod(shape[:-2]), m, n)
    pivots = np.tile(np.arange(1, k + 1, dtype=np.int32, like=a), (len(a), 1))
    info = np.zeros_like(a, np.int32, shape=len(a))
    batch = np.arange(len(a), like=a)
    for start in range(0, k, _PANEL):
        stop = min(start + _PANEL, k)
        for j in range(start, stop):
            if pivot:
                p = j + np.argmax(_size(a[:, j:, j]), axis=1)
                pivots[:, j] = p + 1
                if (p != j).any():
                    upper = a[batch, p]
                    a[batch, p] = a[:, j]
                    a[:, j] = upper
            d = a[:, j, j]
            info[(d == 0) & (info == 0)] = j + 1
            if j + 1 < m:
                column = np.where(d[:, None] == 0, a[:, j + 1 :, j], a[:, j + 1 :, j] / d[:, None])
                a[:, j + 1 :, j] = column
                a[:, j + 1 :, j + 1 : stop] -= column[:, :, None] * a[:, j, None, j + 1 : stop]
        if stop < n:
            rows = a[:, start:stop, stop:]
            rows[...] = triangular(a[:, start:stop, start:stop], rows, upper=False, unit=True)
            if stop < m:
                a[:, stop:, stop:] -= a[:, stop:, start:stop] @ rows
    return a.reshape(shape), pivots.reshape(*shape[:-2], k), info.reshape(shape[:-2])


def permutation(pivots: Any, m: int) -> Any:
    """The order of rows that a sequence of swaps leads to: row i of `P.T @ A` is row `order[i]` of A."""
    if (inner := held(pivots)) is not pivots:
        return pivots.around(permutation(inner, m))
    flat = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1])
    order = np.tile(np.arange(m, like=flat), (len(flat), 1))
    batch = np.arange(len(flat), like=flat)
    for i in range(flat.shape[1]):
        p = flat[:, i] - 1
        order[batch, p], order[:, i] = order[:, i].copy(), order[batch, p].copy()
    return order.reshape(*pivots.shape[:-1], m)


def triangular(a: Any, b: Any, upper: bool, unit: bool) -> Any:
    """The solution X of `A X = B` for triangular A, by substitution; only that triangle of A is read."""
    x = np.copy(np.broadcast_to(b, (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:])))
    n = a.shape[-1]
    for i in reversed(range(n)) if upper else range(n):
        done = slice(i + 1, n) if upper else slice(0, i)
        row = x[..., i, :]
        if done.start < done.stop:
            row -= (a[..., i, None, done] @ x[..., done, :])[..., 0, :]
        if not unit:
            row /= a[..., i, i, None]
    return x


def cholesky(a: Any, upper: bool) -> tuple[Any, Any]:
    """Cholesky factors, and for each matrix 0 or the order of the first leading minor that is not positive."""
    a = adjoint(np.triu(a)) if upper else a
    info = np.zeros_like(a, np.int32, shape=a.shape[:-2])
    try:
        factor = np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        factor = np.zeros_like(a)
        for i in np.ndindex(info.shape):
            factor[i], info[i] = _cholesky_one(a[i])
    return adjoint(factor) if upper else factor, info


def _cholesky_one(a: Any) -> tuple[Any, int]:
    """The factor of one matrix, as far as it goes."""
    factor = np.tril(a)
    for order in range(1, len(a) + 1):
        try:
            factor[:order, :order] = np.linalg.cholesky(a[:order, :order])
        except np.linalg.LinAlgError:
            return factor, order
    return factor, 0


def inverse(a: Any) -> tuple[Any, Any]:
    """Inverses, and for each matrix 0 or the first zero on the diagonal of U."""
    x, info = solve(a, np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype, like=a), a.shape))
    return x, info


def solve(a: Any, b: Any) -> tuple[Any, Any]:
    """The solution X of `A X = B`, and for each matrix 0 or the first zero on the diagonal of U."""
    try:
        return np.linalg.solve(a, b), np.zeros_like(a, np.int32, shape=a.shape[:-2])
    except np.linalg.LinAlgError:
        info = lu(a)[2]
        x = np.full((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:]), np.nan, a.dtype)
        sound, b = np.broadcast_to(info == 0, x.shape[:-2]), np.broadcast_to(b, x.shape)
        full = np.broadcast_to(a, (*x.shape[:-2], *a.shape[-2:]))
        if sound.any():
            x[sound] = np.linalg.solve(full[sound], b[sound])
        return x, info


# Coefficients of the numerator of the diagonal Padé approximant of degree 13 of exp, and the norm up to which it is exact in double
# precision: N. J. Higham, The scaling and squaring method for the matrix exponential revisited, SIAM J. Matrix Anal. Appl. 26 (2005).
_PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0, 10559470521600.0,
    670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
_RADIUS = 5.371920351148152


def matrix_exp(a: Any) -> Any:
    """The exponential of each matrix, by scaling, a Padé approximant, and squaring."""
    if not a.size:
        return a.copy()
    wide = a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)
    norm = np.abs(wide).sum(-2).max(-1)
    times = np.where(norm > _RADIUS, np.ceil(np.log2(np.where(norm > 0, norm, 1) / _RADIUS)), 0)
    times = np.where(np.isfinite(times), times, 0).astype(np.int64)
    x = wide / np.exp2(times)[..., None, None]
    one = np.eye(a.shape[-1], like=a)
    x2 = x @ x
    x4, b = x2 @ x2, _PADE
    x6 = x4 @ x2
    odd = x @ (x6 @ (b[13] * x6 + b[11] * x4 + b[9] * x2) + b[7] * x6 + b[5] * x4 + b[3] * x2 + b[1] * one)
    even = x6 @ (b[12] * x6 + b[10] * x4 + b[8] * x2) + b[6] * x6 + b[4] * x4 + b[2] * x2 + b[0] * one
    r = np.linalg.solve(even - odd, even + odd)
    for i in range(int(times.max())):
        r = np.where((times > i)[..., None, None], r @ r, r)
    return r.astype(a.dtype)


def pinv(a: Any, atol: Any, rtol: Any, hermitian: bool) -> Any:
    """Pseudo-inverses; singular values at or below `max(atol, rtol * the largest)` count as zero."""
    if not a.size:
        return np.zeros((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)
    if hermitian:
        w, u = np.linalg.eigh(a)
        s, vh = np.abs(w), adjoint(u) * np.sign(w)[..., None]
    else:
        u, s, vh = np.linalg.svd(a, full_matrices=False)
    limit = np.maximum(atol, rtol * s.max(-1))
    kept = s > limit[..., None]
    inverse = np.where(kept, 1 / np.where(kept, s, 1), 0).astype(s.dtype)
    return (adjoint(vh) * inverse[..., None, :]) @ adjoint(u)
