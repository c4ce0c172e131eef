"""Shapes and dimensions as users write them: varargs or tuples, negative numbers, `-1` for "whatever is left"."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from tour import _core
from tour._errors import dim_error, shape_text

__all__ = ["Size"]


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple of ints that prints as PyTorch's.

    Examples:
        >>> import tour
        >>> tour.Size([2, 3]).numel()
        6
    """

    __slots__ = ()

    def numel(self) -> int:
        """How many elements a tensor of this shape has."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"tour.Size({list(self)})"

    def __getitem__(self, index: Any) -> Any:
        part = tuple.__getitem__(self, index)
        return Size(part) if type(part) is tuple else part

    def __add__(self, other: Any) -> Size:
        return Size(tuple.__add__(self, other))

    def __mul__(self, times: Any) -> Size:
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__


def as_shape(size: tuple[Any, ...], op: str = "size") -> tuple[int, ...]:
    """A shape from varargs: `(2, 3)` or `((2, 3),)`.

    Raises:
        TypeError: If an entry is no integer.
    """
    if len(size) == 1 and not is_int(size[0]):
        size = tuple(size[0])
    try:
        return tuple([n if type(n) is int else index_of(n) for n in size])
    except AttributeError:
        bad = next(n for n in size if not hasattr(n, "__index__"))
        raise TypeError(
            f"{op}(): argument 'size' must be tuple of ints, but found element of type {type(bad).__name__}"
        ) from None


def is_int(x: Any) -> bool:
    """Whether `x` may serve as a dimension or size."""
    return isinstance(x, (int, np.integer)) or (isinstance(x, _core.Tensor) and not x._a.ndim)


index_of = operator.index  # the integer that something is; TypeError if it is none


def wrap_dim(dim: int, ndim: int) -> int:
    """A dimension counted from the front; a tensor without dimensions has the dimensions 0 and -1.

    Raises:
        IndexError: If it is out of range.
    """
    count = ndim or 1
    if not -count <= dim < count:
        raise dim_error(dim, ndim)
    return dim + count if dim < 0 else dim


def wrap_dims(dims: Any, ndim: int) -> tuple[int, ...]:
    """Several dimensions counted from the front.

    Raises:
        IndexError: If one is out of range.
        RuntimeError: If one appears twice.
    """
    wrapped = tuple([wrap_dim(index_of(d), ndim) for d in ((dims,) if is_int(dims) else dims)])
    if len(set(wrapped)) < len(wrapped):
        twice = next(d for i, d in enumerate(wrapped) if d in wrapped[:i])
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    return wrapped


def axes(dim: Any, ndim: int) -> int | tuple[int, ...] | None:
    """NumPy's `axis` for PyTorch's `dim` of a reduction: None and `()` mean all."""
    if dim is None:
        return None
    if is_int(dim):
        wrapped = wrap_dim(index_of(dim), ndim)
        return wrapped if ndim else None
    wrapped_all = wrap_dims(dim, ndim)
    return wrapped_all if wrapped_all and ndim else None


def infer_shape(shape: tuple[int, ...], numel: int) -> tuple[int, ...]:
    """A shape with its one `-1` worked out from the number of elements.

    Raises:
        RuntimeError: If there are several, or the sizes do not multiply to `numel`.
    """
    if -1 not in shape:
        if math.prod(shape) != numel:
            raise RuntimeError(f"shape '{shape_text(shape)}' is invalid for input of size {numel}")
        return shape
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    known = math.prod(n for n in shape if n != -1)
    if known == 0:
        raise RuntimeError(
            f"cannot reshape tensor of {numel} elements into shape {shape_text(shape)} because the unspecified dimension "
            "size -1 can be any value and is ambiguous"
        )
    if numel % known or min(shape) < -1:
        raise RuntimeError(f"shape '{shape_text(shape)}' is invalid for input of size {numel}")
    return tuple(numel // known if n == -1 else n for n in shape)


def count_windows(
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool = False,
) -> tuple[int, ...]:
    """Number of windows along each spatial dimension, of a convolution or a pooling, on any device.

    Args:
        size: Elements along each dimension, without padding.
        kernel: Elements of a window.
        stride: Elements from one window to the next.
        padding: Elements added on either side.
        dilation: Elements from one element of a window to its next.
        ceil_mode: Whether a last window may hang over the border; it must start inside.

    Examples:
        >>> count_windows((28, 28), (5, 5), (1, 1), (0, 0), (1, 1))
        (24, 24)
        >>> count_windows((6,), (3,), (2,), (0,), (1,)), count_windows((6,), (3,), (2,), (0,), (1,), ceil_mode=True)
        ((2,), (3,))
    """
    out = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        free = n + 2 * p - d * (k - 1) - 1
        m = (-(-free // s) if ceil_mode else free // s) + 1
        out.append(m - (ceil_mode and (m - 1) * s >= n + p))
    return tuple(out)
