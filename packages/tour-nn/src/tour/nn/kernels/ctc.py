"""Connectionist temporal classification (Graves et al., 2006): forward and backward variables in log space.

States are the labels with a blank before, between and after them. Each time step handles all samples and states at once.
Shapes: log_probs (T, N, C), targets (N, S), lengths (N,); alpha, beta (T, N, 2 S + 1).
"""

from __future__ import annotations

import numpy as np

from tour._core import packed

from .windows import Array


def ctc_loss(
    log_probs: Array, targets: Array, input_lengths: Array, target_lengths: Array, blank: int
) -> tuple[Array, Array]:
    """Negative log likelihood of each target, not reduced, and the forward variables for `ctc_loss_grad`.

    Args:
        log_probs: Logarithms of the class probabilities, shape (T, N, C).
        targets: Labels, shape (N, S); those beyond the target length do not matter.
        input_lengths, target_lengths: Shape (N,).
        blank: The class that means no label.

    Returns:
        Losses (N,), infinite where the input is too short for the target; alpha (T, N, 2 S + 1).

    Examples:
        >>> p = np.log(np.array([[[0.4, 0.6]], [[0.5, 0.5]]]))
        >>> np.exp(-ctc_loss(p, np.array([[1]]), np.array([2]), np.array([1]), 0)[0]).round(6)
        array([0.8])
    """
    states = _states(targets, target_lengths, blank)
    emit = np.take_along_axis(log_probs, states[None], 2)
    skip = _skips(states, blank)
    alpha = np.full(emit.shape, -np.inf, log_probs.dtype, like=emit)
    if len(alpha):
        alpha[0, :, :2] = emit[0, :, :2]
    for t in range(1, len(alpha)):
        alpha[t] = emit[t] + _merge(alpha[t - 1], skip)
    n = np.arange(len(states), like=states)
    last = np.maximum(input_lengths - 1, 0)
    end = 2 * target_lengths
    with np.errstate(invalid="ignore"):
        if len(alpha):
            before = np.where(end > 0, alpha[last, n, np.maximum(end - 1, 0)], -np.inf)
            losses = -np.logaddexp(alpha[last, n, end], before)
        else:
            losses = np.zeros(len(states), like=states)
    empty = np.where(target_lengths == 0, 0, np.inf)
    return np.where(input_lengths == 0, empty, losses).astype(log_probs.dtype), alpha


def ctc_loss_grad(
    g: Array,
    log_probs: Array,
    targets: Array,
    input_lengths: Array,
    target_lengths: Array,
    blank: int,
    losses: Array,
    alpha: Array,
    zero_infinity: bool,
) -> Array:
    """Gradient of `ctc_loss` with respect to log_probs, from the gradient g (N,) of the losses.

    As in PyTorch this is g (exp(log_probs) - occupancy), which is the gradient for the input of the log-softmax that
    made log_probs; that log-softmax passes it on unchanged.
    """
    states = _states(targets, target_lengths, blank)
    emit = np.take_along_axis(log_probs, states[None], 2)
    beta = _backward(emit, states, input_lengths, target_lengths, blank)
    with np.errstate(invalid="ignore"):
        occupancy = np.exp(alpha + beta - emit + losses[:, None])
    occupancy = np.where(np.isneginf(beta) | np.isneginf(alpha), 0, occupancy)  # where the difference has no value
    steps, count, classes = log_probs.shape
    grad: Array = packed(np.exp(log_probs))  # written through its flat view below
    rows = np.arange(steps * count, like=states).reshape(steps, count, 1) * classes
    np.subtract.at(grad.reshape(-1), (rows + states).reshape(-1), occupancy.astype(grad.dtype).reshape(-1))
    grad *= g[:, None]
    grad[:, np.isposinf(losses)] = 0 if zero_infinity else np.nan
    grad[np.arange(steps, like=states)[:, None] >= input_lengths] = 0
    return grad


def _states(targets: Array, target_lengths: Array, blank: int) -> Array:
    """Labels between blanks, (N, 2 S + 1); blank beyond the target."""
    count, longest = targets.shape
    states = np.full((count, 2 * longest + 1), blank, like=targets)
    states[:, 1::2] = np.where(np.arange(longest, like=targets) < target_lengths[:, None], targets, blank)
    return states


def _skips(states: Array, blank: int) -> Array:
    """Which states may be entered from two before: labels that differ from the label before."""
    skip: Array = np.not_equal(states, blank)
    skip[:, :2] = False
    skip[:, 2:] &= states[:, 2:] != states[:, :-2]
    return skip


def _merge(previous: Array, skip: Array) -> Array:
    """log(sum(exp)) of each state's possible predecessors: itself, the one before, and two before where skip."""
    one, two = np.full_like(previous, -np.inf), np.full_like(previous, -np.inf)
    one[:, 1:] = previous[:, :-1]
    two[:, 2:] = np.where(skip[:, 2:], previous[:, :-2], -np.inf)
    top = np.maximum(np.maximum(previous, one), two)
    base = np.where(np.isneginf(top), 0, top)
    with np.errstate(divide="ignore"):
        merged: Array = base + np.log(np.exp(previous - base) + np.exp(one - base) + np.exp(two - base))
    return merged


def _backward(emit: Array, states: Array, input_lengths: Array, target_lengths: Array, blank: int) -> Array:
    """Backward variables: the forward recursion with time and states reversed, each sample from its own end."""
    skip = np.zeros(states.shape, bool, like=states)
    skip[:, 2:] = _skips(states, blank)[:, ::-1][:, :-2]
    beta: Array = np.full(emit.shape, -np.inf, emit.dtype, like=emit)
    end = 2 * target_lengths[:, None]
    place = np.arange(states.shape[1], like=states)
    final = (place == end) | ((place == end - 1) & (end > 0))
    for t in reversed(range(len(emit))):
        if t + 1 < len(emit):
            beta[t] = emit[t] + _merge(beta[t + 1][:, ::-1], skip)[:, ::-1]
        starts = input_lengths - 1 == t
        beta[t, starts] = np.where(final[starts], emit[t, starts], -np.inf)
    return beta
