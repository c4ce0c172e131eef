"""Elements named by index tensors or masks: gather, take, index_select, masked_select, nonzero."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tour._calling import numpy_too
from tour._compiled import FEW, LARGE, Socket, compilable
from tour._core import Op, as_array, held, kernel_among, ndarray, wrap
from tour._declare import result
from tour._dtypes import FROM_NUMPY, int64
from tour._errors import shape_text
from tour._shapes import as_shape, wrap_dim
from tour._storing import store
from tour.ops.extremes import same_dtype
from tour.ops.indexing import _GETITEM, getitem

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "argwhere", "gather", "index_select", "masked_select", "nonzero", "nonzero_static", "take", "take_along_dim",
    "unravel_index",
]  # fmt: skip


def grid(shape: tuple[int, ...], dim: int, index: Any) -> tuple[Any, ...]:
    """An open grid over `shape` in which one dimension is replaced by an index array of that shape."""
    ndim = len(shape)
    return tuple([index if i == dim else count_along(n, ndim - i - 1, index) for i, n in enumerate(shape)])


@lru_cache(maxsize=256)
def _remembered(n: int, behind: int) -> Any:
    line = np.arange(n).reshape(-1, *[1] * behind)
    line.flags.writeable = False
    return line


def count_along(n: int, behind: int, like: Any) -> Any:
    """The numbers 0 … n-1 along a dimension with so many others behind it, on the device of an array; short ones are remembered."""
    if type(inner := held(like)) is not ndarray:
        return np.arange(n, like=inner).reshape(-1, *[1] * behind)
    return _remembered(n, behind) if n <= 4096 else np.arange(n).reshape(-1, *[1] * behind)


def check_index(name: str, index: Any, size: int, dim: int, dtypes: str = "il") -> None:
    """Refuse indices that are no integers, or out of range.

    Raises:
        RuntimeError: If they are of another dtype, or one is out of range.
    """
    if index.dtype.kind not in "iu" or index.dtype.itemsize < (8 if dtypes == "l" else 4):
        want = "int64" if dtypes == "l" else "int64 or int32"
        raise RuntimeError(f"{name}(): Expected dtype {want} for index, but got {FROM_NUMPY[index.dtype].name}")
    index = held(index)
    if type(index) is not ndarray:
        index.within(0, size, name)  # a device tells at the next synchronisation
    elif index.size:
        low, high = extent(index)
        if low < 0 or high >= size:
            raise RuntimeError(
                f"index {low if low < 0 else high} is out of bounds for dimension {dim} with size {size}"
            )


@compilable()
def extent(index: Any) -> tuple[Any, Any]:
    """The smallest and the largest of some indices."""
    return np.minimum.reduce(index, None), np.maximum.reduce(index, None)


def check_along(name: str, a: Any, dim: int, index: Any, what: str = "self") -> None:
    """Refuse an index array of `gather` or `scatter` that does not lie within the tensor in all dimensions but `dim`.

    Raises:
        RuntimeError: If it has another number of dimensions, or is larger in one of them.
    """
    if index.size and max(index.ndim, 1) != max(a.ndim, 1):
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {what} tensor")
    for i, n in enumerate(index.shape):
        if i != dim and index.size and n > a.shape[i]:
            raise RuntimeError(
                f"Size does not match at dimension {i} expected index {shape_text(index.shape)} to be no larger than {what} "
                f"{shape_text(a.shape)} apart from dimension {dim}"
            )


def _gather(a: Any, dim: int, index: Any) -> Any:
    if not a.ndim or not index.size:
        return np.full_like(a, a, shape=index.shape) if index.size else np.empty_like(a, shape=index.shape)
    if dim == a.ndim - 1 and a.flags.c_contiguous and index.shape[:-1] == a.shape[:-1]:  # a third of the time
        first = np.arange(0, a.size, a.shape[-1], like=index).reshape(*a.shape[:-1], 1)
        return a.reshape(-1).take(first + index)
    return a[grid(index.shape, dim, index)]


_GATHER = Op("gather", ("input", "dim", "index"), _gather)
_gather_form = Socket(_gather)  # it looks for indices out of range itself, and gives way


def _gathered(a: Any, axis: int, index: Any) -> Any:
    large = index.size >= LARGE and type(a) is type(index) is ndarray
    if large and (r := _gather_form.form(a, axis, index)) is not NotImplemented:
        return r
    check_index("gather", index, a.shape[axis] if a.ndim else 1, axis)
    if type(a) is not ndarray and (r := _gather_form.on(type(a))(a, axis, index)) is not NotImplemented:
        return r
    return kernel_among(_GATHER, a, index)(a, axis, index)


@numpy_too
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Tensor | None = None) -> Tensor:
    """Elements at given places along a dimension: `out[i][j] = input[i][index[i][j]]` for `dim=1`.

    Args:
        input: Any tensor.
        dim: The dimension along which `index` counts.
        index: An int64 tensor with as many dimensions as `input`, no larger than it in the others.
        sparse_grad: Accepted for PyTorch's sake.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If an index is out of range, or the shapes do not fit.

    Examples:
        >>> import tour
        >>> tour.gather(tour.tensor([[1, 2], [3, 4]]), 1, tour.tensor([[0], [1]]))
        tensor([[1],
                [4]])
    """
    a, i = input._a, index._a
    axis = wrap_dim(dim, a.ndim)
    if i.size:
        check_along("gather", a, axis, i, "input")
        made = _gathered(a, axis, i)
    else:
        i = i.astype(np.int64)
        made = kernel_among(_GATHER, a, i)(a, axis, i)
    t = result(_GATHER, made, input, axis, i)
    return t if out is None else store(same_dtype("gather", out, t), t, "gather", input, index)  # type: ignore[no-any-return]


@numpy_too
def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Elements at places counted over all elements in row-major order; negative ones count from the end.

    Examples:
        >>> import tour
        >>> tour.take(tour.tensor([[1, 2], [3, 4]]), tour.tensor([0, 3]))
        tensor([1, 4])
    """
    i = index._a
    if i.dtype != np.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {FROM_NUMPY[i.dtype].name}")
    if i.size and not input._a.size:
        raise IndexError("take(): tried to take from an empty tensor")
    line = input.reshape(-1)
    t = getitem(line, i) if i.ndim else getitem(line, i.reshape(1)).reshape(())
    return t if out is None else store(out, t, "take", input, index)


