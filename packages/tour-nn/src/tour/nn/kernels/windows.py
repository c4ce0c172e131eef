"""Windows of an image as views, and the copies built from them (im2col, col2im)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tour._core import ndarray, packed
from tour._shapes import count_windows
from tour._strides import strided

Array = NDArray[Any]
Ints = Sequence[int]
Pads = Sequence[tuple[int, int]]


def beside(x: Array, table: Array) -> Array:
    """A table made on the host, where `x` lives: itself on the CPU; elsewhere a copy, which the device keeps for the next time."""
    return table if type(x) is ndarray else np.asarray(table, like=x)


def spatial(index: Iterable[slice]) -> Any:
    """Index of the last dimensions."""
    return (..., *index)


def crop(image: Array, padding: Ints, size: Ints) -> Array:
    """View of the inside of a padded image."""
    inside: Array = image[spatial(slice(p, p + n) for p, n in zip(padding, size, strict=True))]
    return inside


def windows(x: Array, kernel: Ints, stride: Ints, dilation: Ints) -> Array:
    """View of all windows over the last dimensions: shape (*lead, *kernel, *output).

    Examples:
        >>> windows(np.arange(5), (2,), (1,), (2,))
        array([[0, 1, 2],
               [2, 3, 4]])
    """
    dims = len(kernel)
    lead, size = x.shape[:-dims], x.shape[-dims:]
    out = count_windows(size, kernel, stride, (0,) * dims, dilation)
    steps = x.strides[-dims:]
    taps = tuple(step * d for step, d in zip(steps, dilation, strict=True))
    moves = tuple(step * s for step, s in zip(steps, stride, strict=True))
    return strided(x, (*lead, *kernel, *out), (*x.strides[:-dims], *taps, *moves))  # type: ignore[no-any-return]


def pad(x: Array, pads: Pads, value: float = 0, channels_last: bool = False) -> Array:
    """Pad the spatial dimensions of x (N, C, *size); negative widths crop.

    Args:
        x: Array of shape (N, C, *size).
        pads: One pair (before, after) per spatial dimension.
        value: The value of the border.
        channels_last: Lay the result out in memory with the channels last (the shape stays (N, C, ...)).
    """
    size = [n + lo + hi for n, (lo, hi) in zip(x.shape[2:], pads, strict=True)]
    source = [slice(max(-lo, 0), max(min(n, m - lo), 0)) for n, m, (lo, _) in zip(x.shape[2:], size, pads, strict=True)]
    inner: Array = x[spatial(source)]
    if not channels_last and list(inner.shape[2:]) == size:
        return inner
    out = _empty(x, size, channels_last)
    if list(inner.shape[2:]) != size:
        out.fill(value)
    target = (slice(max(lo, 0), max(lo, 0) + n) for n, (lo, _) in zip(inner.shape[2:], pads, strict=True))
    out[spatial(target)] = inner
    return out


def _empty(x: Array, size: Ints, channels_last: bool) -> Array:
    if channels_last:
        return np.moveaxis(np.empty((len(x), *size, x.shape[1]), x.dtype, like=x), -1, 1)
    return np.empty((*x.shape[:2], *size), x.dtype, like=x)


def taps(kernel: Ints, output: Ints, stride: Ints, dilation: Ints) -> Iterator[Any]:
    """For each place in the kernel, the index of the image elements that it meets, one per window."""
    for tap in product(*map(range, kernel)):
        starts = [t * d for t, d in zip(tap, dilation, strict=True)]
        spans = (slice(a, a + s * (n - 1) + 1, s) for a, s, n in zip(starts, stride, output, strict=True))
        yield spatial(spans)


def im2col(x: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Array:
    """All windows as columns: (N, C, *size) to (N, C * prod(kernel), windows), as ``torch.nn.functional.unfold``.

    Examples:
        >>> im2col(np.arange(9.0).reshape(1, 1, 3, 3), (2, 2), (1, 1), (0, 0), (1, 1))[0, :, 0]
        array([0., 1., 3., 4.])
    """
    view = windows(pad(x, [(p, p) for p in padding]), kernel, stride, dilation)
    n, c = x.shape[:2]
    return packed(view).reshape(n, c * prod(kernel), prod(view.shape[2 + len(kernel) :]))  # type: ignore[no-any-return]


def col2im(columns: Array, size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Array:
    """Sum columns back into an image: the transpose of im2col, as ``torch.nn.functional.fold``.

    Args:
        columns: Array of shape (N, C * prod(kernel), windows).
        size: Spatial size of the image.
        kernel, stride, padding, dilation: As in im2col.

    Returns:
        Array of shape (N, C, *size).

    Examples:
        >>> col2im(np.ones((1, 2, 3)), (4,), (2,), (1,), (0,), (1,))
        array([[[1., 2., 2., 1.]]])
    """
    out = count_windows(size, kernel, stride, padding, dilation)
    channels = columns.shape[1] // prod(kernel)
    columns = columns.reshape(len(columns), channels, prod(kernel), *out)
    image = np.zeros(
        (len(columns), channels, *(n + 2 * p for n, p in zip(size, padding, strict=True))), columns.dtype, like=columns
    )
    for tap, place in enumerate(taps(kernel, out, stride, dilation)):
        image[place] += columns[:, :, tap]
    return crop(image, padding, size)
