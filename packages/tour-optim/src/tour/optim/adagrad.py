"""Adagrad: a learning rate per element, shrinking with the gradients seen."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from tour._tensor import Tensor
from tour.optim._check import check_eps, check_flags, check_lr, check_not_negative
from tour.optim._elementwise import Elementwise
from tour.optim._inplace import Array, addcdiv_, gradient
from tour.optim.optimizer import ParamsT

__all__ = ["Adagrad"]


class Adagrad(Elementwise):
    r"""Adagrad: steps divided by the root of the sum of all squared gradients so far.

    $$ s_t = s_{t-1} + g_t^2, \qquad θ_t = θ_{t-1} - \frac{γ}{1 + (t-1)η}\, \frac{g_t}{\sqrt{s_t} + ε} $$

    Duchi et al., "Adaptive subgradient methods for online learning and stochastic optimization", JMLR 12, 2011.

    Args:
        params: Parameters, named parameters, or parameter groups.
        lr: Learning rate γ.
        lr_decay: η, a decay of the learning rate.
        weight_decay: An L2 penalty.
        initial_accumulator_value: s₀.
        eps: ε, added to the denominator.
        foreach, fused: Accepted; there is one implementation, and it treats all parameters at once.
        maximize: Ascend instead.
        differentiable: Refused, see the message.

    Examples:
        >>> import tour
        >>> w = tour.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = tour.optim.Adagrad([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.9000, -1.9000], requires_grad=True)
    """

    varying = ("step_size",)
    _absent: ClassVar[dict[str, Any]] = {"foreach": None, "maximize": False, "differentiable": False, "fused": None}

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative(
            lr_decay=lr_decay, weight_decay=weight_decay, initial_accumulator_value=initial_accumulator_value
        )
        check_eps(eps)
        check_flags(foreach, fused, differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "fused": fused,
            },
        )
        for group in self.param_groups:  # as in PyTorch, there is state before the first step
            self._settle(list(dict.fromkeys(group["params"])), group)

    @staticmethod
    def init(like: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0.0, "sum": np.full_like(like, group["initial_accumulator_value"])}

    @staticmethod
    def tick(s: SimpleNamespace, h: SimpleNamespace) -> None:
        h.step_size = h.lr / (1 + (h.step - 1) * h.lr_decay)

    @staticmethod
    def update(p: Array, g: Array, s: SimpleNamespace, h: SimpleNamespace) -> None:
        g = gradient(p, g, h)
        s.sum += g * g
        root = np.sqrt(s.sum)
        root += h.eps
        addcdiv_(p, g, root, -h.step_size)

    def share_memory(self) -> None:
        """Do nothing: sums are shared with threads already, and processes get copies."""
