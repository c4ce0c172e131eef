"""What a schedule is: a counter of steps, and the learning rates it writes into an optimizer's groups."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tour._core import wrote
from tour._tensor import Tensor
from tour.optim._check import number
from tour.optim.optimizer import Optimizer

__all__ = ["LRScheduler"]

EPOCH_WARNING = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please use "
    "`scheduler.step()` to step the scheduler. During the deprecation, if epoch is different from None, the closed form is used "
    "instead of the new chainable form, where available."
)


class LRScheduler:
    """Base class of learning-rate schedules.

    A subclass writes `get_lr`, which returns the learning rates of all groups for step `last_epoch`. A schedule takes its first step,
    number 0, when it is built.

    Args:
        optimizer: Whose groups get the learning rates. Each group remembers its first one as `"initial_lr"`.
        last_epoch: The number of the last step taken, or -1 at the start. To go on elsewhere, groups need `"initial_lr"`.

    Attributes:
        base_lrs: The initial learning rates.
        last_epoch: The number of the last step.

    Raises:
        TypeError: If `optimizer` is not an `Optimizer`.
        KeyError: If a group lacks `"initial_lr"` although `last_epoch` is given.

    Examples:
        >>> import tour
        >>> class Halving(tour.optim.lr_scheduler.LRScheduler):
        ...     def get_lr(self):
        ...         return [lr / 2**self.last_epoch for lr in self.base_lrs]
        >>> optimizer = tour.optim.SGD([tour.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = Halving(optimizer)
        >>> optimizer.step()
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    # Set while `step` and the constructor run. They are in the state, as in PyTorch.
    _get_lr_called_within_step: bool = False
    _is_initial: bool = False

    _step_count: int
    _last_lr: list[Any]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = as_optimizer(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with last_epoch >= 0.\n"
                    "This typically happens when:\n"
                    "1. You're trying to resume training from a checkpoint but haven't properly loaded the optimizer state\n"
                    "2. You're using last_epoch >= 0 for a fresh training run (not recommended)"
                )
        self.base_lrs: list[Any] = values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        if not hasattr(optimizer, "_step_watched"):
            optimizer._step_watched = _function_of(optimizer.step)  # type: ignore[attr-defined]
            optimizer._opt_called = False
        self._initial_step()

    def _initial_step(self) -> None:
        """Step 0, which sets the learning rates to start from."""
        self._step_count = 0
        with self._flag("_is_initial"):
            self.step()

    @contextmanager
    def _flag(self, name: str) -> Iterator[None]:
        setattr(self, name, True)
        try:
            yield
        finally:
            setattr(self, name, False)

    def get_lr(self) -> list[Any]:
        """The learning rates of step `last_epoch`, one for each group. To read the current ones, use `get_last_lr`."""
        raise NotImplementedError(f"{type(self).__name__} does not define get_lr()")

    def get_last_lr(self) -> list[Any]:
        """The learning rates that the last step has set."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Set the learning rates of the next step. Call it after `optimizer.step()`.

        Args:
            epoch: Deprecated: the number of the step to go to.
        """
        if self._step_count == 1:
            self._warn_about_order()
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_WARNING, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _warn_about_order(self) -> None:
        if _function_of(self.optimizer.step) is not getattr(self.optimizer, "_step_watched", None):
            warnings.warn(
                "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. Please, make sure "
                "to call `optimizer.step()` before `lr_scheduler.step()`.",
                UserWarning,
                stacklevel=3,
            )
        elif not getattr(self.optimizer, "_opt_called", False):
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. You should call them in the opposite order: "
                "`optimizer.step()` before `lr_scheduler.step()`. Failure to do this will result in skipping the first value of the "
                "learning rate schedule.",
                UserWarning,
                stacklevel=3,
            )

    def _update_lr(self, epoch: int | None = None) -> None:
        with self._flag("_get_lr_called_within_step"):
            self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
            closed = getattr(self, "_get_closed_form_lr", self.get_lr)
            rates = self.get_lr() if epoch is None else closed()
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            write(group, "lr", lr)
        self._last_lr = values(self.optimizer, "lr")

    def _warn_unless_stepping(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )

    def state_dict(self) -> dict[str, Any]:
        """Every attribute but the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict()` returned."""
        self.__dict__.update(state_dict)


class Scaling(LRScheduler):
    """A schedule that multiplies the current learning rates, so that several can be chained.

    A subclass says by how much in `_factor`, and in `_closed_factor` how far the initial rates have been scaled altogether.
    """

    def _factor(self) -> float | None:
        """What the learning rates are multiplied by in step `last_epoch`; None leaves them as they are."""
        raise NotImplementedError

    def _closed_factor(self) -> float:
        """The learning rates of step `last_epoch` as a multiple of the initial ones."""
        raise NotImplementedError

    def get_lr(self) -> list[Any]:
        """The learning rates of step `last_epoch`, one for each group. To read the current ones, use `get_last_lr`."""
        self._warn_unless_stepping()
        factor = self._factor()
        rates = values(self.optimizer, "lr")
        return rates if factor is None else [lr * factor for lr in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        factor = self._closed_factor()
        return [lr * factor for lr in self.base_lrs]


def as_optimizer(x: Any) -> Optimizer:
    """`x`, if it is an optimizer; otherwise TypeError."""
    if not isinstance(x, Optimizer):
        raise TypeError(f"{type(x).__name__} is not an Optimizer")
    return x


def values(optimizer: Optimizer, name: str) -> list[Any]:
    """An option of all groups; tensors are copied."""
    return [_copied(group[name]) for group in optimizer.param_groups]


def write(group: dict[str, Any], name: str, value: Any) -> None:
    """Set an option of a group; a tensor stays the same tensor."""
    if isinstance(group[name], Tensor):
        group[name]._a[...] = number(value)
        wrote(group[name])
    else:
        group[name] = value


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """One value for each group, from a list of them or a value for all."""
    groups = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [_copied(value) for _ in range(groups)]
    if len(value) != groups:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. "
            f"{name} has {len(value)} values, param_groups has {groups}."
        )
    return list(map(_copied, value))


def functions_state(functions: Sequence[Callable[..., Any] | None]) -> list[dict[str, Any] | None]:
    """The attributes of callable objects; None for plain functions, which are not saved."""
    return [None if f is None or isinstance(f, types.FunctionType) else f.__dict__.copy() for f in functions]


def load_functions(functions: Sequence[Any], state: Sequence[dict[str, Any] | None]) -> None:
    """Give callable objects their attributes back."""
    for function, attributes in zip(functions, state, strict=True):
        if attributes is not None:
            function.__dict__.update(attributes)


def _copied(x: Any) -> Any:
    return x.clone() if isinstance(x, Tensor) else x


def _function_of(method: Any) -> Any:
    return getattr(method, "__func__", method)
