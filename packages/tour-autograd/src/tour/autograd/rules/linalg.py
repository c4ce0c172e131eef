"""Gradients of linear algebra. Notation: `A.mH` is the conjugate transpose; a gradient g of a result Y means dL = Re tr(g.mH @ dY).

The derivations follow M. B. Giles, An extended collection of matrix derivative results for forward and reverse mode automatic
differentiation (2008), carried over to complex matrices; eigenvectors and singular vectors are taken up to their phase.
"""

from __future__ import annotations

from typing import Any

import tour
from tour.autograd.both import everywhere
from tour.autograd.engine import sum_to
from tour.autograd.rule import joint_vjp, tensor_vjp
from tour.autograd.rules.reductions import of_others
from tour.linalg import factoring, measures, products, solving
from tour.ops import matrices

# --- Determinants and inverses --------------------------------------------------------------------------------------------------


def _det(g: Any, input: Any, out: Any) -> Any:
    if not everywhere(out != 0):  # the adjugate, by singular values
        u, s, vh = tour.linalg.svd(input)
        phase = (tour.linalg.det(u) * tour.linalg.det(vh)).conj()
        return (g * phase)[..., None, None] * ((u * of_others(s, -1)[..., None, :]) @ vh)
    return (g * out.conj())[..., None, None] * tour.linalg.inv(input).mH


def _slogdet(g: Any, input: Any, out: Any) -> Any:
    to_sign, to_log = g
    scale: Any = 0.0 if to_log is None else to_log
    if to_sign is not None and input.is_complex():
        scale = scale + 1j * (to_sign * out[0].conj()).imag
    elif to_log is None:
        return input * 0
    return scale[..., None, None] * tour.linalg.inv(input).mH


tensor_vjp(measures._DET, input=_det)
tensor_vjp(measures._SLOGDET, input=_slogdet)
tensor_vjp(solving._INV, A=lambda g, out: -(out[0].mH @ g[0] @ out[0].mH))


def _pinv(g: Any, input: Any, out: Any) -> Any:
    a, p = input, out
    to_left = g.mH @ p @ p.mH
    to_right = p.mH @ p @ g.mH
    return to_left - a @ (p @ to_left) + to_right - (to_right @ p) @ a - p.mH @ g @ p.mH


tensor_vjp(solving._PINV, input=_pinv)


# --- Systems ----------------------------------------------------------------------------------------------------------------------


@joint_vjp(solving._SOLVE, "A", "B", on_tensors=True)
def _solve(g: Any, wanted: Any, A: Any, out: Any, A_shape: Any, B_shape: Any) -> Any:
    to_b = tour.linalg.solve(A.mH, g[0])
    to_a = sum_to(-(to_b @ out[0].mH), A_shape) if wanted[0] else None
    return to_a, sum_to(to_b, B_shape) if wanted[1] else None


@joint_vjp(solving._TRIANGULAR, "A", "B", on_tensors=True)
def _triangular(g: Any, wanted: Any, A: Any, upper: bool, unit: bool, out: Any, A_shape: Any, B_shape: Any) -> Any:
    to_b = tour.linalg.solve_triangular(A.mH, g, upper=not upper, unitriangular=unit)
    to_a = None
    if wanted[0]:
        to_a = sum_to(-(to_b @ out.mH), A_shape)
        to_a = to_a.triu(int(unit)) if upper else to_a.tril(-int(unit))
    return to_a, sum_to(to_b, B_shape) if wanted[1] else None


@joint_vjp(solving._LSTSQ, "A", "B", on_tensors=True)
def _lstsq(g: Any, wanted: Any, A: Any, B: Any, rcond: float) -> Any:
    p = tour.linalg.pinv(A, rcond)
    to_a = sum_to(_pinv(g[0] @ B.mH, A, p), A.shape) if wanted[0] else None
    return to_a, sum_to(p.mH @ g[0], B.shape) if wanted[1] else None


@joint_vjp(matrices._CHOLESKY_SOLVE, "B", "L", on_tensors=True)
def _cholesky_solve(g: Any, wanted: Any, L: Any, upper: bool, out: Any, B_shape: Any) -> Any:
    to_b = tour.cholesky_solve(g, L, upper)
    to_l = None
    if wanted[1]:
        both = -(to_b @ out.mH)
        both = both + both.mH
        to_l = sum_to(L @ both if upper else both @ L, L.shape)
    return sum_to(to_b, B_shape) if wanted[0] else None, to_l


