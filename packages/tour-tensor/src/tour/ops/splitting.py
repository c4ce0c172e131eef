"""Taking a tensor apart: split, chunk, unbind. The parts are views."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._calling import numpy_too
from tour._core import Op, Siblings, new
from tour._dtypes import FROM_NUMPY
from tour._shapes import index_of, is_int, wrap_dim

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "chunk", "dsplit", "hsplit", "split", "split_with_sizes", "tensor_split", "unbind", "unsafe_chunk", "unsafe_split",
    "unsafe_split_with_sizes", "vsplit",
]  # fmt: skip

# The parts are views with one node of the graph between them, so autograd refuses to write into one of them.

_SPLIT = Op("split", ("input", "bounds", "dim"))
_UNBIND = Op("unbind", ("input", "dim"))


def _views(op: Op, input: Tensor, arrays: list[Any], *params: Any) -> tuple[Tensor, ...]:
    """Tensors round several views of `input`'s memory."""
    siblings = Siblings(input, op)
    parts = []
    for a in arrays:
        t: Tensor = new(_core.Tensor)
        t._a = a
        t._tape = None
        t._parent = siblings
        parts.append(t)
    made = tuple(parts)
    if input._tape is not None and made:
        op.record(made, input, *params)
    return made


def _cut(input: Tensor, bounds: list[int], dim: int) -> tuple[Tensor, ...]:
    """The parts between consecutive bounds."""
    a = input._a
    lead = (slice(None),) * dim
    arrays = [a[(*lead, slice(i, j))] for i, j in itertools.pairwise(bounds)]
    return _views(_SPLIT, input, arrays, tuple(bounds), dim)


