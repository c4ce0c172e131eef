"""Stochastic gradient descent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from tour._tensor import Tensor
from tour.optim._check import check_flags, check_lr, check_not_negative
from tour.optim._elementwise import Elementwise
from tour.optim._inplace import Array, gradient
from tour.optim.optimizer import ParamsT

__all__ = ["SGD"]


class SGD(Elementwise):
    r"""Stochastic gradient descent, with momentum if wanted.

    With gradient $g_t$ (weight decay λ included as $g + λθ$), momentum μ and dampening τ:

    $$ b_t = μ b_{t-1} + (1-τ)\, g_t, \quad b_1 = g_1, \qquad θ_t = θ_{t-1} - γ\, b_t $$

    Nesterov's form steps along $g_t + μ b_t$. Sutskever et al., "On the importance of initialization and momentum in deep learning",
    ICML 2013; as in PyTorch, the learning rate γ multiplies the whole velocity.

    Args:
        params: Parameters, named parameters, or parameter groups.
        lr: Learning rate γ.
        momentum: μ; 0 keeps no state.
        dampening: τ, the part of the gradient that does not enter the momentum.
        weight_decay: λ, an L2 penalty.
        nesterov: Look ahead; needs momentum without dampening.
        maximize: Ascend instead.
        foreach, fused: Accepted; there is one implementation, and it treats all parameters at once.
        differentiable: Refused, see the message.

    Examples:
        >>> import tour
        >>> w = tour.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = tour.optim.SGD([w], lr=0.1, momentum=0.9)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.8000, -1.6000], requires_grad=True)
    """

    switches = ("momentum",)
    _absent: ClassVar[dict[str, Any]] = {
        "nesterov": False,
        "maximize": False,
        "foreach": None,
        "differentiable": False,
        "fused": False,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative(momentum=momentum, weight_decay=weight_decay)
        check_flags(foreach, fused, differentiable)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "foreach": foreach,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    @staticmethod
    def init(like: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"momentum_buffer": np.zeros_like(like)} if group["momentum"] else {}

    @staticmethod
    def update(p: Array, g: Array, s: SimpleNamespace, h: SimpleNamespace) -> None:
        g = gradient(p, g, h)
        if h.momentum:
            b = s.momentum_buffer
            if h.fresh:
                b[...] = g
            else:
                b *= h.momentum
                b += (1 - h.dampening) * g if h.dampening else g
            g = g + h.momentum * b if h.nesterov else b
        p -= h.lr * g
