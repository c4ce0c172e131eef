"""Spectral normalisation by a hook: the older form of `tour.nn.utils.parametrizations.spectral_norm`."""

from __future__ import annotations

from typing import Any, TypeVar

import tour
from tour import Tensor
from tour.nn import functional as F
from tour.nn.modules.module import Module
from tour.nn.parameter import Parameter
from tour.nn.utils.parametrizations import as_matrix, default_dim
from tour.nn.utils.weight_norm import hook_of

__all__ = ["SpectralNorm", "remove_spectral_norm", "spectral_norm"]

M = TypeVar("M", bound=Module)


class SpectralNorm:
    """The hook that computes the weight before each forward pass.

    Args:
        name: The weight's name.
        n_power_iterations: How many power iterations for each pass in training.
        dim: The dimension of the outputs.
        eps: Keeps norms from zero.

    Raises:
        ValueError: If `n_power_iterations` is not positive.

    Examples:
        >>> from tour import nn
        >>> layer = nn.utils.spectral_norm(nn.Linear(3, 4), n_power_iterations=2)
        >>> (hook,) = layer._forward_pre_hooks.values()
        >>> type(hook).__name__, hook.n_power_iterations
        ('SpectralNorm', 2)
    """

    def __init__(self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.name = name
        self.dim = dim
        self.n_power_iterations = n_power_iterations
        self.eps = eps

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        """The weight over its largest singular value."""
        weight = getattr(module, self.name + "_orig")
        u, v = getattr(module, self.name + "_u"), getattr(module, self.name + "_v")
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            with tour.no_grad():
                for _ in range(self.n_power_iterations):  # here v goes first
                    v.copy_(F.normalize(matrix.t().mv(u), dim=0, eps=self.eps))
                    u.copy_(F.normalize(matrix.mv(v), dim=0, eps=self.eps))
            u, v = u.clone(), v.clone()
        return weight / u.dot(matrix.mv(v))  # type: ignore[no-any-return]

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Divide a weight by its largest singular value. `parametrizations.spectral_norm` is the newer form, with the same arguments.

    Args:
        module: The module that has the weight.
        name: Its name. The parameter becomes `name_orig`, and a hook computes `name` before each forward pass.
        n_power_iterations: How many power iterations for each forward pass in training; there are none in evaluation.
        eps: Keeps norms from zero.
        dim: The dimension of the outputs; None takes 1 for transposed convolutions and 0 for others.

    Returns:
        The module, changed in place.

    Raises:
        RuntimeError: If the weight is already normalised.
        ValueError: If `n_power_iterations` is not positive, or the parameter is None.
        KeyError: If the module has no such parameter.
        IndexError: If the weight has no dimension `dim`.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> layer = nn.utils.spectral_norm(nn.Linear(3, 4), n_power_iterations=50)
        >>> _ = layer(tour.ones(1, 3))
        >>> f"{tour.linalg.matrix_norm(layer.weight, 2):.1f}"
        '1.0'
    """
    if hook_of(module, SpectralNorm, name)[1] is not None:
        raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    hook = SpectralNorm(name, n_power_iterations, default_dim(module) if dim is None else dim, eps)
    weight = module._parameters[name]
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    with tour.no_grad():
        matrix = as_matrix(weight, hook.dim)
        u, v = (F.normalize(matrix.new_empty(n).normal_(0, 1), dim=0, eps=eps) for n in matrix.shape)
    delattr(module, name)
    module.register_parameter(name + "_orig", weight)
    setattr(module, name, weight.detach())
    module.register_buffer(name + "_u", u)
    module.register_buffer(name + "_v", v)
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Make the weight a parameter again.

    Raises:
        ValueError: If it is not normalised.

    Examples:
        >>> from tour import nn
        >>> layer = nn.utils.remove_spectral_norm(nn.utils.spectral_norm(nn.Linear(3, 4)))
        >>> [name for name, _ in layer.named_parameters()]
        ['bias', 'weight']
    """
    number, hook = hook_of(module, SpectralNorm, name)
    if hook is None:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    with tour.no_grad():
        weight = hook.compute_weight(module, False)
    for part in ("", "_u", "_v", "_orig"):
        delattr(module, name + part)
    module.register_parameter(name, Parameter(weight.detach()))
    del module._forward_pre_hooks[number]
    return module
