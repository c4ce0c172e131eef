"""Muon: momentum, orthogonalized."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from tour.optim._check import check_lr
from tour.optim._inplace import Array, lerp_
from tour.optim._step import Whole
from tour.optim.optimizer import ParamsT

__all__ = ["Muon"]


class Muon(Whole):
    r"""Muon: the velocity of a weight matrix, replaced by the nearest orthogonal matrix.

    $$ B_t = μ B_{t-1} + (1-μ)\,g_t, \qquad θ_t = (1-γλ)\,θ_{t-1} - γ' \operatorname{orthogonal}(B_t) $$

    with Nesterov's form $(1-μ)g_t + μB_t$ in place of $B_t$ if wanted. The orthogonal matrix comes from a few steps of a quintic
    Newton-Schulz iteration in bfloat16 (the product of singular vectors, with singular values near 1). Jordan et al., "Muon: An
    optimizer for hidden layers in neural networks", 2024, https://kellerjordan.github.io/posts/muon/. For the matrices of hidden
    layers; embeddings, output layers, biases and gains go to another optimizer.

    Args:
        params: Matrices: parameters, named parameters, or parameter groups.
        lr: Learning rate γ.
        weight_decay: λ, by which parameters shrink.
        momentum: μ.
        nesterov: Look ahead.
        ns_coefficients: The coefficients a, b, c of the iteration X ← aX + (bA + cA²)X, A = XXᵀ.
        eps: Keeps the norm that the matrix is divided by from zero.
        ns_steps: Number of iterations, less than 100.
        adjust_lr_fn: γ′ for an m×n matrix: "original" (also None) is γ·√max(1, m/n); "match_rms_adamw" is 0.2γ·√max(m, n), which
            lets Muon use AdamW's learning rate and weight decay (Liu et al., 2025, https://arxiv.org/abs/2502.16982).

    Examples:
        >>> import tour
        >>> w = tour.eye(2).requires_grad_()
        >>> optimizer = tour.optim.Muon([w], lr=0.1, weight_decay=0.0)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w[0, 0].item() < 1
        True
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_lr(lr, "Learning rate should be >= 0 but is: {}")
        if not momentum >= 0.0:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        super().__init__(
            params,
            {
                "lr": lr,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "nesterov": nesterov,
                "ns_coefficients": ns_coefficients,
                "eps": eps,
                "ns_steps": ns_steps,
                "adjust_lr_fn": adjust_lr_fn,
            },
        )

    def _check_param(self, p: Any) -> None:
        super()._check_param(p)
        if p.ndim != 2:
            raise ValueError(f"Muon only supports 2D parameters whereas we found a parameter with size: {p.size()}")

    @staticmethod
    def init(p: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"momentum_buffer": np.zeros_like(p)}

    @staticmethod
    def update(p: Array, g: Array, s: SimpleNamespace, h: SimpleNamespace) -> None:
        b = s.momentum_buffer
        lerp_(b, g, 1 - h.momentum)
        direction = b
        if h.nesterov:
            direction = g.copy()
            lerp_(direction, b, h.momentum)
        step = orthogonalize(direction, h.ns_coefficients, h.ns_steps, h.eps)
        rows, columns = p.shape
        ratio = (
            max(1, rows / columns) ** 0.5 if h.adjust_lr_fn != "match_rms_adamw" else 0.2 * max(rows, columns) ** 0.5
        )
        p *= 1 - h.lr * h.weight_decay
        p -= h.lr * ratio * step.astype(p.dtype, copy=False)


def orthogonalize(matrix: Array, coefficients: tuple[float, float, float], steps: int, eps: float) -> Array:
    """The orthogonal factor of `matrix`, roughly: each step drives the singular values towards 1. In bfloat16 steps, as float32."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    wide = matrix.shape[0] <= matrix.shape[1]
    x = bfloat16_(matrix.astype(np.float32) if wide else matrix.T.astype(np.float32))
    norm = bfloat16_(np.sqrt((x * x).sum(keepdims=True)))
    x = bfloat16_(x / np.maximum(norm, eps))
    for _ in range(steps):
        gram = bfloat16_(x @ x.T)
        polynomial = bfloat16_(b * gram + c * (gram @ gram))
        x = bfloat16_(a * x + polynomial @ x)
    return x if wide else x.T


def bfloat16_(x: Array) -> Array:
    """Round float32 numbers to the nearest bfloat16, in place: to the upper half of their bits, ties to even."""
    bits = x.view(np.uint32)
    bits += 0x7FFF + ((bits >> 16) & 1)
    bits &= 0xFFFF0000
    return x
