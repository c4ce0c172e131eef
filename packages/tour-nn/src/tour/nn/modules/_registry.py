"""How a module keeps its parameters, buffers and submodules.

Each value stands in two places: in the module's `__dict__`, so that `self.weight` costs what any attribute costs, and
in the dict of its role, so that it can be found: `_parameters`, `_buffers` or `_modules`. Whoever writes to such a
dict, as PyTorch programs do, writes to a `RegistryView`, which keeps the two places equal.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, MutableMapping, ValuesView
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from tour import Tensor
from tour.nn.hooks import on_registration
from tour.nn.parameter import Buffer, Parameter

if TYPE_CHECKING:
    from tour.nn.modules.module import Module

T = TypeVar("T")
State = dict[str, Any]

REGISTRIES = ("_parameters", "_buffers", "_modules")


class RegistryView(MutableMapping[str, T]):
    """One of a module's registries, such as `module._parameters`, as a dict; a write shows in its attributes too.

    Args:
        state: The module's `__dict__`.
        values: The registry itself.
    """

    __slots__ = ("_state", "_values")

    def __init__(self, state: State, values: dict[str, T]) -> None:
        self._state, self._values = state, values

    def __getitem__(self, name: str) -> T:
        return self._values[name]

    def __setitem__(self, name: str, value: T) -> None:
        self._values[name] = self._state[name] = value

    def __delitem__(self, name: str) -> None:
        value = self._values.pop(name)
        if self._state.get(name) is value:
            self._state.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._values.keys()

    def values(self) -> ValuesView[T]:
        """The values."""
        return self._values.values()

    def items(self) -> ItemsView[str, T]:
        """Names and values."""
        return self._values.items()

    def copy(self) -> dict[str, T]:
        """An ordinary dict with the same values."""
        return dict(self._values)

    def __repr__(self) -> str:
        return repr(self._values)


def kept_in(module: Registry, registry: str) -> dict[str, Any]:
    """One of a module's registries itself: quicker to read than its view, and not to be written to."""
    try:
        return module.__dict__[registry]  # type: ignore[no-any-return]
    except KeyError:
        name = type(module).__name__
        raise AttributeError(f"'{name}' object has no attribute '{registry}': {_unborn(module)}") from None


