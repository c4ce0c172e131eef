"""Copying and pickling of tensors: elements, the class, whether they record, and what a subclass adds; never a history."""

from __future__ import annotations

import copy
from typing import Any

from tour import _core


def rebuilt(kind: Any, array: Any, requires_grad: bool, extra: dict[str, Any]) -> Any:
    """The tensor that a pickle describes."""
    t = kind._of_array(array)
    for name, value in extra.items():
        setattr(t, name, value)
    return t.requires_grad_() if requires_grad else t


class Pickling:
    """Python's protocols for copies, as methods."""

    __slots__ = ()

    def __copy__(self: Any) -> Any:
        """Another tensor on the same memory, without the history."""
        return rebuilt(type(self), self._a, self._tape is not None, dict(getattr(self, "__dict__", {})))

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:
        """A copy of a leaf, of its gradient, and of what a subclass adds.

        Raises:
            RuntimeError: If the tensor has a history.
        """
        if id(self) in memo:
            return memo[id(self)]
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment; this one was "
                f"made by {self.grad_fn.name()}: copy x.detach() instead"
            )
        t = memo[id(self)] = type(self)._of_array(self._a.copy())
        for name, value in getattr(self, "__dict__", {}).items():
            setattr(t, name, copy.deepcopy(value, memo))
        if self._tape is not None:
            t.requires_grad_()
        if self.grad is not None:
            t._grad = copy.deepcopy(self.grad, memo)
        return t

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        """What a pickle keeps; a tensor of another device is kept as one of the host's."""
        if not self.is_leaf:
            raise RuntimeError(
                f"a tensor with a history, made by {self.grad_fn.name()}, cannot be pickled; pickle x.detach() instead"
            )
        array = self._a if type(self._a) is _core.ndarray else self.detach().cpu()._a
        return rebuilt, (type(self), array, self._tape is not None, dict(getattr(self, "__dict__", {})))
