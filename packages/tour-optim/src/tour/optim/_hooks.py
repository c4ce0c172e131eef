"""Ordered collections of callbacks, and the handles that take one out again."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from itertools import count
from typing import Any, Generic, Self, TypeVar

__all__ = ["Hooks", "RemovableHandle"]

F = TypeVar("F", bound=Callable[..., Any])
_ids = count()


class RemovableHandle:
    """Takes one hook out of its collection: by `remove()`, or at the end of a `with` block."""

    def __init__(self, hooks: Hooks[Any]) -> None:
        self._hooks = weakref.ref(hooks)
        self.id = next(_ids)

    def remove(self) -> None:
        """Take the hook out; a second call does nothing."""
        hooks = self._hooks()
        if hooks is not None:
            hooks.pop(self.id, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Hooks(OrderedDict[int, F], Generic[F]):
    """Hooks in the order in which they are called."""

    def add(self, hook: F, prepend: bool = False) -> RemovableHandle:
        """Append `hook`, or put it first, and return its handle."""
        handle = RemovableHandle(self)
        self[handle.id] = hook
        if prepend:
            self.move_to_end(handle.id, last=False)
        return handle
