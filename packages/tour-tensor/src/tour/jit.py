"""What programs call to have PyTorch compile them. tour computes eagerly: functions and modules come back as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["compile", "export", "ignore", "is_scripting", "is_tracing", "script", "script_if_tracing", "unused"]

T = TypeVar("T")


def compile(model: Any = None, **options: Any) -> Any:
    """The function or module itself, also as a decorator; PyTorch's options are passed over.

    Examples:
        >>> import tour
        >>> @tour.compile
        ... def f(x):
        ...     return x + 1
        >>> f(tour.ones(1))
        tensor([2.])
    """
    return (lambda model: model) if model is None else model


def script(obj: T, *args: Any, **options: Any) -> T:
    """The function or module itself.

    Examples:
        >>> import tour
        >>> net = tour.nn.Linear(2, 1)
        >>> tour.jit.script(net) is net
        True
    """
    return obj


def ignore(drop: Any = False, **options: Any) -> Any:
    """The function itself; also as a decorator with arguments.

    Examples:
        >>> import tour
        >>> @tour.jit.ignore
        ... def f(x):
        ...     return 2 * x
        >>> f(tour.ones(2))
        tensor([2., 2.])
    """
    return drop if callable(drop) else lambda function: function


def unused(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself.

    Examples:
        >>> import tour
        >>> @tour.jit.unused
        ... def f(x):
        ...     return 2 * x
        >>> f(tour.ones(2))
        tensor([2., 2.])
    """
    return fn


export = script_if_tracing = unused


def is_scripting() -> bool:
    """False: nothing is compiled.

    Examples:
        >>> import tour
        >>> tour.jit.is_scripting()
        False
    """
    return False


is_tracing = is_scripting
