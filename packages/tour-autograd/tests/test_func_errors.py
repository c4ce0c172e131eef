"""What `vmap` refuses, with PyTorch's types of errors; random numbers inside it; chunks; odd inputs and results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tour
from tour.func import vmap

X = tour.arange(6.0).reshape(2, 3)


def test_data_dependent() -> None:
    for f, what in (
        (lambda x: x if x.sum() > 0 else -x, "condition"),
        (lambda x: tour.tensor(x.sum().item()), "item"),
        (lambda x: tour.tensor(float(x.sum())), "item"),
        (lambda x: tour.tensor(x.tolist()), "tolist"),
        (lambda x: x[x > 1], "mask"),
        (lambda x: x.nonzero(), "condition|shape"),
        (lambda x: x.unique(), "vmap"),
        (lambda x: tour.tensor(x.numpy()), "numpy"),
        (lambda x: tour.zeros(3).add_(x), "in-place|In-place"),
        (lambda x: _written(tour.zeros(3), x), "in-place|In-place"),
        (lambda x: tour.rand(3) + x, "randomness"),
        (lambda x: x.uniform_(), "randomness"),
        (lambda x: tour.randperm(3), "randomness"),
        (lambda x: tour.multinomial(x, 1), "randomness"),
    ):
        with pytest.raises((RuntimeError, TypeError), match=what):
            vmap(f)(X.clone())


def _written(a: Any, b: Any) -> Any:
    a[0] = b[0]
    return a


def test_dimensions() -> None:
    y = tour.ones(3)
    for call, kind, what in (
        (lambda: vmap(tour.add)(X, y), ValueError, r"same size in the mapped dimension, got sizes \[2, 3\]"),
        (
            lambda: vmap(tour.sin, in_dims=2)(X),
            ValueError,
            "in_dim=2 for some input, but that input is a Tensor of dimension",
        ),
        (lambda: vmap(tour.sin, in_dims=(0, 0))(X), ValueError, "not compatible with the structure"),
        (lambda: vmap(tour.sin, in_dims="x")(X), ValueError, "expected `in_dims` to be int or"),
        (lambda: vmap(tour.sin, in_dims=(0.5,))(X), ValueError, "either an integer dimension or None"),
        (lambda: vmap(tour.sin, in_dims=None)(X), ValueError, "expected `in_dims`|None"),
        (lambda: vmap(tour.add, in_dims=(None, None))(X, X), ValueError, "all in_dims are None"),
        (lambda: vmap(lambda x, n: x * n)(X, 3), ValueError, "vmap over non-Tensor arguments"),
        (lambda: vmap(lambda: X)(), ValueError, "got no inputs"),
        (lambda: vmap(lambda x: 3)(X), ValueError, "must only return Tensors"),
        (lambda: vmap(tour.sin, out_dims=None)(X), ValueError, "out_dim is None"),
        (lambda: vmap(tour.sin, out_dims=(0, 0))(X), ValueError, "out_dims is not compatible"),
        (lambda: vmap(tour.sin, out_dims=5)(X), IndexError, "out of range"),
        (lambda: vmap(tour.sin, randomness="often"), RuntimeError, "Only allowed values for randomness"),
        (lambda: vmap(tour.sin, chunk_size=0), ValueError, "chunk_size"),
    ):
        with pytest.raises(kind, match=what):
            call()


def test_trees_and_places() -> None:
    """Containers in and out, a batch dimension for each, keywords along the first dimension."""
    f = lambda p, n, *, k: {"a": p["x"] * n, "b": [p["y"].sum() * k, tour.ones(2)]}  # noqa: E731
    found = vmap(f, in_dims=({"x": 0, "y": 1}, None), out_dims={"a": 1, "b": 0})(
        {"x": X, "y": X.T}, 2, k=tour.tensor([1.0, 10.0])
    )
    np.testing.assert_array_equal(found["a"].numpy(), 2 * X.T.numpy())
    np.testing.assert_array_equal(found["b"][0].numpy(), [3.0, 120.0])
    assert found["b"][1].shape == (2, 2)
    shared = vmap(lambda x: (x, tour.ones(3)), out_dims=(0, None))(X)[1]
    assert shared.shape == (3,)


def test_chunks() -> None:
    x = tour.arange(10.0).reshape(5, 2)
    for size in (1, 2, 5, 7):
        found = vmap(lambda x: (x * 2, x.sum()), out_dims=(1, 0), chunk_size=size)(x)
        np.testing.assert_array_equal(found[0].numpy(), 2 * x.T.numpy())
        np.testing.assert_array_equal(found[1].numpy(), x.sum(1).numpy())


def test_writes_reach_the_argument() -> None:
    x = X.clone()
    vmap(lambda row: row.mul_(2))(x)
    np.testing.assert_array_equal(x.numpy(), 2 * X.numpy())


def test_random_numbers() -> None:
    tour.manual_seed(0)
    different = vmap(lambda x: tour.rand(3) + x, randomness="different")(tour.zeros(2, 3))
    tour.manual_seed(0)
    np.testing.assert_array_equal(different.numpy(), tour.rand(2, 3).numpy())
    tour.manual_seed(0)
    same = vmap(lambda x: tour.randn(3) + x, randomness="same")(tour.zeros(2, 3))
    tour.manual_seed(0)
    np.testing.assert_array_equal(same.numpy(), tour.randn(3).expand(2, 3).numpy())
    for draw in (
        tour.rand_like, tour.randn_like, lambda x: x.clone().uniform_(), lambda x: x.clone().bernoulli_(0.5), tour.bernoulli,
        lambda x: tour.normal(x, x + 1), lambda x: tour.randint(0, 100, (4,)), lambda x: tour.randperm(20),
    ):  # fmt: skip
        start = tour.full((3, 40), 0.5)
        found = vmap(draw, randomness="different")(start)
        assert not found[0].equal(found[1])
        if draw is not tour.bernoulli:
            alike = vmap(draw, randomness="same")(start)
            assert alike[0].equal(alike[1])
    with pytest.raises(RuntimeError):
        vmap(lambda x: tour.zeros(3).uniform_() + x, randomness="different")(X)


def test_what_it_looks_like() -> None:
    """A tensor inside shows one sample."""
    seen: list[Any] = []

    def look(x: Any) -> Any:
        seen.extend([x.shape, x.dtype, x.device, x.ndim, len(x), repr(x)])
        return x

    vmap(look)(X)
    assert seen[:5] == [(3,), tour.float32, tour.device("cpu"), 1, 3]
    assert seen[5].startswith("BatchedTensor(") and "0., 1., 2." in seen[5]


def test_views_and_writes_inside() -> None:
    """Writes through views, with their gradients."""

    def f(x: Any) -> Any:
        y = x * 1
        y[1:3] = y[:2] * 2
        z = y[::2]
        z += 1
        return y * x

    x = tour.tensor(np.arange(8.0).reshape(2, 4))
    expected = tour.stack([f(row) for row in x])
    np.testing.assert_array_equal(vmap(f)(x).numpy(), expected.numpy())
    found = vmap(tour.func.grad(lambda x: f(x).sum()))(x)
    one = tour.stack([tour.func.grad(lambda x: f(x).sum())(row) for row in x])
    np.testing.assert_allclose(found.numpy(), one.numpy())
