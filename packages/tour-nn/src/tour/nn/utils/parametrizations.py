"""Ready-made parametrisations: weight normalisation and spectral normalisation."""

from __future__ import annotations

from typing import Any

import tour
from tour import Tensor
from tour.nn import functional as F
from tour.nn.modules.convolution import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from tour.nn.modules.module import Module
from tour.nn.utils import parametrize

__all__ = ["spectral_norm", "weight_norm"]


# --- Weight normalisation -----------------------------------------------------------------------------------------------------


def norm_except_dim(v: Tensor, dim: int) -> Tensor:
    """The 2-norm over all dimensions but one, which keep size 1; over all if `dim` is -1.

    Examples:
        >>> import tour
        >>> norm_except_dim(tour.tensor([[3.0, 4.0], [0.0, 1.0]]), 0)
        tensor([[5.],
                [1.]])
    """
    if dim == -1:
        return v.norm()
    return v.norm(2, tuple(i for i in range(v.dim()) if i != dim % v.dim()), keepdim=True) if v.dim() > 1 else v.abs()


def normalized(v: Tensor, g: Tensor, dim: int) -> Tensor:
    """`g * v / norm(v)`, with a norm for each index of a dimension."""
    return v * (g / norm_except_dim(v, dim))


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        """The weight."""
        return normalized(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Lengths and directions."""
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Split a weight into lengths and directions: `weight = g * v / norm(v)` (Salimans and Kingma, 2016).

    Args:
        module: The module that has the weight.
        name: Its name.
        dim: The dimension for each index of which there is a length; None for one length.

    Returns:
        The module; `parametrizations.weight.original0` holds the lengths, `original1` the directions.

    Examples:
        >>> from tour import nn
        >>> layer = weight_norm(nn.Linear(20, 40))
        >>> layer.parametrizations.weight.original0.shape
        tour.Size([40, 1])
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(module: Module, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        for old, new in (("g", "0"), ("v", "1")):  # the names that the older form of this function uses
            if f"{prefix}{name}_{old}" in state:
                state[f"{prefix}parametrizations.{name}.original{new}"] = state.pop(f"{prefix}{name}_{old}")

    module.register_load_state_dict_pre_hook(rename)
    return module


# --- Spectral normalisation ---------------------------------------------------------------------------------------------------


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """A weight as a matrix, one row for each index of a dimension."""
    if dim:
        weight = weight.permute(dim, *(i for i in range(weight.dim()) if i != dim))
    return weight.reshape(weight.shape[0], -1)


def power_iterations(matrix: Tensor, u: Tensor, v: Tensor, count: int, eps: float) -> None:
    """Turn `u` and `v`, in place, towards the first singular vectors."""
    with tour.no_grad():
        for _ in range(count):
            u.copy_(F.normalize(matrix.mv(v), dim=0, eps=eps))
            v.copy_(F.normalize(matrix.t().mv(u), dim=0, eps=eps))


def default_dim(module: Module) -> int:
    """The dimension of the outputs in a module's weight."""
    return int(isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)))


class _SpectralNorm(Module):
    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.dim() <= dim < weight.dim():
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{weight.dim()}, {weight.dim() - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % weight.dim()
        self.eps = eps
        if weight.dim() > 1:
            self.n_power_iterations = n_power_iterations
            with tour.no_grad():
                matrix = as_matrix(weight, self.dim)
                u, v = (matrix.new_empty(n).normal_(0, 1) for n in matrix.shape)
                self.register_buffer("_u", F.normalize(u, dim=0, eps=eps))
                self.register_buffer("_v", F.normalize(v, dim=0, eps=eps))
                power_iterations(matrix, self._u, self._v, 15, eps)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight over its largest singular value."""
        if weight.dim() == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            power_iterations(matrix.detach(), self._u, self._v, self.n_power_iterations, self.eps)
        return weight / self._u.clone().dot(matrix.mv(self._v.clone()))

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value: it is what will be normalised."""
        return value


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by its largest singular value (Miyato et al., 2018), found by power iterations in training.

    Args:
        module: The module that has the weight.
        name: Its name.
        n_power_iterations: How many iterations for each forward pass.
        eps: Keeps norms from zero.
        dim: The dimension of the outputs; 1 for transposed convolutions and 0 for others by default.

    Returns:
        The module.

    Raises:
        ValueError: If the module has no such tensor, or `n_power_iterations` is not positive.

    Examples:
        >>> from tour import nn
        >>> layer = spectral_norm(nn.Linear(20, 40))
        >>> list(dict(layer.named_buffers()))
        ['parametrizations.weight.0._u', 'parametrizations.weight.0._v']
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{type(module).__name__}' has no parameter or buffer with name '{name}'")
    made = _SpectralNorm(weight, n_power_iterations, default_dim(module) if dim is None else dim, eps)
    return parametrize.register_parametrization(module, name, made)
