"""Other shapes of the same elements: most of these are views, which share memory with their input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._core import ndarray
from tour._declare import new_op, result, view
from tour._errors import shape_text
from tour._shapes import as_shape, infer_shape, wrap_dim, wrap_dims

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["broadcast_to", "flatten", "permute", "reshape", "squeeze", "t", "transpose", "unsqueeze"]


def _as_view(a: Any, shape: tuple[int, ...]) -> Any | None:
    """A view of `a` in another shape of as many elements, or None where the strides allow none."""
    if a.flags.c_contiguous:
        return a.reshape(shape)
    if type(a) is not ndarray:  # CuPy's reshape cannot be asked not to copy
        b = a.reshape(shape)
        return b if b.base is not None else None
    try:
        return a.reshape(shape, copy=False)
    except ValueError:
        return None


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The elements in another shape: a view where the strides allow it, otherwise a copy.

    Args:
        input: Any tensor.
        shape: Sizes, or one tuple of them; one may be -1 and is worked out.

    Raises:
        RuntimeError: If the sizes do not multiply to the number of elements.

    Examples:
        >>> import tour
        >>> tour.arange(6).reshape(2, -1)
        tensor([[0, 1, 2],
                [3, 4, 5]])
    """
    a = input._a
    target = infer_shape(as_shape(shape, "reshape"), a.size)
    seen = _as_view(a, target)
    if seen is not None:
        return view(_VIEW, input, seen, target)  # type: ignore[no-any-return]
    return result(_VIEW, a.reshape(target), input, target)  # type: ignore[no-any-return]


def view_as_shape(input: Tensor, *shape: Any) -> Tensor:
    """The elements in another shape, or in another dtype, sharing memory.

    Args:
        input: Any tensor.
        shape: Sizes, or one tuple of them (one may be -1), or a dtype whose elements are read from the same bytes.

    Raises:
        RuntimeError: If the strides allow no view; `reshape` copies then.

    Examples:
        >>> import tour
        >>> tour.arange(6).view(3, 2).shape
        tour.Size([3, 2])
    """
    a = input._a
    target = infer_shape(as_shape(shape, "view"), a.size)
    seen = _as_view(a, target)
    if seen is None:
        raise RuntimeError(
            f"view size {shape_text(target)} is not compatible with input tensor's size {shape_text(a.shape)} and stride "
            f"{list(input.stride())} (at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead."
        )
    return view(_VIEW, input, seen, target)  # type: ignore[no-any-return]


_VIEW = _core.Op("view", ("input", "shape"))


def permute(input: Tensor, *dims: Any) -> Tensor:
    """A view with the dimensions in another order.

    Examples:
        >>> import tour
        >>> tour.zeros(2, 3, 5).permute(2, 0, 1).shape
        tour.Size([5, 2, 3])
    """
    a = input._a
    order = wrap_dims(dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims, a.ndim)
    if len(order) != a.ndim:
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of "
            f"dimensions i.e. input.dim() = {a.ndim} is not equal to len(dims) = {len(order)}".replace(
                "(sparse_coo)", ""
            )
        )
    return view(_PERMUTE, input, a.transpose(order), order)  # type: ignore[no-any-return]


