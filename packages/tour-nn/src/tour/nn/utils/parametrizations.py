"""Ready-made parametrisations: weight and spectral normalisation, and orthogonal matrices."""

from __future__ import annotations

from typing import Any

import tour
from tour import Tensor
from tour.nn import functional as F
from tour.nn.modules.convolution import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from tour.nn.modules.module import Module
from tour.nn.utils import parametrize

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


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


# --- Orthogonal matrices ------------------------------------------------------------------------------------------------------


def _is_orthogonal(q: Tensor) -> bool:
    n, k = q.shape[-2:]
    identity = tour.eye(k, dtype=q.dtype)
    return bool(tour.allclose(q.mH @ q, identity, atol=10 * n * tour.finfo(q.dtype).eps))


def _orthogonalized(a: Tensor) -> Tensor:
    """The orthogonal factor of a QR factorisation whose triangle has a positive diagonal."""
    x, tau = tour.geqrf(a)
    return tour.linalg.householder_product(x, tau) * x.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)  # type: ignore[no-any-return]


class _Orthogonal(Module):
    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        """The orthogonal matrix."""
        wide = x.shape[-2] < x.shape[-1]
        x = x.mT if wide else x
        q = self._reflected(x) if self.orthogonal_map == "householder" else self._rotated(x)
        if self.use_trivialization and self.base is not None:
            q = self.base @ q
        return q.mT if wide else q

    def _rotated(self, x: Tensor) -> Tensor:
        """From a skew-symmetric matrix, by its exponential or Cayley's map."""
        n, k = x.shape[-2:]
        x = x.tril()
        if n != k:
            x = tour.cat([x, x.new_zeros((*x.shape[:-1], n - k))], -1)
        a = x - x.mH
        if self.orthogonal_map == "matrix_exp":
            q = tour.linalg.matrix_exp(a)
        else:
            identity = tour.eye(n, dtype=a.dtype)
            q = tour.linalg.solve(identity - 0.5 * a, identity + 0.5 * a)
        return q[..., :k]

    def _reflected(self, x: Tensor) -> Tensor:
        """From Householder's reflections."""
        a = x.tril(-1)
        tau = 2 / (1 + (a * a).sum(-2))
        signs = x.detach().diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
        return tour.linalg.householder_product(a, tau) * signs

    def right_inverse(self, q: Tensor) -> Tensor:
        """What gives the orthogonal matrix nearest to `q` in the sense of a QR factorisation.

        Raises:
            ValueError: If `q` has another shape.
            NotImplementedError: If there is no base to keep it in, and the map has no inverse.
        """
        if q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {q.shape}."
            )
        wide = q.shape[-2] < q.shape[-1]
        tall = q.mT if wide else q
        n, k = tall.shape[-2:]
        if not self.use_trivialization:
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley parametrizations when use_trivialization=False."
                )
            a, tau = tour.geqrf(tall)
            diagonal = a.diagonal(dim1=-2, dim2=-1)
            diagonal.sign_()
            diagonal[tau == 0] *= -1
            return a.mT if wide else a  # type: ignore[no-any-return]
        if n == k:
            self.base = tall.clone() if _is_orthogonal(tall) else _orthogonalized(tall)
        else:
            rest = tour.randn(*tall.shape[:-2], n, n - k, dtype=tall.dtype)
            self.base = _orthogonalized(tour.cat([tall, rest], -1))
        minus = tour.zeros_like(q)
        minus.diagonal(dim1=-2, dim2=-1).fill_(-1)
        return minus


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    """Keep a matrix orthogonal, or with orthonormal rows or columns if it is not square.

    Args:
        module: The module that has the matrix.
        name: Its name.
        orthogonal_map: `"matrix_exp"`, `"cayley"` or `"householder"`; by default the first for square and complex matrices, and the
            last for others.
        use_trivialization: Whether to multiply by a fixed matrix, so that training begins where the map is well behaved
            (Lezcano-Casado, 2019).

    Returns:
        The module.

    Raises:
        ValueError: If there is no such tensor, it is no matrix, or the map is unknown.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> w = orthogonal(nn.Linear(20, 20)).weight
        >>> bool(tour.allclose(w @ w.T, tour.eye(20), atol=1e-5))
        True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{type(module).__name__}' has no parameter or buffer with name '{name}'")
    if weight.dim() < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.dim()} dimensions.")
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1] or weight.is_complex()
        orthogonal_map = "matrix_exp" if square else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return parametrize.register_parametrization(module, name, made, unsafe=True)
