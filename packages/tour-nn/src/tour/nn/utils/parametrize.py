"""Parametrisations: a parameter or buffer of a module as a function of other ones, which are trained or kept in its place."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import tour
from tour import Tensor
from tour.nn.modules.container import ModuleDict, ModuleList
from tour.nn.modules.module import Module
from tour.nn.parameter import Parameter

__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization", "remove_parametrizations",
    "transfer_parametrizations_and_params", "type_before_parametrizations",
]  # fmt: skip


class _Cache:
    """What parametrised tensors are while `cached()` holds: by module and name."""

    depth = 0
    values: dict[tuple[int, str], Tensor]


_cache = _Cache()
_cache.values = {}


@contextmanager
def cached() -> Iterator[None]:
    """Compute every parametrised tensor once in this context, however often it is read.

    Examples:
        >>> from tour import nn
        >>> layer = register_parametrization(nn.Linear(2, 2), "weight", nn.Identity())
        >>> with cached():
        ...     layer.weight is layer.weight
        True
    """
    _cache.depth += 1
    try:
        yield
    finally:
        _cache.depth -= 1
        if not _cache.depth:
            _cache.values = {}


class ParametrizationList(ModuleList):
    """The parametrisations of one tensor in the order in which they apply, and what they begin with.

    Args:
        modules: The parametrisations.
        original: The tensor that is parametrised.
        unsafe: Whether to leave out the check that shape and dtype stay.

    Attributes:
        original: What the first parametrisation takes; `original0`, `original1` … if it takes several tensors.

    Raises:
        ValueError: If a parametrisation changes shape or dtype, or returns no tensor.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
        >>> layer.parametrizations.weight
        ParametrizationList(
          (0): _WeightNorm()
        )
        >>> [name for name, _ in layer.parametrizations.weight.named_parameters()]
        ['original0', 'original1']
    """

    original: Tensor

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        kind = original.detach()
        inverse = self._inverse(original)
        self.is_tensor = isinstance(inverse, Tensor)
        self.ntensors = 1 if isinstance(inverse, Tensor) else len(inverse)
        if isinstance(inverse, Tensor):
            if inverse.dtype is not original.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {original.dtype}\nright_inverse(original).dtype: {inverse.dtype}"
                )
            if inverse.device != original.device:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the device.\n"
                    f"original.device: {original.device}\nright_inverse(original).device: {inverse.device}"
                )
            if inverse is not original:
                original.data = inverse.detach()  # the parameter stays the object that an optimizer may know
            _keep(self, "original", original)
        else:
            for i, t in enumerate(inverse):
                kept = Parameter(t.detach(), original.requires_grad) if isinstance(original, Parameter) else t
                _keep(self, f"original{i}", kept)
        if not unsafe:
            _check_same(self(), kind)

    def _inverse(self, value: Any, assigned: bool = False) -> Any:
        """What the first parametrisation must be given for the last to give `value`."""
        with tour.no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    continue
                try:
                    value = module.right_inverse(value)
                except NotImplementedError:  # it has none after all
                    if assigned:
                        raise
        if isinstance(value, Tensor):
            return value
        if not isinstance(value, Sequence):
            raise ValueError(
                f"'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got {type(value).__name__}"
            )
        for i, t in enumerate(value):
            if not isinstance(t, Tensor):
                raise ValueError(
                    "When `right_inverse` outputs a sequence, all the elements of the sequence should be tensors: element "
                    f"{i} is {type(t).__name__}"
                )
        return value

    def _originals(self) -> list[Tensor]:
        names = ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]
        return [getattr(self, name) for name in names]

    def right_inverse(self, value: Tensor) -> None:
        """Give the originals the values for which the parametrised tensor is `value`.

        Raises:
            RuntimeError: If a parametrisation has no `right_inverse`.
            ValueError: If its result does not fit the originals.
        """
        for module in self:
            if not hasattr(module, "right_inverse"):
                raise RuntimeError(
                    f"parametrization {type(module).__name__} does not implement right_inverse, so the tensor cannot be assigned to"
                )
        inverse = self._inverse(value, assigned=True)
        inverse, originals = [inverse] if isinstance(inverse, Tensor) else list(inverse), self._originals()
        if len(inverse) != len(originals):
            raise ValueError(
                f"'right_inverse' must return a Sequence of tensors of length {len(originals)}. Got {len(inverse)}."
            )
        for t, original in zip(inverse, originals, strict=True):
            if t.dtype is not original.dtype:
                raise ValueError(f"Tensor has dtype {t.dtype}, while the original has dtype {original.dtype}")
        for t, original in zip(inverse, originals, strict=True):
            original.data = t.detach()

    def forward(self) -> Tensor:
        """The parametrised tensor."""
        first, *rest = self
        value = first(*self._originals())
        for module in rest:
            value = module(value)
        return value  # type: ignore[no-any-return]


def _keep(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _check_same(value: Any, original: Tensor) -> None:
    """Refuse another kind of tensor than the original.

    Raises:
        ValueError: If it is no tensor, or has another dtype or shape.
    """
    if not isinstance(value, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(value).__name__}.")
    if value.dtype is not original.dtype:
        raise ValueError(
            f"Registering a parametrization may not change the dtype of the tensor, unless the `unsafe` flag is enabled.\n"
            f"unparametrized dtype: {original.dtype}\nparametrized dtype: {value.dtype}"
        )
    if value.shape != original.shape:
        raise ValueError(
            f"Registering a parametrization may not change the shape of the tensor, unless the `unsafe` flag is enabled.\n"
            f"unparametrized shape: {original.shape}\nparametrized shape: {value.shape}"
        )


# --- The class of a module with parametrised tensors: a property for each of them ------------------------------------------------


def _parametrized_class(module: Module) -> type:
    """A subclass of the module's class, for this module alone."""
    base = type(module)

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            copied = memo[id(self)] = base.__new__(base)
            copied.__setstate__({k: copy.deepcopy(v, memo) for k, v in self.__dict__.items()})
            copied.__class__ = _parametrized_class(copied)
            for name in self.parametrizations:
                setattr(type(copied), name, _property(name))
        return memo[id(self)]

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        raise RuntimeError(
            "Serialization of parametrized modules is only supported through state_dict(): save that, build the module again, "
            "parametrize it, and load it"
        )

    members = {
        "__deepcopy__": __deepcopy__,
        "__reduce_ex__": __reduce_ex__,
        "__module__": base.__module__,
        "_base": base,
    }
    return type(f"Parametrized{base.__name__}", (base,), members)


