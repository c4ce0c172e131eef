"""Writing to whole slices that a vector of indices names: index_add, index_copy, index_fill, index_reduce."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._calling import numpy_too
from tour._compiled import NEVER, compilable
from tour._core import Op, held
from tour._dtypes import FROM_NUMPY
from tour._errors import shape_text
from tour._operands import tensor_argument
from tour._shapes import wrap_dim
from tour._writing import write, written
from tour.ops.gathering import check_vector, grid
from tour.ops.scattering import _element, _reduction, reduce_at

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["index_add", "index_copy", "index_fill", "index_reduce"]


def _slices(a: Any, dim: int, index: Any, source: Any) -> tuple[Any, tuple[Any, ...], Any]:
    """The array, the open grid of places of slices along a dimension, and the source; all with at least one dimension."""
    if not a.ndim:
        a = a.reshape(1)
    index = index.reshape(-1)
    shape = (*a.shape[:dim], index.size, *a.shape[dim + 1 :])
    column = index.reshape(-1, *[1] * (a.ndim - dim - 1))
    if isinstance(source, np.ndarray) and source.ndim < a.ndim:
        source = source.reshape(shape) if source.size == index.size and a.ndim == 1 else source
    return a, grid(shape, dim, column), source


@compilable(NEVER)
def _index_add(a: Any, dim: int, index: Any, source: Any, alpha: Any) -> None:
    _add_slices(a, dim, index, source if alpha == 1 else source * source.dtype.type(alpha))


@compilable(by=3)
def _add_slices(a: Any, dim: int, index: Any, source: Any) -> None:
    a, where, source = _slices(a, dim, index, source)
    reduce_at(a, where, source)


def _index_reduce(a: Any, dim: int, index: Any, source: Any, reduce: str, include_self: bool) -> None:
    a, where, source = _slices(a, dim, index, source)
    reduce_at(a, where, source, reduce, include_self)


@compilable(NEVER)
def _index_write(a: Any, dim: int, index: Any, source: Any) -> None:
    """Whole slices written; a number goes everywhere."""
    if not a.ndim:
        if index.size:
            a[...] = source if not isinstance(source, np.ndarray) else source.reshape(-1)[-1]
        return
    a[(slice(None),) * dim + (index.reshape(-1),)] = source


_SOURCE = ("source",)
_INDEX_ADD = Op("index_add", ("input", "dim", "index", "source", "alpha"), _index_add, tensors=_SOURCE)
_INDEX_COPY = Op("index_copy", ("input", "dim", "index", "source"), _index_write, tensors=_SOURCE)
_INDEX_FILL = Op("index_fill", ("input", "dim", "index", "value"), _index_write, tensors=("value",))
_INDEX_REDUCE = Op(
    "index_reduce", ("input", "dim", "index", "source", "reduce", "include_self"), _index_reduce, tensors=_SOURCE
)


def _sliced(name: str, input: Tensor, dim: int, index: Tensor, source: Any) -> tuple[int, Any, Any]:
    """Dimension, index vector and source of an `index_*` op, refused where they do not fit."""
    a, i, s = input._a, tensor_argument(name, "index", index)._a, tensor_argument(name, "source", source)._a
    axis = wrap_dim(dim, a.ndim)
    if i.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector, but got dim: {i.ndim}")
    if i.dtype != np.int64 and (i.dtype != np.int32 or name == "index_copy"):
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index but got: {FROM_NUMPY[i.dtype].name}")
    if s.dtype != a.dtype:
        raise RuntimeError(
            f"{name}(): self ({input.dtype.name}) and source ({source.dtype.name}) must have the same scalar type"
        )
    have = s.shape[axis] if s.ndim > axis else 1
    if have != i.size:
        kind = IndexError if name == "index_copy" else RuntimeError
        raise kind(
            f"{name}(): Number of indices ({i.size}) should be equal to source.size(dim): ({have}), for dim: {axis}"
        )
    rest = [n for d, n in enumerate(a.shape) if d != axis], [n for d, n in enumerate(s.shape) if d != axis]
    if rest[0] != rest[1] and (a.ndim > 1 or s.ndim > 1):
        raise RuntimeError(
            f"{name}(): Source/destination tensor must have same slice shapes. Destination {shape_text(a.shape)}, source "
            f"{shape_text(s.shape)}, at dimension {axis}"
        )
    return axis, _in_range(name, i, a.shape[axis] if a.ndim else 1), source


def _in_range(name: str, index: Any, size: int) -> Any:
    """An index vector that is in range.

    Raises:
        IndexError: If it is not.
    """
    numbers = held(index)
    if type(numbers) is not np.ndarray:
        numbers.within(0, size, name)  # a device tells at the next synchronisation
    elif numbers.size and (numbers.min() < 0 or numbers.max() >= size):
        low, high = numbers.min(), numbers.max()
        raise IndexError(f"{name}(): index out of range in self: indices go from {low} to {high}, size is {size}")
    return index


@numpy_too
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1, out: Tensor | None = None
) -> Tensor:
    """A copy with `alpha` times the slices of `source` added to the slices that an index vector names.

    Args:
        input: What to copy.
        dim: The dimension along which the indices count.
        index: A vector of int64 or int32 indices, not negative; slices of an index that occurs twice are both added.
        source: A tensor of the same dtype as `input` and of its shape, but along `dim` as long as `index`.
        alpha: A factor of `source`; for integers it must not be a float.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If shapes or dtypes do not fit.
        IndexError: If `index` is no vector, or it or `dim` is out of range.

    Examples:
        >>> import tour
        >>> tour.zeros(3).index_add(0, tour.tensor([0, 0]), tour.tensor([1.0, 2.0]))
        tensor([3., 0., 0.])
    """
    return written(_INDEX_ADD, input, *_sliced("index_add", input, dim, index, source), _factor(input, alpha), out=out)


def index_add_(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """In-place version of `index_add`; returns the tensor itself.

    Examples:
        >>> import tour
        >>> tour.zeros(3).index_add_(0, tour.tensor([0, 2, 0]), tour.tensor([1.0, 2.0, 3.0]))
        tensor([4., 0., 2.])
    """
    return write(_INDEX_ADD, input, *_sliced("index_add", input, dim, index, source), _factor(input, alpha))


def _factor(input: Tensor, alpha: Any) -> Any:
    if isinstance(alpha, float) and input._a.dtype.kind in "biu":
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    return alpha


@numpy_too
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy with the slices that an index vector names replaced by those of `source`.

    Args:
        input: What to copy.
        dim: The dimension along which the indices count.
        index: A vector of int64 indices, not negative.
        source: A tensor of the same dtype as `input` and of its shape, but along `dim` as long as `index`.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If dtypes or the shapes of the slices do not fit.
        IndexError: If `index` is no vector or not as long as `source`, or if it or `dim` is out of range.

    Examples:
        >>> import tour
        >>> tour.zeros(3).index_copy(0, tour.tensor([2, 0]), tour.tensor([1.0, 2.0]))
        tensor([2., 0., 1.])
    """
    return written(_INDEX_COPY, input, *_sliced("index_copy", input, dim, index, source), out=out)


