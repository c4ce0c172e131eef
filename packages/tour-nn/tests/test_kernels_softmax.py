"""Cross entropy against its formula, and its gradient against differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tour import _softmax
from tour.nn.kernels import softmax


def slope(f: Callable[[Any], Any], x: Any, g: Any) -> Any:
    """Central differences of sum(g f(x))."""
    grad = np.empty_like(x)
    for i in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[i] = 1e-6
        grad[i] = np.sum(g * (f(x + step) - f(x - step))) / 2e-6
    return grad


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
    np.testing.assert_allclose(losses, -(goal * _softmax.log_softmax(logits, 1)).sum(1), atol=1e-12)
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


@given(st.integers(1, 5))
def test_small_blocks_change_nothing(size: int) -> None:
    random = np.random.default_rng(0)
    logits, target = random.standard_normal((6, 4, 2)), random.integers(0, 4, (6, 2))
    whole = softmax.cross_entropy(logits, target, None, -100, 0.1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_softmax, "_BLOCK", 8 * size)
        parts = softmax.cross_entropy(logits, target, None, -100, 0.1)
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-14)
