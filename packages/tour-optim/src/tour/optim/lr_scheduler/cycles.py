"""Schedules that move the learning rate up and down, and the momentum against it."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Any, Literal

from tour.optim.lr_scheduler.base import LRScheduler, as_optimizer, load_functions, per_group, write
from tour.optim.optimizer import Optimizer

__all__ = ["CyclicLR", "OneCycleLR"]


class _WithMomentum(LRScheduler):
    """A schedule that may also set momentum, or Adam's first beta."""

    cycle_momentum: bool
    use_beta1: bool

    def _start_momentum(self, base: Any, peak: Any, last_epoch: int) -> tuple[list[float], list[float]]:
        """Check the optimizer, and at the start give its groups their momentum."""
        optimizer = self.optimizer
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.use_beta1 = "betas" in optimizer.defaults
        lows, highs = per_group("base_momentum", optimizer, base), per_group("max_momentum", optimizer, peak)
        if last_epoch == -1:
            for low, high, group in zip(lows, highs, optimizer.param_groups, strict=True):
                self._set_momentum(group, high)
                group["max_momentum"] = high
                group["base_momentum"] = low
        return lows, highs

    def _set_momentum(self, group: dict[str, Any], momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class CyclicLR(_WithMomentum):
    """Between two learning rates, up and down in straight lines.

    Smith, "Cyclical learning rates for training neural networks", WACV 2017, https://arxiv.org/abs/1506.01186. Call `step` after every
    batch.

    Args:
        optimizer: Whose learning rates are set.
        base_lr: The lowest rate; one, or a list with one for each group.
        max_lr: The highest rate of a cycle that is not scaled.
        step_size_up: Steps on the way up.
        step_size_down: Steps on the way down; as many if None.
        mode: "triangular": equal cycles; "triangular2": each half as high as the one before; "exp_range": heights scaled by
            `gamma` to the power of the step.
        gamma: See "exp_range".
        scale_fn: Scales the height of a cycle, in place of `mode`.
        scale_mode: Whether `scale_fn` gets the number of the "cycle" or of the step ("iterations").
        cycle_momentum: Move the momentum (or β₁) the other way.
        base_momentum: The lowest momentum.
        max_momentum: The highest momentum.
        last_epoch: The number of the last step; see `LRScheduler`.

    Raises:
        ValueError: If `mode` is unknown and no `scale_fn` is given, or the optimizer has no momentum to cycle.

    Examples:
        >>> import tour
        >>> optimizer = tour.optim.SGD([tour.zeros(1)], lr=1.0, momentum=0.9)
        >>> schedule = CyclicLR(optimizer, base_lr=0.5, max_lr=1.0, step_size_up=2)
        >>> optimizer.step(); schedule.step(); schedule.get_last_lr()
        [0.75]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = as_optimizer(optimizer)
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        base_lrs = per_group("base_lr", optimizer, base_lr)
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for lr, group in zip(base_lrs, optimizer.param_groups, strict=True):
                write(group, "lr", lr)
        up = float(step_size_up)
        self.total_size = up + (float(step_size_down) if step_size_down is not None else up)
        self.step_ratio = up / self.total_size
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums, self.max_momentums = self._start_momentum(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """What the height of cycle or step `x` is multiplied by."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return float(1 / 2.0 ** (x - 1) if self.mode == "triangular2" else self.gamma**x)

    def get_lr(self) -> list[Any]:
        """The learning rates of step `last_epoch`; the momentum is set on the way."""
        self._warn_unless_stepping()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        place = 1.0 + self.last_epoch / self.total_size - cycle
        height = place / self.step_ratio if place <= self.step_ratio else (place - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            groups = self.optimizer.param_groups
            for group, low, high in zip(groups, self.base_momentums, self.max_momentums, strict=True):
                self._set_momentum(group, high - (high - low) * height * scale)
        return [low + (high - low) * height * scale for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Every attribute but the optimizer; of `scale_fn` only the attributes of a callable object are saved."""
        custom = self._scale_fn_custom
        plain = custom is None or isinstance(custom, types.FunctionType)
        return {**super().state_dict(), "_scale_fn_custom": None if plain else custom.__dict__.copy()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict()` returned; a plain `scale_fn` stays what it is."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "_scale_fn_custom"})
        load_functions([self._scale_fn_custom], [state_dict["_scale_fn_custom"]])


class OneCycleLR(_WithMomentum):
    """From a low learning rate up to `max_lr`, and down to almost nothing, once.

    Smith & Topin, "Super-convergence: Very fast training of neural networks using large learning rates", 2018,
    https://arxiv.org/abs/1708.07120. Call `step` after every batch.

    Args:
        optimizer: Whose learning rates are set.
        max_lr: The highest rate; one, or a list with one for each group.
        total_steps: Steps in the cycle; or give `epochs` and `steps_per_epoch`.
        epochs: Passes over the data.
        steps_per_epoch: Batches in one pass.
        pct_start: The part of the cycle on the way up.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: Move the momentum (or β₁) the other way.
        base_momentum: The lowest momentum.
        max_momentum: The highest momentum.
        div_factor: The first rate is `max_lr / div_factor`.
        final_div_factor: The last rate is the first one divided by this.
        three_phase: Go down symmetrically first, then to the last rate.
        last_epoch: The number of the last step; see `LRScheduler`.

    Raises:
        ValueError: If the length of the cycle is not given, an argument is out of range, or more steps are taken than planned.

    Examples:
        >>> import tour
        >>> optimizer = tour.optim.SGD([tour.zeros(1)], lr=1.0, momentum=0.9)
        >>> schedule = OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
        >>> optimizer.step(); schedule.step(); schedule.step()
        >>> schedule.get_last_lr()
        [1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = as_optimizer(optimizer)
        self.total_steps = _length(total_steps, epochs, steps_per_epoch)
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        peaks = per_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for peak, group in zip(peaks, optimizer.param_groups, strict=True):
                group["initial_lr"] = peak / div_factor
                group["max_lr"] = peak
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _anneal_func(self, start: Any, end: Any, place: float) -> Any:
        """From `start` at place 0 to `end` at place 1."""
        if self._anneal_func_type == "cos":
            return end + (start - end) / 2.0 * (math.cos(math.pi * place) + 1)
        return (end - start) * place + start

    def get_lr(self) -> list[Any]:
        """The learning rates of step `last_epoch`; the momentum is set on the way."""
        self._warn_unless_stepping()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"Tried to step {step} times. The specified number of total steps is {self.total_steps}")
        phases = self._schedule_phases
        i = next((i for i, phase in enumerate(phases) if step <= phase["end_step"]), len(phases) - 1)
        start = phases[i - 1]["end_step"] if i else 0.0
        phase = phases[i]
        place = (step - start) / (phase["end_step"] - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._anneal_func(group[phase["start_lr"]], group[phase["end_lr"]], place))
            if self.cycle_momentum:
                ends = group[phase["start_momentum"]], group[phase["end_momentum"]]
                self._set_momentum(group, self._anneal_func(*ends, place))
        return rates


def _length(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    """The number of steps in a cycle."""

    def positive(name: str, n: Any) -> int:
        if n <= 0 or not isinstance(n, int):
            raise ValueError(f"Expected positive integer {name}, but got {n}")
        return n

    if total_steps is not None:
        return positive("total_steps", total_steps)
    if epochs is None or steps_per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    return positive("epochs", epochs) * positive("steps_per_epoch", steps_per_epoch)


def _phases(steps: int, up: float, three: bool) -> list[dict[str, Any]]:
    """The parts of a cycle: where each ends, and between which options of a group it goes."""

    def phase(end: float, lr: tuple[str, str], momentum: tuple[str, str]) -> dict[str, Any]:
        return {
            "end_step": end,
            "start_lr": lr[0],
            "end_lr": lr[1],
            "start_momentum": momentum[0],
            "end_momentum": momentum[1],
        }

    rise = phase(float(up * steps) - 1, ("initial_lr", "max_lr"), ("max_momentum", "base_momentum"))
    if not three:
        return [rise, phase(steps - 1, ("max_lr", "min_lr"), ("base_momentum", "max_momentum"))]
    fall = phase(float(2 * up * steps) - 2, ("max_lr", "initial_lr"), ("base_momentum", "max_momentum"))
    return [rise, fall, phase(steps - 1, ("initial_lr", "min_lr"), ("max_momentum", "max_momentum"))]
