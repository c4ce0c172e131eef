"""Schedules along a cosine."""

from __future__ import annotations

import math
from typing import Any

from tour.optim.lr_scheduler.base import LRScheduler, values, write
from tour.optim.optimizer import Optimizer

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"]


class CosineAnnealingLR(LRScheduler):
    r"""From the initial rate to `eta_min` along half a cosine wave of `T_max` steps, and back.

    $$ γ_t = γ_{min} + \tfrac12 (γ_0 - γ_{min}) (1 + \cos(π t / T_{max})) $$

    computed from the rate before, so that schedules can be chained. Loshchilov & Hutter, "SGDR: Stochastic gradient descent with warm
    restarts", ICLR 2017, https://arxiv.org/abs/1608.03983; without the restarts.

    Examples:
        >>> import tour
        >>> optimizer = tour.optim.SGD([tour.zeros(1)], lr=1.0)
        >>> schedule = CosineAnnealingLR(optimizer, T_max=2)
        >>> optimizer.step(); schedule.step(); schedule.get_last_lr()
        [0.5]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The learning rates of step `last_epoch`."""
        self._warn_unless_stepping()
        rates = values(self.optimizer, "lr")
        if self._is_initial:
            return rates
        t, half, low = self.last_epoch, self.T_max, self.eta_min
        if self._step_count == 1 and t > 0:
            return self._get_closed_form_lr()
        if (t - 1 - half) % (2 * half) == 0:  # leaving the minimum, where the ratio below is 0 / 0
            return [
                lr + (base - low) * (1 - math.cos(math.pi / half)) / 2
                for lr, base in zip(rates, self.base_lrs, strict=True)
            ]
        ratio = (1 + math.cos(math.pi * t / half)) / (1 + math.cos(math.pi * (t - 1) / half))
        return [ratio * (lr - low) + low for lr in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        return _cosine(self.base_lrs, self.eta_min, self.last_epoch / self.T_max)


class CosineAnnealingWarmRestarts(LRScheduler):
    """From the initial rate to `eta_min` along half a cosine wave, again and again.

    Loshchilov & Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR 2017, https://arxiv.org/abs/1608.03983.

    Args:
        optimizer: Whose learning rates are set.
        T_0: Steps until the first restart.
        T_mult: How many times longer each wave is than the one before.
        eta_min: The lowest learning rate.
        last_epoch: The number of the last step; see `LRScheduler`.

    Examples:
        >>> import tour
        >>> optimizer = tour.optim.SGD([tour.zeros(1)], lr=1.0)
        >>> schedule = CosineAnnealingWarmRestarts(optimizer, T_0=2)
        >>> optimizer.step(); schedule.step(); schedule.step(); schedule.get_last_lr()
        [1.0]
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, float | int):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The learning rates at the current place of the wave."""
        self._warn_unless_stepping()
        return _cosine(self.base_lrs, self.eta_min, self.T_cur / self.T_i)

    def step(self, epoch: float | None = None) -> None:
        """Set the learning rates of the next step, or of `epoch`, which may lie between whole steps.

        Raises:
            ValueError: If `epoch` is negative.
        """
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        elif epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        else:
            self._go_to(epoch)
        self.last_epoch = math.floor(epoch)
        with self._flag("_get_lr_called_within_step"):
            rates = self.get_lr()
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            write(group, "lr", lr)
        self._last_lr = values(self.optimizer, "lr")

    def _go_to(self, epoch: float) -> None:
        """Find the wave that `epoch` falls into."""
        first, ratio = self.T_0, self.T_mult
        if epoch < first:
            self.T_i, self.T_cur = first, epoch
        elif ratio == 1:
            self.T_cur = epoch % first
        else:
            wave = int(math.log(epoch / first * (ratio - 1) + 1, ratio))
            self.T_cur = epoch - first * (ratio**wave - 1) / (ratio - 1)
            self.T_i = first * ratio**wave


def _cosine(rates: list[Any], low: float, place: float) -> list[Any]:
    """From `rates` at place 0 to `low` at place 1."""
    return [low + (lr - low) * (1 + math.cos(math.pi * place)) / 2 for lr in rates]