# --- Factorizations -----------------------------------------------------------------------------------------------------------------


def _cholesky(g: Any, upper: bool, out: Any) -> Any:
    low, g_low = (out[0].mH, g[0].mH) if upper else (out[0], g[0])
    inner = (low.mH @ g_low.tril()).tril()
    inner = (inner + inner.tril(-1).mH) / 2  # an imaginary diagonal stays, as in PyTorch; no Hermitian step feels it
    half = tour.linalg.solve_triangular(low.mH, inner, upper=True)
    return tour.linalg.solve_triangular(low.mH, half.mH, upper=True).mH


tensor_vjp(factoring._CHOLESKY, input=_cholesky)


def _mirrored(x: Any) -> Any:
    """An upper triangle mirrored into the lower one, with a real diagonal."""
    x = x.triu()
    both = x + x.mH
    return both - both.diagonal(0, -2, -1).diag_embed() / 2


def _qr(g: Any, input_shape: Any, mode: str, out: Any) -> Any:
    (to_q, to_r), (q, r) = g, out
    m, n = input_shape[-2:]
    if mode == "r":
        raise RuntimeError("The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
                           "linalg.qr(A, mode='reduced') if you are going to require gradients")  # fmt: skip
    if mode == "complete" and m > n:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols")
    if m < n:
        rest, r = r[..., m:], r[..., :m]
        if to_r is not None:
            to_rest, to_r = to_r[..., m:], to_r[..., :m]
            pulled = (q @ rest) @ to_rest.mH
            to_q = pulled if to_q is None else to_q + pulled
    inner = 0 if to_r is None else to_r @ r.mH
    if to_q is not None:
        inner = inner - q.mH @ to_q
    inside = q @ _mirrored(inner)
    if to_q is not None:
        inside = inside + to_q
    to_a = tour.linalg.solve_triangular(r.mH, inside, upper=False, left=False)
    if m < n:
        behind = q @ to_rest if to_r is not None else tour.zeros(*input_shape[:-1], n - m, dtype=to_a.dtype)
        to_a = tour.cat([to_a, behind], -1)
    return to_a


tensor_vjp(factoring._QR, input=_qr)


def _lu(g: Any, input_shape: Any, out: Any) -> Any:
    (packed, pivots, _), to_packed = out, g[0]
    m, n = input_shape[-2:]
    k = min(m, n)
    p, low, up = factoring.unpacked(packed, pivots)
    to_low, to_up = to_packed[..., :k].tril(-1), to_packed[..., :k, :].triu()
    low_k, up_k, corner_low, corner_up = low[..., :k, :], up[..., :k], to_low[..., :k, :], to_up[..., :k]
    rest = None
    if m < n:
        rest = tour.linalg.solve_triangular(low_k.mH, to_up[..., k:], upper=True, unitriangular=True)
        corner_low = corner_low - rest @ up[..., k:].mH
    elif m > n:
        rest = tour.linalg.solve_triangular(up_k.mH, to_low[..., k:, :], upper=False, left=False)
        corner_up = corner_up - low[..., k:, :].mH @ rest
    inner = (low_k.mH @ corner_low).tril(-1) + (corner_up @ up_k.mH).triu()
    corner = tour.linalg.solve_triangular(up_k.mH, inner, upper=False, left=False)
    corner = tour.linalg.solve_triangular(low_k.mH, corner, upper=True, unitriangular=True)
    return p @ (corner if rest is None else tour.cat([corner, rest], -1 if m < n else -2))


tensor_vjp(factoring._LU, input=_lu)


# --- Eigenvalues and singular values ----------------------------------------------------------------------------------------------


def _diagonal(x: Any) -> Any:
    return x.diagonal(0, -2, -1)


def _gaps(w: Any) -> Any:
    """`w[j] - w[i]` at [i, j], with ones on the diagonal."""
    return w[..., None, :] - w[..., :, None] + tour.eye(w.shape[-1], dtype=w.dtype)


