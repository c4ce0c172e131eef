"""Adam, and Adam with decoupled weight decay."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from tour._tensor import Tensor
from tour.optim._check import check_betas, check_eps, check_flags, check_lr, check_not_negative
from tour.optim._elementwise import Elementwise
from tour.optim._inplace import Array, addcdiv_, addcmul_, gradient, lerp_
from tour.optim.optimizer import ParamsT

__all__ = ["Adam"]


class Adam(Elementwise):
    r"""Adam: steps scaled by running averages of the gradient and of its square.

    $$ m_t = β_1 m_{t-1} + (1-β_1) g_t, \quad v_t = β_2 v_{t-1} + (1-β_2) g_t^2, \quad
       θ_t = θ_{t-1} - γ\, \frac{m_t / (1-β_1^t)}{\sqrt{v_t / (1-β_2^t)} + ε} $$

    Kingma & Ba, "Adam: A method for stochastic optimization", ICLR 2015, https://arxiv.org/abs/1412.6980. `amsgrad` divides by the
    largest $v$ so far: Reddi et al., "On the convergence of Adam and beyond", ICLR 2018, https://arxiv.org/abs/1904.09237.

    Args:
        params: Parameters, named parameters, or parameter groups.
        lr: Learning rate γ.
        betas: Decay rates β₁ and β₂ of the averages; both floats or both tensors.
        eps: ε, added to the denominator.
        weight_decay: λ, an L2 penalty; see `decoupled_weight_decay`.
        amsgrad: Divide by the largest second moment so far.
        foreach, fused, capturable: Accepted; there is one implementation, and it treats all parameters at once.
        maximize: Ascend instead.
        differentiable: Refused, see the message.
        decoupled_weight_decay: Shrink the parameters by γλ instead of adding a penalty to the gradient: AdamW.

    Examples:
        >>> import tour
        >>> w = tour.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = tour.optim.Adam([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.9000, -1.9000], requires_grad=True)
    """

    switches = ("amsgrad",)
    varying = ("lr", "step_size", "bias2_sqrt")
    _absent: ClassVar[dict[str, Any]] = {
        "amsgrad": False,
        "maximize": False,
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
        "fused": None,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_lr(lr)
        check_eps(eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        check_flags(foreach, fused, differentiable)
        if not any(all(isinstance(beta, kind) for beta in betas) for kind in (float, Tensor)):
            raise ValueError("betas must be either both floats or both Tensors")
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": tuple(betas),
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
                "fused": fused,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    @staticmethod
    def init(like: Array, group: dict[str, Any]) -> dict[str, Any]:
        state = {"step": 0.0, "exp_avg": np.zeros_like(like), "exp_avg_sq": np.zeros_like(like)}
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = np.zeros_like(like)
        return state

    @staticmethod
    def tick(s: SimpleNamespace, h: SimpleNamespace) -> None:
        h.beta1, h.beta2 = h.betas
        h.step_size = h.lr / (1 - h.beta1**h.step)
        h.bias2_sqrt = (1 - h.beta2**h.step) ** 0.5

    @staticmethod
    def update(p: Array, g: Array, s: SimpleNamespace, h: SimpleNamespace) -> None:
        g = gradient(p, g, h)
        m, v = s.exp_avg, s.exp_avg_sq
        lerp_(m, g, 1 - h.beta1)
        v *= h.beta2
        addcmul_(v, g, g, 1 - h.beta2)
        if h.amsgrad:
            v = np.maximum(s.max_exp_avg_sq, v, out=s.max_exp_avg_sq)
        root = np.sqrt(v)
        root /= h.bias2_sqrt
        root += h.eps
        addcdiv_(p, m, root, -h.step_size)
