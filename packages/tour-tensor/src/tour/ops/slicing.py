"""Parts of a tensor as views, and copies with a part replaced: narrow, select, diagonal, unfold, as_strided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._calling import numpy_too
from tour._core import Op, held, root_of, wrap
from tour._declare import view
from tour._errors import shape_text
from tour._shapes import as_shape, index_of, wrap_dim, wrap_dims
from tour._strides import address, strided
from tour._writing import written
from tour.ops.indexing import getitem
from tour.ops.shaping import reshaping

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "as_strided", "as_strided_", "as_strided_scatter", "diagonal", "diagonal_scatter", "narrow", "select", "select_scatter",
    "slice_scatter",
]  # fmt: skip


# --- Views -----------------------------------------------------------------------------------------------------------------------


def _along(dim: int, item: Any) -> tuple[Any, ...]:
    """An index that leaves the dimensions before `dim` alone."""
    return (*(slice(None),) * dim, item)


@numpy_too
def narrow(input: Tensor, dim: int, start: int | Tensor, length: int) -> Tensor:
    """A view of `length` slices along a dimension, from `start` on.

    Args:
        input: At least one dimension.
        dim: The dimension.
        start: The first slice, an integer or an integer tensor without dimensions; negative ones count from the end.
        length: How many slices, at least 0.

    Raises:
        RuntimeError: If `length` is negative or reaches beyond the end, or `input` has no dimensions.
        IndexError: If `dim` or `start` is out of range.

    Examples:
        >>> import tour
        >>> tour.arange(5).narrow(0, 1, 3)
        tensor([1, 2, 3])
    """
    shape = input._a.shape
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    axis = wrap_dim(dim, len(shape))
    n = shape[axis]
    if isinstance(start, _core.Tensor) and (start._a.ndim or start._a.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    first = index_of(start)
    if not -n <= first <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {first})")
    first += n if first < 0 else 0
    if first + length > n:
        raise RuntimeError(f"start ({first}) + length ({length}) exceeds dimension size ({n}).")
    return getitem(input, _along(axis, slice(first, first + length)))


@numpy_too
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """A view of one slice along a dimension, without it.

    Args:
        input: At least one dimension.
        dim: The dimension.
        index: Which slice; negative ones count from the end.

    Raises:
        IndexError: If `dim` or `index` is out of range, or `input` has no dimensions.

    Examples:
        >>> import tour
        >>> tour.tensor([[1, 2], [3, 4]]).select(1, 0)
        tensor([1, 3])
    """
    shape = input._a.shape
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    axis, i = wrap_dim(dim, len(shape)), index_of(index)
    if not -shape[axis] <= i < shape[axis]:
        raise IndexError(f"select(): index {i} out of range for tensor of size {shape_text(shape)} at dimension {dim}")
    return getitem(input, _along(axis, i))


@numpy_too
def diagonal(
    input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1, *, axis1: int | None = None, axis2: int | None = None
) -> Tensor:
    """A view of the diagonals of two dimensions, which become the last dimension.

    Args:
        input: At least two dimensions.
        offset: Which diagonal: 0 the main one, positive above it, negative below.
        dim1: First dimension.
        dim2: Second dimension.
        axis1: NumPy's name of `dim1`.
        axis2: NumPy's name of `dim2`.

    Examples:
        >>> import tour
        >>> tour.diagonal(tour.tensor([[1, 2], [3, 4]]))
        tensor([1, 4])
    """
    a = input._a
    i = wrap_dim(dim1 if axis1 is None else axis1, a.ndim)
    j = wrap_dim(dim2 if axis2 is None else axis2, a.ndim)
    if i == j:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return view(_DIAGONAL, input, diagonal_of(a, offset, i, j), offset, i, j)  # type: ignore[no-any-return]


def diagonal_of(a: Any, offset: int, dim1: int, dim2: int) -> Any:
    """A writable view of diagonals."""
    rows, columns = a.shape[dim1], a.shape[dim2]
    length = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    shape = (*(n for i, n in enumerate(a.shape) if i not in (dim1, dim2)), length)
    steps = (*(s for i, s in enumerate(a.strides) if i not in (dim1, dim2)), a.strides[dim1] + a.strides[dim2])
    if length:
        first = a.strides[dim1] * max(-offset, 0) + a.strides[dim2] * max(offset, 0)
        return strided(a, shape, steps, first)
    return strided(a, shape, steps)


_DIAGONAL = Op("diagonal", ("input", "offset", "dim1", "dim2"))


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """A view of all windows of `size` elements along a dimension, `step` apart; each window is a new last dimension.

    Examples:
        >>> import tour
        >>> tour.arange(5).unfold(0, 3, 2)
        tensor([[0, 1, 2],
                [2, 3, 4]])
    """
    a = input._a
    axis = wrap_dim(dimension, a.ndim)
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    n = a.shape[axis] if a.ndim else 1
    if size > n:
        raise RuntimeError(f"maximum size for tensor at dimension {axis} is {n} but size is {size}")
    return view(_UNFOLD, input, windows(a, axis, size, step), axis, size, step)  # type: ignore[no-any-return]


def windows(a: Any, axis: int, size: int, step: int) -> Any:
    """A view of all windows of an array along an axis."""
    if not a.ndim:
        return strided(a, (size,), (0,))
    count = (a.shape[axis] - size) // step + 1
    shape = (*a.shape[:axis], count, *a.shape[axis + 1 :], size)
    strides = (*a.strides[:axis], a.strides[axis] * step, *a.strides[axis + 1 :], a.strides[axis])
    return strided(a, shape, strides)


_UNFOLD = Op("unfold", ("input", "dimension", "size", "step"))


def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A view of the memory of a tensor with any sizes and strides.

    Args:
        input: The tensor whose memory to look into.
        size: Sizes of the dimensions.
        stride: Steps between neighbours in each, in elements.
        storage_offset: Where the first element stands in the memory, by default where `input`'s first stands.

    Raises:
        RuntimeError: If an element would lie outside the memory.

    Examples:
        >>> import tour
        >>> tour.arange(4).as_strided((3, 2), (1, 1))
        tensor([[0, 1],
                [1, 2],
                [2, 3]])
    """
    a = input._a
    sizes, steps = as_shape((size,), "as_strided"), as_shape((stride,), "as_strided")
    seen = within_memory(a, sizes, steps, storage_offset)
    places = None if input._tape is None else places_of(a, sizes, steps, storage_offset)
    if places is not None and type(inner := held(a)) is not np.ndarray:
        places = np.asarray(places, like=inner)
    return view(_AS_STRIDED, input, seen, places)  # type: ignore[no-any-return]


