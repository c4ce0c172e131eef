"""Resilient backpropagation: only the signs of gradients count."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from tour._tensor import Tensor
from tour.optim._check import check_lr, number
from tour.optim._elementwise import Elementwise
from tour.optim._inplace import Array
from tour.optim.optimizer import ParamsT

__all__ = ["Rprop"]


class Rprop(Elementwise):
    r"""Rprop: a step size per element, which grows while the gradient keeps its sign and shrinks when the sign flips.

    $$ Δ_t = \operatorname{clip}(Δ_{t-1} η^{±}), \qquad θ_t = θ_{t-1} - Δ_t \operatorname{sign}(g_t) $$

    with η⁺ where $g_t g_{t-1} > 0$ and η⁻ where it is negative; there the gradient is then taken as zero. For full batches. Riedmiller
    & Braun, "A direct adaptive method for faster backpropagation learning", ICNN 1993.

    Args:
        params: Parameters, named parameters, or parameter groups.
        lr: Δ₀, the first step size.
        etas: η⁻ in (0, 1) and η⁺ above 1.
        step_sizes: The smallest and the largest step size.
        capturable, foreach: Accepted; there is one implementation, and it treats all parameters at once.
        maximize: Ascend instead.
        differentiable: Refused, see the message.

    Examples:
        >>> import tour
        >>> w = tour.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = tour.optim.Rprop([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.9000, -1.9000], requires_grad=True)
    """

    varying = ()
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
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(
            params,
            {
                "lr": lr,
                "etas": etas,
                "step_sizes": step_sizes,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    @staticmethod
    def init(like: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0.0, "prev": np.zeros_like(like), "step_size": np.full_like(like, number(group["lr"]))}

    @staticmethod
    def update(p: Array, g: Array, s: SimpleNamespace, h: SimpleNamespace) -> None:
        if h.maximize:
            g = -g
        shrink, grow = h.etas
        agreement = g * s.prev
        flipped = agreement < 0
        factor = np.ones_like(g)
        factor[agreement > 0] = grow
        factor[flipped] = shrink
        s.step_size *= factor
        np.clip(s.step_size, *h.step_sizes, out=s.step_size)
        s.prev[...] = g
        s.prev[flipped] = 0
        p -= np.sign(s.prev) * s.step_size
