"""Making modules whose initial values do not matter."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

import tour
from tour.nn.modules.module import Module

__all__ = ["skip_init"]

M = TypeVar("M", bound=Module)


def skip_init(module_cls: type[M], *args: Any, **kwargs: Any) -> M:
    """A module for values that will be loaded anyway: its own mean nothing, and making it draws no random numbers.

    Args:
        module_cls: The module's class; takes `device`.
        args: Its arguments.
        kwargs: Likewise.

    Raises:
        RuntimeError: If the class is no `Module`, or takes no `device`.

    Examples:
        >>> from tour import nn
        >>> skip_init(nn.Linear, 3, 2).weight.shape
        tour.Size([2, 3])
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    state = tour.get_rng_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        tour.set_rng_state(state)
