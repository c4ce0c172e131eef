"""Adamax: Adam in the infinity norm."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from tour._tensor import Tensor
from tour.optim._check import check_betas, check_eps, check_lr, check_not_negative
from tour.optim._elementwise import Elementwise
from tour.optim._inplace import Array, addcdiv_, gradient, lerp_
from tour.optim.optimizer import ParamsT

__all__ = ["Adamax"]


class Adamax(Elementwise):
    r"""Adamax: Adam with the largest recent gradient in place of the root of the second moment.

    $$ m_t = β_1 m_{t-1} + (1-β_1) g_t, \quad u_t = \max(β_2 u_{t-1},\; |g_t| + ε), \quad
       θ_t = θ_{t-1} - \frac{γ}{1-β_1^t}\, \frac{m_t}{u_t} $$

    Kingma & Ba, "Adam: A method for stochastic optimization", section 7.1, https://arxiv.org/abs/1412.6980.

    Args:
        params: Parameters, named parameters, or parameter groups.
        lr: Learning rate γ.
        betas: Decay rates β₁ of the average and β₂ of the norm.
        eps: ε, keeps the norm from zero.
        weight_decay: An L2 penalty.
        foreach, capturable: Accepted; there is one implementation, and it treats all parameters at once.
        maximize: Ascend instead.
        differentiable: Refused, see the message.

    Examples:
        >>> import tour
        >>> w = tour.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = tour.optim.Adamax([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.9000, -1.9000], requires_grad=True)
    """

    varying = ("step_size",)
    _absent: ClassVar[dict[str, Any]] = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "capturable": False,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_eps(eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    @staticmethod
    def init(like: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0.0, "exp_avg": np.zeros_like(like), "exp_inf": np.zeros_like(like)}

    @staticmethod
    def tick(s: SimpleNamespace, h: SimpleNamespace) -> None:
        h.beta1, h.beta2 = h.betas
        h.step_size = h.lr / (1 - h.beta1**h.step)

    @staticmethod
    def update(p: Array, g: Array, s: SimpleNamespace, h: SimpleNamespace) -> None:
        g = gradient(p, g, h)
        m, u = s.exp_avg, s.exp_inf
        lerp_(m, g, 1 - h.beta1)
        u *= h.beta2
        size = np.abs(g)
        size += h.eps
        np.maximum(u, size, out=u)
        addcdiv_(p, m, u, -h.step_size)
