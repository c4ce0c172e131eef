"""Gradients of functions: nested, of each sample of a batch, through a batch, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tour
from tour.func import grad, grad_and_value, jacrev, vjp, vmap

RNG = np.random.default_rng(0)


def normal(*shape: int) -> Any:
    return tour.tensor(RNG.normal(size=shape))


def close(a: Any, b: Any, tolerance: float = 1e-10) -> None:
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), atol=tolerance, rtol=1e-8)


# --- Orders ------------------------------------------------------------------------------------------------------------------------


def test_nested() -> None:
    """The first four derivatives of the sine."""
    x = normal()
    f, expected = tour.sin, [tour.cos(x), -tour.sin(x), -tour.cos(x), tour.sin(x)]
    for want in expected:
        f = grad(f)
        close(f(x), want)


def test_no_history_is_left() -> None:
    x = normal(2)
    g, value = grad_and_value(lambda x: (x**2).sum())(x)
    assert not g.requires_grad and not value.requires_grad


def test_history_outside_counts() -> None:
    """The result of a transform depends on what the program differentiates with respect to."""
    w, x = normal(3).requires_grad_(), normal(3)
    grad(lambda x: (w * x.sin()).sum())(x).sum().backward()
    close(w.grad, x.cos())
    w.grad = None
    (grad(lambda v: (v**3).sum())(w)).sum().backward()
    close(w.grad, 6 * w)
    with tour.no_grad():
        assert not grad(lambda v: (v**3).sum())(w).requires_grad


def test_two_variables_are_not_confused() -> None:
    """d/dx (x · d/dy (x + y)) is 1, not 2."""
    x = normal()
    close(grad(lambda x: x * grad(lambda y: x + y)(x))(x), tour.ones((), dtype=tour.float64))


def test_no_grad_inside() -> None:
    def f(x: Any) -> Any:
        with tour.no_grad():
            shift = x**2
        return x**2 - shift

    close(grad(f)(tour.tensor(3.0)), tour.tensor(6.0))


def test_arguments() -> None:
    """Which arguments, trees of them, and what is returned beside."""
    f = lambda p, y, *, k: ((p["a"] * y).sum() * k, {"twice": p["a"] * 2})  # noqa: E731
    a, y = normal(3), normal(3)
    found, aux = grad(f, has_aux=True)({"a": a}, y, k=2)
    close(found["a"], 2 * y)
    close(aux["twice"], 2 * a)
    (of_a, of_y), (value, _) = grad_and_value(f, argnums=(0, -1), has_aux=True)({"a": a}, y, k=2)
    close(of_a["a"], 2 * y)
    close(of_y, 2 * a)
    close(value, 2 * (a * y).sum())


def test_vjp() -> None:
    x, y = normal(3), normal(3)
    (first, second), pull = vjp(lambda x, y: (x * y, {"s": x.sum()}), x, y)
    close(first, x * y)
    close(second["s"], x.sum())
    c = normal(3)
    of_x, of_y = pull((c, {"s": tour.tensor(2.0, dtype=tour.float64)}))
    close(of_x, c * y + 2)
    close(of_y, c * x)
    many = vmap(lambda c: pull((c, {"s": tour.tensor(0.0, dtype=tour.float64)})))(tour.eye(3, dtype=tour.float64))
    close(many[0], tour.diag(y))


def test_jacrev() -> None:
    a, b = normal(2), normal(3)
    found = jacrev(lambda a, b: {"p": a[:, None] * b, "q": a.sum()}, argnums=(0, 1))(a, b)
    assert found["p"][0].shape == (2, 3, 2) and found["p"][1].shape == (2, 3, 3)
    close(found["p"][1], a[:, None, None] * tour.eye(3, dtype=tour.float64))
    close(found["q"][1], tour.zeros(3, dtype=tour.float64))
    close(jacrev(lambda a: a.sin(), chunk_size=1)(a), tour.diag(a.cos()))


# --- Batches -------------------------------------------------------------------------------------------------------------------------


def network(w: dict[str, Any], x: Any) -> Any:
    return ((x @ w["in"] + w["b"]).tanh() @ w["out"]).softmax(-1)


def weights() -> dict[str, Any]:
    return {"in": normal(3, 5), "b": normal(5), "out": normal(5, 2)}


def test_gradients_of_each_sample() -> None:
    """Parameters are shared, their gradients are not."""
    w, x = weights(), normal(4, 3)
    loss = lambda w, x: -network(w, x)[0].log()  # noqa: E731
    found = vmap(grad(loss), in_dims=(None, 0))(w, x)
    for i in range(4):
        one = grad(loss)(w, x[i])
        for name in w:
            close(found[name][i], one[name])


def test_gradients_of_each_model() -> None:
    """A batch of parameters: an ensemble."""
    states = [weights() for _ in range(3)]
    w, x = {k: tour.stack([s[k] for s in states]) for k in states[0]}, normal(4, 3)
    loss = lambda w: network(w, x)[:, 0].log().mean()  # noqa: E731
    found = vmap(grad(loss))(w)
    for i, state in enumerate(states):
        one = grad(loss)(state)
        for name in one:
            close(found[name][i], one[name])


def test_gradient_through_a_batch() -> None:
    """What comes from outside gets the sum of what the samples give; the tape remembers, of every order."""
    w, x = normal(3).requires_grad_(), normal(4, 3).requires_grad_()

    def batched(w: Any, x: Any) -> Any:
        return vmap(lambda x: (w * x).sum().tanh() * x * w.exp())(x)

    def looped(w: Any, x: Any) -> Any:
        return tour.stack([(w * row).sum().tanh() * row * w.exp() for row in x])

    c, d = normal(4, 3), normal(4, 3)
    for f in (batched, looped):
        first = tour.autograd.grad((f(w, x) * c).sum(), (w, x), create_graph=True)
        second = tour.autograd.grad((first[1] * d).sum() + first[0].sum(), (w, x))
        if f is batched:
            expected = (*first, *second)
        else:
            for a, b in zip(expected, (*first, *second), strict=True):
                close(a, b)


def test_backward_through_a_batch() -> None:
    w = normal(2, 3).requires_grad_()
    x = normal(5, 3)
    vmap(lambda x: (w @ x) ** 2)(x).sum().backward()
    close(w.grad, 2 * (x @ w.detach().T).T @ x)


def test_gradient_of_gradients_of_each_sample() -> None:
    """A penalty on the gradient of each sample, as for a critic: reverse over a batch of reverse."""
    w, x = weights(), normal(4, 3)

    def penalty(w: dict[str, Any]) -> Any:
        slopes = vmap(grad(lambda x: network(w, x)[0]))(x)
        return ((slopes**2).sum(1).sqrt() - 1).square().sum()

    def looped(w: dict[str, Any]) -> Any:
        slopes = tour.stack([grad(lambda x: network(w, x)[0])(row) for row in x])
        return ((slopes**2).sum(1).sqrt() - 1).square().sum()

    a, b = grad(penalty)(w), grad(looped)(w)
    for name in w:
        close(a[name], b[name])


def test_nested_batches_of_gradients() -> None:
    x, y = normal(2, 3), normal(4, 3)
    f = lambda x, y: (x * y).sin().sum()  # noqa: E731
    found = vmap(lambda x: vmap(lambda y: grad(f)(x, y))(y))(x)
    close(found, (x[:, None] * y).cos() * y)


def test_users_function_in_a_batch() -> None:
    class Square(tour.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, w: Any) -> Any:
            ctx.save_for_backward(x, w)
            return w * x**2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            x, w = ctx.saved_tensors
            return g * 2 * w * x, g * x**2

    x, w = normal(4, 3), normal(3)
    close(vmap(grad(lambda x: Square.apply(x, w).sum()))(x), 2 * w * x)
    close(grad(lambda w: vmap(lambda x: Square.apply(x, w))(x).sum())(w), (x**2).sum(0))


def test_batched_gradients_of_the_tape() -> None:
    x = normal(3).requires_grad_()
    rows = tour.eye(3, dtype=tour.float64)
    (j,) = tour.autograd.grad(x**2, x, rows, is_grads_batched=True)
    close(j, tour.diag(2 * x))
    unused = normal(2).requires_grad_()
    found = tour.autograd.grad(x**2, (x, unused), rows, is_grads_batched=True, allow_unused=True)
    assert found[1] is None
    with pytest.raises(RuntimeError, match="not have been used"):
        tour.autograd.grad(x**2, unused, rows, is_grads_batched=True)
    with pytest.raises(RuntimeError, match="first dimension of each grad_output"):
        tour.autograd.grad(x**2, x, rows[0], is_grads_batched=True)
    y = x**2
    tour.autograd.grad(y, x, rows, is_grads_batched=True)
    with pytest.raises(RuntimeError, match="second time"):
        tour.autograd.grad(y, x, rows, is_grads_batched=True)


def test_recorders_are_put_back() -> None:
    """Outside of `vmap` an op has the recorder that it had before, also after an error."""
    op = tour.mul.op
    before = op.record
    with pytest.raises(ZeroDivisionError):
        vmap(lambda x: 1 // 0)(normal(2))
    vmap(grad(lambda x: x * x))(normal(2))
    assert op.record is before and tour._core.sockets.sample is None


def test_errors() -> None:
    x = tour.ones(2)
    for call, what in (
        (lambda: grad(lambda x: x)(x), "scalar tensor, got tensor with 1 dims"),
        (lambda: grad(lambda x: 3.0)(x), "to return a tensor, got float"),
        (lambda: grad(tour.sum, argnums=1)(x), "argnum=1, but only 1 positional"),
        (lambda: grad(tour.sum, argnums=(0, 0))(x), "none twice"),
        (lambda: grad(tour.sum, has_aux=True)(x), "should be a tuple"),
        (lambda: grad(lambda n: tour.ones(()))(3), "to be Tensors, got int"),
        (lambda: grad(lambda n: n.sum())(tour.tensor([1])), "floating point"),
        (lambda: vjp(lambda x: (x, 1), x), "only tensors"),
        (lambda: vjp(lambda x: (x, x), x)[1](x), "pytree structure of cotangents"),
        (lambda: vjp(lambda x: x, x)[1](tour.ones(3)), "shape"),
    ):
        with pytest.raises(RuntimeError, match=what):
            call()