class RegistrySlot(Generic[T]):
    """The attribute `_parameters`, `_buffers` or `_modules` of a module."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, module: None, owner: type | None = None) -> RegistrySlot[T]: ...
    @overload
    def __get__(self, module: Registry, owner: type | None = None) -> RegistryView[T]: ...
    def __get__(self, module: Registry | None, owner: type | None = None) -> RegistrySlot[T] | RegistryView[T]:
        if module is None:
            return self
        return RegistryView(module.__dict__, kept_in(module, self.name))

    def __set__(self, module: Registry, values: Mapping[str, T]) -> None:
        kept = dict(values)
        RegistryView(module.__dict__, module.__dict__.get(self.name, {})).clear()
        module.__dict__[self.name] = {}
        self.__get__(module).update(kept)


def _unborn(module: Registry) -> str:
    """What to do about a module whose class forgot to call `super().__init__()`."""
    return f"{type(module).__name__}.__init__ must begin with super().__init__()"


class Registry:
    """The part of `Module` that keeps values: registration, attributes, copying and pickling."""

    _parameters: RegistrySlot[Parameter | None] = RegistrySlot()
    _buffers: RegistrySlot[Tensor | None] = RegistrySlot()
    _modules: RegistrySlot[Module | None] = RegistrySlot()
    _non_persistent_buffers_set: set[str]

    # --- Registration -------------------------------------------------------------------------------------------------

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a name, as `self.name = param` does.

        Args:
            name: The attribute that holds it.
            param: The parameter, or None to reserve the name.

        Raises:
            KeyError: If the name is empty, has a dot, or is taken.
            TypeError: If `param` is not a `Parameter`.
        """
        self._check_name("parameter", "_parameters", name)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{typename(param)}' object to parameter '{name}' (tour.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To "
                f"express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = None if param is None else on_registration("_parameters", self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the module's state but is not trained.

        Args:
            name: The attribute that holds it.
            tensor: The buffer, or None to reserve the name.
            persistent: Whether it belongs to the `state_dict`.

        Raises:
            KeyError: If the name is empty, has a dot, or is taken.
            TypeError: If `tensor` is not a tensor.

        Examples:
            >>> from tour import nn, zeros
            >>> net = nn.Module()
            >>> net.register_buffer("running_mean", zeros(2))
            >>> net.running_mean
            tensor([0., 0.])
        """
        self._check_name("buffer", "_buffers", name)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' (tour Tensor or None required)"
            )
        self._buffers[name] = on_registration("_buffers", self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under a name, as `self.name = module` does.

        Raises:
            KeyError: If the name is empty, has a dot, or is taken.
            TypeError: If `module` is not a `Module`.
        """
        self._check_name("module", "_modules", name)
        if module is not None and not isinstance(module, Registry):
            raise TypeError(f"{typename(module)} is not a Module subclass")
        self._modules[name] = on_registration("_modules", self, name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """Another name of `add_module`."""
        self.add_module(name, module)

    def _check_name(self, what: str, registry: str, name: str) -> None:
        state = self.__dict__
        if registry not in state:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call: {_unborn(self)}")
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {typename(name)}")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain "."' + (f", got: {name}" if what == "module" else ""))
        if not name:
            raise KeyError(f'{what} name can\'t be empty string ""')
        if name not in state[registry] and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    # --- Attributes ---------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        state = self.__dict__
        if isinstance(value, Parameter) or name in state.get("_parameters", ()):
            self._set_parameter(name, value)
        elif isinstance(value, Registry) or name in state.get("_modules", ()):
            self._set_module(name, value)
        elif isinstance(value, Buffer) or name in state.get("_buffers", ()):
            self._set_buffer(name, value)
        else:
            object.__setattr__(self, name, value)

    def _set_parameter(self, name: str, value: Any) -> None:
        if value is not None and not isinstance(value, Parameter):
            raise TypeError(
                f"cannot assign '{typename(value)}' as parameter '{name}' (tour.nn.Parameter or None expected)"
            )
        self._check_born("parameters", name)
        self._evict(name, "_parameters")
        self.register_parameter(name, value)

    def _set_module(self, name: str, value: Any) -> None:
        if value is not None and not isinstance(value, Registry):
            raise TypeError(
                f"cannot assign '{typename(value)}' as child module '{name}' (tour.nn.Module or None expected)"
            )
        self._check_born("module", name)
        self._evict(name, "_modules")
        self._modules[name] = on_registration("_modules", self, name, value)

    def _set_buffer(self, name: str, value: Any) -> None:
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(
                f"cannot assign '{typename(value)}' as buffer '{name}' (tour.nn.Buffer, tour.Tensor or None expected)"
            )
        self._check_born("buffer", name)
        self._evict(name, "_buffers")
        persistent = value.persistent if isinstance(value, Buffer) else name not in self._non_persistent_buffers_set
        self.register_buffer(name, value, **({} if persistent else {"persistent": False}))

    def _check_born(self, what: str, name: str) -> None:
        if "_modules" not in self.__dict__:
            raise AttributeError(
                f"cannot assign {what} before Module.__init__() call: {_unborn(self)}, before it assigns '{name}'"
            )

    def _evict(self, name: str, new_home: str) -> None:
        """Take `name` out of every place but its new home."""
        state = self.__dict__
        if name in state[new_home]:
            return
        state.pop(name, None)
        for registry in REGISTRIES:
            state[registry].pop(name, None)
        state["_non_persistent_buffers_set"].discard(name)

    def __delattr__(self, name: str) -> None:
        for registry in REGISTRIES:
            if name in self.__dict__.get(registry, ()):
                del getattr(self, registry)[name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return sorted(name for name in object.__dir__(self) if not name[:1].isdigit())

    # --- Copying and pickling -----------------------------------------------------------------------------------------

    def __setstate__(self, state: State) -> None:
        """Take over a copied or pickled `__dict__`; the registries become this module's own."""
        born = {**blank_state(), **self.__dict__, **state}
        for registry in REGISTRIES:
            born[registry] = dict(born[registry])
            born.update(born[registry])
        born["_non_persistent_buffers_set"] = set(born["_non_persistent_buffers_set"])
        object.__setattr__(self, "__dict__", born)


def blank_state() -> State:
    """The `__dict__` of a new module: not the shared-key dict Python would make, whose reads slow down once seen."""
    return {
        "training": True,
        "_parameters": {},
        "_buffers": {},
        "_non_persistent_buffers_set": set(),
        "_modules": {},
        "_hooked": False,
    }


def typename(value: Any) -> str:
    """The type of a value as messages name it: `int`, `numpy.ndarray`, `tour.nn.modules.linear.Linear`.

    Examples:
        >>> import numpy as np
        >>> typename(3), typename(np.ones(2))
        ('int', 'numpy.ndarray')
    """
    kind = value if isinstance(value, type) else type(value)
    if isinstance(value, Tensor) and kind is Tensor:
        return "tour.Tensor"
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
