"""Modules that learn the shapes of their parameters from the first input."""

from __future__ import annotations

from typing import Any

from tour.nn.modules.module import Module
from tour.nn.parameter import is_lazy

__all__ = ["LazyModuleMixin"]


class LazyModuleMixin(Module):
    """A module that initialises its parameters in the first forward pass, when it sees the shape of its input.

    A subclass makes `UninitializedParameter`s in its constructor and materialises them in `initialize_parameters`.
    Afterwards it becomes an ordinary module: of the class `cls_to_become`, if that is set.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> net = nn.LazyLinear(2)
        >>> net.weight
        <UninitializedParameter>
        >>> _ = net(tour.ones(1, 3))
        >>> net
        Linear(in_features=3, out_features=2, bias=True)
    """

    cls_to_become: type[Module] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._load_hook = self._register_load_state_dict_pre_hook(LazyModuleMixin._lazy_load_hook, with_module=True)
        self._initialize_hook = self.register_forward_pre_hook(LazyModuleMixin._infer_parameters, with_kwargs=True)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialise and initialise the parameters for the input of a forward pass; each lazy module defines it."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer of this module still waits for its shape."""
        return any(is_lazy(value) for value in (*self._parameters.values(), *self._buffers.values()))

    def _infer_parameters(self, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> None:
        """Before the first forward pass: initialise, and become an ordinary module."""
        self.initialize_parameters(*args, **(kwargs or {}))
        if self.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        self._initialize_hook.remove()
        self._load_hook.remove()
        del self._initialize_hook, self._load_hook
        if self.cls_to_become is not None:
            self.__class__ = self.cls_to_become  # type: ignore[assignment]

    def _lazy_load_hook(self, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
        """Before a state is loaded: take shapes from it."""
        for name, value in (*self._parameters.items(), *self._buffers.items()):
            loaded = state_dict.get(prefix + name)
            if is_lazy(value) and loaded is not None and not is_lazy(loaded):
                value.materialize(loaded.shape)  # type: ignore[union-attr]
