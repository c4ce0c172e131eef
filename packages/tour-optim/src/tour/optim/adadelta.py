"""Adadelta: steps in the units of the parameters."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from tour._tensor import Tensor
from tour.optim._check import check_eps, check_lr, check_not_negative
from tour.optim._elementwise import Elementwise
from tour.optim._inplace import Array, addcmul_, gradient
from tour.optim.optimizer import ParamsT

__all__ = ["Adadelta"]


class Adadelta(Elementwise):
    r"""Adadelta: gradients scaled by the ratio of the recent sizes of steps and gradients.

    $$ v_t = ρ v_{t-1} + (1-ρ) g_t^2, \quad Δ_t = \frac{\sqrt{u_{t-1} + ε}}{\sqrt{v_t + ε}}\, g_t, \quad
       u_t = ρ u_{t-1} + (1-ρ) Δ_t^2, \quad θ_t = θ_{t-1} - γ Δ_t $$

    Zeiler, "ADADELTA: An adaptive learning rate method", 2012, https://arxiv.org/abs/1212.5701.

    Args:
        params: Parameters, named parameters, or parameter groups.
        lr: γ, which scales the step.
        rho: ρ, decay rate of the averages, in [0, 1].
        eps: ε, in both roots.
        weight_decay: An L2 penalty.
        foreach, capturable: Accepted; there is one implementation, and it treats all parameters at once.
        maximize: Ascend instead.
        differentiable: Refused, see the message.

    Examples:
        >>> import tour
        >>> w = tour.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = tour.optim.Adadelta([w])
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.9968, -1.9968], requires_grad=True)
    """

    _absent: ClassVar[dict[str, Any]] = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "capturable": False,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_eps(eps)
        check_not_negative(weight_decay=weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "capturable": capturable,
                "foreach": foreach,
                "differentiable": differentiable,
            },
        )

    @staticmethod
    def init(like: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0.0, "square_avg": np.zeros_like(like), "acc_delta": np.zeros_like(like)}

    @staticmethod
    def update(p: Array, g: Array, s: SimpleNamespace, h: SimpleNamespace) -> None:
        g = gradient(p, g, h)
        v, u = s.square_avg, s.acc_delta
        v *= h.rho
        addcmul_(v, g, g, 1 - h.rho)
        delta = u + h.eps
        np.sqrt(delta, out=delta)
        delta /= np.sqrt(v + h.eps)
        delta *= g
        u *= h.rho
        addcmul_(u, delta, delta, 1 - h.rho)
        p -= h.lr * delta
