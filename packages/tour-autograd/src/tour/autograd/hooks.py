"""Functions called when a gradient passes: on tensors, on leaves after accumulation, on nodes of the graph."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

from tour.autograd import tape, views
from tour.autograd.tape import Leaf

__all__ = ["Handle", "register_hook", "register_post_accumulate_grad_hook", "retain_grad", "retains_grad"]

_ids = itertools.count()


class Handle:
    """Takes a hook away again: by `remove()`, or at the end of a `with` block.

    Examples:
        >>> import tour
        >>> x = tour.ones(2, requires_grad=True)
        >>> handle = x.register_hook(lambda g: g * 10)
        >>> x.sum().backward()
        >>> handle.remove()
        >>> x.grad
        tensor([10., 10.])
    """

    __slots__ = ("__weakref__", "hooks", "id")

    def __init__(self, hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any]) -> None:
        self.hooks = hooks
        self.id = next(_ids)
        hooks[self.id] = hook

    def remove(self) -> None:
        """Take the hook away; doing so twice is harmless."""
        self.hooks.pop(self.id, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def current_tape(t: Any, what: str) -> Any:
    """The tape of a tensor that must have one.

    Raises:
        RuntimeError: If the tensor does not record.
    """
    own = views.fresh(t) if tape.rebased else t._tape
    if own is None:
        raise RuntimeError(f"{what} on a tensor that doesn't require gradient")
    return own


def register_hook(t: Any, hook: Callable[..., Any]) -> Handle:
    """Call `hook(grad)` when the gradient of a tensor is computed; what it returns, unless None, replaces the gradient.

    Raises:
        RuntimeError: If the tensor does not record.

    Examples:
        >>> import tour
        >>> x = tour.ones(2, requires_grad=True)
        >>> handle = x.register_hook(lambda g: 10 * g)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10., 10.])
    """
    return Handle(tape.ensure_hooks(current_tape(t, "cannot register a hook")).before, hook)


def register_post_accumulate_grad_hook(t: Any, hook: Callable[..., Any]) -> Handle:
    """Call `hook(tensor)` after a gradient was added to a leaf's `.grad`.

    Raises:
        RuntimeError: If the tensor does not record, or is no leaf.

    Examples:
        >>> import tour
        >>> x = tour.ones(2, requires_grad=True)
        >>> handle = x.register_post_accumulate_grad_hook(lambda x: print("has", x.grad))
        >>> x.sum().backward()
        has tensor([1., 1.])
    """
    own = current_tape(t, "cannot register a hook")
    if type(own) is not Leaf:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    return Handle(own.after, hook)


def retain_grad(t: Any) -> None:
    """Let a backward pass fill the `.grad` of a tensor that is no leaf.

    Raises:
        RuntimeError: If the tensor does not record.

    Examples:
        >>> import tour
        >>> x = tour.ones(2, requires_grad=True)
        >>> y = 3 * x
        >>> y.retain_grad()
        >>> (y * y).sum().backward()
        >>> y.grad
        tensor([6., 6.])
    """
    own = current_tape(t, "can't retain_grad")
    if type(own) is not Leaf:
        tape.ensure_hooks(own).retain = weakref.ref(t)


def retains_grad(t: Any) -> bool:
    """Whether `retain_grad` was called on a tensor that is no leaf.

    Examples:
        >>> import tour
        >>> y = 2 * tour.ones(2, requires_grad=True)
        >>> y.retain_grad()
        >>> y.retains_grad
        True
    """
    hooks = tape.hooks_of(t._tape)
    return type(t._tape) is not Leaf and hooks is not None and hooks.retain is not None and hooks.retain() is t
