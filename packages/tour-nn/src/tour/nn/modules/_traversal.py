"""Finding the parameters, buffers and submodules of a module and of everything below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from tour import Tensor
from tour.nn.modules._registry import Registry, kept_in
from tour.nn.parameter import Parameter

if TYPE_CHECKING:
    from tour.nn.modules.module import Module

T = TypeVar("T")


class Traversal(Registry):
    """The part of `Module` that walks the tree of modules."""

    # --- Everything below a module ------------------------------------------------------------------------------------

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, each once; of this module alone if `recurse` is False.

        Examples:
            >>> from tour import nn
            >>> sum(p.numel() for p in nn.Linear(3, 2).parameters())
            8
        """
        return (param for _, param in self.named_parameters(recurse=recurse))

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Path and parameter, in the order of registration.

        Args:
            prefix: Put before every path.
            recurse: Also those of submodules.
            remove_duplicate: Give a parameter that several modules share only once.

        Examples:
            >>> from tour import nn
            >>> [name for name, _ in nn.Sequential(nn.Linear(3, 2)).named_parameters()]
            ['0.weight', '0.bias']
        """
        return self._named_members(
            lambda module: kept_in(module, "_parameters").items(), prefix, recurse, remove_duplicate
        )

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers, each once; of this module alone if `recurse` is False."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Path and buffer, in the order of registration; arguments as for `named_parameters`."""
        return self._named_members(
            lambda module: kept_in(module, "_buffers").items(), prefix, recurse, remove_duplicate
        )

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and every module below it, each once."""
        return (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Path and module, this one first, under the path `prefix`.

        Args:
            memo: Modules to leave out; those found are added.
            prefix: The path of this module.
            remove_duplicate: Give a module that stands at several places only once.

        Examples:
            >>> from tour import nn
            >>> dict(nn.Sequential(nn.Identity()).named_modules())["0"]
            Identity()
        """
        this = cast("Module", self)
        memo = set() if memo is None else memo
        if this in memo:
            return
        if remove_duplicate:
            memo.add(this)
        yield prefix, this
        for name, module in kept_in(self, "_modules").items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def children(self) -> Iterator[Module]:
        """The direct submodules, each once."""
        return (module for _, module in self.named_children())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Name and module of the direct submodules, each module once."""
        seen: set[Module] = set()
        for name, module in kept_in(self, "_modules").items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def _named_members(
        self,
        get_members_fn: Callable[[Module], Iterable[tuple[str, T | None]]],
        prefix: str = "",
        recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, T]]:
        """Path and member, for whatever `get_members_fn` finds in each module."""
        seen: set[Any] = set()
        here = cast("Module", self)
        places = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, here)]
        for path, module in places:
            for name, member in get_members_fn(module):
                if member is not None and member not in seen:
                    if remove_duplicate:
                        seen.add(member)
                    yield f"{path}.{name}" if path else name, member

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` with every module below this one, then with this one; returns this module.

        Examples:
            >>> from tour import nn
            >>> net = nn.Sequential(nn.Linear(2, 2)).apply(lambda m: print(type(m).__name__))
            Linear
            Sequential
        """
        for module in self.children():
            module.apply(fn)
        fn(cast("Module", self))
        return self

    # --- One place, by its path ---------------------------------------------------------------------------------------

    def get_submodule(self, target: str) -> Module:
        """The module at a path such as `"encoder.0.attention"`; this module for the empty path.

        Raises:
            AttributeError: If nothing stands there, or no module.
        """
        module = cast("Module", self)
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise _missing(module, name, "submodules", module._modules)
            found = getattr(module, name)
            if not isinstance(found, Traversal):
                raise AttributeError(f"`{name}` is not an nn.Module")
            module = cast("Module", found)
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a path.

        Args:
            target: The path, for example `"encoder.0"`.
            module: The module to put there.
            strict: Only replace a module that stands there already.

        Raises:
            ValueError: If the path is empty, or `module` is not a module.
            AttributeError: If the path leads through something that is not there or is not a module.
        """
        if not target:
            raise ValueError("Cannot set the submodule without a target name!")
        path, _, name = target.rpartition(".")
        if not isinstance(module, Traversal):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise _missing(parent, name, "submodules", parent._modules)
        if not isinstance(getattr(parent, name, module), Traversal):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as `"encoder.0.weight"`.

        Raises:
            AttributeError: If nothing stands there, or no parameter.
        """
        module, name = self._parent_of(target)
        if not hasattr(module, name):
            raise _missing(module, name, "parameters", module._parameters)
        param = getattr(module, name)
        if not isinstance(param, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return param

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path such as `"norm.running_mean"`.

        Raises:
            AttributeError: If nothing stands there, or no buffer.
        """
        module, name = self._parent_of(target)
        if not hasattr(module, name):
            raise _missing(module, name, "buffers", module._buffers)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return cast(Tensor, getattr(module, name))

    def _parent_of(self, target: str) -> tuple[Module, str]:
        path, _, name = target.rpartition(".")
        return self.get_submodule(path), name


def _missing(module: Module, name: str, kind: str, there: Iterable[str]) -> AttributeError:
    names = ", ".join(f"`{n}`" for n in there) or "none"
    return AttributeError(f"{module._get_name()} has no attribute `{name}`; its {kind}: {names}")
