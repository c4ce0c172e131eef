"""Other orders of the dimensions: views, which share memory with their input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tour import _core
from tour._calling import numpy_too
from tour._core import Op, new
from tour._declare import view
from tour._errors import argument_error
from tour._shapes import is_int, wrap_dim, wrap_dims
from tour.ops.shaping import _VIEW, reshaping

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["adjoint", "moveaxis", "movedim", "permute", "swapaxes", "swapdims", "t", "transpose"]


def permute(input: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """A view with the dimensions in another order, given as varargs or a tuple.

    Examples:
        >>> import tour
        >>> tour.zeros(2, 3, 5).permute(2, 0, 1).shape
        tour.Size([5, 2, 3])
    """
    try:
        a = input._a
    except AttributeError:
        raise argument_error("permute", "input", input) from None
    if dims is None:
        dims = order[0] if len(order) == 1 and type(order[0]) is not int else order
    if input._tape is None:  # NumPy checks, and there is nothing to record
        try:
            return view(_PERMUTE, input, a.transpose(dims)) if len(dims) else view(_PERMUTE, input, _none(a))  # type: ignore[no-any-return]
        except (TypeError, ValueError):
            pass  # say what is wrong
    order = wrap_dims(dims, a.ndim)
    if len(order) != a.ndim:
        raise RuntimeError(
            "permute: number of dimensions in the tensor input does not match the length of the desired ordering of dimensions "
            f"i.e. input.dim() = {a.ndim} is not equal to len(dims) = {len(order)}"
        )
    return view(_PERMUTE, input, a.transpose(order), order)  # type: ignore[no-any-return]


_PERMUTE = Op("permute", ("input", "dims"))


def _none(a: Any) -> Any:
    """The view with the dimensions in no order, which only a number has."""
    if a.ndim:
        raise ValueError
    return a[...]


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view with two dimensions swapped.

    Args:
        input: Any tensor; one without dimensions has the dimensions 0 and -1.
        dim0: One dimension; negative ones count from the last.
        dim1: The one to swap it with.

    Raises:
        IndexError: If a dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.zeros(2, 3).transpose(0, 1).shape
        tour.Size([3, 2])
    """
    a = input._a
    i, j = wrap_dim(dim0, a.ndim), wrap_dim(dim1, a.ndim)
    t: Tensor = new(_core.Tensor)
    t._a = a.swapaxes(i, j) if a.ndim else a[...]
    t._tape = None
    t._parent = input
    if input._tape is not None:
        _TRANSPOSE.record(t, input, i, j)
    return t


_TRANSPOSE = Op("transpose", ("input", "dim0", "dim1"))


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """A view with two dimensions swapped: NumPy's name of `transpose`.

    Args:
        input: Any tensor.
        axis0: One dimension, `dim0` of `transpose`.
        axis1: The one to swap it with, `dim1` of `transpose`.

    Raises:
        IndexError: If a dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.swapaxes(tour.zeros(2, 3), 0, 1).shape
        tour.Size([3, 2])
    """
    return transpose(input, axis0, axis1)


def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view with two dimensions swapped: another name of `transpose`.

    Args:
        input, dim0, dim1: As for `transpose`.

    Raises:
        IndexError: If a dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.swapdims(tour.zeros(2, 3), 0, 1).shape
        tour.Size([3, 2])
    """
    return transpose(input, dim0, dim1)


@numpy_too
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix, as a view; of a vector or number a view of itself.

    Raises:
        RuntimeError: If the tensor has more than two dimensions.

    Examples:
        >>> import tour
        >>> tour.zeros(2, 3).t().shape
        tour.Size([3, 2])
    """
    if input._a.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input._a.ndim}D")
    return transpose(input, 0, 1) if input._a.ndim == 2 else view(_VIEW, input, input._a[...], input._a.shape)