@numpy_too
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """Elements at given places along a dimension, where the other dimensions broadcast; with no dimension, of all elements.

    Args:
        input: Any tensor.
        indices: An int64 tensor; negative ones count from the end. With `dim`, it has as many dimensions as `input`.
        dim: The dimension along which the indices count; None takes both tensors as flat.
        out: A tensor to write the result into.

    Returns:
        Along `dim` the size of `indices`, elsewhere the sizes to which both broadcast; without `dim` a vector.

    Raises:
        RuntimeError: If the indices are not int64 or out of range, or the shapes do not fit.
        IndexError: If `dim` is out of range.

    Examples:
        >>> import tour
        >>> x = tour.tensor([[3, 1], [2, 4]])
        >>> tour.take_along_dim(x, x.argmax(dim=1, keepdim=True), dim=1)
        tensor([[3],
                [4]])
    """
    if indices._a.dtype != np.int64:
        raise RuntimeError(f"take_along_dim(): dtype of indices should be Long but got {indices.dtype.name}")
    if dim is None:
        return gather(input.reshape(-1), 0, _from_front(indices.reshape(-1), input._a.size), out=out)
    if input._a.ndim != indices._a.ndim:
        raise RuntimeError(
            "take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input._a.ndim} dimensions for input, and {indices._a.ndim} dimensions for indices"
        )
    axis = wrap_dim(dim, input._a.ndim)
    rest = [[n for i, n in enumerate(t._a.shape) if i != axis] for t in (input, indices)]
    try:
        common = np.broadcast_shapes(*map(tuple, rest))
    except ValueError:
        raise RuntimeError(
            f"take_along_dim(): shapes {shape_text(input._a.shape)} and {shape_text(indices._a.shape)} do not broadcast apart "
            f"from dimension {axis}"
        ) from None
    whole, where = (
        t.expand(*common[:axis], t._a.shape[axis], *common[axis:]) if input._a.ndim else t for t in (input, indices)
    )
    return gather(whole, axis, _from_front(where, whole._a.shape[axis] if whole._a.ndim else 1), out=out)


