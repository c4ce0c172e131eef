"""RAdam: Adam with a rectified variance."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from tour._tensor import Tensor
from tour.optim._check import check_betas, check_eps, check_lr, check_not_negative
from tour.optim._elementwise import Elementwise
from tour.optim._inplace import Array, addcmul_, gradient, lerp_
from tour.optim.optimizer import ParamsT

__all__ = ["RAdam"]


class RAdam(Elementwise):
    r"""RAdam: Adam that divides by the second moment only once its average is long enough to be trusted.

    The average has the length $ρ_t = ρ_∞ - 2t β_2^t / (1-β_2^t)$ with $ρ_∞ = 2/(1-β_2) - 1$. While $ρ_t ≤ 5$ the step is plain
    momentum, $γ \hat m_t$ with $\hat m_t = m_t/(1-β_1^t)$; afterwards

    $$ θ_t = θ_{t-1} - γ\, \hat m_t\, r_t\, \frac{\sqrt{1-β_2^t}}{\sqrt{v_t} + ε}, \qquad
       r_t = \sqrt{\frac{(ρ_t-4)(ρ_t-2)ρ_∞}{(ρ_∞-4)(ρ_∞-2)ρ_t}} $$

    Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020, https://arxiv.org/abs/1908.03265.

    Args:
        params: Parameters, named parameters, or parameter groups.
        lr: Learning rate γ.
        betas: Decay rates β₁ and β₂ of the averages.
        eps: ε, added to the denominator.
        weight_decay: An L2 penalty, or a shrinking of the parameters; see `decoupled_weight_decay`.
        decoupled_weight_decay: Shrink the parameters instead, as in `AdamW`.
        foreach, capturable: Accepted; there is one implementation, and it treats all parameters at once.
        maximize: Ascend instead.
        differentiable: Refused, see the message.

    Examples:
        >>> import tour
        >>> w = tour.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = tour.optim.RAdam([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.8000, -1.6000], requires_grad=True)
    """

    varying = ("lr", "bias1", "bias2_sqrt", "rectify")
    _absent: ClassVar[dict[str, Any]] = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
        "capturable": False,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
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
        check_not_negative(weight_decay=weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "decoupled_weight_decay": decoupled_weight_decay,
                "differentiable": differentiable,
            },
        )

    @staticmethod
    def init(like: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0.0, "exp_avg": np.zeros_like(like), "exp_avg_sq": np.zeros_like(like)}

    @staticmethod
    def tick(s: SimpleNamespace, h: SimpleNamespace) -> None:
        h.beta1, h.beta2 = h.betas
        h.bias1 = 1 - h.beta1**h.step
        bias2 = 1 - h.beta2**h.step
        longest = 2 / (1 - h.beta2) - 1
        length = longest - 2 * h.step * h.beta2**h.step / bias2
        h.adapt = length > 5
        if h.adapt:
            h.bias2_sqrt = bias2**0.5
            h.rectify = ((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) ** 0.5

    @staticmethod
    def update(p: Array, g: Array, s: SimpleNamespace, h: SimpleNamespace) -> None:
        g = gradient(p, g, h)
        m, v = s.exp_avg, s.exp_avg_sq
        lerp_(m, g, 1 - h.beta1)
        v *= h.beta2
        addcmul_(v, g, g, 1 - h.beta2)
        step = m / h.bias1
        step *= h.lr
        if h.adapt:
            root = np.sqrt(v)
            root += h.eps
            step *= np.divide(h.bias2_sqrt, root, out=root)
            step *= h.rectify
        p -= step