@numpy_too
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """A view with some dimensions moved elsewhere, the others in their order.

    Args:
        input: Any tensor.
        source: A dimension, or a tuple of them.
        destination: Where each of them goes.

    Examples:
        >>> import tour
        >>> tour.movedim(tour.zeros(2, 3, 5), 0, -1).shape
        tour.Size([3, 5, 2])
    """
    ndim = input._a.ndim
    given = [(x,) if is_int(x) else tuple(x) for x in (source, destination)]
    if len(given[0]) != len(given[1]):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(given[0])} dims) should contain the same number of dims as "
            f"destination ({list(given[1])} dims)"
        )
    try:
        old, new_places = wrap_dims(given[0], ndim), wrap_dims(given[1], ndim)
    except RuntimeError:
        raise RuntimeError(f"movedim: repeated dim in `source` ({given[0]}) or `destination` ({given[1]})") from None
    if not ndim:
        return view(_VIEW, input, input._a[...], ())  # type: ignore[no-any-return]
    order = [i for i in range(ndim) if i not in old]
    for place, i in sorted(zip(new_places, old, strict=True)):
        order.insert(place, i)
    return permute(input, tuple(order))


moveaxis = movedim


def _matrix(input: Any, name: str) -> Any:
    if input._a.ndim == 1:
        raise RuntimeError(f"tensor.{name} is only supported on matrices or batches of matrices. Got 1-D tensor.")
    return transpose(input, -2, -1) if input._a.ndim else input


@numpy_too
def adjoint(input: Tensor) -> Tensor:
    """A tensor of conjugate transposes of the matrices in the last two dimensions; the same as `mH`.

    Examples:
        >>> import tour
        >>> tour.adjoint(tour.zeros(2, 3)).shape
        tour.Size([3, 2])
    """
    return input.mH


class Permuting:
    """Orders of dimensions, as methods."""

    __slots__ = ()

    permute, transpose, t, movedim, moveaxis = permute, transpose, t, movedim, movedim
    swapaxes, swapdims, adjoint = swapaxes, swapdims, adjoint
    t_, transpose_, swapaxes_, swapdims_ = reshaping(t), reshaping(transpose), reshaping(swapaxes), reshaping(swapdims)

    @property
    def T(self: Any) -> Tensor:
        """A view with the dimensions in reverse order.

        Examples:
            >>> import tour
            >>> tour.tensor([[1, 2, 3]]).T
            tensor([[1],
                    [2],
                    [3]])
        """
        return permute(self, tuple(range(self._a.ndim - 1, -1, -1)))

    @property
    def mT(self: Any) -> Tensor:
        """A view with the last two dimensions swapped.

        Raises:
            RuntimeError: If there are fewer than two dimensions.

        Examples:
            >>> import tour
            >>> tour.ones(5, 2, 3).mT.shape
            tour.Size([5, 3, 2])
        """
        return _matrix(self, "mT")  # type: ignore[no-any-return]

    @property
    def H(self: Any) -> Tensor:
        """The conjugate transpose of a matrix; of real numbers a view.

        Raises:
            RuntimeError: If there are other than two dimensions (or none).

        Examples:
            >>> import tour
            >>> tour.tensor([[1 + 1j, 2 + 0j]]).H
            tensor([[1.-1.j],
                    [2.-0.j]])
        """
        if self._a.ndim not in (0, 2):
            raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {self._a.ndim}-D tensor.")
        return (transpose(self, 0, 1) if self._a.ndim else self).conj()

    @property
    def mH(self: Any) -> Tensor:
        """A tensor of conjugate transposes of the matrices in the last two dimensions; of real numbers a view.

        Raises:
            RuntimeError: If there are fewer than two dimensions.

        Examples:
            >>> import tour
            >>> tour.ones(5, 2, 3, dtype=tour.complex64).mH.shape
            tour.Size([5, 3, 2])
        """
        return _matrix(self, "mH").conj()  # type: ignore[no-any-return]
