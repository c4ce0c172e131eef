"""Forward mode gives the numerical derivative, and the same Jacobians and Hessians as reverse mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tour
from tour.autograd import forward_ad
from tour.func import grad, hessian, jacfwd, jacrev, jvp, linearize, vjp, vmap

RNG = np.random.default_rng(0)
D = tour.float64


def normal(*shape: int) -> Any:
    return tour.tensor(RNG.normal(size=shape))


def definite(n: int) -> Any:
    a = RNG.normal(size=(n, n))
    return tour.tensor(a @ a.T + np.eye(n))


def _writes(x: Any) -> Any:
    y = x.clone()
    y[1:] *= x[0]
    z = y[::2]
    z += y[1].clone().sin()
    return y * x


def _copies(x: Any) -> Any:
    y = x.new_zeros(4)
    y[:3] = x
    y[1] = x[0] * x[2]
    return y.cumsum(0)


class Cube(tour.autograd.Function):
    """A function whose tangent is found by differentiating its backward."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * 3 * x**2


# Functions of vectors or matrices, one for each way in which a tangent passes an op.
FUNCTIONS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "elementwise": (lambda x: x.sin() * x.exp() / (x * x + 1), (3,)),
    "broadcast": (lambda x: x[:, None] * x + x, (3,)),
    "power": (lambda x: (x * x + 1) ** x, (3,)),
    "where": (lambda x: tour.where(x > 0, x * x, -x), (4,)),
    "clamp": (lambda x: x.clamp(-0.5, 0.5) * x, (5,)),
    "sum": (lambda x: x.sum() * x.mean(0) + x.sum(1, keepdim=True), (2, 3)),
    "prod": (lambda x: x.prod(), (4,)),
    "views": (lambda x: x.t().reshape(-1)[1:4] * x.diagonal().sum(), (3, 3)),
    "permute": (lambda x: x.reshape(2, 3, 2).permute(2, 0, 1).sin(), (12,)),
    "index": (lambda x: x[tour.tensor([2, 0, 0])] * x[1], (3,)),
    "gather": (lambda x: x.gather(0, tour.tensor([2, 0])) ** 2, (3,)),
    "cat": (lambda x: tour.cat([x, x * x, tour.ones(2, dtype=D)]), (3,)),
    "stack": (lambda x: tour.stack([x, x.sin()], 1), (3,)),
    "split": (lambda x: x.split(2)[0] * x.split(2)[1], (4,)),
    "unbind": (lambda x: x.unbind(0)[0] * x.unbind(0)[1], (2, 3)),
    "max": (lambda x: x.max(1).values * x.amax(0).sum(), (2, 3)),
    "sort": (lambda x: x.sort().values * x, (4,)),
    "cummax": (lambda x: x.cummax(0).values ** 2, (4,)),
    "cumprod": (lambda x: x.cumprod(0), (4,)),
    "logsumexp": (lambda x: x.logsumexp(0), (2, 3)),
    "softmax": (lambda x: x.softmax(-1).log(), (2, 3)),
    "norm": (lambda x: x / x.norm(), (3,)),
    "var": (lambda x: x.var(0) + x.std(), (3, 2)),
    "matmul": (lambda x: x @ x.t() @ x, (2, 3)),
    "einsum": (lambda x: tour.einsum("ij,ik->jk", x, x), (2, 3)),
    "scatter": (lambda x: x.scatter_add(0, tour.tensor([0, 0]), x[1:] ** 2), (3,)),
    "masked": (lambda x: x.masked_fill(x > 0, 2.0) * x, (4,)),
    "pad": (lambda x: tour.constant_pad_nd(x, (1, 2), 3.0) ** 2, (3,)),
    "roll": (lambda x: x.roll(1) * x.flip(0), (3,)),
    "tril": (lambda x: x.tril() @ x.triu(), (3, 3)),
    "inverse": (lambda x: tour.linalg.inv(x @ x.t() + tour.eye(3, dtype=D)), (3, 3)),
    "eigenvalues": (lambda x: tour.linalg.eigvalsh(x @ x.t()), (3, 3)),
    "cholesky": (lambda x: tour.linalg.cholesky(x @ x.t() + tour.eye(3, dtype=D)), (3, 3)),
    "determinant": (tour.linalg.det, (3, 3)),
    "solve": (lambda x: tour.linalg.solve(x @ x.t() + tour.eye(3, dtype=D), x), (3, 3)),
    "spectrum": (lambda x: tour.fft.rfft(x).abs() ** 2, (5,)),
    "complex": (lambda x: (tour.complex(x, x * x).exp() * (1 + 2j)).real, (3,)),
    "unfold": (lambda x: x.unfold(0, 2, 1) ** 2, (4,)),
    "special": (lambda x: tour.erf(x) * tour.lgamma(x.abs() + 1) + tour.sigmoid(x), (3,)),
    "writes": (_writes, (4,)),
    "copies": (_copies, (3,)),
    "user's function": (Cube.apply, (3,)),
    "constant": (lambda x: tour.ones(2, dtype=D), (3,)),
    "dtype": (lambda x: (x.float() * 2).double(), (3,)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jvp(name: str) -> None:
    """Against a central difference."""
    f, shape = FUNCTIONS[name]
    x, t = normal(*shape), normal(*shape)
    value, tangent = jvp(f, (x,), (t,))
    assert tangent.shape == value.shape
    np.testing.assert_array_equal(value.numpy(), f(x).numpy())
    step = 1e-3 if name == "dtype" else 1e-6
    numerical = (f(x + step * t) - f(x - step * t)) / (2 * step)
    np.testing.assert_allclose(tangent.numpy(), numerical.numpy(), rtol=1e-3 if name == "dtype" else 1e-6, atol=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jacobians(name: str) -> None:
    """Forward and reverse mode, at once and in parts, and forward mode inside of a batch."""
    f, shape = FUNCTIONS[name]
    x = normal(*shape)
    forward, reverse = jacfwd(f)(x), jacrev(f)(x)
    assert forward.shape == (*f(x).shape, *shape)
    np.testing.assert_allclose(forward.numpy(), reverse.numpy(), atol=1e-10)
    np.testing.assert_allclose(jacfwd(f, chunk_size=2)(x).numpy(), reverse.numpy(), atol=1e-10)
    t = tour.stack([normal(*shape) for _ in range(2)])
    xs = tour.stack([x, x * 0.5])
    both = vmap(lambda x, t: jvp(f, (x,), (t,)))(xs, t)[1]
    for i in range(2):
        np.testing.assert_allclose(both[i].numpy(), jvp(f, (xs[i],), (t[i],))[1].numpy(), atol=1e-10)


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in ("dtype", "constant")])
def test_hessians(name: str) -> None:
    """All four orders of modes."""
    f, shape = FUNCTIONS[name]
    x = normal(*shape)
    g = lambda x: f(x).sin().sum()  # noqa: E731
    expected = jacrev(jacrev(g))(x).numpy()
    for outer, inner in ((jacfwd, jacrev), (jacrev, jacfwd), (jacfwd, jacfwd)):
        np.testing.assert_allclose(outer(inner(g))(x).numpy(), expected, atol=1e-8)
    np.testing.assert_allclose(hessian(g)(x).numpy(), expected, atol=1e-8)


