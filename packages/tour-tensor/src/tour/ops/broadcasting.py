"""Larger shapes without a copy: dimensions of size 1 that repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._calling import numpy_too
from tour._core import Op, ndarray
from tour._declare import view
from tour._errors import shape_text
from tour._shapes import Size, as_shape, is_int
from tour._strides import strided

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["broadcast_shapes", "broadcast_tensors", "broadcast_to"]


def expand(input: Tensor, *sizes: Any, implicit: bool = False) -> Tensor:
    """A view in which dimensions of size 1 repeat without a copy.

    Args:
        input: Any tensor.
        sizes: The larger shape, as varargs or a tuple; -1 keeps a size. New dimensions are added in front.
        implicit: Accepted for PyTorch's sake.

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
    target = tuple([a.shape[i - extra] if n == -1 and i >= extra else n for i, n in enumerate(wanted)])
    for i, n in enumerate(target):
        old = a.shape[i - extra] if i >= extra else 1
        if n < 0 or (n != old and old != 1):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({old}) at non-singleton dimension {i}.  "
                f"Target sizes: {shape_text(wanted)}.  Tensor sizes: {shape_text(a.shape)}"
            )
    return view(_EXPAND, input, _expanded(a, target), target)  # type: ignore[no-any-return]


_EXPAND = Op("expand", ("input", "size"))


def _expanded(a: Any, target: tuple[int, ...]) -> Any:
    """A view of a larger shape that may be written into, as PyTorch's may (`np.broadcast_to` gives a read-only one)."""
    if type(a) is not ndarray:
        return np.broadcast_to(a, target)
    extra = len(target) - a.ndim
    old, steps = a.shape, a.strides
    strides = tuple([0 if i < extra or old[i - extra] != n else steps[i - extra] for i, n in enumerate(target)])
    return strided(a, target, strides)


def broadcast_to(input: Tensor, size: tuple[int, ...]) -> Tensor:
    """A view of a larger shape; the same as `expand`.

    Examples:
        >>> import tour
        >>> tour.broadcast_to(tour.tensor([1, 2]), (2, 2))
        tensor([[1, 2],
                [1, 2]])
    """
    return expand(input, size)


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """A view in the larger shape of another tensor.

    Examples:
        >>> import tour
        >>> tour.tensor([[1], [2]]).expand_as(tour.empty(2, 3))
        tensor([[1, 1, 1],
                [2, 2, 2]])
    """
    return expand(input, other._a.shape)


def broadcast_shapes(*shapes: Any) -> Any:
    """The shape to which shapes broadcast.

    Raises:
        RuntimeError: If they do not.

    Examples:
        >>> import tour
        >>> tour.broadcast_shapes((2, 1), (3,))
        tour.Size([2, 3])
    """
    sizes = [(s,) if is_int(s) else tuple(s) for s in shapes]
    if any(n < 0 for s in sizes for n in s):
        raise RuntimeError(f"Trying to create tensor with negative dimension: {sizes}")
    try:
        return Size(np.broadcast_shapes(*sizes))
    except ValueError:
        raise RuntimeError(
            f"Shape mismatch: objects of shapes {', '.join(map(shape_text, sizes))} cannot be broadcast to a single shape"
        ) from None


@numpy_too
def broadcast_tensors(*tensors: Any) -> list[Tensor]:
    """Views of tensors in the shape to which they broadcast.

    Examples:
        >>> import tour
        >>> [x.shape for x in tour.broadcast_tensors(tour.zeros(2, 1), tour.zeros(3))]
        [tour.Size([2, 3]), tour.Size([2, 3])]
    """
    if len(tensors) == 1 and not isinstance(tensors[0], _core.Tensor):
        tensors = tuple(tensors[0])
    shape = broadcast_shapes(*(x._a.shape for x in tensors))
    return [expand(x, shape) for x in tensors]


class Broadcasting:
    """Broadcasting, as methods."""

    __slots__ = ()

    expand, expand_as, broadcast_to = expand, expand_as, broadcast_to
