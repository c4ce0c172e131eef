"""Adam with decoupled weight decay."""

from __future__ import annotations

from typing import Any

from tour._tensor import Tensor
from tour.optim.adam import Adam
from tour.optim.optimizer import ParamsT

__all__ = ["AdamW"]


class AdamW(Adam):
    r"""Adam in which weight decay shrinks the parameters, $θ ← (1 - γλ)\,θ$, and does not pass through the moments.

    Loshchilov & Hutter, "Decoupled weight decay regularization", ICLR 2019, https://arxiv.org/abs/1711.05101. Arguments as in
    `Adam`, with a weight decay of 0.01 unless given.

    Examples:
        >>> import tour
        >>> w = tour.tensor([1.0], requires_grad=True)
        >>> w.grad = tour.zeros(1)
        >>> tour.optim.AdamW([w], lr=0.1, weight_decay=0.5).step()
        >>> w
        tensor([0.9500], requires_grad=True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:  # checkpoints of Adam too are continued as AdamW
            group["decoupled_weight_decay"] = True
