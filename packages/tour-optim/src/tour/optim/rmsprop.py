"""RMSprop: gradients divided by their recent size."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from tour._tensor import Tensor
from tour.optim._check import check_eps, check_lr, check_not_negative
from tour.optim._elementwise import Elementwise
from tour.optim._inplace import Array, addcdiv_, addcmul_, gradient, lerp_
from tour.optim.optimizer import ParamsT

__all__ = ["RMSprop"]


class RMSprop(Elementwise):
    r"""RMSprop: gradients divided by the root of a running average of their squares.

    $$ v_t = α v_{t-1} + (1-α) g_t^2, \qquad θ_t = θ_{t-1} - γ\, \frac{g_t}{\sqrt{v_t} + ε} $$

    `centered` subtracts the square of the average gradient, so that v estimates the variance (Graves, 2013,
    https://arxiv.org/abs/1308.0850); with momentum μ the quotient enters a velocity, $b_t = μ b_{t-1} + g_t/(\sqrt{v_t} + ε)$.
    Tieleman & Hinton, Neural Networks for Machine Learning, lecture 6, 2012. ε stands outside the root, as in PyTorch.

    Args:
        params: Parameters, named parameters, or parameter groups.
        lr: Learning rate γ.
        alpha: α, decay rate of the averages.
        eps: ε, added to the denominator.
        weight_decay: An L2 penalty.
        momentum: μ.
        centered: Divide by an estimate of the standard deviation.
        capturable, foreach: Accepted; there is one implementation, and it treats all parameters at once.
        maximize: Ascend instead.
        differentiable: Refused, see the message.

    Examples:
        >>> import tour
        >>> w = tour.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = tour.optim.RMSprop([w], lr=0.01)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.9000, -1.9000], requires_grad=True)
    """

    switches = ("momentum", "centered")
    _absent: ClassVar[dict[str, Any]] = {
        "momentum": 0,
        "centered": False,
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "capturable": False,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_eps(eps)
        check_not_negative(momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "capturable": capturable,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
            },
        )

    @staticmethod
    def init(like: Array, group: dict[str, Any]) -> dict[str, Any]:
        state = {"step": 0.0, "square_avg": np.zeros_like(like)}
        if group["momentum"]:
            state["momentum_buffer"] = np.zeros_like(like)
        if group["centered"]:
            state["grad_avg"] = np.zeros_like(like)
        return state

    @staticmethod
    def update(p: Array, g: Array, s: SimpleNamespace, h: SimpleNamespace) -> None:
        g = gradient(p, g, h)
        v = s.square_avg
        v *= h.alpha
        addcmul_(v, g, g, 1 - h.alpha)
        if h.centered:
            lerp_(s.grad_avg, g, 1 - h.alpha)
            v = v - s.grad_avg * s.grad_avg
        root = np.sqrt(v)
        root += h.eps
        if h.momentum:
            b = s.momentum_buffer
            b *= h.momentum
            b += np.divide(g, root, out=root)
            p -= h.lr * b
        else:
            addcdiv_(p, g, root, -h.lr)
