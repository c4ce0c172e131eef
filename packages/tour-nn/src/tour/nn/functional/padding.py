"""Padding: a border of constants, reflections, repetitions of the edge, or the other side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import tour
from tour import Tensor

__all__ = ["pad"]

Array = np.ndarray[Any, np.dtype[np.int64]]


# For each mode the element that position i shows, where 0 <= i < n is inside.
_SOURCES: dict[str, Callable[[Array, int], Array]] = {
    "reflect": lambda i, n: n - 1 - np.abs(n - 1 - np.abs(i)),
    "replicate": lambda i, n: np.clip(i, 0, n - 1),
    "circular": lambda i, n: i % n,
}


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Add a border to the last dimensions; negative widths cut.

    Args:
        input: Any tensor for `"constant"`; for the other modes (N, C, *size) or (C, *size) with one to three sizes.
        pad: Widths before and after, in pairs that begin with the last dimension.
        mode: `"constant"`, `"reflect"` (the edge itself is not repeated), `"replicate"` or `"circular"`.
        value: What a constant border holds; zero if None.

    Raises:
        RuntimeError: If the widths do not fit the input, or a value is given to a mode that needs none.
        NotImplementedError: If the mode is unknown or does not handle so many dimensions.

    Examples:
        >>> import tour
        >>> pad(tour.tensor([[1.0, 2.0, 3.0]]), (1, 2), mode="replicate")
        tensor([[1., 1., 2., 3., 3., 3.]])
    """
    widths = tuple(int(n.__index__()) for n in pad)
    if len(widths) % 2:
        raise RuntimeError(f"Padding length must be divisible by 2, but got {len(widths)} widths")
    if len(widths) > 2 * input.dim():
        raise RuntimeError(
            f"Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(widths)} and input of dimension {input.dim()}"
        )
    if mode == "constant":
        return tour.constant_pad_nd(input, widths, 0 if value is None else value)
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if mode not in _SOURCES:
        raise NotImplementedError(
            f"Unrecognised padding mode {mode}; choose 'constant', 'reflect', 'replicate' or 'circular'"
        )
    dims = len(widths) // 2
    if not 1 <= dims <= 3 or input.dim() not in (dims + 1, dims + 2):
        raise NotImplementedError(
            f"Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now, but got {len(widths)} widths "
            f"and input of size {list(input.shape)}"
        )
    pairs = tuple(zip(widths[::2], widths[1::2], strict=True))[::-1]
    _check_widths(input, pairs, mode)
    for dim, (low, high) in enumerate(pairs, input.dim() - dims):
        if mode == "circular":  # what is cut does not come round again
            input = input.narrow(dim, max(-low, 0), input.shape[dim] + min(low, 0) + min(high, 0))
            low, high = max(low, 0), max(high, 0)
        n = input.shape[dim]
        source = _SOURCES[mode](np.arange(-low, n + high), n)
        input = input.index_select(dim, tour.as_tensor(source, device=input.device))
    return input


def _check_widths(input: Tensor, pairs: tuple[tuple[int, int], ...], mode: str) -> None:
    """Refuse widths that a mode cannot fill, or that leave nothing.

    Raises:
        RuntimeError: Names the widths, the dimension and the shape.
    """
    first = input.dim() - len(pairs)
    if mode != "circular" and 0 in input.shape[1 if first == 2 else 0 :]:
        raise RuntimeError(
            f"Expected {input.dim()}D input with possibly 0 batch size and other non-zero dimensions, but got "
            f"{list(input.shape)}"
        )
    for dim, (low, high) in enumerate(pairs, first):
        n = input.shape[dim]
        where = f"padding ({low}, {high}) at dimension {dim} of input {list(input.shape)}"
        if mode == "reflect" and max(low, high) >= n:
            raise RuntimeError(f"Padding size should be less than the corresponding input dimension, but got: {where}")
        if mode == "circular" and max(low, high) > n + min(low, 0) + min(high, 0):
            raise RuntimeError(f"Padding value causes wrapping around more than once: {where}")
        if n + low + high < (mode != "circular"):
            raise RuntimeError(f"input is too small: {where} leaves {n + low + high} elements")