def _property(name: str) -> property:
    """The parametrised tensor as an attribute."""

    def read(self: Any) -> Tensor:
        if not _cache.depth:
            return self.parametrizations[name]()  # type: ignore[no-any-return]
        key = (id(self), name)
        if key not in _cache.values:
            _cache.values[key] = self.parametrizations[name]()
        return _cache.values[key]

    def write(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(read, write)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Let a parameter or buffer be computed by another module, from what it was or from what `right_inverse` makes of it.

    Args:
        module: The module that has the tensor.
        tensor_name: The tensor's name.
        parametrization: Maps the original to the tensor; may have `right_inverse`, which maps back.
        unsafe: Whether shape and dtype may change.

    Returns:
        The module.

    Raises:
        ValueError: If the module has no such tensor, or shape or dtype would change.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> class Symmetric(nn.Module):
        ...     def forward(self, x):
        ...         return x.triu() + x.triu(1).T
        >>> layer = register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
        >>> bool((layer.weight == layer.weight.T).all())
        True
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            value = getattr(module, tensor_name)
            _check_same(parametrization(value), value)
        found = _lists(module)[tensor_name]
        found.append(parametrization)
        found.unsafe |= unsafe
    elif tensor_name in module._parameters or tensor_name in module._buffers:
        original: Any = getattr(module, tensor_name)
        made = ParametrizationList([parametrization], original, unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            module.__class__ = _parametrized_class(module)
            module.parametrizations = ModuleDict()
        setattr(type(module), tensor_name, _property(tensor_name))
        _lists(module)[tensor_name] = made
    else:
        raise ValueError(
            f"Module '{type(module).__name__}' does not have a parameter, a buffer, or a parametrized element with name '{tensor_name}'"
        )
    return module


def _lists(module: Module) -> Any:
    """The parametrisations of a module, by the names of the tensors."""
    return module.__dict__["parametrizations"]


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module has a parametrised tensor, or one of this name.

    Examples:
        >>> from tour import nn
        >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
        >>> nn.utils.parametrize.is_parametrized(layer, "weight"), nn.utils.parametrize.is_parametrized(layer, "bias")
        (True, False)
    """
    found = module.__dict__.get("parametrizations")
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a parametrised tensor an ordinary one again.

    Args:
        module: The module.
        tensor_name: The tensor's name.
        leave_parametrized: Whether it keeps the value it has now; otherwise it becomes the original again.

    Raises:
        ValueError: If it is not parametrised, or its parametrisation begins with several tensors and `leave_parametrized` is False.

    Examples:
        >>> from tour import nn
        >>> layer = register_parametrization(nn.Linear(3, 3), "weight", nn.Identity())
        >>> type(remove_parametrizations(layer, "weight"))
        <class 'tour.nn.modules.linear.Linear'>
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {type(module).__name__} does not have a parametrization on {tensor_name}")
    parametrizations = _lists(module)
    made = parametrizations[tensor_name]
    if not made.is_tensor and not leave_parametrized:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a sequence of tensors."
        )
    original = made._originals()[0]
    if leave_parametrized:
        with tour.no_grad():
            value = getattr(module, tensor_name)
        if made.is_tensor:
            original.data = value.detach()
        else:
            original = Parameter(value.detach(), original.requires_grad) if isinstance(original, Parameter) else value
    delattr(type(module), tensor_name)
    del parametrizations[tensor_name]
    _keep(module, tensor_name, original)
    if not is_parametrized(module):
        del module._modules["parametrizations"]
        module.__class__ = type_before_parametrizations(module)
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that a module had before it was parametrised.

    Examples:
        >>> from tour import nn
        >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
        >>> type(layer).__name__, nn.utils.parametrize.type_before_parametrizations(layer).__name__
        ('ParametrizedLinear', 'Linear')
    """
    return type(module).__dict__.get("_base", type(module))  # type: ignore[no-any-return]


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give a module the parametrisations of another, and the tensors they begin with.

    Args:
        from_module: What has them.
        to_module: What gets them.
        tensor_name: Only those of this tensor, if given.

    Raises:
        AssertionError: If there are none.

    Examples:
        >>> from tour import nn
        >>> from tour.nn.utils.parametrize import is_parametrized, transfer_parametrizations_and_params
        >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
        >>> twin = transfer_parametrizations_and_params(layer, nn.Linear(2, 3))
        >>> is_parametrized(twin), bool((twin.weight == layer.weight).all())
        (True, True)
    """
    if not is_parametrized(from_module):
        raise AssertionError("from_module must be parametrized")
    sources = _lists(from_module)
    names = list(sources) if tensor_name is None else [tensor_name]
    for name in names:
        if not hasattr(to_module, name):
            original = getattr(from_module, name)
            _keep(to_module, name, Parameter(original.detach().clone()) if isinstance(original, Tensor) else original)
        for parametrization in sources[name]:
            register_parametrization(to_module, name, parametrization)
        targets = _lists(to_module)
        for i, t in enumerate(sources[name]._originals()):
            label = "original" if sources[name].is_tensor else f"original{i}"
            setattr(targets[name], label, Parameter(t.detach(), t.requires_grad) if isinstance(t, Parameter) else t)
    return to_module
