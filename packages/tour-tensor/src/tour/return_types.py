"""Named tuples that functions with several results return, such as `values, indices = x.max(dim=0)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "aminmax", "cummax", "cummin", "frexp", "histogram", "histogramdd", "kthvalue", "max", "median", "min", "mode", "nanmedian", "sort",
    "topk",
]  # fmt: skip


def text_of(named: Any) -> str:
    """A named tuple of tensors as PyTorch prints it: one field a line."""
    fields = ",\n".join(f"{name}={value!r}" for name, value in zip(named._fields, named, strict=True))
    return f"tour.return_types.{type(named).__name__}(\n{fields})"


class _Selected(NamedTuple):
    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class max(_Selected):
    """Largest values and where they stand."""

    __slots__ = ()


class min(_Selected):
    """Smallest values and where they stand."""

    __slots__ = ()


class median(_Selected):
    """Medians and where they stand."""

    __slots__ = ()


class nanmedian(_Selected):
    """Medians of what is not NaN, and where they stand."""

    __slots__ = ()


class mode(_Selected):
    """Most frequent values and where they stand."""

    __slots__ = ()


class kthvalue(_Selected):
    """k-th smallest values and where they stand."""

    __slots__ = ()


class topk(_Selected):
    """The k largest values and where they stand."""

    __slots__ = ()


class sort(_Selected):
    """Sorted values and where they stood."""

    __slots__ = ()


class cummax(_Selected):
    """Running maxima and where they stand."""

    __slots__ = ()


class cummin(_Selected):
    """Running minima and where they stand."""

    __slots__ = ()


class aminmax(NamedTuple):
    """Smallest and largest values."""

    min: Tensor
    max: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class frexp(NamedTuple):
    """Mantissas and exponents."""

    mantissa: Tensor
    exponent: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class histogram(NamedTuple):
    """Counts in bins, and the edges of the bins."""

    hist: Tensor
    bin_edges: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class histogramdd(NamedTuple):
    """Counts in bins of several dimensions, and the edges along each."""

    hist: Tensor
    bin_edges: tuple[Tensor, ...]

    def __repr__(self) -> str:
        return text_of(self)


# --- Linear algebra ---------------------------------------------------------------------------------------------------------


class linalg_cholesky_ex(NamedTuple):
    """A factor, and where it was found to be impossible."""

    L: Tensor
    info: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class linalg_qr(NamedTuple):
    """Orthonormal columns and an upper triangle."""

    Q: Tensor
    R: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class qr(linalg_qr):
    """Orthonormal columns and an upper triangle."""

    __slots__ = ()


class linalg_eig(NamedTuple):
    """Eigenvalues and eigenvectors."""

    eigenvalues: Tensor
    eigenvectors: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class linalg_eigh(linalg_eig):
    """Eigenvalues and eigenvectors."""

    __slots__ = ()


class linalg_svd(NamedTuple):
    """Left singular vectors, singular values, right singular vectors as rows."""

    U: Tensor
    S: Tensor
    Vh: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class svd(NamedTuple):
    """Left singular vectors, singular values, right singular vectors as columns."""

    U: Tensor
    S: Tensor
    V: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class linalg_lu(NamedTuple):
    """A permutation, a lower and an upper triangle."""

    P: Tensor
    L: Tensor
    U: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class lu_unpack(linalg_lu):
    """A permutation, a lower and an upper triangle."""

    __slots__ = ()


class linalg_lu_factor(NamedTuple):
    """Both triangles in one matrix, and the swaps of rows."""

    LU: Tensor
    pivots: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class linalg_lu_factor_ex(NamedTuple):
    """Both triangles in one matrix, the swaps of rows, and where a pivot is zero."""

    LU: Tensor
    pivots: Tensor
    info: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class linalg_ldl_factor(NamedTuple):
    """Both factors in one matrix, and the swaps of rows."""

    LD: Tensor
    pivots: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class linalg_ldl_factor_ex(NamedTuple):
    """Both factors in one matrix, the swaps of rows, and where D is zero."""

    LD: Tensor
    pivots: Tensor
    info: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class linalg_slogdet(NamedTuple):
    """Sign and logarithm of the absolute value of determinants."""

    sign: Tensor
    logabsdet: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class slogdet(linalg_slogdet):
    """Sign and logarithm of the absolute value of determinants."""

    __slots__ = ()


class linalg_inv_ex(NamedTuple):
    """Inverses, and where there is none."""

    inverse: Tensor
    info: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class linalg_solve_ex(NamedTuple):
    """Solutions, and where there is none."""

    result: Tensor
    info: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class linalg_lstsq(NamedTuple):
    """Least-squares solutions, and what was found on the way."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class geqrf(NamedTuple):
    """R with Householder reflections below it, and their factors."""

    a: Tensor
    tau: Tensor

    def __repr__(self) -> str:
        return text_of(self)


class triangular_solve(NamedTuple):
    """Solutions, and the matrices."""

    solution: Tensor
    cloned_coefficient: Tensor

    def __repr__(self) -> str:
        return text_of(self)
