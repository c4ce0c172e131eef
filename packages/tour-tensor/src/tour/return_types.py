"""Named tuples that functions with several results return, such as `values, indices = x.max(dim=0)`."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "aminmax", "cummax", "cummin", "frexp", "histogram", "histogramdd", "kthvalue", "max", "median", "min", "mode", "nanmedian", "sort",
    "topk",
]  # fmt: skip


class Results(tuple[Any, ...]):
    """A tuple whose elements have names, in the order of a subclass's annotations.

    It is what `typing.NamedTuple` makes, but at a twentieth of the time: 25 of those took a sixth of `import tour`.
    """

    __slots__ = ()
    _fields: tuple[str, ...] = ()

    def __new__(cls, *values: Any) -> Self:
        return tuple.__new__(cls, values)

    def __init_subclass__(cls) -> None:
        own = tuple(cls.__dict__.get("__annotations__", ()))  # noqa: RUF063 (inspect takes 10 ms)
        cls._fields = own or cls._fields
        for i, name in enumerate(own):
            setattr(cls, name, property(itemgetter(i)))

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    def __repr__(self) -> str:
        """As PyTorch prints it: one field a line."""
        fields = ",\n".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
        return f"tour.return_types.{type(self).__name__}(\n{fields})"


class _Selected(Results):
    __slots__ = ()
    values: Tensor
    indices: Tensor


class max(_Selected):
    """Largest values and where they stand.

    Examples:
        >>> import tour
        >>> values, indices = tour.tensor([[1, 5, 3]]).max(dim=1)
        >>> values, indices
        (tensor([5]), tensor([1]))
    """

    __slots__ = ()


class min(_Selected):
    """Smallest values and where they stand.

    Examples:
        >>> import tour
        >>> tour.tensor([[4, 5, 3]]).min(dim=1).indices
        tensor([2])
    """

    __slots__ = ()


class median(_Selected):
    """Medians and where they stand.

    Examples:
        >>> import tour
        >>> tour.tensor([[4, 5, 3]]).median(dim=1).values
        tensor([4])
    """

    __slots__ = ()


class nanmedian(_Selected):
    """Medians of what is not NaN, and where they stand.

    Examples:
        >>> import tour
        >>> tour.tensor([[4.0, float("nan"), 3.0]]).nanmedian(dim=1).values
        tensor([3.])
    """

    __slots__ = ()


class mode(_Selected):
    """Most frequent values and where they stand.

    Examples:
        >>> import tour
        >>> tour.tensor([4, 5, 4]).mode().values
        tensor(4)
    """

    __slots__ = ()


class kthvalue(_Selected):
    """k-th smallest values and where they stand.

    Examples:
        >>> import tour
        >>> tour.tensor([4, 5, 3]).kthvalue(2).values
        tensor(4)
    """

    __slots__ = ()


class topk(_Selected):
    """The k largest values and where they stand.

    Examples:
        >>> import tour
        >>> tour.tensor([4, 5, 3]).topk(2).values
        tensor([5, 4])
    """

    __slots__ = ()


class sort(_Selected):
    """Sorted values and where they stood.

    Examples:
        >>> import tour
        >>> tour.tensor([4, 5, 3]).sort().indices
        tensor([2, 0, 1])
    """

    __slots__ = ()


class cummax(_Selected):
    """Running maxima and where they stand.

    Examples:
        >>> import tour
        >>> tour.tensor([1, 3, 2]).cummax(0).values
        tensor([1, 3, 3])
    """

    __slots__ = ()


class cummin(_Selected):
    """Running minima and where they stand.

    Examples:
        >>> import tour
        >>> tour.tensor([3, 1, 2]).cummin(0).indices
        tensor([0, 1, 1])
    """

    __slots__ = ()


class aminmax(Results):
    """Smallest and largest values.

    Examples:
        >>> import tour
        >>> low, high = tour.aminmax(tour.tensor([4, 5, 3]))
        >>> low, high
        (tensor(3), tensor(5))
    """

    __slots__ = ()
    min: Tensor
    max: Tensor


class frexp(Results):
    """Mantissas and exponents.

    Examples:
        >>> import tour
        >>> mantissa, exponent = tour.frexp(tour.tensor([6.0]))
        >>> mantissa, exponent
        (tensor([0.7500]), tensor([3], dtype=tour.int32))
    """

    __slots__ = ()
    mantissa: Tensor
    exponent: Tensor


class histogram(Results):
    """Counts in bins, and the edges of the bins.

    Examples:
        >>> import tour
        >>> hist, edges = tour.histogram(tour.tensor([1.0, 2.0, 2.5]), bins=2, range=(1.0, 3.0))
        >>> hist, edges
        (tensor([1., 2.]), tensor([1., 2., 3.]))
    """

    __slots__ = ()
    hist: Tensor
    bin_edges: Tensor


class histogramdd(Results):
    """Counts in bins of several dimensions, and the edges along each.

    Examples:
        >>> import tour
        >>> hist, edges = tour.histogramdd(tour.tensor([[0.0, 0.0], [1.0, 1.0]]), bins=[2, 2])
        >>> hist
        tensor([[1., 0.],
                [0., 1.]])
    """

    __slots__ = ()
    hist: Tensor
    bin_edges: tuple[Tensor, ...]


# --- Linear algebra ---------------------------------------------------------------------------------------------------------


class linalg_cholesky_ex(Results):
    """A factor, and where it was found to be impossible."""

    __slots__ = ()
    L: Tensor
    info: Tensor


class linalg_qr(Results):
    """Orthonormal columns and an upper triangle."""

    __slots__ = ()
    Q: Tensor
    R: Tensor


class qr(linalg_qr):
    """Orthonormal columns and an upper triangle."""

    __slots__ = ()


class linalg_eig(Results):
    """Eigenvalues and eigenvectors."""

    __slots__ = ()
    eigenvalues: Tensor
    eigenvectors: Tensor


class linalg_eigh(linalg_eig):
    """Eigenvalues and eigenvectors."""

    __slots__ = ()


class linalg_svd(Results):
    """Left singular vectors, singular values, right singular vectors as rows."""

    __slots__ = ()
    U: Tensor
    S: Tensor
    Vh: Tensor


class svd(Results):
    """Left singular vectors, singular values, right singular vectors as columns."""

    __slots__ = ()
    U: Tensor
    S: Tensor
    V: Tensor


class linalg_lu(Results):
    """A permutation, a lower and an upper triangle."""

    __slots__ = ()
    P: Tensor
    L: Tensor
    U: Tensor


class lu_unpack(linalg_lu):
    """A permutation, a lower and an upper triangle."""

    __slots__ = ()


class linalg_lu_factor(Results):
    """Both triangles in one matrix, and the swaps of rows."""

    __slots__ = ()
    LU: Tensor
    pivots: Tensor


class linalg_lu_factor_ex(Results):
    """Both triangles in one matrix, the swaps of rows, and where a pivot is zero."""

    __slots__ = ()
    LU: Tensor
    pivots: Tensor
    info: Tensor


class linalg_ldl_factor(Results):
    """Both factors in one matrix, and the swaps of rows."""

    __slots__ = ()
    LD: Tensor
    pivots: Tensor


class linalg_ldl_factor_ex(Results):
    """Both factors in one matrix, the swaps of rows, and where D is zero."""

    __slots__ = ()
    LD: Tensor
    pivots: Tensor
    info: Tensor


class linalg_slogdet(Results):
    """Sign and logarithm of the absolute value of determinants."""

    __slots__ = ()
    sign: Tensor
    logabsdet: Tensor


class slogdet(linalg_slogdet):
    """Sign and logarithm of the absolute value of determinants."""

    __slots__ = ()


class linalg_inv_ex(Results):
    """Inverses, and where there is none."""

    __slots__ = ()
    inverse: Tensor
    info: Tensor


class linalg_solve_ex(Results):
    """Solutions, and where there is none."""

    __slots__ = ()
    result: Tensor
    info: Tensor


class linalg_lstsq(Results):
    """Least-squares solutions, and what was found on the way."""

    __slots__ = ()
    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


class geqrf(Results):
    """R with Householder reflections below it, and their factors."""

    __slots__ = ()
    a: Tensor
    tau: Tensor


class triangular_solve(Results):
    """Solutions, and the matrices."""

    __slots__ = ()
    solution: Tensor
    cloned_coefficient: Tensor