def index_copy_(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """In-place version of `index_copy`; returns the tensor itself.

    Examples:
        >>> import tour
        >>> tour.zeros(3).index_copy_(0, tour.tensor([2, 0]), tour.tensor([5.0, 6.0]))
        tensor([6., 0., 5.])
    """
    return write(_INDEX_COPY, input, *_sliced("index_copy", input, dim, index, source))


def _fill_params(input: Tensor, dim: int, index: Tensor, value: Any) -> tuple[int, Any, Any]:
    axis = wrap_dim(dim, input._a.ndim)
    check_vector("index_fill_", index._a)
    if isinstance(value, _core.Tensor):
        if value._a.ndim:
            raise RuntimeError(
                f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value._a.ndim} dimension(s)."
            )
    else:
        value = _element(input, value)
    return axis, _in_range("index_fill_", index._a, input._a.shape[axis] if input._a.ndim else 1), value


@numpy_too
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy with the slices that an index vector names filled with one value, a number or a tensor without dimensions.

    Args:
        input: What to copy.
        dim: The dimension along which the indices count.
        index: A vector of int64 or int32 indices, not negative.
        value: The value, taken in the dtype of `input`.

    Raises:
        RuntimeError: If `value` is a tensor with dimensions, or the dtype cannot hold it.
        IndexError: If `index` is no vector of int64 or int32, or if it or `dim` is out of range.

    Examples:
        >>> import tour
        >>> tour.zeros(3).index_fill(0, tour.tensor([0, 2]), 1.0)
        tensor([1., 0., 1.])
    """
    return written(_INDEX_FILL, input, *_fill_params(input, dim, index, value))


def index_fill_(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """In-place version of `index_fill`; returns the tensor itself.

    Examples:
        >>> import tour
        >>> tour.zeros(3).index_fill_(0, tour.tensor([0, 2]), 7)
        tensor([7., 0., 7.])
    """
    return write(_INDEX_FILL, input, *_fill_params(input, dim, index, value))


@numpy_too
def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """A copy with the slices of `source` combined into the slices that an index vector names.

    Args:
        input: What to copy.
        dim: The dimension.
        index: A vector of indices.
        source: As many slices.
        reduce: `"prod"`, `"mean"`, `"amax"` or `"amin"`.
        include_self: Whether what stands there takes part.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.ones(2).index_reduce(0, tour.tensor([0, 0]), tour.tensor([2.0, 3.0]), "prod")
        tensor([6., 1.])
    """
    how = _reduction("index_reduce", reduce)
    return written(
        _INDEX_REDUCE, input, *_sliced("index_reduce", input, dim, index, source), how, include_self, out=out
    )


def index_reduce_(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """In-place version of `index_reduce`; returns the tensor itself.

    Examples:
        >>> import tour
        >>> tour.ones(2).index_reduce_(0, tour.tensor([0, 0]), tour.tensor([3.0, 4.0]), "prod")
        tensor([12.,  1.])
    """
    how = _reduction("index_reduce", reduce)
    return write(_INDEX_REDUCE, input, *_sliced("index_reduce", input, dim, index, source), how, include_self)


class IndexWriting:
    """Writing to slices, as methods."""

    __slots__ = ()

    index_add, index_copy, index_fill, index_reduce = index_add, index_copy, index_fill, index_reduce
    index_add_, index_copy_, index_fill_, index_reduce_ = index_add_, index_copy_, index_fill_, index_reduce_