def _from_front(index: Tensor, size: int) -> Tensor:
    """Indices that count from the end made to count from the front."""
    i = index._a
    if type(held(i)) is ndarray and not (i.size and held(i).min() < 0):
        return index
    return wrap(np.where(i < 0, i + size, i))  # on a device without a look at them


@numpy_too
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Slices along a dimension, in the order of an index vector.

    Args:
        input: Any tensor.
        dim: The dimension along which the indices count.
        index: A vector of int64 or int32 indices, or a single one; indices may occur more than once, but not be
            negative.
        out: A tensor to write the result into.

    Returns:
        A copy, as long along `dim` as `index`.

    Raises:
        IndexError: If the index is no vector of int64 or int32, or if it or `dim` is out of range.

    Examples:
        >>> import tour
        >>> tour.index_select(tour.tensor([[1, 2], [3, 4]]), 0, tour.tensor([1, 1]))
        tensor([[3, 4],
                [3, 4]])
    """
    a, i = input._a, index._a
    axis = wrap_dim(dim, a.ndim)
    check_vector("index_select", i)
    size = a.shape[axis] if a.ndim else 1
    try:
        if type(inner := held(i)) is not ndarray:
            inner.within(0, size, "index_select")
        elif i.size and np.minimum.reduce(inner, None) < 0:  # NumPy counts these from the end
            raise IndexError
        part = _selected(a, axis, i.reshape(-1))
    except IndexError:
        where = f"indices go from {held(i).min()} to {held(i).max()}, the dimension has size {size}"
        raise IndexError(f"index out of range in self: {where}") from None
    t = result(_GETITEM, part, input, (slice(None),) * axis + (i.reshape(-1),) if a.ndim else ())
    return t if out is None else store(out, t, "index_select", input, index)  # type: ignore[no-any-return]


def _selected(a: Any, axis: int, where: Any) -> Any:
    if not a.ndim:
        return _selected(a.reshape(1), 0, where).reshape(())
    if type(a) is not ndarray:
        form = _selected_form.on(type(a))
        if (r := form(a, axis, where)) is not NotImplemented:
            return r
    elif type(where) is ndarray and a.shape[axis]:
        size = where.size * (a.size // a.shape[axis])  # of the result
        if (r := _selected_form.serve(size, FEW, a, axis, where)) is not NotImplemented:
            return r
    index = (slice(None),) * axis + (where,)
    if (own := kernel_among(_GETITEM, a, where)) is not None:
        return own(a, index)
    return a[index] if axis else a.take(where, 0)


_selected_form = Socket(_selected)


def check_vector(name: str, index: Any) -> None:
    """Refuse what is no vector of indices.

    Raises:
        IndexError: If it has more than one dimension, or another dtype.
    """
    if index.ndim > 1:
        raise IndexError(
            f"{name}(): Index is supposed to be a vector, but got dim: {index.ndim} with type: {index.dtype}"
        )
    if index.dtype not in (np.int64, np.int32):
        raise IndexError(f"{name}(): Expected dtype int32 or int64 for index, but got {FROM_NUMPY[index.dtype].name}")


@numpy_too
def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements where a mask holds, in row-major order, as a vector; mask and input broadcast.

    Examples:
        >>> import tour
        >>> x = tour.tensor([[1, 2], [3, 4]])
        >>> tour.masked_select(x, x > 2)
        tensor([3, 4])
    """
    m = mask._a
    if m.dtype != np.bool_:
        raise RuntimeError(f"masked_select: expected BoolTensor for mask, but got {FROM_NUMPY[m.dtype].name}")
    if m.shape != input._a.shape:
        shape = broadcast("masked_select", input._a.shape, m.shape)
        input, m = input.expand(shape), np.broadcast_to(m, shape)
    t = getitem(input.reshape(1), m.reshape(1)) if not m.ndim else getitem(input, m)
    return t if out is None else store(out, t, "masked_select", input, mask)