@numpy_too
def split(input: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive parts along a dimension.

    Args:
        input: At least one dimension.
        split_size_or_sections: The size of each part (the last may be smaller), or a list of sizes.
        dim: The dimension.

    Raises:
        RuntimeError: If the sizes do not add up to the size of the dimension.

    Examples:
        >>> import tour
        >>> tour.split(tour.arange(5), 2)
        (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    if not is_int(split_size_or_sections):
        return split_with_sizes(input, split_size_or_sections, dim)  # type: ignore[arg-type]
    a = input._a
    if not a.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    size = index_of(split_size_or_sections)  # type: ignore[arg-type]
    axis = wrap_dim(dim, a.ndim)
    n = a.shape[axis]
    if size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
    if not size and n:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
    return _cut(input, [*range(0, n, size), n] if n else [0, 0], axis)


@numpy_too
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive parts of the given sizes along a dimension.

    Args:
        input: At least one dimension.
        split_sizes: The sizes of the parts, in order.
        dim: The dimension.

    Raises:
        RuntimeError: If a size is negative, they do not add up to the size of the dimension, or `input` has none.
        IndexError: If the dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.split_with_sizes(tour.arange(5), [4, 1])
        (tensor([0, 1, 2, 3]), tensor([4]))
    """
    a = input._a
    if not a.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    axis = wrap_dim(dim, a.ndim)
    sizes = [index_of(n) for n in split_sizes]
    if any(n < 0 for n in sizes):
        raise RuntimeError(
            f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={sizes}"
        )
    bounds = [0]
    for n in sizes:
        bounds.append(bounds[-1] + n)
    if bounds[-1] != a.shape[axis]:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {a.shape[axis]} (input tensor's size at dimension {axis}), "
            f"but got split_sizes={sizes}"
        )
    return _cut(input, bounds, axis)


@numpy_too
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of at most `chunks` consecutive parts of equal size along a dimension; the last may be smaller.

    Args:
        input: At least one dimension.
        chunks: How many parts at most. Each has size `ceil(n / chunks)`, so 6 elements in 4 chunks make 3 parts.
        dim: The dimension, of size n.

    Raises:
        RuntimeError: If `chunks` is not above 0, or there are no dimensions.
        IndexError: If the dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.chunk(tour.arange(5), 2)
        (tensor([0, 1, 2]), tensor([3, 4]))
    """
    a = input._a
    if not a.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    axis = wrap_dim(dim, a.ndim)
    n = a.shape[axis]
    size = -(-n // chunks)
    return _cut(input, [*range(0, n, size), n] if n else [0] * (chunks + 1), axis)


@numpy_too
def tensor_split(
    input: Tensor,
    indices_or_sections: int | Sequence[int] | Tensor | None = None,
    dim: int = 0,
    *,
    sections: int | None = None,
    indices: Sequence[int] | None = None,
) -> tuple[Tensor, ...]:
    """Views of consecutive parts: so many parts of sizes that differ by one at most, or parts that end before given indices.

    Args:
        input: At least one dimension.
        indices_or_sections: The number of parts, of which the first ones are the larger; or indices, each the end of a
            part and the start of the next, as a list, a tuple or a vector. Both may be int64 tensors.
        dim: The dimension.
        sections: The number of parts, by PyTorch's other name.
        indices: The indices, likewise.

    Raises:
        RuntimeError: If the number of parts is not above 0, a tensor of indices is not int64 or has more dimensions, or
            `input` has none.
        TypeError: If `indices_or_sections` is something else, or not exactly one of the three is given.
        IndexError: If the dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.tensor_split(tour.arange(5), 2)
        (tensor([0, 1, 2]), tensor([3, 4]))
        >>> tour.tensor_split(tour.arange(5), (1, 2))
        (tensor([0]), tensor([1]), tensor([2, 3, 4]))
    """
    given = [x for x in (indices_or_sections, sections, indices) if x is not None]
    if len(given) != 1:
        raise TypeError(
            "tensor_split() takes exactly one of a number of sections, a list of indices and a tensor of them"
        )
    a = input._a
    if not a.ndim:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    axis = wrap_dim(dim, a.ndim)
    n = a.shape[axis]
    at = _indices_of(given[0])
    if not isinstance(at, int):
        return _slices(input, [slice(i, j).indices(n)[:2] for i, j in zip([0, *at], [*at, n], strict=True)], axis)
    if at <= 0:
        raise RuntimeError(f"number of sections must be larger than 0, got {at}")
    small, more = divmod(n, at)
    return _slices(input, list(itertools.pairwise(i * small + min(i, more) for i in range(at + 1))), axis)


def _indices_of(x: Any) -> Any:
    """An int, or a list of ints, from a number, a sequence or a tensor of at most one dimension."""
    if not isinstance(x, _core.Tensor):
        if not is_int(x) and not (isinstance(x, (list, tuple)) and all(map(is_int, x))):
            raise TypeError(
                "tensor_split(): received an invalid combination of arguments: expected a number of sections, a list of indices or "
                f"a tensor of them, got {type(x).__name__}"
            )
        return index_of(x) if is_int(x) else [index_of(i) for i in x]
    if x._a.dtype != np.int64:
        raise RuntimeError(
            f"tensor_split expected tensor_indices_or_sections to have dtype of long, but got {FROM_NUMPY[x._a.dtype].name}"
        )
    if x._a.ndim > 1:
        raise RuntimeError(
            "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, but got a "
            f"tensor with {x._a.ndim} dims"
        )
    return x._a.tolist()


def _slices(input: Tensor, bounds: list[tuple[int, int]], dim: int) -> tuple[Tensor, ...]:
    """Parts that are slices of their own, which may be written into, may overlap and may leave gaps."""
    lead = (slice(None),) * dim
    return tuple([input[(*lead, slice(i, max(i, j)))] for i, j in bounds])


def _np_split(name: str, input: Tensor, indices_or_sections: Any, dim: int, least: int) -> tuple[Tensor, ...]:
    n = input._a.shape
    if len(n) < least:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {least} dimension{'s' * (least > 1)}, but got a tensor with {len(n)} "
            "dimensions!".replace("torch.", "")
        )
    if is_int(indices_or_sections):
        sections = index_of(indices_or_sections)
        if sections == 0 or n[dim] % sections:
            raise RuntimeError(
                f"{name} attempted to split along dimension {dim}, but the size of the dimension {n[dim]} is not divisible by the "
                f"split_size {sections}!"
            )
    return tensor_split(input, indices_or_sections, dim)


@numpy_too
def hsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """Views of equal parts side by side, or of parts that end before given columns.

    Examples:
        >>> import tour
        >>> tour.hsplit(tour.arange(4), 2)
        (tensor([0, 1]), tensor([2, 3]))
    """
    return _np_split("hsplit", input, indices_or_sections, int(input._a.ndim > 1), 1)


@numpy_too
def vsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """Views of equal parts below one another, or of parts that end before given rows.

    Examples:
        >>> import tour
        >>> tour.vsplit(tour.arange(4).reshape(2, 2), 2)
        (tensor([[0, 1]]), tensor([[2, 3]]))
    """
    return _np_split("vsplit", input, indices_or_sections, 0, 2)


@numpy_too
def dsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """Views of equal parts along the third dimension, or of parts that end before given indices.

    Examples:
        >>> import tour
        >>> [part.shape for part in tour.dsplit(tour.zeros(1, 2, 4), 2)]
        [tour.Size([1, 2, 2]), tour.Size([1, 2, 2])]
    """
    return _np_split("dsplit", input, indices_or_sections, 2, 3)


@numpy_too
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of all slices along a dimension, without it.

    Examples:
        >>> import tour
        >>> tour.unbind(tour.tensor([[1, 2], [3, 4]]))
        (tensor([1, 2]), tensor([3, 4]))
    """
    a = input._a
    if not a.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    axis = wrap_dim(dim, a.ndim)
    if not axis and type(a) is np.ndarray and a.ndim > 1:
        return _views(_UNBIND, input, list(a), 0)
    lead = (slice(None),) * axis
    return _views(_UNBIND, input, [a[(*lead, i, ...)] for i in range(a.shape[axis])], axis)


unsafe_split, unsafe_split_with_sizes, unsafe_chunk = split, split_with_sizes, chunk


class Splitting:
    """Parts, as methods."""

    __slots__ = ()

    split, split_with_sizes, chunk, tensor_split = split, split_with_sizes, chunk, tensor_split
    hsplit, vsplit, dsplit, unbind = hsplit, vsplit, dsplit, unbind
    unsafe_split, unsafe_split_with_sizes, unsafe_chunk = split, split_with_sizes, chunk
