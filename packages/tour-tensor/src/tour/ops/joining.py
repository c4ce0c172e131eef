"""Putting tensors together, and taking one apart."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._calling import numpy_too
from tour._core import Op, Siblings, ndarray, new
from tour._declare import apart, store
from tour._dtypes import FROM_NUMPY
from tour._errors import shape_text
from tour._operands import cast, promoted
from tour._shapes import is_int, wrap_dim

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "cat", "chunk", "column_stack", "concat", "concatenate", "dsplit", "dstack", "hsplit", "hstack", "row_stack", "split",
    "split_with_sizes", "stack", "tensor_split", "unbind", "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes", "vsplit",
    "vstack",
]  # fmt: skip

Tensors = Sequence["Tensor"]


# --- Together -------------------------------------------------------------------------------------------------------------


def _cat(arrays: Any, dim: int) -> Any:
    return np.concatenate(arrays, dim)


_CAT = Op("cat", ("tensors", "dim"), _cat, lists=True)


def cat(tensors: Tensors, dim: int = 0, *, out: Tensor | None = None, axis: int | None = None) -> Tensor:
    """Tensors put together along a dimension that they have.

    Args:
        tensors: Tensors of equal shapes but for `dim`; their dtypes are promoted. Empty vectors are passed over.
        dim: The dimension; NumPy's name `axis` does as well.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If the shapes do not fit.

    Examples:
        >>> import tour
        >>> tour.cat([tour.zeros(1, 2), tour.ones(1, 2)])
        tensor([[0., 0.],
                [1., 1.]])
    """
    if axis is not None:
        dim = axis
    try:
        arrays = [t._a for t in tensors]
        r = np.concatenate(arrays, dim)
    except (AttributeError, TypeError, ValueError):
        r = None
    if r is not None:
        d = r.dtype
        for a in arrays:
            if a.dtype is not d:
                r = None
                break
    if r is None:
        tensors = _fitting(tensors, dim)
        r = np.concatenate([t._a for t in tensors if t._a.shape != (0,)] or [t._a for t in tensors], dim)
    t: Tensor = new(_core.Tensor)
    t._a = r
    t._tape = None
    for x in tensors:
        if x._tape is not None:
            _CAT.record(t, tensors, dim)
            break
    return t if out is None else store(apart("cat", out, *tensors), t, "cat")


def _fitting(tensors: Any, dim: int) -> list[Tensor]:
    """Tensors to be joined, in one dtype.

    Raises:
        TypeError: If one is no tensor.
        RuntimeError: If there is none, or their shapes do not fit.
    """
    made = _tensors("cat", tensors)
    solid = [t._a.shape for t in made if t._a.shape != (0,)]
    if solid:
        axis = wrap_dim(dim, len(solid[0]))
    for i, t in enumerate(made):
        if not t._a.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated; use stack")
        if t._a.shape != (0,):
            _same_but(solid[0], t._a.shape, axis, i)
    common = promoted(made)
    return [cast(t, common) for t in made]


def _tensors(name: str, tensors: Any) -> list[Any]:
    """The tensors of a sequence, NumPy arrays made tensors."""
    if isinstance(tensors, _core.Tensor) or not hasattr(tensors, "__iter__"):
        kind = type(tensors).__name__
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {kind}")
    made = [_core.wrap(t) if isinstance(t, ndarray) else t for t in tensors]
    for i, t in enumerate(made):
        if not isinstance(t, _core.Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(t).__name__}")
    if not made:
        raise (ValueError if name == "cat" else RuntimeError)(f"{name}(): expected a non-empty list of Tensors")
    return made


def _same_but(first: tuple[int, ...], shape: tuple[int, ...], axis: int, i: int) -> None:
    if len(shape) != len(first):
        raise RuntimeError(f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}")
    for d, (n, m) in enumerate(zip(first, shape, strict=True)):
        if n != m and d != axis:
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {axis}. Expected size {n} but got size {m} for tensor number "
                f"{i} in the list."
            )


concat = concatenate = cat


def _stack(arrays: Any, dim: int) -> Any:
    if not dim and len(arrays) < 64 and type(arrays[0]) is ndarray:
        return np.array(arrays)  # half the time where there are few
    lead = (slice(None),) * dim
    return np.concatenate([a[(*lead, None)] for a in arrays], dim)


_STACK = Op("stack", ("tensors", "dim"), _stack, lists=True)


def stack(tensors: Tensors, dim: int = 0, *, out: Tensor | None = None, axis: int | None = None) -> Tensor:
    """Tensors of one shape put together along a new dimension.

    Raises:
        RuntimeError: If the shapes differ.

    Examples:
        >>> import tour
        >>> tour.stack([tour.zeros(2), tour.ones(2)], dim=1)
        tensor([[0., 1.],
                [0., 1.]])
    """
    if axis is not None:
        dim = axis
    try:
        arrays = [t._a for t in tensors]
        first = arrays[0]
        axis = dim if dim >= 0 else dim + first.ndim + 1
        r = _stack(arrays, axis)
    except (AttributeError, TypeError, ValueError, IndexError):
        r = None
    if r is not None:
        d, shape = r.dtype, first.shape
        for a in arrays:
            if a.dtype is not d or a.shape != shape:
                r = None
                break
    if r is None:
        tensors = _alike(tensors, dim)
        axis = wrap_dim(dim, tensors[0]._a.ndim + 1)
        r = _stack([t._a for t in tensors], axis)
    t: Tensor = new(_core.Tensor)
    t._a = r
    t._tape = None
    for x in tensors:
        if x._tape is not None:
            _STACK.record(t, tensors, axis)
            break
    return t if out is None else store(out, t, "stack")


def _alike(tensors: Any, dim: int) -> list[Tensor]:
    """Tensors to be stacked, in one dtype.

    Raises:
        RuntimeError: If their shapes differ.
    """
    made = _tensors("stack", tensors)
    wrap_dim(dim, made[0]._a.ndim + 1)
    for i, t in enumerate(made):
        if t._a.shape != made[0]._a.shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {shape_text(made[0]._a.shape)} at entry 0 and "
                f"{shape_text(t._a.shape)} at entry {i}"
            )
    common = promoted(made)
    return [cast(t, common) for t in made]


def _at_least(tensors: Any, name: str, ndim: int) -> list[Any]:
    """The tensors with at least so many dimensions, as NumPy's `atleast_2d` and `atleast_3d` add them."""
    return [_with_dims(t, ndim) for t in _tensors(name, tensors)]


