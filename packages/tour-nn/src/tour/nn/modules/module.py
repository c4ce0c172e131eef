"""The base class of all layers and models."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, Self, TypeVar

from tour import Tensor
from tour._core import sockets
from tour.nn.hooks import GLOBAL_HOOKS, call_with_hooks
from tour.nn.hooks import RemovableHandle as RemovableHandle
from tour.nn.hooks import register_module_backward_hook as register_module_backward_hook
from tour.nn.hooks import register_module_buffer_registration_hook as register_module_buffer_registration_hook
from tour.nn.hooks import register_module_forward_hook as register_module_forward_hook
from tour.nn.hooks import register_module_forward_pre_hook as register_module_forward_pre_hook
from tour.nn.hooks import register_module_full_backward_hook as register_module_full_backward_hook
from tour.nn.hooks import register_module_full_backward_pre_hook as register_module_full_backward_pre_hook
from tour.nn.hooks import register_module_module_registration_hook as register_module_module_registration_hook
from tour.nn.hooks import register_module_parameter_registration_hook as register_module_parameter_registration_hook
from tour.nn.modules._conversion import Conversion
from tour.nn.modules._hooking import Hooking
from tour.nn.modules._registry import REGISTRIES, RegistryView, blank_state
from tour.nn.modules._state_dict import StateDict
from tour.nn.modules._state_dict import T_destination as T_destination
from tour.nn.modules._state_dict import _IncompatibleKeys as _IncompatibleKeys
from tour.nn.modules._where import note_module, where

__all__ = ["Module"]

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class HasForward(Protocol[P, R_co]):
    """What type checkers read a module's signature from."""

    @property
    def forward(self) -> Callable[P, R_co]:
        """The computation."""
        ...


class CalledAsForward:
    """The type of `Module.__call__`: `net(x)` takes what `net.forward` takes and gives what it gives."""

    def __get__(self, module: HasForward[P, R], owner: type | None = None) -> Callable[P, R]:
        return module.forward


class Module(Conversion, StateDict, Hooking):
    """A layer or a model: parameters, buffers and submodules in its attributes, and `forward`, which computes.

    A subclass calls `super().__init__()`, assigns what it consists of, and defines `forward`. Calling the module runs
    `forward` between the hooks registered on it; an exception that leaves it carries a note that says in which
    submodule it arose.

    Attributes:
        training: Whether the module is in training mode, where dropout and batch normalisation behave differently.

    Raises:
        AttributeError: If a parameter, buffer or module is assigned before `super().__init__()` has run.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> class Scale(nn.Module):
        ...     def __init__(self) -> None:
        ...         super().__init__()
        ...         self.factor = nn.Parameter(tour.tensor(2.0))
        ...
        ...     def forward(self, x: tour.Tensor) -> tour.Tensor:
        ...         return x * self.factor
        >>> net = Scale()
        >>> net(tour.tensor([1.0, 3.0])).detach()
        tensor([2., 6.])
        >>> dict(net.named_parameters())
        {'factor': Parameter containing:
        tensor(2., requires_grad=True)}
    """

    dump_patches: bool = False
    call_super_init: bool = False
    training: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init:
            _refuse_arguments(self, args, kwargs)
        for registry in REGISTRIES:
            RegistryView(self.__dict__, self.__dict__.get(registry, {})).clear()
        object.__setattr__(self, "__dict__", {**self.__dict__, **blank_state()})
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    # --- Calling ------------------------------------------------------------------------------------------------------

    forward: Callable[..., Any]

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if self._hooked or GLOBAL_HOOKS:
                result = call_with_hooks(self, args, kwargs)
            elif kwargs:
                result = self.forward(*args, **kwargs)
            else:
                result = self.forward(*args)
        except Exception as error:
            note_module(self, error)
            raise
        # A backward error names the module too.
        kind = type(result)
        if kind is Tensor:
            if result._tape is not None:
                sockets.called(result._tape, self, (*args, *kwargs.values()) if kwargs else args)
        elif kind is tuple:
            for t in result:
                if type(t) is Tensor and t._tape is not None:
                    sockets.called(t._tape, self, (*args, *kwargs.values()))
        return result

    def _where(self, culprit: Module, described: bool = True) -> str:
        """A module at or below this one, as errors name it; or only the path to it."""
        return where(self, culprit, described)

    if TYPE_CHECKING:
        __call__ = CalledAsForward()
    else:
        __call__ = _call_impl

        def forward(self, *input):
            """Compute the output; every module that is called defines it."""
            raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: tour runs every module as it stands. Accepted so that programs written for PyTorch run."""

    # --- Modes and gradients ------------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Put this module and those below it into training mode, or out of it.

        Raises:
            ValueError: If `mode` is not a bool.
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Put this module and those below it into evaluation mode."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let gradients flow to all parameters, or freeze them.

        Examples:
            >>> from tour import nn
            >>> nn.Linear(2, 2).requires_grad_(False).weight.requires_grad
            False
        """
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Args:
            set_to_none: Set them to None; otherwise fill them with zeros.
        """
        for param in self.parameters():
            if param.grad is None:
                continue
            if set_to_none:
                param.grad = None
            else:
                param.grad.detach_().zero_()

    # --- Printing -----------------------------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands between the parentheses when the module is printed; for subclasses to define."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr().split("\n") if self.extra_repr() else []
        children = [f"({name}): {_indent(repr(module))}" for name, module in self._modules.items()]
        if not children and len(extra) <= 1:
            return f"{self._get_name()}({''.join(extra)})"
        lines = "".join(f"\n  {line}" for line in extra + children)
        return f"{self._get_name()}({lines}\n)"


def _indent(text: str) -> str:
    """`text` with all lines but the first two spaces further right."""
    return text.replace("\n", "\n  ")


def _refuse_arguments(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Refuse arguments that no class above wants, as `object` would."""
    name = type(module).__name__
    if kwargs:
        raise TypeError(f"{name}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'")
    if args:
        raise TypeError(f"{name}.__init__() takes 1 positional argument but {len(args) + 1} were given")
