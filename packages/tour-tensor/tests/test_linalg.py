"""Linear algebra: each factorization multiplies back, batches and dtypes go through, refusals name what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

import tour

KINDS = [np.float32, np.float64, np.complex64, np.complex128]
SHAPES = [(3, 3), (2, 4, 3), (2, 1, 3, 5), (40, 40), (0, 3, 3), (0, 0)]


def matrices(shape, kind=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal(shape)
    return tour.from_numpy((a + 1j * rng.standard_normal(shape) if np.dtype(kind).kind == "c" else a).astype(kind))


def close(a, b):
    assert a.dtype is b.dtype
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-3, atol=2e-4)


def one(n, like):
    return tour.eye(n, dtype=like.dtype).expand(*like.shape[:-2], n, n)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_factors_multiply_back(shape, kind):
    a = matrices(shape, kind)
    k = min(shape[-2:])
    q, r = tour.linalg.qr(a)
    close(q @ r, a)
    close(q.mH @ q, one(k, a))
    u, s, vh = tour.linalg.svd(a, full_matrices=False)
    close((u * s[..., None, :]) @ vh, a)
    p, low, up = tour.linalg.lu(a)
    close(p @ low @ up, a)
    assert low.tril().equal(low) and up.triu().equal(up)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(3, 3), (2, 5, 5), (0, 0)])
def test_square_matrices(shape, kind):
    n = shape[-1]
    a = matrices(shape, kind) + 2 * n * one(n, matrices(shape, kind))
    b = matrices((*shape[:-1], 2), kind, 1)
    close(tour.linalg.inv(a) @ a, one(n, a))
    close(a @ tour.linalg.solve(a, b), b)
    close(tour.linalg.solve(a, b.mT, left=False) @ a, b.mT)
    packed, pivots = tour.linalg.lu_factor(a)
    close(a @ tour.linalg.lu_solve(packed, pivots, b), b)
    close(a.mH @ tour.linalg.lu_solve(packed, pivots, b, adjoint=True), b)
    up = a.triu()
    close(up @ tour.linalg.solve_triangular(a, b, upper=True), b)
    h = a @ a.mH
    low = tour.linalg.cholesky(h)
    close(low @ low.mH / (n + 1), h / (n + 1))
    close(tour.linalg.cholesky(h, upper=True), low.mH)
    close(h @ tour.cholesky_solve(b, low), b)
    w, v = tour.linalg.eigh(a + a.mH)
    close((v * w[..., None, :]) @ v.mH, a + a.mH)
    w, v = tour.linalg.eig(a)
    close(a.to(v.dtype) @ v, v * w[..., None, :])
    sign, logabsdet = tour.linalg.slogdet(a)
    close(sign * logabsdet.exp() / tour.linalg.det(a), tour.ones_like(sign))
    close(tour.linalg.matrix_power(a, 3), a @ a @ a)


def test_exponential_against_its_series():
    a = matrices((2, 4, 4)) * 3
    total = term = one(4, a)
    for i in range(1, 80):
        term = term @ a / i
        total = total + term
    np.testing.assert_allclose(tour.linalg.matrix_exp(a).numpy(), total.numpy(), rtol=1e-9, atol=1e-8)


def test_pseudo_inverse_and_least_squares():
    a, b = matrices((2, 6, 3)), matrices((2, 6, 2), seed=1)
    p = tour.linalg.pinv(a)
    close(a @ p @ a, a)
    found = tour.linalg.lstsq(a, b, driver="gelsd")
    close(found.solution, p @ b)
    close(found.residuals, ((a @ p @ b - b) ** 2).sum(-2))
    assert found.rank.tolist() == [3, 3] and found.singular_values.shape == (2, 3)
    assert tour.linalg.matrix_rank(a @ a.mT).tolist() == [3, 3]


def test_householder_reflections():
    a = matrices((5, 3), np.complex128)
    h, tau = tour.geqrf(a)
    q = tour.linalg.householder_product(h, tau)
    close(q @ h[:3].triu(), a)
    x = matrices((5, 2), np.complex128, 1)
    full = tour.ormqr(h, tau, tour.eye(5, dtype=a.dtype))
    close(tour.ormqr(h, tau, x), full @ x)
    close(tour.ormqr(h, tau, x, True, True), full.mH @ x)
    close(tour.ormqr(h, tau, x.mT, False), x.mT @ full)


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf")])
def test_norms_are_numpys(ord):
    a = matrices((3, 4, 5))
    expected = np.linalg.norm(a.numpy(), ord, (1, 2))
    np.testing.assert_allclose(tour.linalg.matrix_norm(a, ord).numpy(), expected)
    assert tour.linalg.norm(a, ord, (1, 2), keepdim=True).shape == (3, 1, 1)


@pytest.mark.parametrize("p", [None, 1, -1, 2, -2, "fro", "nuc", float("inf")])
def test_condition_numbers_are_numpys(p):
    a = matrices((2, 3, 3))
    np.testing.assert_allclose(tour.linalg.cond(a, p).numpy(), np.linalg.cond(a.numpy(), p))


def test_products():
    x, y = matrices((2, 3)), matrices((2, 3), seed=1)
    close(tour.linalg.cross(x, y), tour.from_numpy(np.cross(x.numpy(), y.numpy())))
    close(tour.linalg.vecdot(x, y), (x * y).sum(-1))
    chain = [matrices(s) for s in ((3,), (3, 5), (5, 2), (2, 4))]
    close(tour.linalg.multi_dot(chain), chain[0] @ chain[1] @ chain[2] @ chain[3])
    t = matrices((2, 3, 6))
    close(tour.tensordot(tour.linalg.tensorinv(t), t, 2), tour.eye(6, dtype=t.dtype))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: tour.linalg.inv(tour.zeros(2, 2)),
            tour.linalg.LinAlgError,
            "linalg.inv: The diagonal element 1 is zero",
        ),
        (lambda: tour.linalg.inv(tour.stack([tour.eye(2), tour.zeros(2, 2)])), RuntimeError, r"\(Batch element 1\)"),
        (lambda: tour.linalg.solve(tour.zeros(2, 2), tour.ones(2)), RuntimeError, "input matrix is singular"),
        (lambda: tour.linalg.cholesky(tour.tensor([[1.0, 0], [0, -1]])), RuntimeError, "leading minor of order 2"),
        (lambda: tour.linalg.det(tour.ones(2, 3)), RuntimeError, "but they are 2 by 3 matrices"),
        (lambda: tour.linalg.qr(tour.ones(2)), RuntimeError, "at least 2 dimensions"),
        (lambda: tour.linalg.qr(tour.ones(2, 2), "full"), RuntimeError, "unrecognized mode 'full'"),
        (lambda: tour.linalg.det(tour.ones(2, 2).long()), RuntimeError, "Got Long"),
        (lambda: tour.linalg.solve(tour.eye(2), tour.ones(3, 1)), RuntimeError, "Incompatible shapes"),
        (lambda: tour.linalg.solve(tour.eye(2), tour.ones(2).double()), RuntimeError, "same dtype"),
        (lambda: tour.linalg.eig(tour.tensor([[float("nan")]])), RuntimeError, "infs or NaNs"),
        (lambda: tour.linalg.svd([[1.0]]), TypeError, "must be Tensor, not list"),
    ],
)
def test_refusals(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_singular_elements_leave_the_others():
    x, info = tour.linalg.solve_ex(tour.stack([tour.eye(2), tour.zeros(2, 2)]), tour.ones(2, 2, 1))
    assert info.tolist() == [0, 1] and x[0].tolist() == [[1.0], [1.0]]
    assert tour.linalg.lu_factor_ex(tour.tensor([[0.0, 1], [0, 2]])).info.item() == 1


def test_out_and_names():
    a = matrices((3, 3))
    q, r = tour.empty(0, dtype=a.dtype), tour.empty(0, dtype=a.dtype)
    named = tour.linalg.qr(a, out=(q, r))
    assert named.Q is q and named.R is r
    assert repr(tour.linalg.slogdet(tour.eye(2))).startswith("tour.return_types.linalg_slogdet(\nsign=tensor(1.)")
    assert (
        a.det().equal(tour.det(a)) and a.inverse().equal(tour.inverse(a)) and a.slogdet()[0].equal(tour.slogdet(a).sign)
    )
