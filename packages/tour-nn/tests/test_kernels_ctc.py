"""CTC against the sum over all alignments, and its gradient against differences through the log-softmax."""

from __future__ import annotations

from itertools import groupby, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tour._softmax import log_softmax, log_softmax_grad
from tour.nn.kernels.ctc import ctc_loss, ctc_loss_grad


def by_enumeration(log_probs: Any, target: list[int], blank: int) -> float:
    """Minus the logarithm of the sum over all paths that collapse to the target."""
    total = 0.0
    for path in product(range(log_probs.shape[1]), repeat=len(log_probs)):
        if [label for label, _ in groupby(path) if label != blank] == target:
            total += float(np.exp(sum(log_probs[t, label] for t, label in enumerate(path))))
    return float(-np.log(total)) if total else np.inf


@given(st.integers(1, 4), st.integers(2, 3), st.integers(0, 3), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_all_alignments(steps: int, classes: int, longest: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    blank = int(random.integers(classes))
    log_probs = log_softmax(random.standard_normal((steps, 3, classes)), 2)
    targets = (blank + random.integers(1, classes, (3, longest))) % classes
    inputs, lengths = random.integers(0, steps + 1, 3), random.integers(0, longest + 1, 3)
    losses, _ = ctc_loss(log_probs, targets, inputs, lengths, blank)
    expected = [by_enumeration(log_probs[: inputs[n], n], targets[n, : lengths[n]].tolist(), blank) for n in range(3)]
    np.testing.assert_allclose(losses, expected, atol=1e-10)


def test_gradient_through_log_softmax() -> None:
    random = np.random.default_rng(0)
    logits = random.standard_normal((6, 3, 4))
    targets = np.array([[1, 1, 2], [3, 2, -1], [1, 2, 3]])  # what lies beyond a target does not matter
    inputs, lengths = np.array([6, 4, 5]), np.array([3, 2, 0])
    g = np.array([1.0, -2.0, 0.5])

    def total(x: Any) -> Any:
        return np.sum(g * ctc_loss(log_softmax(x, 2), targets, inputs, lengths, 0)[0])

    log_probs = log_softmax(logits, 2)
    losses, alpha = ctc_loss(log_probs, targets, inputs, lengths, 0)
    grad = ctc_loss_grad(g, log_probs, targets, inputs, lengths, 0, losses, alpha, False)
    found = log_softmax_grad(grad, log_probs, 2)
    expected = np.empty_like(logits)
    for i in np.ndindex(*logits.shape):
        step = np.zeros_like(logits)
        step[i] = 1e-6
        expected[i] = (total(logits + step) - total(logits - step)) / 2e-6
    np.testing.assert_allclose(found, expected, atol=1e-8)
    np.testing.assert_allclose(grad, expected, atol=1e-8)


@pytest.mark.parametrize("zero_infinity", [True, False])
def test_impossible_target(zero_infinity: bool) -> None:
    log_probs = log_softmax(np.zeros((3, 1, 2), "f4"), 2)
    arguments = log_probs, np.array([[1, 1]]), np.array([2]), np.array([2]), 0
    losses, alpha = ctc_loss(*arguments)
    assert losses == np.inf and losses.dtype == np.float32
    grad = ctc_loss_grad(np.ones(1, "f4"), *arguments, losses, alpha, zero_infinity)
    assert (grad[:2] == 0).all() if zero_infinity else np.isnan(grad[:2]).all()
    assert (grad[2] == 0).all()
