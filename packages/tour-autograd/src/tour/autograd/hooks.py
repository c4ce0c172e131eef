"""Functions called when a gradient passes: on tensors, on leaves after accumulation, on nodes of the graph."""

from __future__ import annotations

import functools
import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from tour.autograd import tape, views
from tour.autograd.tape import Leaf

__all__ = [
    "Handle", "register_hook", "register_multi_grad_hook", "register_post_accumulate_grad_hook", "retain_grad", "retains_grad",
]  # fmt: skip

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


class _Together:
    """A hook on several tensors: gathers their gradients in each backward pass, and calls a function with all or the first.

    It hangs on each of the tapes, so it knows them by weak references to their hooks only.
    """

    def __init__(self, tapes: list[Any], fn: Callable[..., Any], first_only: bool) -> None:
        self.tapes = [(id(own), weakref.ref(tape.ensure_hooks(own))) for own in tapes]
        self.fn, self.first_only = fn, first_only
        self.passes: dict[
            int, tuple[Any, list[Any], list[bool]]
        ] = {}  # by id of the walk's table, which is kept alive beside

    def arrived(self, i: int, g: Any) -> None:
        """The gradient of the tensor `i` was computed."""
        walk = tape.mode.walk
        assert walk is not None
        visited, useful = walk
        key = id(visited)
        if key not in self.passes:
            alive = [key for key, hooks in self.tapes if hooks() is not None]
            due = [k in alive and k in visited and (useful is None or k in useful) for k, _ in self.tapes]
            self.passes[key] = (visited, [None] * len(due), due)
            if self.first_only:
                self.fn(g)
        _, grads, due = self.passes[key]
        same = [k for k, (own, _) in enumerate(self.tapes) if own == self.tapes[i][0]]
        for k in same:  # the same tensor may stand in the list twice
            grads[k], due[k] = g, False
        if not any(due):
            del self.passes[key]
            if not self.first_only:
                self.fn(grads)


class _Handles:
    """Takes a hook away from several tensors."""

    __slots__ = ("__weakref__", "handles")

    def __init__(self, handles: list[Handle]) -> None:
        self.handles = handles

    def remove(self) -> None:
        """Take the hook away; doing so twice is harmless."""
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> _Handles:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def register_multi_grad_hook(tensors: Sequence[Any], fn: Callable[..., Any], *, mode: str = "all") -> _Handles:
    """Call a function once in each backward pass, when the gradients of several tensors are there.

    Args:
        tensors: Recorded tensors. A pass waits for those only that it reaches.
        fn: For `mode="all"`, called with a list of all gradients, None for tensors that the pass does not reach; for
            `mode="any"`, with the first gradient that is computed. What it returns is ignored.
        mode: `"all"` or `"any"`.

    Returns:
        A handle with `remove()`.

    Raises:
        RuntimeError: If a tensor does not record.
        ValueError: If `mode` is neither.

    Examples:
        >>> import tour
        >>> a, b = (tour.ones(2, requires_grad=True) for _ in range(2))
        >>> c, d = a * b, a + b
        >>> show = lambda grads: print([g is not None for g in grads])
        >>> handle = tour.autograd.graph.register_multi_grad_hook((a, b, c, d), show)
        >>> c.sum().backward()
        [True, True, True, False]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    tapes = [current_tape(t, "cannot register a hook") for t in tensors]
    together = _Together(tapes, fn, mode == "any")
    first = {id(own): (i, own) for i, own in reversed(list(enumerate(tapes)))}
    return _Handles(
        [Handle(tape.ensure_hooks(own).before, functools.partial(together.arrived, i)) for i, own in first.values()]
    )


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
