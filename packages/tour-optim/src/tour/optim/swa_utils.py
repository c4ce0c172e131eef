"""Averages of weights over training: stochastic weight averaging and exponential moving averages."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import tour
from tour._core import wrote
from tour._tensor import Tensor
from tour.optim._inplace import lerp_
from tour.optim.lr_scheduler.base import LRScheduler, per_group
from tour.optim.optimizer import Optimizer

if TYPE_CHECKING:
    from tour.optim._averaged_model import AveragedModel
else:

    def __getattr__(name: str) -> Any:
        """AveragedModel is a module, so it is loaded, with tour.nn, only when it is asked for."""
        if name != "AveragedModel":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from tour.optim._averaged_model import AveragedModel

        return AveragedModel


__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average: TypeAlias = Callable[[Tensor, Tensor, Any], Any]
MultiAverage: TypeAlias = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    r"""A function that gives the exponential moving average $\text{decay}·\bar w + (1 - \text{decay})·w$ of one parameter.

    Raises:
        ValueError: If `decay` is not in [0, 1].

    Examples:
        >>> import tour
        >>> get_ema_avg_fn(0.5)(tour.tensor([1.0]), tour.tensor([3.0]), 1)
        tensor([2.])
    """
    _check_decay(decay)

    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Any:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Average:
    """A function that gives the mean of n + 1 values of one parameter from the mean of n.

    Examples:
        >>> import tour
        >>> get_swa_avg_fn()(tour.tensor([1.0]), tour.tensor([4.0]), 2)
        tensor([2.])
    """

    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Any:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """A function that moves a list of averages on in place: exponential moving averages.

    Raises:
        ValueError: If `decay` is not in [0, 1].

    Examples:
        >>> import tour
        >>> averages, weights = [tour.tensor([1.0]), tour.tensor([0.0])], [tour.tensor([3.0]), tour.tensor([4.0])]
        >>> get_ema_multi_avg_fn(0.5)(averages, weights, 1)
        >>> averages
        [tensor([2.]), tensor([2.])]
    """
    _check_decay(decay)

    def ema_update(ema_param_list: Sequence[Tensor], current_param_list: Sequence[Tensor], _: Any) -> None:
        _move(ema_param_list, current_param_list, 1 - decay)

    return ema_update


def get_swa_multi_avg_fn() -> MultiAverage:
    """A function that moves a list of averages on in place: means of all values so far.

    Examples:
        >>> import tour
        >>> averages = [tour.tensor([1.0])]  # of two values
        >>> get_swa_multi_avg_fn()(averages, [tour.tensor([4.0])], 2)
        >>> averages
        [tensor([2.])]
    """

    def swa_update(averaged: Sequence[Tensor], current: Sequence[Tensor], num_averaged: Any) -> None:
        _move(averaged, current, 1 / (float(num_averaged) + 1))

    return swa_update


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def _move(averages: Sequence[Tensor], currents: Sequence[Tensor], weight: float) -> None:
    """Move each average towards its current value; integers are computed in float64 and cut off."""
    for average, current in zip(averages, currents, strict=True):
        if average.is_floating_point() or average.is_complex():
            lerp_(average._a, current._a, weight)
        else:
            average._a[...] = average._a * (1 - weight) + current._a * weight
        wrote(average)


def _is_count(n: Any) -> bool:
    return isinstance(n, int) and n >= 0


def update_bn(loader: Iterable[Any], model: Any, device: Any = None) -> None:
    """Set the running statistics of all batch normalisation layers to those of the data, for averaged weights.

    Args:
        loader: Gives batches: inputs, or lists and tuples whose first element is the input.
        model: A module; it is called on every input, in training mode.
        device: Where inputs are moved first.

    Examples:
        >>> import tour
        >>> net = tour.nn.BatchNorm1d(1)
        >>> update_bn([tour.tensor([[1.0], [3.0]]), tour.tensor([[3.0], [5.0]])], net)
        >>> net.running_mean
        tensor([3.])
    """
    momenta = {}
    for module in model.modules():
        if any(cls.__name__ == "_BatchNorm" for cls in type(module).__mro__):
            module.reset_running_stats()
            momenta[module] = module.momentum
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.momentum = None  # a mean over all batches
    with tour.no_grad():
        for batch in loader:
            x = batch[0] if isinstance(batch, list | tuple) else batch
            model(x if device is None else x.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From the current learning rate to a constant one, for weight averaging.

    Args:
        optimizer: Whose learning rates are set.
        swa_lr: The rate to reach; one, or a list with one for each group.
        anneal_epochs: Steps on the way.
        anneal_strategy: "cos" or "linear".
        last_epoch: The number of the last step; see `LRScheduler`.

    Raises:
        ValueError: If `anneal_strategy` is unknown or `anneal_epochs` negative.

    Examples:
        >>> import tour
        >>> optimizer = tour.optim.SGD([tour.zeros(1)], lr=1.0)
        >>> schedule = SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
        >>> optimizer.step(); schedule.step(); schedule.get_last_lr()
        [0.75]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not _is_count(anneal_epochs):
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        for rate, group in zip(per_group("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _progress(self, step: int) -> float:
        """How far on the way to the constant rate, from 0 to 1."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def get_lr(self) -> list[Any]:
        """The learning rates of the current step."""
        self._warn_unless_stepping()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._progress(step - 1), self._progress(step)
        rates = []
        for group in self.optimizer.param_groups:
            lr, goal = group["lr"], group["swa_lr"]
            start = goal if before == 1 else (lr - before * goal) / (1 - before)
            rates.append(goal * now + start * (1 - now))
        return rates
