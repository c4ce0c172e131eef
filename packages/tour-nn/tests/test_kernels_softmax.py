"""Softmax and cross entropy against their formulas, and gradients against differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tour.nn.kernels import softmax


def slope(f: Callable[[Any], Any], x: Any, g: Any) -> Any:
    """Central differences of sum(g f(x))."""
    grad = np.empty_like(x)
    for i in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[i] = 1e-6
        grad[i] = np.sum(g * (f(x + step) - f(x - step))) / 2e-6
    return grad


shapes = st.lists(st.integers(0, 4), min_size=1, max_size=4).map(tuple)


@given(shapes, st.integers(0, 3), st.sampled_from(["f4", "f8"]))
@settings(max_examples=80, deadline=None)
def test_softmax_sums_to_one(shape: tuple[int, ...], axis: int, dtype: str) -> None:
    axis %= len(shape)
    x = (np.random.default_rng(0).standard_normal(shape) * 100).astype(dtype)
    y, log_y = softmax.softmax(x, axis), softmax.log_softmax(x, axis)
    assert y.shape == log_y.shape == x.shape and y.dtype == log_y.dtype == x.dtype
    if x.size:
        np.testing.assert_allclose(y.sum(axis), 1, rtol=1e-5)
        np.testing.assert_allclose(np.exp(log_y), y, rtol=1e-4, atol=1e-30)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("block", [1 << 18, 1])
def test_gradients(monkeypatch: Any, axis: int, block: int) -> None:
    monkeypatch.setattr(softmax, "_BLOCK", block)
    random = np.random.default_rng(0)
    x, g = random.standard_normal((2, 2, 3, 4)).transpose(0, 3, 2, 1)
    for forward, backward in [
        (softmax.softmax, softmax.softmax_grad),
        (softmax.log_softmax, softmax.log_softmax_grad),
    ]:
        expected = slope(lambda x, f=forward: f(x, axis), x, g)  # type: ignore[misc]
        np.testing.assert_allclose(backward(g, forward(x, axis), axis), expected, atol=1e-8)


def test_extremes() -> None:
    x = np.array([[1e4, 0.0, -1e4], [-np.inf, 0.0, 0.0], [-np.inf, -np.inf, -np.inf], [np.nan, 0, 0]])
    expected = [[1, 0, 0], [0, 0.5, 0.5], [np.nan] * 3, [np.nan] * 3]
    np.testing.assert_allclose(softmax.softmax(x, 1), expected)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(softmax.log_softmax(x, 1)[1:], np.log(expected[1:]))


weights = st.sampled_from([None, np.array([0.5, 2.0, 0.0])])


@given(st.sampled_from([(0,), (5,), (2, 3), (2, 1, 2)]), weights, st.sampled_from([0.0, 0.2, 1.0]))
@settings(max_examples=40, deadline=None)
def test_cross_entropy(shape: tuple[int, ...], weight: Any, smoothing: float) -> None:
    random = np.random.default_rng(len(shape))
    logits = random.standard_normal((shape[0], 3, *shape[1:])) * 3
    target = random.integers(0, 3, shape)
    target.flat[-1:] = 7  # to be ignored
    options = weight, 7, smoothing
    losses, probabilities = softmax.cross_entropy(logits, target, *options)
    w = np.ones(3) if weight is None else weight
    goal = np.moveaxis(np.eye(3)[np.where(target == 7, 0, target)], -1, 1) * (1 - smoothing) + smoothing / 3
    goal *= w.reshape(3, *(1,) * (len(shape) - 1)) * (target != 7)[:, None]
    np.testing.assert_allclose(losses, -(goal * softmax.log_softmax(logits, 1)).sum(1), atol=1e-12)
    g = random.standard_normal(shape)
    expected = slope(lambda x: softmax.cross_entropy(x, target, *options)[0], logits, g)
    found = softmax.cross_entropy_grad(g, probabilities, target, *options)
    np.testing.assert_allclose(found, expected, atol=1e-8)
    counted = softmax.class_weights(target, weight, 7, np.dtype("f8"))
    np.testing.assert_allclose(counted, np.where(target == 7, 0, w[np.where(target == 7, 0, target)]))


def test_ignored_samples_hide_infinities() -> None:
    logits = np.array([[np.inf, 0.0], [1.0, 1.0]])
    losses, probabilities = softmax.cross_entropy(logits, np.array([-100, 0]))
    np.testing.assert_allclose(losses, [0, np.log(2)])
    assert softmax.cross_entropy(np.array([[0.0, -np.inf]]), np.array([1]))[0] == np.inf
    assert probabilities[1].tolist() == [0.5, 0.5]
