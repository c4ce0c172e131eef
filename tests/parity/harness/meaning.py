"""What a result means, for operators with several right answers: what must be equal where the result itself need not be.

Signs and phases of singular vectors and eigenvectors are the choice of the LAPACK at hand, and which of several equal elements an
index names is the choice of the sort at hand. Shapes and dtypes are compared all the same, and nothing is compared by meaning
that is equal as it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Meaning = Callable[[Any, Any], Any]


def factors(adjoint: bool) -> Meaning:
    """Singular values, the product of the three factors, and that the vectors are orthonormal; `adjoint`: the third is Vᴴ, not V."""

    def meaning(sample: Any, result: Any) -> Any:
        u, s, v = result
        vh = v if adjoint else v.mH
        return s, (u[..., : s.shape[-1]] * s.unsqueeze(-2)) @ vh[..., : s.shape[-1], :], u.mH @ u, vh @ vh.mH

    return meaning


def eigenpairs(sample: Any, result: Any) -> Any:
    """Eigenvalues, how far the vectors are from fulfilling A v = λ v for a matrix of norm one, and the vectors' lengths."""
    values, vectors = result
    a = sample.input.to(vectors.dtype)
    size = torch.linalg.matrix_norm(a)[..., None, None].clamp(min=1e-30)
    return values, (a @ vectors - vectors * values.unsqueeze(-2)) / size, torch.linalg.vector_norm(vectors, dim=-2)


def spectrum(sample: Any, result: Any) -> Any:
    """Eigenvalues, the product of the factors of a Hermitian matrix, and that the vectors are orthonormal."""
    values, vectors = result
    return values, (vectors * values.unsqueeze(-2)) @ vectors.mH, vectors.mH @ vectors


def named(dim_at: int) -> Meaning:
    """The elements that indices name, and that none is named twice; `dim` is the positional argument at `dim_at`."""

    def meaning(sample: Any, result: Any) -> Any:
        x, single = sample.input, isinstance(result, torch.Tensor)
        indices = result if single else result[1]
        if not x.ndim or _option(sample, "stable", -1):
            return result  # nothing is free
        dim = _option(sample, "dim", dim_at, -1)
        indices = indices if indices.ndim == x.ndim else indices.unsqueeze(dim)
        ordered = indices.sort(dim).values
        repeats = (
            ordered.narrow(dim, 1, ordered.shape[dim] - 1) == ordered.narrow(dim, 0, ordered.shape[dim] - 1)
        ).sum()
        elements = torch.take_along_dim(x, indices, dim)
        return (elements, repeats) if single else (result[0], elements, repeats)

    return meaning


def _option(sample: Any, name: str, at: int, default: Any = None) -> Any:
    """An argument of a sample by name or by position; position -1: by name only."""
    return sample.kwargs.get(name, sample.args[at] if 0 <= at < len(sample.args) else default)


MEANING: dict[str, Meaning] = {
    "linalg.svd": factors(adjoint=True),
    "svd": factors(adjoint=False),
    "svd_lowrank": factors(adjoint=False),
    "pca_lowrank": factors(adjoint=False),
    "linalg.eig": eigenpairs,
    "linalg.eigh": spectrum,
    "sort": named(0),
    "argsort": named(0),
    "mode": named(0),
    "topk": named(1),
    "kthvalue": named(1),
}
