"""Schedules that multiply the learning rate: constant, stepwise, linear, exponential, polynomial, or by any function."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from tour.optim.lr_scheduler.base import LRScheduler, Scaling, functions_state, load_functions, values
from tour.optim.optimizer import Optimizer

__all__ = [
    "ConstantLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "PolynomialLR",
    "StepLR",
]

Rule: TypeAlias = Callable[[int], float]


class _ByFunction(LRScheduler):
    """A schedule given by one function of the step for each group."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Rule | list[Rule], last_epoch: int = -1) -> None:
        groups = len(optimizer.param_groups)
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, list | tuple) else [lr_lambda] * groups
        if len(self.lr_lambdas) != groups:
            raise ValueError(f"Expected {groups} lr_lambdas, but got {len(self.lr_lambdas)}")
        for rule in self.lr_lambdas:
            if not callable(rule):
                raise TypeError(f"lr_lambda should be a function, but got {type(rule).__name__}")
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Every attribute but the optimizer; of the functions, only the attributes of callable objects are saved."""
        return {**super().state_dict(), "lr_lambdas": functions_state(self.lr_lambdas)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict()` returned; plain functions stay what they are."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "lr_lambdas"})
        load_functions(self.lr_lambdas, state_dict["lr_lambdas"])


class LambdaLR(_ByFunction):
    """The initial learning rate times a function of the step.

    Args:
        optimizer: Whose learning rates are set.
        lr_lambda: The function, or a list with one for each group.
        last_epoch: The number of the last step; see `LRScheduler`.

    Examples:
        >>> import tour
        >>> optimizer = tour.optim.SGD([tour.zeros(1)], lr=1.0)
        >>> schedule = LambdaLR(optimizer, lambda t: 1 / (t + 1))
        >>> optimizer.step(); schedule.step(); schedule.get_last_lr()
        [0.5]
    """

    def get_lr(self) -> list[Any]:
        """The learning rates of step `last_epoch`."""
        self._warn_unless_stepping()
        return [lr * rule(self.last_epoch) for lr, rule in zip(self.base_lrs, self.lr_lambdas, strict=True)]


class MultiplicativeLR(_ByFunction):
    """The current learning rate times a function of the step.

    Args:
        optimizer: Whose learning rates are set.
        lr_lambda: The function, or a list with one for each group.
        last_epoch: The number of the last step; see `LRScheduler`.

    Examples:
        >>> import tour
        >>> optimizer = tour.optim.SGD([tour.zeros(1)], lr=1.0)
        >>> schedule = MultiplicativeLR(optimizer, lambda t: 0.5)
        >>> optimizer.step(); schedule.step(); schedule.step(); schedule.get_last_lr()
        [0.25]
    """

    def get_lr(self) -> list[Any]:
        """The learning rates of step `last_epoch`."""
        self._warn_unless_stepping()
        rates = values(self.optimizer, "lr")
        if self._is_initial:
            return rates
        return [lr * rule(self.last_epoch) for lr, rule in zip(rates, self.lr_lambdas, strict=True)]


class StepLR(Scaling):
    """The learning rate times `gamma` every `step_size` steps.

    Examples:
        >>> import tour
        >>> optimizer = tour.optim.SGD([tour.zeros(1)], lr=1.0)
        >>> schedule = StepLR(optimizer, step_size=2, gamma=0.5)
        >>> optimizer.step()
        >>> for _ in range(4):
        ...     schedule.step()
        >>> schedule.get_last_lr()
        [0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float | None:
        due = self.last_epoch != 0 and self.last_epoch % self.step_size == 0
        return self.gamma if due else None

    def _closed_factor(self) -> float:
        return self.gamma ** (self.last_epoch // self.step_size)


class MultiStepLR(Scaling):
    """The learning rate times `gamma` at each of the `milestones`.

    Examples:
        >>> import tour
        >>> optimizer = tour.optim.SGD([tour.zeros(1)], lr=1.0)
        >>> schedule = MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
        >>> optimizer.step()
        >>> for _ in range(4):
        ...     schedule.step()
        >>> schedule.get_last_lr()
        [0.25]
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float | None:
        times = self.milestones[self.last_epoch]
        return self.gamma**times if times else None

    def _closed_factor(self) -> float:
        return self.gamma ** bisect_right(sorted(self.milestones.elements()), self.last_epoch)


class ConstantLR(Scaling):
    """The learning rate times `factor` for the first `total_iters` steps.

    Raises:
        ValueError: If `factor` is not between 0 and 1.

    Examples:
        >>> import tour
        >>> sgd = tour.optim.SGD([tour.zeros(2, requires_grad=True)], lr=0.1)
        >>> schedule = ConstantLR(sgd, factor=0.5, total_iters=2)
        >>> for _ in range(3):
        ...     print(schedule.get_last_lr())
        ...     sgd.step()
        ...     schedule.step()
        [0.05]
        [0.05]
        [0.1]
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if factor > 1.0 or factor < 0:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float | None:
        if self.last_epoch == 0:
            return self.factor
        return 1.0 / self.factor if self.last_epoch == self.total_iters else None

    def _closed_factor(self) -> float:
        return self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor)


class LinearLR(Scaling):
    """The learning rate times a factor that goes linearly from `start_factor` to `end_factor` in `total_iters` steps.

    Raises:
        ValueError: If `start_factor` is not in (0, 1], or `end_factor` not in [0, 1].

    Examples:
        >>> import tour
        >>> optimizer = tour.optim.SGD([tour.zeros(1)], lr=1.0)
        >>> schedule = LinearLR(optimizer, start_factor=0.5, total_iters=2)
        >>> optimizer.step(); schedule.step(); schedule.get_last_lr()
        [0.75]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if start_factor > 1.0 or start_factor <= 0:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if end_factor > 1.0 or end_factor < 0:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float | None:
        if self.last_epoch == 0:
            return self.start_factor
        if self._is_initial or self.last_epoch > self.total_iters:
            return None
        rise = self.end_factor - self.start_factor
        return 1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise)

    def _closed_factor(self) -> float:
        rise = self.end_factor - self.start_factor
        return self.start_factor + rise * min(self.total_iters, self.last_epoch) / self.total_iters


class ExponentialLR(Scaling):
    """The learning rate times `gamma` every step.

    Examples:
        >>> import tour
        >>> optimizer = tour.optim.SGD([tour.zeros(1)], lr=1.0)
        >>> schedule = ExponentialLR(optimizer, gamma=0.5)
        >>> optimizer.step(); schedule.step(); schedule.step(); schedule.get_last_lr()
        [0.25]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float | None:
        return None if self._is_initial else self.gamma

    def _closed_factor(self) -> float:
        return self.gamma**self.last_epoch


class PolynomialLR(Scaling):
    r"""The learning rate times $(1 - t/T)^{power}$, for T = `total_iters`; then zero.

    Examples:
        >>> import tour
        >>> optimizer = tour.optim.SGD([tour.zeros(1)], lr=1.0)
        >>> schedule = PolynomialLR(optimizer, total_iters=4)
        >>> optimizer.step(); schedule.step(); schedule.get_last_lr()
        [0.75]
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float | None:
        t, total = self.last_epoch, self.total_iters
        if self._is_initial or t > total:
            return None
        return float(((1.0 - t / total) / (1.0 - (t - 1) / total)) ** self.power)

    def _closed_factor(self) -> float:
        return float((1.0 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power)
