"""Averaged stochastic gradient descent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from tour._tensor import Tensor
from tour.optim._check import check_lr, check_not_negative, number
from tour.optim._elementwise import Elementwise
from tour.optim._inplace import Array, gradient
from tour.optim.optimizer import ParamsT

__all__ = ["ASGD"]


class ASGD(Elementwise):
    r"""Averaged SGD: gradient descent with a decaying step, and the average of its iterates in `state[p]["ax"]`.

    $$ θ_t = (1 - λη_t)\,θ_{t-1} - η_t g_t, \quad \bar θ_t = \bar θ_{t-1} + μ_t (θ_t - \bar θ_{t-1}), \quad
       η_{t+1} = \frac{γ}{(1 + λγt)^α}, \quad μ_{t+1} = \frac{1}{\max(1, t - t_0)} $$

    Polyak & Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control Optim. 30, 1992.

    Args:
        params: Parameters, named parameters, or parameter groups.
        lr: γ, the first step size.
        lambd: λ, a decay of the parameters.
        alpha: α, the power by which the step size falls.
        t0: t₀, the step after which averaging starts.
        weight_decay: An L2 penalty.
        foreach, capturable: Accepted; there is one implementation, and it treats all parameters at once.
        maximize: Ascend instead.
        differentiable: Refused, see the message.

    Examples:
        >>> import tour
        >>> w = tour.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = tour.optim.ASGD([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.8000, -1.6000], requires_grad=True)
    """

    _numbers = ("step", "eta", "mu")
    varying = ("eta",)
    _absent: ClassVar[dict[str, Any]] = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "capturable": False,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative(weight_decay=weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "lambd": lambd,
                "alpha": alpha,
                "t0": t0,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    @staticmethod
    def init(like: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0.0, "eta": float(number(group["lr"])), "mu": 1.0, "ax": np.zeros_like(like)}

    @staticmethod
    def tick(s: SimpleNamespace, h: SimpleNamespace) -> None:
        h.eta, h.mu = s.eta.item(0), s.mu.item(0)
        s.eta[...] = h.lr / (1 + h.lambd * h.lr * h.step) ** h.alpha
        s.mu[...] = 1 / max(1, h.step - h.t0)

    @staticmethod
    def update(p: Array, g: Array, s: SimpleNamespace, h: SimpleNamespace) -> None:
        g = gradient(p, g, h)
        p *= 1 - h.lambd * h.eta
        p -= h.eta * g
        if h.mu == 1:
            s.ax[...] = p
        else:
            s.ax += (p - s.ax) * h.mu
