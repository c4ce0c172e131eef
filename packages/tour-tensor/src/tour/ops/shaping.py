"""Other sizes of the same elements: most of these are views, which share memory with their input."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._calling import numpy_too
from tour._copying import LARGE, reshaped
from tour._core import Op, new, sockets
from tour._declare import result, view
from tour._dtypes import FROM_NUMPY, dtype
from tour._errors import argument_error, shape_text
from tour._shapes import as_shape, infer_shape, wrap_dim, wrap_dims

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "flatten", "ravel", "reshape", "squeeze", "unflatten", "unsqueeze",
]  # fmt: skip


def as_view(a: Any, shape: tuple[int, ...]) -> Any | None:
    """A view of `a` in another shape of as many elements, or None where the strides allow none."""
    if a.flags.c_contiguous:
        return a.reshape(shape)
    try:
        return a.reshape(shape, copy=False) if type(a) is np.ndarray else _shaped(a.view(), shape)
    except (AttributeError, ValueError):
        return None


def _shaped(a: Any, shape: tuple[int, ...]) -> Any:
    a.shape = shape
    return a


_VIEW = Op("view", ("input", "shape"))


def _quick_view(input: Tensor, shape: Any) -> Tensor | None:
    """The view of a contiguous tensor where NumPy takes the sizes as they are; None where they need a closer look."""
    try:
        a = input._a
    except AttributeError:
        raise argument_error("reshape", "input", input) from None
    if not a.flags.c_contiguous:
        return None
    try:
        r = a.reshape(*shape)
    except (TypeError, ValueError, AttributeError, IndexError):
        return None
    if r.shape != shape:  # NumPy takes any negative size for -1
        sizes = shape if len(shape) != 1 or type(shape[0]) is int else shape[0]
        if r.shape != sizes and len(sizes) and min(sizes) < -1:
            return None
    t: Tensor = new(_core.Tensor)
    t._a = r
    t._tape = None
    t._parent = input
    if input._tape is not None:
        _VIEW.record(t, input, r.shape)
    return t


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
    if (quick := _quick_view(input, shape)) is not None:
        return quick
    a = input._a
    target = infer_shape(as_shape(shape, "reshape"), a.size)
    if type(a) is np.ndarray:
        r: Any = a.reshape(target) if a.size < LARGE else reshaped(a, target)
        shared = (base := r.base) is a or (base is not None and base is a.base)
    else:
        shared = (r := as_view(a, target)) is not None
        r = r if shared else a.reshape(target)
    return view(_VIEW, input, r, target) if shared else result(_VIEW, r, input, target)  # type: ignore[no-any-return]


def view_as_shape(input: Tensor, *shape: Any, **named: Any) -> Tensor:
    """The elements in another shape, or in another dtype, sharing memory.

    Args:
        input: Any tensor.
        shape: Sizes, or one tuple of them (one may be -1), or a dtype whose elements are read from the same bytes.
        named: `size` or `dtype`, by name.

    Raises:
        RuntimeError: If the strides allow no view; `reshape` copies then.

    Examples:
        >>> import tour
        >>> tour.arange(6).view(3, 2).shape
        tour.Size([3, 2])
        >>> tour.tensor([1.0]).view(tour.int32)
        tensor([1065353216], dtype=tour.int32)
    """
    if (quick := _quick_view(input, shape)) is not None:
        return quick
    if named:
        shape = (*shape, *named.values())
    if len(shape) == 1 and isinstance(shape[0], dtype):
        return _view_bytes(input, shape[0])
    a = input._a
    target = infer_shape(as_shape(shape, "view"), a.size)
    seen = as_view(a, target)
    if seen is None:
        raise RuntimeError(
            f"view size {shape_text(target)} is not compatible with input tensor's size {shape_text(a.shape)} and stride "
            f"{list(input.stride())} (at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead."
        )
    return view(_VIEW, input, seen, target)  # type: ignore[no-any-return]


_VIEW_BYTES = Op("view_bytes", ("input", "dtype"))


def _view_bytes(input: Tensor, d: dtype) -> Tensor:
    """The same bytes as elements of another dtype; the last dimension shrinks or grows."""
    a = input._a
    if d.numpy is a.dtype:
        return view(_VIEW, input, a[...], a.shape)  # type: ignore[no-any-return]
    if d.itemsize != a.itemsize:
        if not a.ndim:
            raise RuntimeError("self.dim() cannot be 0 to view a tensor with another number of bytes per element")
        if a.strides[-1] != a.itemsize and a.shape[-1] > 1:
            raise RuntimeError(
                f"self.stride(-1) must be 1 to view {FROM_NUMPY[a.dtype].name} as {d.name} (different element sizes)"
            )
        if a.shape[-1] * a.itemsize % d.itemsize:
            raise RuntimeError(
                f"self.size(-1) must be divisible by {d.itemsize // a.itemsize} to view {FROM_NUMPY[a.dtype].name} as {d.name} "
                f"(different element sizes), but got {a.shape[-1]}"
            )
    try:
        seen = a.view(d.numpy)
    except ValueError as error:
        raise RuntimeError(f"view({d}): {error}") from None
    return view(_VIEW_BYTES, input, seen, d)  # type: ignore[no-any-return]


@numpy_too
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The tensor with a range of dimensions made one; a view where the strides allow it.

    Args:
        input: Any tensor; one without dimensions becomes a vector of one element.
        start_dim: The first of the dimensions.
        end_dim: The last of them, itself included.

    Raises:
        RuntimeError: If `start_dim` comes after `end_dim`.
        IndexError: If a dimension is out of range.

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
    if first == last:
        return input
    return reshape(input, *shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])


@numpy_too
def ravel(input: Tensor) -> Tensor:
    """All elements in row-major order, as a vector without gaps; a view where they lie so already.

    Examples:
        >>> import tour
        >>> tour.ravel(tour.zeros(2, 3)).shape
        tour.Size([6])
    """
    return reshape(input.contiguous(), -1)


def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """A view with one dimension made several.

    Args:
        input: Any tensor.
        dim: The dimension.
        sizes: The sizes of the new dimensions; one of them may be -1, and is worked out.

    Raises:
        RuntimeError: If `sizes` is empty, or does not multiply up to the size of the dimension.
        IndexError: If the dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.zeros(2, 6).unflatten(1, (2, -1)).shape
        tour.Size([2, 2, 3])
    """
    shape = input._a.shape
    axis = wrap_dim(dim, len(shape))
    wanted = as_shape((sizes,), "unflatten")
    if not wanted:
        raise RuntimeError("unflatten: sizes must be non-empty")
    try:
        inner = infer_shape(wanted, shape[axis])
    except RuntimeError as error:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(wanted)} don't multiply up to the size of dim {axis} ({shape[axis]}) in the input "
            f"tensor: {error}"
        ) from None
    return view_as_shape(input, (*shape[:axis], *inner, *shape[axis + 1 :]))


@numpy_too
def squeeze(input: Tensor, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """A view without the dimensions of size 1, or without those of them that are named.

    Examples:
        >>> import tour
        >>> tour.zeros(1, 3, 1).squeeze(0).shape
        tour.Size([3, 1])
    """
    a = input._a
    if dim is None:
        named: Any = range(a.ndim)
    else:
        named = (wrap_dim(dim, a.ndim),) if type(dim) is int else wrap_dims(dim, a.ndim)
    gone = tuple([i for i in named if i < a.ndim and a.shape[i] == 1])
    seen = a.squeeze(gone)
    return view(_VIEW, input, seen, seen.shape)  # type: ignore[no-any-return]


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view with a dimension of size 1 inserted before `dim`.

    Examples:
        >>> import tour
        >>> tour.zeros(3).unsqueeze(-1).shape
        tour.Size([3, 1])
    """
    a = input._a
    i = wrap_dim(dim, a.ndim + 1)
    seen = a[(slice(None),) * i + (None,)]
    return view(_VIEW, input, seen, seen.shape)  # type: ignore[no-any-return]


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """A view in the shape of another tensor.

    Examples:
        >>> import tour
        >>> tour.arange(4).view_as(tour.empty(2, 2))
        tensor([[0, 1],
                [2, 3]])
    """
    return view_as_shape(input, other._a.shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """The elements in the shape of another tensor: a view where the strides allow it.

    Examples:
        >>> import tour
        >>> tour.arange(4).reshape_as(tour.empty(2, 2))
        tensor([[0, 1],
                [2, 3]])
    """
    return reshape(input, other._a.shape)


def _at_least(input: Any, ndim: int) -> Any:
    """The tensor, or each of several, with at least so many dimensions."""
    if not isinstance(input, _core.Tensor):
        return tuple(_at_least(x, ndim) for x in input)
    n = input._a.shape
    if len(n) >= ndim:
        return input
    row = n or (1,)
    return reshape(input, row if ndim == 1 else (1, *row) if ndim == 2 else (*(row if len(n) == 2 else (1, *row)), 1))


@numpy_too
def atleast_1d(*tensors: Any) -> Any:
    """The tensor, or each of several, with at least one dimension.

    Examples:
        >>> import tour
        >>> tour.atleast_1d(tour.tensor(1.0))
        tensor([1.])
    """
    return _at_least(tensors[0] if len(tensors) == 1 else tensors, 1)


@numpy_too
def atleast_2d(*tensors: Any) -> Any:
    """The tensor, or each of several, with at least two dimensions; a vector becomes a row.

    Examples:
        >>> import tour
        >>> tour.atleast_2d(tour.tensor([1.0, 2.0])).shape
        tour.Size([1, 2])
    """
    return _at_least(tensors[0] if len(tensors) == 1 else tensors, 2)


@numpy_too
def atleast_3d(*tensors: Any) -> Any:
    """The tensor, or each of several, with at least three dimensions; a vector lies along the second.

    Examples:
        >>> import tour
        >>> tour.atleast_3d(tour.tensor([1.0, 2.0])).shape
        tour.Size([1, 2, 1])
    """
    return _at_least(tensors[0] if len(tensors) == 1 else tensors, 3)


def reshaping(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The in-place form of a view: the tensor itself gets the view's shape."""

    def body(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        recorded = sockets.before_write is not None and sockets.before_write(input)
        t = function(input, *args, **kwargs)
        input._a = t._a
        if recorded:
            input._tape = t._tape
        return input

    body.__doc__ = f"In-place version of `{function.__name__}`; returns the tensor itself."
    body.__name__ = body.__qualname__ = f"{function.__name__}_"
    body.__module__ = function.__module__
    body.__wrapped__ = function  # type: ignore[attr-defined]
    return body


class Shaping:
    """Shapes, as methods."""

    __slots__ = ()

    reshape, reshape_as, view, view_as = reshape, reshape_as, view_as_shape, view_as
    flatten, ravel, unflatten, squeeze, unsqueeze = flatten, ravel, unflatten, squeeze, unsqueeze
    squeeze_, unsqueeze_ = reshaping(squeeze), reshaping(unsqueeze)
