"""Writing over tensors that a graph has saved: they are copied first, so that gradients come out as before."""

from __future__ import annotations

import weakref
from typing import Any, Self

from tour import _core
from tour._core import clock, root_of, sockets, stamp_of, wrap
from tour.autograd.blame import overwritten_error
from tour.autograd.saved import saved_tensors_hooks

__all__ = ["allow_mutation_on_saved_tensors"]


class _Held:
    """A saved array, or the copy that was made of it before somebody wrote into its memory."""

    __slots__ = ("__weakref__", "array", "time")

    def __init__(self, array: Any) -> None:
        self.array, self.time = array, clock.now


class allow_mutation_on_saved_tensors:
    """Let the block write into tensors that are saved for its backward pass; a write copies what is saved in that memory.

    Forward and backward both belong in the block. Without it such a write is an error of the backward pass.

    Raises:
        RuntimeError: If such blocks are nested.
        AssertionError: If a graph that was recorded in the block runs backward outside.

    Examples:
        >>> import tour
        >>> with tour.autograd.graph.allow_mutation_on_saved_tensors():
        ...     a = tour.ones(2, requires_grad=True)
        ...     b = a.clone()
        ...     loss = (b**2).sum()
        ...     _ = b.zero_()
        ...     loss.backward()
        >>> a.grad
        tensor([2., 2.])
    """

    _current: allow_mutation_on_saved_tensors | None = None

    def __enter__(self) -> Self:
        if allow_mutation_on_saved_tensors._current is not None:
            raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
        self._held: dict[int, list[weakref.ref[_Held]]] = {}  # by id of the memory
        self._hooks = saved_tensors_hooks(self._pack, self._unpack)
        self._hooks.__enter__()
        self._before_write, sockets.before_write = sockets.before_write, self._copy
        allow_mutation_on_saved_tensors._current = self
        return self

    def __exit__(self, *_: object) -> None:
        allow_mutation_on_saved_tensors._current = None
        sockets.before_write = self._before_write
        self._hooks.__exit__()
        del self._hooks, self._before_write  # which know this object
        self.clear()

    def clear(self) -> None:
        """Forget what is saved: graphs recorded so far cannot run backward any more."""
        for held in self._living(list(self._held)):
            held.array = None
        self._held.clear()

    def _living(self, keys: list[int]) -> list[_Held]:
        return [held for key in keys for ref in self._held.get(key, ()) if (held := ref()) is not None]

    def _pack(self, t: Any) -> _Held:
        held = _Held(t._a)
        key = id(root_of(t._a))
        self._held.setdefault(key, []).append(weakref.ref(held, lambda ref: self._drop(key, ref)))
        return held

    def _drop(self, key: int, ref: weakref.ref[_Held]) -> None:
        refs = self._held.get(key, [])
        if ref in refs:
            refs.remove(ref)
        if not refs:
            self._held.pop(key, None)

    def _unpack(self, held: _Held) -> Any:
        assert allow_mutation_on_saved_tensors._current is self and held.array is not None, (
            "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context in which the graph was originally recorded."
        )
        if (stamp := stamp_of(held.array)) is not None and stamp.time > held.time:  # a write that asked nobody
            raise overwritten_error(held.array, stamp, "a tensor")
        return wrap(held.array)

    def _copy(self, target: Any, *others: Any) -> bool:
        assert self._before_write is not None
        recorded = self._before_write(target, *others)
        if isinstance(target, _core.Tensor):
            key = id(root_of(target._a))
            for held in self._living([key]):
                held.array, held.time = held.array.copy(), clock.now
            self._held.pop(key, None)
        return recorded
