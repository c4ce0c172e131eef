"""Gradients of linear algebra against finite differences, of the first and second order, real and complex."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour.autograd import gradcheck, gradgradcheck

L = tour.linalg


def matrix(*shape, kind=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal(shape) + (np.eye(*shape[-2:]) * 3 if len(shape) > 1 else 0)
    return tour.from_numpy(
        (a + 1j * rng.standard_normal(shape) if kind is np.complex128 else a).astype(kind)
    ).requires_grad_()


def spd(a):
    return a @ a.mH


FUNCTIONS = {
    "det": L.det,
    "slogdet": lambda a: L.slogdet(a).logabsdet,
    "inv": L.inv,
    "pinv": L.pinv,
    "matrix_exp": lambda a: L.matrix_exp(a / 4),
    "matrix_power": lambda a: L.matrix_power(a, -2),
    "cholesky": lambda a: L.cholesky(spd(a)),
    "cholesky upper": lambda a: L.cholesky(spd(a), upper=True),
    "eigvalsh": lambda a: L.eigvalsh(spd(a)),
    "eigh": lambda a: L.eigh(spd(a)).eigenvectors.abs(),
    "eig": lambda a: L.eig(a).eigenvectors.abs(),
    "eigvals": lambda a: L.eigvals(a).abs(),
    "svdvals": L.svdvals,
    "svd": lambda a: L.svd(a, False).U.abs(),
    "lu": lambda a: L.lu(a)[1:],
    "qr": lambda a: tuple(L.qr(a)),
    "cond": L.cond,
    "nuclear norm": lambda a: L.matrix_norm(a, "nuc"),
}


@pytest.mark.parametrize("kind", [np.float64, np.complex128])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_square(name, kind):
    assert gradcheck(FUNCTIONS[name], matrix(3, 3, kind=kind))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_second_order(name):
    assert gradgradcheck(FUNCTIONS[name], matrix(2, 2))


@pytest.mark.parametrize("name", ["qr", "lu", "svd", "svdvals", "pinv"])
@pytest.mark.parametrize("shape", [(2, 4, 3), (2, 3, 4)])
def test_oblong_batches(name, shape):
    assert gradcheck(FUNCTIONS[name], matrix(*shape))


@pytest.mark.parametrize("kind", [np.float64, np.complex128])
def test_systems(kind):
    a, b, v = matrix(2, 3, 3, kind=kind), matrix(3, 2, kind=kind, seed=1), matrix(2, 3, kind=kind, seed=2)
    assert gradcheck(L.solve, (a, b))
    assert gradcheck(L.solve, (a, v))
    assert gradcheck(lambda a, b: L.solve_triangular(a, b, upper=True), (a, b))
    assert gradcheck(lambda a, b: L.solve_triangular(a, b, upper=False, unitriangular=True), (a, b))
    assert gradcheck(lambda a, b: L.lu_solve(*L.lu_factor(a), b), (a, b))
    assert gradcheck(lambda a, b: tour.cholesky_solve(b, L.cholesky(spd(a))), (a, b))
    assert gradcheck(lambda a, b: L.lstsq(a, b).solution, (matrix(4, 2, kind=kind), matrix(4, 1, kind=kind, seed=1)))


def test_determinant_of_a_singular_matrix():
    x = tour.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=tour.float64, requires_grad=True)
    L.det(x).backward()
    np.testing.assert_allclose(x.grad.numpy(), [[4, -2], [-2, 1]], atol=1e-12)


def test_a_loss_that_depends_on_a_phase_is_refused():
    x = matrix(3, 3, kind=np.complex128)
    with pytest.raises(RuntimeError, match="ill-defined"):
        L.eigh(spd(x)).eigenvectors.imag.sum().backward()


def test_numpys_functions_are_recorded():
    x = matrix(3, 3)
    (np.linalg.inv(x).sum() + np.std(x) + np.concatenate([x, np.ones((1, 3))]).sum()).backward()
    assert x.grad is not None
    with pytest.raises(TypeError, match=r"np.histogram has no gradient in tour; call it on tensor.detach\(\)"):
        np.histogram(x)
    with pytest.raises(TypeError, match="out="):
        np.add(x, 1, out=np.zeros((3, 3)))


def test_copies_leave_the_history_behind():
    import copy
    import pickle

    x = matrix(2, 2)
    x.grad = tour.ones_like(x)
    y = copy.deepcopy(x)
    assert y.requires_grad and y.is_leaf and y.grad.equal(x.grad) and y.grad is not x.grad
    assert pickle.loads(pickle.dumps(x)).requires_grad
    for copying in (copy.deepcopy, pickle.dumps):
        with pytest.raises(RuntimeError, match="detach"):
            copying(x * 2)
    shallow = copy.copy(product := x * 2)  # as Matplotlib does with what it is to plot
    assert shallow.is_leaf and shallow.requires_grad and shallow.data_ptr() == product.data_ptr()
    with pytest.raises(BufferError, match="require gradient"):
        x.__dlpack__()
