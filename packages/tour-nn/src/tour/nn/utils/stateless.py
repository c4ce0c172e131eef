"""Calling a module with other parameters and buffers than its own."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tour import Tensor
from tour.nn.modules.module import Module

__all__ = ["functional_call"]

State = Mapping[str, Tensor]


def functional_call(
    module: Module,
    parameters_and_buffers: State,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Deprecated in PyTorch 2.0 and here: call `tour.func.functional_call`; arguments as for `call_with`.

    Args:
        module: The module.
        parameters_and_buffers: Tensors by name, as in `state_dict`; what is not named keeps its own value.
        args: A tuple of arguments, or one argument; None for none.
        kwargs: Arguments by name; None for none.
        tie_weights: Whether a tensor that has several names in the module is replaced under all of them.
        strict: Whether every parameter and buffer must be given, and no others.

    Returns:
        What the module returns.

    Raises:
        RuntimeError: If `strict` and names are missing or unexpected.
        AttributeError: If the module has no such parameter or buffer.
        ValueError: If tied weights are given different tensors.

    Warns:
        FutureWarning: That the function is deprecated.

    Examples:
        >>> import warnings
        >>> import tour
        >>> net = tour.nn.Linear(2, 1, bias=False)
        >>> with warnings.catch_warnings(action="ignore"):
        ...     tour.nn.utils.stateless.functional_call(net, {"weight": tour.ones(1, 2)}, tour.ones(2)).detach()
        tensor([2.])
    """
    warnings.warn(
        "tour.nn.utils.stateless.functional_call is deprecated as in PyTorch 2.0; please use tour.func.functional_call",
        FutureWarning,
        stacklevel=2,
    )
    return call_with(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)


def call_with(
    module: Module,
    parameters_and_buffers: State | Sequence[State],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module as if some of its parameters and buffers were others.

    Args:
        module: The module.
        parameters_and_buffers: Tensors by name, as in `state_dict`; or several such dicts.
        args: A tuple of arguments, or one argument.
        kwargs: Arguments by name.
        tie_weights: Whether a tensor that has several names in the module is replaced under all of them.
        strict: Whether every parameter and buffer must be given, and no others.

    Raises:
        RuntimeError: If `strict` and names are missing or unexpected.
        AttributeError: If the module has no such parameter or buffer.
        ValueError: If a name comes twice.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> layer = nn.Linear(2, 1, bias=False)
        >>> call_with(layer, {"weight": tour.tensor([[1.0, 2.0]])}, tour.tensor([3.0, 4.0]))
        tensor([11.])
    """
    state = _merged(parameters_and_buffers)
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, state, tie_weights, strict):
        return module(*arguments, **(kwargs or {}))


def _merged(states: State | Sequence[State]) -> dict[str, Tensor]:
    """All tensors in one dict.

    Raises:
        ValueError: If a name comes twice.
    """
    if isinstance(states, Mapping):
        return dict(states)
    merged: dict[str, Tensor] = {}
    for state in states:
        twice = merged.keys() & state.keys()
        if twice:
            raise ValueError(
                f"{sorted(twice)} appeared in multiple dictionaries; behavior of functional call is ambiguous"
            )
        merged.update(state)
    return merged


def _own(module: Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, each under every name it has."""
    return {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }


@contextmanager
def _replaced(module: Module, state: dict[str, Tensor], tie_weights: bool, strict: bool) -> Iterator[None]:
    """Put tensors into a module for the time being."""
    own = _own(module)
    if tie_weights:
        state = _tied(own, state)
    if strict:
        missing, unexpected = own.keys() - state.keys(), state.keys() - own.keys()
        if missing or unexpected:
            raise RuntimeError(
                f"Error(s) in reparametrizing for {type(module).__name__}: "
                f"missing key(s): {sorted(missing)}; unexpected key(s): {sorted(unexpected)}"
            )
    places = [(*_place(module, name), tensor) for name, tensor in state.items()]
    before = [registry[key] for registry, key, _ in places]
    try:
        for registry, key, tensor in places:
            registry[key] = tensor
        yield
    finally:
        for (registry, key, _), old in zip(places, before, strict=True):
            registry[key] = old


def _tied(own: dict[str, Tensor], state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors, also under the other names that what they replace has.

    Raises:
        ValueError: If two names of one tensor are given different tensors.
    """
    given = {id(own[name]): (name, tensor) for name, tensor in state.items() if name in own}
    for name, tensor in state.items():
        if name in own and given[id(own[name])][1] is not tensor:
            raise ValueError(
                f"functional_call got multiple values for tied weights: {sorted((name, given[id(own[name])][0]))}"
            )
    tied = {name: given[id(t)][1] for name, t in own.items() if id(t) in given}
    return {**state, **tied}


def _place(module: Module, name: str) -> tuple[Any, str]:
    """The registry that holds a parameter or buffer, and its name there.

    Raises:
        AttributeError: If there is none of that name.
    """
    path, _, key = name.rpartition(".")
    owner = module.get_submodule(path)
    for registry in (owner._parameters, owner._buffers):
        if key in registry:
            return registry, key
    raise AttributeError(f"{type(owner).__name__} has no parameter or buffer `{key}`")
