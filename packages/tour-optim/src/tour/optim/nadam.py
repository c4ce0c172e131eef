"""NAdam: Adam with Nesterov momentum."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from tour._tensor import Tensor
from tour.optim._check import check_betas, check_eps, check_lr, check_not_negative
from tour.optim._elementwise import Elementwise
from tour.optim._inplace import Array, addcdiv_, addcmul_, gradient, lerp_
from tour.optim.optimizer import ParamsT

__all__ = ["NAdam"]


class NAdam(Elementwise):
    r"""NAdam: Adam that looks ahead along its momentum, with a momentum that grows towards β₁.

    $$ μ_t = β_1 (1 - \tfrac12\, 0.96^{tψ}), \quad
       \hat m_t = \frac{μ_{t+1} m_t}{1 - \prod_{i=1}^{t+1} μ_i} + \frac{(1-μ_t)\, g_t}{1 - \prod_{i=1}^{t} μ_i}, \quad
       θ_t = θ_{t-1} - γ\, \frac{\hat m_t}{\sqrt{v_t / (1-β_2^t)} + ε} $$

    with the moments m and v of `Adam` and the momentum decay ψ. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.

    Args:
        params: Parameters, named parameters, or parameter groups.
        lr: Learning rate γ.
        betas: Decay rates β₁ and β₂ of the averages.
        eps: ε, added to the denominator.
        weight_decay: An L2 penalty, or a shrinking of the parameters; see `decoupled_weight_decay`.
        momentum_decay: ψ.
        decoupled_weight_decay: Shrink the parameters instead, as in `AdamW`.
        foreach, capturable: Accepted; there is one implementation, and it treats all parameters at once.
        maximize: Ascend instead.
        differentiable: Refused, see the message.

    Examples:
        >>> import tour
        >>> w = tour.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = tour.optim.NAdam([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.8944, -1.8944], requires_grad=True)
    """

    _numbers = ("step", "mu_product")
    varying = ("lr", "bias2", "gradient_step", "moment_step")
    _absent: ClassVar[dict[str, Any]] = {
        "maximize": False,
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_eps(eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay, momentum_decay=momentum_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
            },
        )

    @staticmethod
    def init(like: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0.0, "mu_product": 1.0, "exp_avg": np.zeros_like(like), "exp_avg_sq": np.zeros_like(like)}

    @staticmethod
    def tick(s: SimpleNamespace, h: SimpleNamespace) -> None:
        h.beta1, h.beta2 = h.betas
        h.bias2 = 1 - h.beta2**h.step
        mu, mu_next = (h.beta1 * (1 - 0.5 * 0.96 ** (t * h.momentum_decay)) for t in (h.step, h.step + 1))
        s.mu_product *= mu
        product = s.mu_product.item(0)
        h.gradient_step = h.lr * (1 - mu) / (1 - product)
        h.moment_step = h.lr * mu_next / (1 - product * mu_next)

    @staticmethod
    def update(p: Array, g: Array, s: SimpleNamespace, h: SimpleNamespace) -> None:
        g = gradient(p, g, h)
        m, v = s.exp_avg, s.exp_avg_sq
        lerp_(m, g, 1 - h.beta1)
        v *= h.beta2
        addcmul_(v, g, g, 1 - h.beta2)
        root = v / h.bias2
        np.sqrt(root, out=root)
        root += h.eps
        addcdiv_(p, g, root, -h.gradient_step)
        addcdiv_(p, m, root, -h.moment_step)
