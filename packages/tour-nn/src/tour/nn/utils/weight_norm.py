"""Weight normalisation by a hook: the older form of `tour.nn.utils.parametrizations.weight_norm`."""

from __future__ import annotations

import warnings
from typing import Any, TypeVar

from tour import Tensor
from tour.nn.modules.module import Module
from tour.nn.parameter import Parameter
from tour.nn.utils.parametrizations import norm_except_dim, normalized

__all__ = ["WeightNorm", "remove_weight_norm", "weight_norm"]

M = TypeVar("M", bound=Module)


class WeightNorm:
    """The hook that computes the weight before each forward pass.

    Args:
        name: The weight's name.
        dim: The dimension for each index of which there is a length; None or -1 for one length.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> from tour.nn.utils.weight_norm import WeightNorm
        >>> layer = nn.Module()
        >>> layer.weight_v, layer.weight_g = tour.tensor([[3.0, 4.0]]), tour.tensor([[10.0]])
        >>> WeightNorm("weight", 0).compute_weight(layer)
        tensor([[6., 8.]])
    """

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Tensor:
        """The weight, from its lengths and directions."""
        return normalized(getattr(module, self.name + "_v"), getattr(module, self.name + "_g"), self.dim)

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def hook_of(module: Module, kind: type, name: str) -> tuple[Any, Any]:
    """Number and hook of the normalisation of this weight, or a pair of None."""
    for number, hook in list(module._forward_pre_hooks.items()):
        if isinstance(hook, kind) and hook.name == name:  # type: ignore[attr-defined]
            return number, hook
    return None, None


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Split a weight into lengths `weight_g` and directions `weight_v`. Deprecated: see `parametrizations.weight_norm`.

    Args:
        module: The module that has the weight.
        name: Its name.
        dim: The dimension for each index of which there is a length; None for one length.

    Raises:
        RuntimeError: If the weight is already normalised.

    Examples:
        >>> import warnings
        >>> from tour import nn
        >>> with warnings.catch_warnings(action="ignore"):
        ...     layer = nn.utils.weight_norm(nn.Linear(2, 3))
        >>> [(name, tuple(p.shape)) for name, p in layer.named_parameters()]
        [('bias', (3,)), ('weight_g', (3, 1)), ('weight_v', (3, 2))]
    """
    warnings.warn(
        "`tour.nn.utils.weight_norm` is deprecated in favor of `tour.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=2,
    )
    if hook_of(module, WeightNorm, name)[1] is not None:
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    hook = WeightNorm(name, dim)
    weight = getattr(module, name)
    delattr(module, name)
    module.register_parameter(name + "_g", Parameter(norm_except_dim(weight, hook.dim).detach()))
    module.register_parameter(name + "_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Make the weight a parameter again.

    Raises:
        ValueError: If it is not normalised.

    Examples:
        >>> import warnings
        >>> from tour import nn
        >>> with warnings.catch_warnings(action="ignore"):
        ...     layer = nn.utils.weight_norm(nn.Linear(2, 3))
        >>> [name for name, _ in nn.utils.remove_weight_norm(layer).named_parameters()]
        ['bias', 'weight']
    """
    number, hook = hook_of(module, WeightNorm, name)
    if hook is None:
        raise ValueError(f"weight_norm of '{name}' not found in {module}")
    weight = hook.compute_weight(module)
    for part in (name, name + "_g", name + "_v"):
        delattr(module, part)
    setattr(module, name, Parameter(weight.detach()))
    del module._forward_pre_hooks[number]
    return module