def test_known_hessian() -> None:
    a = definite(3)
    found = hessian(lambda x: x @ a @ x / 2)(normal(3))
    np.testing.assert_allclose(found.numpy(), a.numpy(), atol=1e-12)


def test_gradient_of_a_tangent() -> None:
    f = lambda x: (x**3).sum()  # noqa: E731
    x = normal(3)
    found = grad(lambda x: jvp(f, (x,), (x,))[1])(x)  # of 3 x³
    np.testing.assert_allclose(found.numpy(), 9 * x.numpy() ** 2)


def test_trees() -> None:
    """Arguments and results in containers, several arguments, and what is returned beside."""
    x, y = normal(2), normal(3)
    f = lambda p, q: ({"a": p["x"] * q.sum(), "b": (q * q,)}, "beside")  # noqa: E731
    value, tangent, aux = jvp(f, ({"x": x}, y), ({"x": x}, y), has_aux=True)
    assert aux == "beside"
    np.testing.assert_allclose(tangent["a"].numpy(), 2 * value["a"].numpy())
    np.testing.assert_allclose(tangent["b"][0].numpy(), 2 * value["b"][0].numpy())
    found = jacfwd(lambda p, q: f(p, q)[0], argnums=(0, 1))({"x": x}, y)
    expected = jacrev(lambda p, q: f(p, q)[0], argnums=(0, 1))({"x": x}, y)
    assert found["a"][0]["x"].shape == (2, 2)
    for part in (lambda j: j["a"][0]["x"], lambda j: j["a"][1], lambda j: j["b"][0][0]["x"], lambda j: j["b"][0][1]):
        np.testing.assert_allclose(part(found).numpy(), part(expected).numpy())