def _with_dims(t: Any, ndim: int) -> Any:
    n = t._a.shape
    if len(n) >= ndim:
        return t
    shape = (n or (1,)) if ndim == 1 else (1, *(n or (1,))) if ndim == 2 else _with_dims(t, 2)._a.shape
    return t.reshape(shape if ndim < 3 else (*shape, 1))


@numpy_too
def hstack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """Tensors put side by side: along the second dimension, or the first of vectors.

    Examples:
        >>> import tour
        >>> tour.hstack([tour.tensor([1, 2]), tour.tensor([3])])
        tensor([1, 2, 3])
    """
    made = _at_least(tensors, "hstack", 1)
    return cat(made, int(made[0]._a.ndim > 1), out=out)


@numpy_too
def vstack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """Tensors put below one another: along the first dimension; vectors count as rows.

    Examples:
        >>> import tour
        >>> tour.vstack([tour.tensor([1, 2]), tour.tensor([3, 4])])
        tensor([[1, 2],
                [3, 4]])
    """
    return cat(_at_least(tensors, "vstack", 2), 0, out=out)


row_stack = vstack


@numpy_too
def dstack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """Tensors put behind one another: along the third dimension.

    Examples:
        >>> import tour
        >>> tour.dstack([tour.tensor([1, 2]), tour.tensor([3, 4])])
        tensor([[[1, 3],
                 [2, 4]]])
    """
    return cat(_at_least(tensors, "dstack", 3), 2, out=out)