_PERMUTE = _core.Op("permute", ("input", "dims"))


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view with two dimensions swapped.

    Examples:
        >>> import tour
        >>> tour.zeros(2, 3).transpose(0, 1).shape
        tour.Size([3, 2])
    """
    a = input._a
    i, j = wrap_dim(dim0, a.ndim), wrap_dim(dim1, a.ndim)
    return view(_TRANSPOSE, input, a.swapaxes(i, j) if a.ndim else a[...], i, j)  # type: ignore[no-any-return]


_TRANSPOSE = _core.Op("transpose", ("input", "dim0", "dim1"))


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix, as a view; a vector or number is returned as it is.

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


def squeeze(input: Tensor, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """A view without the dimensions of size 1, or without those of them that are named.

    Examples:
        >>> import tour
        >>> tour.zeros(1, 3, 1).squeeze(0).shape
        tour.Size([3, 1])
    """
    a = input._a
    named = range(a.ndim) if dim is None else wrap_dims(dim, a.ndim)
    shape = tuple(n for i, n in enumerate(a.shape) if n != 1 or i not in named)
    return view(_VIEW, input, _as_view(a, shape), shape)  # type: ignore[no-any-return]


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view with a dimension of size 1 inserted before `dim`.

    Examples:
        >>> import tour
        >>> tour.zeros(3).unsqueeze(-1).shape
        tour.Size([3, 1])
    """
    a = input._a
    i = wrap_dim(dim, a.ndim + 1)
    shape = (*a.shape[:i], 1, *a.shape[i:])
    return view(_VIEW, input, _as_view(a, shape), shape)  # type: ignore[no-any-return]


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The tensor with a range of dimensions made one; a view where the strides allow it.

    Examples:
        >>> import tour
        >>> tour.zeros(2, 3, 4).flatten(1).shape
        tour.Size([2, 12])
    """
    shape = input._a.shape
    first, last = wrap_dim(start_dim, len(shape)), wrap_dim(end_dim, len(shape))
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not shape:
        return reshape(input, 1)
    joined = 1
    for n in shape[first : last + 1]:
        joined *= n
    return reshape(input, (*shape[:first], joined, *shape[last + 1 :]))


def expand(input: Tensor, *sizes: Any) -> Tensor:
    """A view in which dimensions of size 1 repeat without a copy.

    Args:
        input: Any tensor.
        sizes: The larger shape, as varargs or a tuple; -1 keeps a size. New dimensions are added in front.

    Raises:
        RuntimeError: If a size other than 1 would change.

    Examples:
        >>> import tour
        >>> tour.tensor([[1], [2]]).expand(2, 3)
        tensor([[1, 1, 1],
                [2, 2, 2]])
    """
    a = input._a
    wanted = as_shape(sizes, "expand")
    extra = len(wanted) - a.ndim
    if extra < 0:
        raise RuntimeError(
            f"expand({shape_text(a.shape)}, size={shape_text(wanted)}): the number of sizes provided ({len(wanted)}) must be "
            f"greater or equal to the number of dimensions in the tensor ({a.ndim})"
        )
    target = tuple(a.shape[i - extra] if n == -1 and i >= extra else n for i, n in enumerate(wanted))
    for i, n in enumerate(target):
        old = a.shape[i - extra] if i >= extra else 1
        if n < 0 or (n != old and old != 1):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({old}) at non-singleton dimension {i}.  "
                f"Target sizes: {shape_text(wanted)}.  Tensor sizes: {shape_text(a.shape)}"
            )
    return view(_EXPAND, input, _expanded(a, target), target)  # type: ignore[no-any-return]


_EXPAND = _core.Op("expand", ("input", "size"))


def _expanded(a: Any, target: tuple[int, ...]) -> Any:
    """A view of a larger shape that may be written into, as PyTorch's may (`np.broadcast_to` gives a read-only one)."""
    if type(a) is not ndarray:
        return np.broadcast_to(a, target)
    extra = len(target) - a.ndim
    strides = tuple(
        0 if i < extra or (a.shape[i - extra] == 1 and n != 1) else a.strides[i - extra] for i, n in enumerate(target)
    )
    return np.lib.stride_tricks.as_strided(a, target, strides)


def broadcast_to(input: Tensor, size: tuple[int, ...]) -> Tensor:
    """A view of a larger shape; the same as `expand`.

    Examples:
        >>> import tour
        >>> tour.broadcast_to(tour.tensor([1, 2]), (2, 2))
        tensor([[1, 2],
                [1, 2]])
    """
    return expand(input, size)


class Shaping:
    """Shape ops, as methods."""

    __slots__ = ()

    reshape, permute, transpose, t = reshape, permute, transpose, t
    view = view_as_shape
    squeeze, unsqueeze, flatten, expand, broadcast_to = squeeze, unsqueeze, flatten, expand, broadcast_to
