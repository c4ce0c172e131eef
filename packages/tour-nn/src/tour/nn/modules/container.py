"""Modules that hold modules: in sequence, in a list, in a dict."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, Generic, Self, cast, overload

from tour.nn.modules._parameter_container import ParameterDict, ParameterList, pairs, position
from tour.nn.modules._registry import typename
from tour.nn.modules.module import Module, _indent

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    M = TypeVar("M", bound=Module, default=Module)
else:
    from typing import TypeVar

    M = TypeVar("M", bound=Module)

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


class _ModuleSeries(Module, Generic[M]):
    """What `Sequential` and `ModuleList` share: modules under names, in an order."""

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[M]:
        return iter(cast("ValuesView[M]", self.__dict__["_modules"].values()))

    def _name_at(self, index: int) -> str:
        return list(self._modules)[position(index, len(self))]

    def _part(self, index: slice) -> Self:
        """The modules of a slice, in a container of the same class."""
        raise NotImplementedError(f"{type(self).__name__} cannot be sliced")

    @overload
    def __getitem__(self, index: slice) -> Self: ...
    @overload
    def __getitem__(self, index: int) -> M: ...
    def __getitem__(self, index: int | slice) -> Self | M:
        return self._part(index) if isinstance(index, slice) else cast(M, self._modules[self._name_at(index)])

    def __setitem__(self, index: int, module: M) -> None:
        setattr(self, self._name_at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._modules)[index] if isinstance(index, slice) else [self._name_at(index)]
        self._renumber([module for name, module in self._modules.items() if name not in names])

    def _renumber(self, modules: Iterable[Any]) -> None:
        self._modules = {str(i): module for i, module in enumerate(modules)}

    def append(self, module: M) -> Self:
        """Add a module at the end; returns the container."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[M]) -> Self:
        """Add modules at the end; returns the container."""
        for module in list(modules):
            self.append(module)
        return self

    @overload
    def pop(self, key: slice) -> Self: ...
    @overload
    def pop(self, key: int) -> M: ...
    def pop(self, key: int | slice) -> Self | M:
        """Take out the module at a position, or those of a slice, and return it."""
        taken = self[key]
        del self[key]
        return taken

    def _insert(self, index: int, module: M) -> None:
        size = len(self)
        if not -size <= index <= size:
            raise IndexError(f"Index out of range: {index}")
        if not isinstance(module, Module):
            raise TypeError(f"{typename(module)} is not a Module subclass")
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)


class Sequential(_ModuleSeries[M]):
    """Modules one after another: each gets the output of the one before it.

    Args:
        args: The modules, named by their position; or one `OrderedDict` that names them.

    Examples:
        >>> from tour import nn
        >>> nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
        Sequential(
          (0): Linear(in_features=3, out_features=8, bias=True)
          (1): ReLU()
          (2): Linear(in_features=8, out_features=2, bias=True)
        )
    """

    @overload
    def __init__(self, *args: M) -> None: ...
    @overload
    def __init__(self, modules: OrderedDict[str, M], /) -> None: ...
    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], OrderedDict) else enumerate(args)
        for name, module in named:
            self.add_module(str(name) if isinstance(name, int) else name, module)

    def forward(self, input: Any) -> Any:
        """The output of the last module; the input itself if there is none."""
        for module in self.__dict__["_modules"].values():
            input = module(input)
        return input

    def _part(self, index: slice) -> Self:
        named: Any = list(self._modules.items())[index]
        return type(self)(OrderedDict(named))

    def insert(self, index: int, module: M) -> Self:
        """Put a module before a position; returns the container.

        Raises:
            IndexError: If the position lies outside.
            AssertionError: If it is not a module.
        """
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        self._insert(index, module)
        return self

    def __add__(self, other: Sequential[Any]) -> Sequential[Any]:
        return Sequential(*self).__iadd__(other)

    def __iadd__(self, other: Sequential[Any]) -> Self:
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return self.extend(other)

    def __mul__(self, other: int) -> Sequential[M]:
        return Sequential(*self).__imul__(other)

    __rmul__ = __mul__

    def __imul__(self, other: int) -> Self:
        if not isinstance(other, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(other)}")
        if other <= 0:
            raise ValueError(f"Non-positive multiplication factor {other} for {type(self)}")
        return self.extend(list(self) * (other - 1))


class ModuleList(_ModuleSeries[M]):
    """A list of modules, which a plain list would hide from `parameters()` and `state_dict()`.

    Args:
        modules: The modules to begin with.

    Examples:
        >>> from tour import nn
        >>> layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
        >>> layers.append(nn.ReLU())
        ModuleList(
          (0-2): 3 x Linear(in_features=4, out_features=4, bias=True)
          (3): ReLU()
        )
    """

    def __init__(self, modules: Iterable[M] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _part(self, index: slice) -> Self:
        return type(self)(list(self)[index])

    def insert(self, index: int, module: M) -> None:
        """Put a module before a position.

        Raises:
            IndexError: If the position lies outside.
            TypeError: If it is not a module.
        """
        self._insert(index, module)

    def extend(self, modules: Iterable[M]) -> Self:
        """Add modules at the end; returns the container.

        Raises:
            TypeError: If `modules` is not iterable, or something in it is not a module.
        """
        if not isinstance(modules, Iterable):
            raise TypeError(f"ModuleList.extend should be called with an iterable, but got {type(modules).__name__}")
        return super().extend(modules)

    def __iadd__(self, modules: Iterable[M]) -> Self:
        return self.extend(modules)

    def __add__(self, other: Iterable[M]) -> ModuleList[M]:
        return ModuleList(chain(self, other))

    def __repr__(self) -> str:
        """The tree, with equal neighbours counted instead of repeated."""
        lines = []
        start = 0
        for text, group in groupby(map(repr, self)):
            count = len(list(group))
            name = f"({start})" if count == 1 else f"({start}-{start + count - 1}): {count} x"
            lines.append(f"\n  {name}{':' if count == 1 else ''} {_indent(text)}")
            start += count
        return f"{self._get_name()}({''.join(lines)}{chr(10) if lines else ''})"


class ModuleDict(Module, Generic[M]):
    """A dict of modules, which a plain dict would hide from `parameters()` and `state_dict()`.

    Args:
        modules: A mapping from names to modules, or an iterable of pairs.

    Examples:
        >>> from tour import nn
        >>> heads = nn.ModuleDict({"mean": nn.Linear(4, 1), "scale": nn.Linear(4, 1)})
        >>> list(heads), heads["mean"]
        (['mean', 'scale'], Linear(in_features=4, out_features=1, bias=True))
    """

    def __init__(self, modules: Mapping[str, M] | Iterable[tuple[str, M]] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> M:
        return cast(M, self._modules[key])

    def __setitem__(self, key: str, module: M) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Take out all modules."""
        self._modules.clear()

    def pop(self, key: str) -> M:
        """Take out a module and return it."""
        return cast(M, self._modules.pop(key))

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._modules.keys()

    def items(self) -> ItemsView[str, M]:
        """Names and modules."""
        return cast("ItemsView[str, M]", self._modules.items())

    def values(self) -> ValuesView[M]:
        """The modules."""
        return cast("ValuesView[M]", self._modules.values())

    def update(self, modules: Mapping[str, M] | Iterable[tuple[str, M]]) -> None:
        """Add or replace modules.

        Raises:
            TypeError: If `modules` is neither a mapping nor an iterable of pairs.
        """
        for name, module in pairs(modules, "ModuleDict"):
            self[name] = module