@numpy_too
def column_stack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """Tensors put side by side, where vectors count as columns.

    Examples:
        >>> import tour
        >>> tour.column_stack([tour.tensor([1, 2]), tour.tensor([3, 4])])
        tensor([[1, 3],
                [2, 4]])
    """
    made = [t if t._a.ndim > 1 else t.reshape(t._a.size, 1) for t in _tensors("column_stack", tensors)]
    return cat(made, 1, out=out)


# --- Apart ----------------------------------------------------------------------------------------------------------------
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
    size = split_size_or_sections.__index__()  # type: ignore[union-attr]
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

    Examples:
        >>> import tour
        >>> tour.split_with_sizes(tour.arange(5), [4, 1])
        (tensor([0, 1, 2, 3]), tensor([4]))
    """
    a = input._a
    if not a.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    axis = wrap_dim(dim, a.ndim)
    sizes = [n.__index__() for n in split_sizes]
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
    input: Tensor, indices_or_sections: int | Sequence[int] | Tensor, dim: int = 0, **named: Any
) -> tuple[Tensor, ...]:
    """Views of consecutive parts: so many parts of sizes that differ by one at most, or parts that end before given indices.

    Examples:
        >>> import tour
        >>> tour.tensor_split(tour.arange(5), 2)
        (tensor([0, 1, 2]), tensor([3, 4]))
        >>> tour.tensor_split(tour.arange(5), (1, 2))
        (tensor([0]), tensor([1]), tensor([2, 3, 4]))
    """
    a = input._a
    if not a.ndim:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    axis = wrap_dim(dim, a.ndim)
    n = a.shape[axis]
    at = _indices_of(indices_or_sections)
    if not isinstance(at, int):
        return _ragged(input, [slice(i, j).indices(n) for i, j in zip([0, *at], [*at, n], strict=True)], axis)
    if at <= 0:
        raise RuntimeError(f"number of sections must be larger than 0, got {at}")
    small, more = divmod(n, at)
    return _cut(input, [i * small + min(i, more) for i in range(at + 1)], axis)


def _indices_of(x: Any) -> Any:
    """An int, or a list of ints, from a number, a sequence or a tensor of at most one dimension."""
    if not isinstance(x, _core.Tensor):
        if not is_int(x) and not (isinstance(x, (list, tuple)) and all(map(is_int, x))):
            raise TypeError(
                "tensor_split(): received an invalid combination of arguments: expected a number of sections, a list of indices or "
                f"a tensor of them, got {type(x).__name__}"
            )
        return x.__index__() if is_int(x) else [i.__index__() for i in x]
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


def _ragged(input: Tensor, slices: list[tuple[int, int, int]], dim: int) -> tuple[Tensor, ...]:
    """Parts that may overlap or leave gaps, as wild indices ask for: bounds that ascend make one node, others a slice each."""
    spans = [(i, max(i, j)) for i, j, _ in slices]
    if all(one[1] == two[0] for one, two in itertools.pairwise(spans)) and spans[-1][1] == input._a.shape[dim]:
        return _cut(input, [0, *(j for _, j in spans)], dim)
    lead = (slice(None),) * dim
    return tuple(input[(*lead, slice(i, j))] for i, j in spans)


def _np_split(name: str, input: Tensor, indices_or_sections: Any, dim: int, least: int) -> tuple[Tensor, ...]:
    n = input._a.shape
    if len(n) < least:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {least} dimension{'s' * (least > 1)}, but got a tensor with {len(n)} "
            "dimensions!".replace("torch.", "")
        )
    if is_int(indices_or_sections):
        sections = indices_or_sections.__index__()
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
    lead = (slice(None),) * axis
    return _views(_UNBIND, input, [a[(*lead, i, ...)] for i in range(a.shape[axis])], axis)


unsafe_split, unsafe_split_with_sizes, unsafe_chunk = split, split_with_sizes, chunk


class Joining:
    """Taking apart, as methods."""

    __slots__ = ()

    split, split_with_sizes, chunk, tensor_split = split, split_with_sizes, chunk, tensor_split
    hsplit, vsplit, dsplit, unbind = hsplit, vsplit, dsplit, unbind
    unsafe_split, unsafe_split_with_sizes, unsafe_chunk = split, split_with_sizes, chunk
