"""Giving a tensor other memory or another size in place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._operands import tensor_argument
from tour._shapes import as_shape
from tour.ops.slicing import memory_of

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["resize_as_"]


def resize_(input: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Give the tensor another size in place: the first elements of its memory stay, further ones are uninitialised.

    Raises:
        RuntimeError: If the tensor records gradients.

    Examples:
        >>> import tour
        >>> tour.tensor([1, 2, 3, 4]).resize_(2)
        tensor([1, 2])
    """
    shape = as_shape(sizes, "resize_")
    if input._tape is not None:
        raise RuntimeError("cannot resize variables that require grad")
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension: {list(shape)}")
    a = input._a
    if a.shape != shape:
        line, here = memory_of(a)
        count = math.prod(shape)
        if here + count > line.size:
            grown = np.empty(count, a.dtype)
            kept = line[here:]
            grown[: kept.size] = kept
            line, here = grown, 0
        input._a = line[here : here + count].reshape(shape)
    return input


def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """Give the tensor the size of another one in place.

    Examples:
        >>> import tour
        >>> tour.resize_as_(tour.tensor([1, 2]), tour.zeros(1))
        tensor([1])
    """
    return resize_(input, tensor_argument("resize_as_", "the_template", the_template)._a.shape)


def set_(input: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Tensor:
    """Let the tensor share the memory of another one, with its size, or with a given one; returns the tensor itself.

    Raises:
        RuntimeError: If the dtypes differ.

    Examples:
        >>> import tour
        >>> x = tour.empty(0)
        >>> x.set_(tour.tensor([1.0, 2.0]))
        tensor([1., 2.])
    """
    if source is None:
        input._a = np.empty(0, input._a.dtype)
        return input
    source = tensor_argument("set_", "source", source)
    if source._a.dtype != input._a.dtype:
        raise RuntimeError(
            f"Could not set tensor of type {source.dtype.name} to a tensor of type {input.dtype.name}; use .to() first"
        )
    if size is None:
        input._a = source._a
        return input
    if stride is None:
        shape = as_shape((size,), "set_")
        stride = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    input._a = _core.wrap(source._a).as_strided(size, stride, storage_offset)._a
    return input


class Resizing:
    """Other memory in place, as methods."""

    __slots__ = ()

    resize_, resize_as_, set_ = resize_, resize_as_, set_
