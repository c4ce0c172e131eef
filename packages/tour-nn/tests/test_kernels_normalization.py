"""Normalisation kernels against their formulas, and gradients against differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tour.nn.kernels import normalization as kernels

ALL = (True, True, True)


def slope(f: Callable[[Any], Any], x: Any, g: Any) -> Any:
    """Central differences of sum(g f(x))."""
    grad = np.empty_like(x)
    for i in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[i] = 1e-5
        grad[i] = np.sum(g * (f(x + step) - f(x - step))) / 2e-5
    return grad


def per_channel(a: Any, x: Any) -> Any:
    return a.reshape(-1, *(1,) * (x.ndim - 2))


@pytest.fixture(params=[1 << 18, 7], ids=["one block", "small blocks"], autouse=True)
def _block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_BLOCK", request.param)


@pytest.fixture(params=[(5, 4), (3, 4, 2), (2, 4, 2, 3)], ids=str)
def data(request: pytest.FixtureRequest) -> Any:
    random = np.random.default_rng(0)
    x = np.moveaxis(random.standard_normal((*request.param[:1], *request.param[2:], 4)), -1, 1) * 3 + 1
    return x, random.standard_normal(4), random.standard_normal(4), random.standard_normal(x.shape)


def test_batch_norm(data: Any) -> None:
    x, weight, bias, g = data
    axes = (0, *range(2, x.ndim))
    y, mean, var = kernels.batch_norm(x, weight, bias, 1e-3)
    np.testing.assert_allclose(mean, x.mean(axes))
    np.testing.assert_allclose(var, x.var(axes))
    z = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-3)
    np.testing.assert_allclose(y, z * per_channel(weight, x) + per_channel(bias, x), atol=1e-12)
    grads = kernels.batch_norm_grad(g, x, mean, var, weight, 1e-3, ALL, True)
    for grad, i in zip(grads, range(3), strict=True):
        inputs = [x, weight, bias]

        def forward(a: Any, i: int = i, inputs: list[Any] = inputs) -> Any:
            return kernels.batch_norm(*[a if k == i else v for k, v in enumerate(inputs)], 1e-3)[0]  # type: ignore[arg-type]

        np.testing.assert_allclose(grad, slope(forward, inputs[i], g), atol=1e-7)


def test_batch_norm_eval(data: Any) -> None:
    x, weight, bias, g = data
    mean, var = np.array([0.5, 1.0, 0.0, 2.0]), np.array([1.0, 0.5, 2.0, 3.0])
    y = kernels.batch_norm_eval(x, mean, var, weight, bias, 0.0)
    z = (x - per_channel(mean, x)) / np.sqrt(per_channel(var, x))
    np.testing.assert_allclose(y, z * per_channel(weight, x) + per_channel(bias, x), atol=1e-12)
    grads = kernels.batch_norm_grad(g, x, mean, var, weight, 0.0, ALL, False)
    axes = (0, *range(2, x.ndim))
    np.testing.assert_allclose(grads[0], g * per_channel(weight / np.sqrt(var), x), atol=1e-12)
    np.testing.assert_allclose(grads[1], (g * z).sum(axes), atol=1e-12)
    np.testing.assert_allclose(grads[2], g.sum(axes), atol=1e-12)


def test_only_what_is_wanted(data: Any) -> None:
    x, weight, bias, g = data
    _, mean, var = kernels.batch_norm(x, weight, bias, 1e-5)
    _, group_mean, rstd = kernels.group_norm(x, 2, weight, bias, 1e-5)
    for i in range(3):
        wanted = (i == 0, i == 1, i == 2)
        for grad in (
            lambda w: kernels.batch_norm_grad(g, x, mean, var, weight, 1e-5, w, True),
            lambda w: kernels.group_norm_grad(g, x, 2, group_mean, rstd, weight, w),
        ):
            for k, (one, all_of_them) in enumerate(zip(grad(wanted), grad(ALL), strict=True)):
                if k == i:
                    np.testing.assert_allclose(one, all_of_them)
                else:
                    assert one is None


def test_group_norm(data: Any) -> None:
    x, weight, bias, g = data
    y, mean, rstd = kernels.group_norm(x, 2, weight, bias, 1e-3)
    rows = x.reshape(len(x) * 2, -1)
    z = (rows - rows.mean(1, keepdims=True)) / np.sqrt(rows.var(1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(y, z.reshape(x.shape) * per_channel(weight, x) + per_channel(bias, x), atol=1e-12)
    grads = kernels.group_norm_grad(g, x, 2, mean, rstd, weight, ALL)
    expected = slope(lambda a: kernels.group_norm(a, 2, weight, bias, 1e-3)[0], x, g)
    np.testing.assert_allclose(grads[0], expected, atol=1e-7)
    axes = (0, *range(2, x.ndim))
    np.testing.assert_allclose(grads[1], (g * z.reshape(x.shape)).sum(axes), atol=1e-12)
    np.testing.assert_allclose(grads[2], g.sum(axes), atol=1e-12)


@pytest.mark.parametrize("affine", [True, False])
def test_layer_and_rms_norm(data: Any, affine: bool) -> None:
    x, _, _, g = data
    shape = x.shape[1:]
    random = np.random.default_rng(1)
    weight, bias = (random.standard_normal((2, *shape))) if affine else (None, None)
    y, mean, rstd = kernels.layer_norm(x, shape, weight, bias, 1e-3)
    grads = kernels.layer_norm_grad(g, x, shape, mean, rstd, weight, ALL)
    expected = slope(lambda a: kernels.layer_norm(a, shape, weight, bias, 1e-3)[0], x, g)
    np.testing.assert_allclose(grads[0], expected, atol=1e-7)
    z, rrms = kernels.rms_norm(x, shape, weight, 1e-3)
    rms_grads = kernels.rms_norm_grad(g, x, shape, rrms, weight, (True, True))
    expected = slope(lambda a: kernels.rms_norm(a, shape, weight, 1e-3)[0], x, g)
    np.testing.assert_allclose(rms_grads[0], expected, atol=1e-7)
    if affine:
        assert weight is not None and bias is not None
        np.testing.assert_allclose(grads[1], (g * (y - bias) / weight).sum(0), atol=1e-9)
        np.testing.assert_allclose(grads[2], g.sum(0), atol=1e-12)
        np.testing.assert_allclose(rms_grads[1], (g * z / weight).sum(0), atol=1e-9)
    else:
        np.testing.assert_allclose(y.reshape(len(x), -1).mean(1), 0, atol=1e-12)


def test_large_mean_keeps_the_variance() -> None:
    x = (np.random.default_rng(0).standard_normal((64, 3, 8)) + 1000).astype("f4")
    y, _, var = kernels.batch_norm(x, None, None, 1e-5)
    np.testing.assert_allclose(var, x.astype("f8").var((0, 2)), rtol=1e-3)
    assert abs(y.std() - 1) < 1e-3 and y.dtype == np.float32


def test_empty() -> None:
    x = np.zeros((0, 4, 2))
    y, mean, rstd = kernels.group_norm(x, 2, None, None, 1e-5)
    assert y.shape == x.shape and mean.shape == (0, 1)
    assert kernels.layer_norm(x, (4, 2), None, None, 1e-5)[0].shape == x.shape
    grads = kernels.group_norm_grad(x, x, 2, mean, rstd, None, ALL)
    assert [None if grad is None else grad.shape for grad in grads] == [x.shape, (4,), (4,)]