def places_of(a: Any, size: tuple[int, ...], stride: tuple[int, ...], offset: int | None) -> Any:
    """For each element of a strided view, which of the array's elements (in row-major order) it is; -1 if none."""
    line, here = memory_of(a)
    numbers = np.full(line.size, -1, np.int64)
    mine = strided(numbers, a.shape, tuple([s // a.itemsize * 8 for s in a.strides]), here * 8)
    mine[...] = np.arange(a.size).reshape(a.shape)
    first = here if offset is None else offset
    return strided(numbers, size, tuple([s * 8 for s in stride]), first * 8)


def memory_of(a: Any) -> tuple[Any, int]:
    """The memory behind an array as a vector of its elements, and where its first element stands there."""
    owner = root_of(a) if held(a) is a else a
    dense = owner if owner.flags.c_contiguous or owner.flags.f_contiguous else a
    line = dense.reshape(-1, order="A" if dense.flags.f_contiguous else "C")
    line = line if line.dtype == a.dtype else line.view(a.dtype)
    return line, (address(a) - address(line)) // a.itemsize


def within_memory(a: Any, size: tuple[int, ...], stride: tuple[int, ...], offset: int | None) -> Any:
    """A view of the whole memory behind an array.

    Raises:
        RuntimeError: If sizes and strides do not fit each other or the memory.
    """
    if len(size) != len(stride):
        raise RuntimeError(f"mismatch in length of strides and shape: {len(stride)} and {len(size)}")
    if any(n < 0 for n in size) or any(s < 0 for s in stride):
        raise RuntimeError(
            f"as_strided: Negative sizes or strides are not supported, got sizes {list(size)}, strides {list(stride)}"
        )
    line, here = memory_of(a)
    first = here if offset is None else offset
    last = first + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if first < 0 or (all(size) and last >= line.size):
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {first}, and itemsize {a.itemsize} requiring a "
            f"storage size of {(last + 1) * a.itemsize} are out of bounds for storage of size {line.size * a.itemsize}"
        )
    return strided(line, size, tuple([s * a.itemsize for s in stride]), min(first, line.size) * a.itemsize)


_AS_STRIDED = Op("as_strided", ("input", "places"))


# --- Copies with a part replaced --------------------------------------------------------------------------------------------------


def _replaced(name: str, input: Tensor, src: Tensor, part: tuple[int, ...]) -> Tensor:
    if src._a.shape != part:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = {shape_text(src._a.shape)}, slice size = "
            f"{shape_text(part)} ({name})"
        )
    return src if src._a.dtype is input._a.dtype else src.to(input.dtype)


def _set(a: Any, index: Any, src: Any) -> None:
    a[index] = src


_SET_PART = Op("set_part", ("input", "index", "src"), _set, tensors=("src",))


@numpy_too
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy with one slice along a dimension replaced.

    Args:
        input: What to copy.
        src: The new slice, in the shape of `input.select(dim, index)`; cast to the dtype of `input`.
        dim: The dimension.
        index: Which slice; negative ones count from the end.

    Raises:
        RuntimeError: If `src` has another shape.
        IndexError: If `dim` or `index` is out of range.

    Examples:
        >>> import tour
        >>> tour.select_scatter(tour.zeros(2, 2), tour.ones(2), 0, 1)
        tensor([[0., 0.],
                [1., 1.]])
    """
    where = _along(wrap_dim(dim, input._a.ndim), index_of(index))
    return written(_SET_PART, input, where, _replaced("select_scatter", input, src, select(input, dim, index)._a.shape))


@numpy_too
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """A copy with a slice along a dimension replaced.

    Args:
        input: What to copy.
        src: The new part, in the shape of `input[start:end:step]` along the dimension; cast to the dtype of `input`.
        dim: The dimension.
        start: The first index, 0 if None; negative ones count from the end.
        end: The index to stop before, the end if None; negative ones count from the end.
        step: The distance of neighbours, above 0.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If `src` has another shape, or `step` is not above 0.
        IndexError: If the dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.slice_scatter(tour.zeros(4), tour.ones(2), start=1, end=3)
        tensor([0., 1., 1., 0.])
    """
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    where = _along(wrap_dim(dim, input._a.ndim), slice(start, end, step))
    part = _replaced("slice_scatter", input, src, input._a[where].shape)
    return written(_SET_PART, input, where, part, out=out)


def _set_diagonal(a: Any, src: Any, offset: int, dim1: int, dim2: int) -> None:
    diagonal_of(a, offset, dim1, dim2)[...] = src


_DIAGONAL_SCATTER = Op("diagonal_scatter", ("input", "src", "offset", "dim1", "dim2"), _set_diagonal, tensors=("src",))


@numpy_too
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy with the diagonals of two dimensions replaced.

    Args:
        input: What to copy, at least two dimensions.
        src: The new diagonals, in the shape of `input.diagonal(offset, dim1, dim2)`; cast to the dtype of `input`.
        offset: Which diagonal: 0 the main one, positive above it, negative below.
        dim1: First dimension.
        dim2: Second dimension.

    Raises:
        RuntimeError: If `src` has another shape, or the two dimensions are the same.
        IndexError: If a dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.diagonal_scatter(tour.zeros(2, 2), tour.ones(2))
        tensor([[1., 0.],
                [0., 1.]])
    """
    part = diagonal(input, offset, dim1, dim2)._a.shape
    i, j = wrap_dims((dim1, dim2), input._a.ndim)
    return written(_DIAGONAL_SCATTER, input, _replaced("diagonal_scatter", input, src, part), offset, i, j)


def _set_strided(a: Any, src: Any, size: Any, stride: Any, offset: int) -> None:
    strided(a, size, tuple([s * a.itemsize for s in stride]), offset * a.itemsize)[...] = src


_AS_STRIDED_SCATTER = Op(
    "as_strided_scatter", ("input", "src", "size", "stride", "offset"), _set_strided, tensors=("src",)
)


@numpy_too
def as_strided_scatter(input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A copy with the elements that `as_strided` would show replaced.

    Args:
        input: What to copy. Its elements count as they lie in memory, as for `as_strided`.
        src: The new elements, in the shape `size`; cast to the dtype of `input`.
        size: Sizes of the dimensions of the part.
        stride: Steps between neighbours in each, in elements.
        storage_offset: Where the first element of the part stands in the memory, by default where `input`'s first stands. What
            is not an element of `input` there stays as it is.

    Raises:
        RuntimeError: If `src` has another shape, `size` and `stride` differ in length or are negative, or an element
            would lie outside the memory.

    Examples:
        >>> import tour
        >>> tour.as_strided_scatter(tour.zeros(2, 2), tour.ones(2), (2,), (3,))
        tensor([[1., 0.],
                [0., 1.]])
    """
    a = input._a
    sizes, steps = as_shape((size,), "as_strided"), as_shape((stride,), "as_strided")
    within_memory(a, sizes, steps, storage_offset)
    part = _replaced("as_strided_scatter", input, src, sizes)
    places = places_of(a, sizes, steps, storage_offset)
    mine = places >= 0
    if a.flags.c_contiguous and mine.all():  # the elements lie as they count
        return written(_AS_STRIDED_SCATTER, input, part, sizes, steps, int(places.flat[0]) if places.size else 0)
    line = input.reshape(-1)
    return line.index_put((wrap(places[mine]),), part[wrap(mine)]).reshape(a.shape)


as_strided_ = reshaping(as_strided)


class Slicing:
    """Parts, as methods."""

    __slots__ = ()

    narrow, select, diagonal, unfold, as_strided = narrow, select, diagonal, unfold, as_strided
    select_scatter, slice_scatter = select_scatter, slice_scatter
    diagonal_scatter, as_strided_scatter = diagonal_scatter, as_strided_scatter
    as_strided_ = as_strided_
