"""Adafactor: Adam's second moment in a row and a column."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from tour._tensor import Tensor
from tour.optim._check import check_lr
from tour.optim._inplace import Array, lerp_
from tour.optim._step import Whole
from tour.optim.optimizer import ParamsT

__all__ = ["Adafactor"]


class Adafactor(Whole):
    r"""Adafactor: steps relative to the size of a parameter, divided by a second moment kept as row and column means.

    For a matrix, with $β_t = 1 - t^{κ}$ and $ρ_t = \min(γ, 1/\sqrt t)$:

    $$ R_t = β_t R_{t-1} + (1-β_t)\,\mathrm{rows}(g_t^2), \quad C_t = β_t C_{t-1} + (1-β_t)\,\mathrm{columns}(g_t^2), \quad
       U = \frac{g_t}{\sqrt{R_t C_t / \bar R_t}} $$
    $$ θ_t = (1-γλ)\,θ_{t-1} - \max(ε_2, \mathrm{rms}(θ_{t-1}))\, ρ_t\, \frac{U}{\max(1, \mathrm{rms}(U)/d)} $$

    Vectors keep their full second moment. Shazeer & Stern, "Adafactor: Adaptive learning rates with sublinear memory cost", ICML 2018,
    https://arxiv.org/abs/1804.04235.

    Args:
        params: Parameters, named parameters, or parameter groups; not complex ones.
        lr: γ, an upper bound of the relative step.
        beta2_decay: κ, at most 0.
        eps: ε₁, the least root of the second moment (None: the dtype's resolution), and ε₂, the least size of a parameter.
        d: Steps with a larger root mean square are scaled down to it.
        weight_decay: λ, by which parameters shrink.
        foreach: Accepted; there is one implementation.
        maximize: Ascend instead.

    Examples:
        >>> import tour
        >>> w = tour.ones(2, 3, requires_grad=True)
        >>> optimizer = tour.optim.Adafactor([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.detach()[0]
        tensor([0.9000, 0.9000, 0.9000])
    """

    _absent: ClassVar[dict[str, Any]] = {"foreach": None}

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_lr(lr, "Learning rate should be >= 0 but is: {}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        super().__init__(
            params,
            {
                "lr": lr,
                "beta2_decay": beta2_decay,
                "eps": eps,
                "d": d,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
            },
        )

    @staticmethod
    def init(p: Array, group: dict[str, Any]) -> dict[str, Any]:
        if p.ndim < 2:
            return {"step": 0.0, "variance": np.zeros_like(p)}
        row, column = (*p.shape[:-1], 1), (*p.shape[:-2], 1, p.shape[-1])
        return {"step": 0.0, "row_var": np.zeros_like(p, shape=row), "col_var": np.zeros_like(p, shape=column)}

    @staticmethod
    def update(p: Array, g: Array, s: SimpleNamespace, h: SimpleNamespace) -> None:
        g = -g if h.maximize else g
        eps1, eps2 = h.eps
        eps1 = h.resolution if eps1 is None else eps1
        weight = h.step**h.beta2_decay
        step_size = max(eps2, rms(p)) * min(h.lr, 1 / math.sqrt(h.step))
        if h.weight_decay:
            p *= 1 - h.lr * h.weight_decay
        squares = g * g
        if g.ndim < 2:
            lerp_(s.variance, squares, weight)
            second = s.variance.copy()
        else:
            lerp_(s.row_var, squares.mean(axis=-1, keepdims=True), weight)
            lerp_(s.col_var, squares.mean(axis=-2, keepdims=True), weight)
            second = s.row_var * s.col_var
            second /= np.maximum(s.row_var.mean(axis=-2, keepdims=True), eps1)
        step = np.sqrt(np.maximum(second, eps1 * eps1, out=second), out=second)
        np.divide(g, step, out=step)
        step *= step_size / max(1.0, rms(step) / h.d)
        p -= step


def rms(a: Array) -> float:
    """The root of the mean of squares."""
    return math.sqrt(np.vdot(a, a).item() / a.size) if a.size else 0.0