def _check_phase(x: Any, of: Any, name: str, what: str) -> None:
    """Refuse a loss that changes when the vectors are multiplied by a phase.

    Raises:
        RuntimeError: If it does.
    """
    turned = _diagonal(x).imag.detach().abs()
    if turned.numel() and not everywhere(turned - 1e-2 * of.detach().abs().amax((-2, -1), True).squeeze(-1) <= 1e-2):
        raise RuntimeError(
            f"{name}_backward: The {what} in the complex case are specified up to multiplication by e^{{i phi}}. The specified loss "
            "function depends on this quantity, so it is ill-defined."
        )


def _eigh(g: Any, out: Any) -> Any:
    (to_w, to_v), (w, v) = g, out
    if to_v is None:
        return (v * to_w[..., None, :]) @ v.mH
    inner = v.mH @ to_v
    if v.is_complex():
        _check_phase(inner, to_v, "linalg_eigh", "eigenvectors")
    inner = inner / _gaps(w)
    inner = (inner + inner.mH) / 2
    inner = inner - _diagonal(inner).diag_embed()
    if to_w is not None:
        inner = inner + to_w.to(inner.dtype).diag_embed()
    return v @ inner @ v.mH


def _eig(g: Any, input_dtype: Any, out: Any) -> Any:
    (to_w, to_v), (w, v) = g, out
    inner = None
    if to_v is not None:
        products = v.mH @ to_v
        if input_dtype.kind == "c":
            _check_phase(products, to_v, "linalg_eig", "eigenvectors")
        inner = products - (v.mH @ v) * _diagonal(products).real[..., None, :]
        inner = inner / _gaps(w).conj()
        inner = inner - _diagonal(inner).diag_embed()
    if to_w is not None:
        inner = to_w.diag_embed() if inner is None else inner + to_w.diag_embed()
    to_a = tour.linalg.solve(v.mH, inner @ v.mH)
    return to_a if input_dtype.kind == "c" else to_a.real


def _svd(g: Any, input_shape: Any, out: Any) -> Any:
    (to_u, to_s, to_vh), (u, s, vh) = g, out
    k = s.shape[-1]
    u, vh = u[..., :k], vh[..., :k, :]
    if to_u is None and to_vh is None:
        return (u * to_s[..., None, :]) @ vh
    to_u = None if to_u is None else to_u[..., :k]
    to_v = None if to_vh is None else to_vh[..., :k, :].mH
    v = vh.mH
    turn_u = 0 if to_u is None else _skew(u.mH @ to_u)
    turn_v = 0 if to_v is None else _skew(v.mH @ to_v)
    if u.is_complex():
        _check_phase(turn_u + turn_v, to_u if to_u is not None else to_v, "svd", "singular vectors")
    inner = (turn_u * s[..., None, :] + s[..., :, None] * turn_v) / _gaps(s * s)
    inner = inner - _diagonal(inner).diag_embed()
    if to_s is not None:
        inner = inner + to_s.to(inner.dtype).diag_embed()
    if u.is_complex() and to_u is not None and to_v is not None:
        inner = inner + (_diagonal(turn_u) / (2 * s)).diag_embed()
    to_a = u @ inner @ vh
    if to_u is not None and input_shape[-2] > k:
        beside = to_u / s[..., None, :]
        to_a = to_a + (beside - u @ (u.mH @ beside)) @ vh
    if to_v is not None and input_shape[-1] > k:
        beside = (to_v / s[..., None, :]).mH
        to_a = to_a + u @ (beside - (beside @ v) @ vh)
    return to_a


def _skew(x: Any) -> Any:
    return x - x.mH


tensor_vjp(factoring._EIGH, input=_eigh)
tensor_vjp(factoring._EIG, input=_eig)
tensor_vjp(factoring._SVD, input=_svd)


# --- Exponential --------------------------------------------------------------------------------------------------------------------


def _matrix_exp(g: Any, input: Any) -> Any:
    """The upper right block of `exp([[A.mH, g], [0, A.mH]])`, a Fréchet derivative."""
    a, n = input.mH, input.shape[-1]
    zero = tour.zeros_like(a)
    block = tour.cat([tour.cat([a, g], -1), tour.cat([zero, a], -1)], -2)
    return tour.linalg.matrix_exp(block)[..., :n, n:]


tensor_vjp(products._MATRIX_EXP, input=_matrix_exp)
