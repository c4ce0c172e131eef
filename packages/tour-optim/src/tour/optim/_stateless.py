"""An optimizer on loan: other parameters, other state, for the length of a `with` block."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tour._tensor import Tensor
from tour.optim.optimizer import Optimizer

__all__ = ["swap_in_optimizer_params_and_state"]

_NAME = "swap_in_optimizer_params_and_state"


@contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer, swapin_parameters: dict[str, Tensor], swapin_optim_state: dict[str, Any]
) -> Iterator[None]:
    """Let an optimizer work on other parameters with other state and options; afterwards everything is as it was.

    Args:
        optimizer: The optimizer; it must have state already.
        swapin_parameters: The parameters to put in place of its own, in the same order.
        swapin_optim_state: Their state and options, in the form of `state_dict()`. Tensors in it are updated in place; what is added
            to it meanwhile is lost.

    Raises:
        RuntimeError: If the state does not have that form, or does not fit the optimizer's groups.

    Examples:
        >>> import tour
        >>> w, other = tour.ones(1, requires_grad=True), tour.ones(1, requires_grad=True)
        >>> optimizer = tour.optim.SGD([w], lr=0.5, momentum=0.9)
        >>> w.grad = other.grad = tour.ones(1)
        >>> optimizer.step()
        >>> with swap_in_optimizer_params_and_state(optimizer, {"w": other}, optimizer.state_dict()):
        ...     optimizer.step()
        >>> round(w.item(), 2), round(other.item(), 2)
        (0.5, 0.05)
    """
    if not optimizer.state:
        raise RuntimeError(f"{_NAME} requires initialized optimizer state.")
    groups = _checked_groups(optimizer, swapin_optim_state)
    given = iter(swapin_parameters.values())
    state: defaultdict[Any, Any] = defaultdict(dict)
    swapped: list[dict[str, Any]] = []
    for group in groups:
        params = [p for p, _ in zip(given, group["params"], strict=False)]
        if len(params) != len(group["params"]):
            raise RuntimeError(
                f"{_NAME} requires the explicit parameter state to match optimizer.param_groups ordering."
            )
        swapped.append({**group, "params": params})
        for p, key in zip(params, group["params"], strict=True):
            state[p] = dict(swapin_optim_state["state"].get(key, {}))
    own_state, own_groups = optimizer.state, [dict(group) for group in optimizer.param_groups]
    try:
        _refill(optimizer.param_groups, swapped)
        optimizer.state = state
        yield
    finally:
        _refill(optimizer.param_groups, own_groups)
        optimizer.state = own_state


def _refill(groups: list[dict[str, Any]], contents: list[dict[str, Any]]) -> None:
    """Replace what is in the groups; the dicts stay the same."""
    for group, content in zip(groups, contents, strict=True):
        group.clear()
        group.update(content)


def _checked_groups(optimizer: Optimizer, given: Any) -> list[dict[str, Any]]:
    """The parameter groups of a state dict, if it has the form and the shape of the optimizer's own."""
    if not isinstance(given, dict) or not isinstance(state := given.get("state"), dict):
        raise RuntimeError(f"{_NAME} requires an optimizer.state_dict(): a dict with a dict 'state'.")
    if not isinstance(groups := given.get("param_groups"), list):
        raise RuntimeError(f"{_NAME} requires swapin_optim_state['param_groups'] to be a list of dicts.")
    if len(groups) != len(optimizer.param_groups):
        raise RuntimeError("swapin_optim_state has a different number of parameter groups than the live optimizer.")
    keys: set[int] = set()
    for i, (group, own) in enumerate(zip(groups, optimizer.param_groups, strict=True)):
        if not isinstance(group, dict) or group.keys() != own.keys():
            raise RuntimeError(f"{_NAME} requires param group {i} to be a dict with the options {sorted(own)}.")
        if len(group["params"]) != len(own["params"]):
            raise RuntimeError(
                f"swapin_optim_state param group {i} has a different number of params than the live optimizer param group."
            )
        keys.update(group["params"])
    if extra := [key for key in state if key not in keys]:
        raise RuntimeError(f"{_NAME} requires state for the parameters of param_groups only; got extra keys {extra!r}.")
    if not all(isinstance(value, dict) for value in state.values()):
        raise RuntimeError(f"{_NAME} requires per-parameter optimizer state entries to be dictionaries.")
    return groups