def broadcast(name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape to which shapes broadcast.

    Raises:
        RuntimeError: If they do not.
    """
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        listed = " and ".join(map(shape_text, shapes))
        raise RuntimeError(f"{name}: shapes {listed} do not broadcast: sizes must be equal, or one of them 1") from None


def _places(a: Any) -> Any:
    """Where elements are not zero, a row of indices for each.

    NumPy steps through all dimensions at every element. Dividing the places in a flat array takes a third of the time.
    """
    if type(a) is not np.ndarray or a.size < 1 << 8:
        return np.argwhere(a)
    flat = np.flatnonzero(a)
    if a.ndim == 1:
        return flat[:, None]
    out = np.empty((flat.size, a.ndim), np.int64)
    for d in range(a.ndim - 1, 0, -1):
        above = flat // a.shape[d]
        np.subtract(flat, above * a.shape[d], out[:, d])
        flat = above
    out[:, 0] = flat
    return out


@numpy_too
def nonzero(input: Tensor, *, as_tuple: bool = False, out: Tensor | None = None) -> Any:
    """Where elements are not zero: a row of indices for each; or, `as_tuple`, a vector of indices for each dimension.

    Examples:
        >>> import tour
        >>> tour.nonzero(tour.tensor([[0, 1], [2, 0]]))
        tensor([[0, 1],
                [1, 0]])
    """
    a = input._a if input._a.dtype.kind in "biufc" else input._a.astype(np.bool_)
    if as_tuple:
        return tuple(wrap(i) for i in np.nonzero(a if a.ndim else a.reshape(1)))
    t = wrap(_places(a) if a.ndim else np.empty((int(bool(a)), 0), np.int64))
    if out is not None and out.dtype is not int64:
        raise RuntimeError(f"Expected object of scalar type Long as out for nonzero, but got {out.dtype.name}")
    return t if out is None else store(out, t, "nonzero")


@numpy_too
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1, out: Tensor | None = None) -> Tensor:
    """The first `size` rows of `nonzero`, filled up with `fill_value`.

    Args:
        input: Any tensor.
        size: How many rows the result has; what `nonzero` finds beyond them is left out.
        fill_value: What the remaining rows hold, if fewer are found.
        out: A tensor to write the result into.

    Returns:
        int64, shape (size, d) for an input of d dimensions.

    Raises:
        RuntimeError: If `size` is negative.

    Examples:
        >>> import tour
        >>> tour.nonzero_static(tour.tensor([0, 1]), size=2)
        tensor([[ 1],
                [-1]])
    """
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer, but got {size}")
    found = nonzero(input)._a[:size]
    rows = np.full_like(found, fill_value, np.int64, shape=(size, found.shape[1]))
    rows[: len(found)] = found
    return wrap(rows) if out is None else store(out, wrap(rows), "nonzero_static")


@numpy_too
def argwhere(input: Tensor) -> Tensor:
    """Where elements are not zero: a row of indices for each; the same as `nonzero`.

    Examples:
        >>> import tour
        >>> tour.argwhere(tour.tensor([0, 1, 1]))
        tensor([[1],
                [2]])
    """
    return nonzero(input)  # type: ignore[no-any-return]


@numpy_too
def unravel_index(indices: Tensor, shape: int | tuple[int, ...]) -> tuple[Tensor, ...]:
    """Places counted over all elements as an index for each dimension of `shape`.

    Examples:
        >>> import tour
        >>> tour.unravel_index(tour.tensor([1, 3]), (2, 2))
        (tensor([0, 1]), tensor([1, 1]))
    """
    if indices._a.dtype.kind not in "iu":
        raise ValueError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    sizes = as_shape((shape,) if isinstance(shape, int) else tuple(shape), "unravel_index")
    if any(n < 0 for n in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    rest, parts = indices._a, []
    for n in reversed(sizes):
        parts.append(wrap(as_array(rest % n).astype(indices._a.dtype, copy=False)))
        rest = rest // n
    return tuple(reversed(parts))


class Gathering:
    """Elements by index, as methods."""

    __slots__ = ()

    gather, take, take_along_dim, index_select = gather, take, take_along_dim, index_select
    masked_select, nonzero, nonzero_static, argwhere = masked_select, nonzero, nonzero_static, argwhere
