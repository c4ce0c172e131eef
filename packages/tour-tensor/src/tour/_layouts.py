"""How elements lie in memory: `layout` (always strided), and `memory_format` (which dimension moves fastest)."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour._errors import argument_error

__all__ = [
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "layout",
    "memory_format",
    "preserve_format",
    "strided",
]


class layout:
    """How a tensor is stored; `tour.strided` is the only one.

    Examples:
        >>> import tour
        >>> tour.zeros(2).layout
        tour.strided
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"tour.{self.name}"

    def __reduce__(self) -> str:
        return self.name


strided = layout("strided")


class memory_format:
    """An order of the dimensions in memory.

    Attributes:
        name: PyTorch's name, for example `"channels_last"`.
        order: The dimensions from the slowest to the fastest; None for the order that a tensor has.

    Examples:
        >>> import tour
        >>> tour.zeros(2, 3, 4, 4).contiguous(memory_format=tour.channels_last).stride()
        (48, 1, 12, 3)
    """

    __slots__ = ("name", "order")

    def __init__(self, name: str, order: tuple[int, ...] | None = None) -> None:
        self.name, self.order = name, order

    def __repr__(self) -> str:
        return f"tour.{self.name}"

    def __reduce__(self) -> str:
        return self.name


contiguous_format = memory_format("contiguous_format", ())
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last", (0, 2, 3, 1))
channels_last_3d = memory_format("channels_last_3d", (0, 2, 3, 4, 1))


def empty_in(shape: tuple[int, ...], dtype: Any, format: Any, name: str, like: Any = None) -> Any:
    """An uninitialised raw array in a memory format, on the device of `like`.

    Raises:
        RuntimeError: If the format is for another number of dimensions.
        TypeError: If it is none.
    """
    order = checked(format, len(shape), name)
    if not order:
        return np.empty(shape, dtype, like=like)
    return np.empty([shape[i] for i in order], dtype, like=like).transpose([order.index(i) for i in range(len(order))])


def checked(format: Any, ndim: int, name: str) -> tuple[int, ...]:
    """The order of dimensions in a memory format; empty for the usual one."""
    if format is None:
        return ()
    if not isinstance(format, memory_format):
        raise argument_error(name, "memory_format", format, "tour.memory_format")
    if format.order is None:
        return ()
    if format.order and len(format.order) != ndim:
        raise RuntimeError(
            f"required rank {len(format.order)} tensor to use {format.name} format, got {ndim} dimensions"
        )
    return format.order


def lies_in(a: Any, format: Any) -> bool:
    """Whether the elements of a raw array lie without gaps in a memory format."""
    if not isinstance(format, memory_format):
        raise argument_error("is_contiguous", "memory_format", format, "tour.memory_format")
    if format.order is None:
        raise RuntimeError("is_contiguous(): preserve memory format is unsupported by the contiguous operator")
    if format.order and len(format.order) != a.ndim:
        return False
    return bool((a.transpose(format.order) if format.order else a).flags.c_contiguous)


def is_channels_last(a: Any) -> bool:
    """Whether a raw array of images or volumes lies in its channels-last format."""
    return lies_in(a, channels_last) or lies_in(a, channels_last_3d)
