"""Products and powers of matrices and vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tour._calling import numpy_too
from tour._core import Op
from tour._errors import shape_text
from tour.linalg import _kernels
from tour.linalg._checks import fractional, given, made, square
from tour.linalg.solving import inv
from tour.ops import contractions, slicing
from tour.ops.factories import ones_like
from tour.ops.joining import stack
from tour.ops.linear import matmul as matmul
from tour.ops.ranges import eye

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tour._tensor import Tensor

_MATRIX_EXP = Op("linalg_matrix_exp", ("input",), _kernels.matrix_exp)


@numpy_too
def matrix_exp(A: Tensor) -> Tensor:
    """The exponential `Σ A^k / k!` of square matrices.

    Examples:
        >>> import tour
        >>> tour.linalg.matrix_exp(tour.zeros(2, 2))
        tensor([[1., 0.],
                [0., 1.]])
    """
    A = fractional("linalg.matrix_exp", A, low=True)
    if A._a.dtype.itemsize <= 2:
        return matrix_exp(A.float()).to(A.dtype)
    return made(_MATRIX_EXP, square("linalg.matrix_exp", A))  # type: ignore[no-any-return]


@numpy_too
def matrix_power(A: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """The n-th power of square matrices; a negative one is a power of the inverse.

    Raises:
        LinAlgError: If n is negative and a matrix singular.

    Examples:
        >>> import tour
        >>> tour.linalg.matrix_power(tour.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
        tensor([[1., 5.],
                [0., 1.]])
    """
    shape = A._a.shape
    if len(shape) < 2 or shape[-1] != shape[-2]:
        square("linalg.matrix_power", A.double() if not A.is_complex() else A)
    if n < 0:
        return given(_power(inv(A), -n), out, "linalg.matrix_power")  # type: ignore[no-any-return]
    t = _power(A, n) if n else A.clone().copy_(eye(shape[-1], dtype=A.dtype))  # with A's gradient, which is zero
    return given(t.clone() if t is A else t, out, "linalg.matrix_power")  # type: ignore[no-any-return]


def _power(A: Any, n: int) -> Any:
    """A power n >= 1, by squaring."""
    if n == 1:
        return A
    half = _power(A, n // 2)
    return half @ half @ A if n % 2 else half @ half


@numpy_too
def cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """Cross products of the vectors of three elements along a dimension.

    Examples:
        >>> import tour
        >>> tour.linalg.cross(tour.tensor([1, 0, 0]), tour.tensor([0, 1, 0]))
        tensor([0, 0, 1])
    """
    return contractions.cross(input, other, dim, out=out)


@numpy_too
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """Sums of products along a dimension, the elements of `x` conjugated.

    Examples:
        >>> import tour
        >>> tour.linalg.vecdot(tour.tensor([[1.0, 2.0], [3.0, 4.0]]), tour.tensor([1.0, 10.0]))
        tensor([21., 43.])
    """
    for t in (x, y):
        fractional("linalg.vecdot", t, low=True)
    if x._a.dtype != y._a.dtype:
        raise RuntimeError(
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {x.dtype.name} and y of type {y.dtype.name}"
        )
    return given((x.conj() * y).sum(dim), out, "linalg.vecdot")  # type: ignore[no-any-return]


@numpy_too
def multi_dot(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Product of several matrices, in the order that takes the fewest operations; the first and last may be vectors.

    Examples:
        >>> import tour
        >>> tour.linalg.multi_dot([tour.ones(2, 3), tour.ones(3, 4), tour.ones(4)]).shape
        tour.Size([2])
    """
    chain = list(tensors)
    n = len(chain)
    if n < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {n}")
    for i, t in enumerate(chain):
        end = i in (0, n - 1)
        if t._a.ndim != 2 and not (end and t._a.ndim == 1):
            wanted = "1D or 2D" if end else "2D"
            raise RuntimeError(f"multi_dot(): tensor {i} must be {wanted} but got {t._a.ndim}D")
        if t._a.dtype != chain[0]._a.dtype:
            raise RuntimeError(f"multi_dot(): expected all tensors to have the same dtype but tensor 0 is {chain[0].dtype.name} and "
                               f"tensor {i} {t.dtype.name}")  # fmt: skip
    row, column = chain[0]._a.ndim == 1, chain[-1]._a.ndim == 1
    if row:
        chain[0] = chain[0][None, :]
    if column:
        chain[-1] = chain[-1][:, None]
    for i in range(n - 1):
        if chain[i]._a.shape[1] != chain[i + 1]._a.shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {i} and {i + 1} with shapes {shape_text(chain[i]._a.shape)} and "
                f"{shape_text(chain[i + 1]._a.shape)} cannot be multiplied"
            )
    t = _in_order(chain, _cuts([chain[0]._a.shape[0], *(x._a.shape[1] for x in chain)]), 0, n - 1)
    t = t[0] if row else t
    t = t[..., 0] if column else t
    return given(t, out, "linalg.multi_dot")  # type: ignore[no-any-return]


def _cuts(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to cut each part of a chain of matrices in two, so that the fewest multiplications are needed."""
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    cuts = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            ways = {k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)}
            cuts[i, j] = min(ways, key=ways.__getitem__)
            cost[i, j] = ways[cuts[i, j]]
    return cuts


def _in_order(chain: list[Any], cuts: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return chain[i]
    k = cuts[i, j]
    return _in_order(chain, cuts, i, k) @ _in_order(chain, cuts, k + 1, j)


@numpy_too
def vander(x: Tensor, N: int | None = None) -> Tensor:
    """Vandermonde matrices: the powers 0 to N - 1 of each element, along a new last dimension.

    Examples:
        >>> import tour
        >>> tour.linalg.vander(tour.tensor([2, 3]), N=3)
        tensor([[1, 2, 4],
                [1, 3, 9]])
    """
    if not x._a.ndim and N is None:
        raise RuntimeError("Expected dim >= 1 but got dim = 0; pass N")
    n = x._a.shape[-1] if N is None else N
    if n <= 1 and N is not None:
        raise RuntimeError(f"N must be greater than 1 but got {N}.")
    if x._a.dtype.kind == "b":
        x = x.long()
    x = x if x._a.ndim else x[None]
    columns = [ones_like(x), *[x] * (n - 1)]
    return stack(columns, -1).cumprod(-1)


@numpy_too
def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """A view of the diagonals of matrices.

    Examples:
        >>> import tour
        >>> tour.linalg.diagonal(tour.tensor([[1, 2], [3, 4]]))
        tensor([1, 4])
    """
    return slicing.diagonal(A, offset, dim1, dim2)