def test_linearize() -> None:
    """The function runs once; its linear part may run often, later and in a batch."""
    calls = []

    def f(x: Any) -> Any:
        calls.append(x)
        return x.sin() * x.sum()

    x = normal(3)
    value, push = linearize(f, x)
    np.testing.assert_allclose(value.numpy(), f(x).numpy())
    calls.clear()
    columns = vmap(push)(tour.eye(3, dtype=D))
    assert not calls
    np.testing.assert_allclose(columns.T.numpy(), jacrev(f)(x).numpy())


def test_duality() -> None:
    """A vector times the Jacobian times a vector, from both sides."""
    f = lambda x: (x @ x.t()).softmax(0).cumsum(1)  # noqa: E731
    x, t = normal(3, 2), normal(3, 2)
    value, pull = vjp(f, x)
    c = normal(*value.shape)
    left = (pull(c)[0] * t).sum()
    assert abs(float(left - (c * jvp(f, (x,), (t,))[1]).sum())) < 1e-12


def test_errors() -> None:
    x = tour.ones(2)
    for primals, tangents, what in (
        (x, (x,), "Expected primals to be a tuple"),
        ((x,), x, "Expected tangents to be a tuple"),
        ((x,), (x, x), "same python structure"),
        ((x,), (tour.ones(3),), r"a tangent of shape \[3\]"),
        ((x,), (x.double(),), "dtype float64"),
    ):
        with pytest.raises(RuntimeError, match=what):
            jvp(tour.sin, primals, tangents)
    with pytest.raises(RuntimeError, match="independent of the inputs"):
        jvp(lambda x: tour.ones(2), (x,), (x,), strict=True)
    with pytest.raises(RuntimeError, match="only tensors"):
        jvp(lambda x: 3, (x,), (x,))


def test_dual_numbers() -> None:
    x, t = normal(3), normal(3)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, t)
        y = dual.sin() * 2
        value, tangent = forward_ad.unpack_dual(y)
        assert forward_ad.unpack_dual(x).tangent is None
        with pytest.raises(RuntimeError, match="Nested"):
            forward_ad.enter_dual_level()
        with pytest.raises(RuntimeError, match="does not fit"):
            forward_ad.make_dual(x, tour.ones(2))
    assert not value.requires_grad
    np.testing.assert_allclose(tangent.numpy(), (2 * x.cos() * t).numpy())
    assert forward_ad.unpack_dual(y).tangent is None
    with pytest.raises(RuntimeError, match="no level exists"):
        forward_ad.make_dual(x, t)
    with pytest.raises(RuntimeError, match="no such level"):
        forward_ad.exit_dual_level()


def test_dual_numbers_of_parameters() -> None:
    """A dual tensor may have a history of its own."""
    w = normal(2).requires_grad_()
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(w * 2, tour.ones(2, dtype=D))
        tangent = forward_ad.unpack_dual(dual**3).tangent
    tangent.sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), 24 * w.detach().numpy())  # of 3 (2 w)²
