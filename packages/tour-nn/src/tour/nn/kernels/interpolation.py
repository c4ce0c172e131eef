"""Resizing of images: nearest, linear, cubic and area interpolation over any number of dimensions.

Every method is separable and linear: along each dimension an output is a weighted sum of a few inputs. A `Table` lists
them; its transpose is the gradient. Source positions follow PyTorch: with s the ratio of input to output size,
s (i + 1/2) - 1/2 for output i, or with align_corners (n - 1) / (out - 1) i.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .adaptive_pooling import adaptive_avg_pool, adaptive_avg_pool_grad
from .windows import Array, Ints, beside

Scales = Sequence[float | None]


@dataclass
class Table:
    """For each output along one dimension, which inputs it weighs: the first count[i] of index[i] and weight[i]."""

    index: Array
    weight: Array
    count: Array


def interpolate(
    x: Array, size: Ints, mode: str, align_corners: bool = False, scales: Scales = (), antialias: bool = False
) -> Array:
    """Resize x (N, C, *size) to the given size.

    Args:
        x: Shape (N, C, *old).
        size: The new spatial size.
        mode: 'nearest', 'nearest-exact', 'linear', 'bilinear', 'trilinear', 'bicubic', 'area', or
            'lanczos' with antialias.
        align_corners: Whether the centres (True) or the outer edges (False) of the corner pixels match.
        scales: Scale factor of each dimension, where given by the user; it then sets the positions, not the sizes.
        antialias: Widen the linear or cubic kernel when shrinking.

    Examples:
        >>> interpolate(np.array([[[0.0, 1.0]]]), (4,), "linear")
        array([[[0.  , 0.25, 0.75, 1.  ]]])
    """
    if mode == "area":
        return adaptive_avg_pool(x, size)
    tables = _tables(x.shape, size, mode, align_corners, scales, antialias, x.dtype)
    for axis, table in tables:
        x = _apply(x, axis, table)
    return x if tables else x.copy()


def interpolate_grad(
    g: Array,
    input_shape: Ints,
    mode: str,
    align_corners: bool = False,
    scales: Scales = (),
    antialias: bool = False,
) -> Array:
    """Gradient of `interpolate` with respect to its input, from the gradient g of its output."""
    if mode == "area":
        return adaptive_avg_pool_grad(g, input_shape)
    tables = _tables(input_shape, g.shape[2:], mode, align_corners, scales, antialias, g.dtype)
    for axis, table in reversed(tables):
        g = _apply(g, axis, _transpose(table, input_shape[axis]))
    return g if tables else g.copy()


def _tables(
    shape: Ints,
    size: Ints,
    mode: str,
    align_corners: bool,
    scales: Scales,
    antialias: bool,
    dtype: np.dtype[np.floating],
) -> list[tuple[int, Table]]:
    tables = []
    for axis, (n, out) in enumerate(zip(shape[2:], size, strict=True), 2):
        factor = scales[axis - 2] if scales else None
        if mode.startswith("nearest"):
            if mode == "nearest" and len(size) == 2 and out in (n, 2 * n):
                factor = None  # PyTorch overlooks the scale factor here, but only in two dimensions
            table = _nearest(n, out, factor, 0.5 if mode == "nearest-exact" else 0.0)
        elif n == out and (antialias or mode != "bicubic"):
            continue  # whatever the scale factor says, as in PyTorch
        elif antialias:
            table = _widened(n, out, _ratio(n, out, align_corners, factor, dtype), mode)
        elif mode == "bicubic":
            table = _cubic(n, out, _ratio(n, out, align_corners, factor, dtype), align_corners)
        else:
            table = _linear(n, out, _ratio(n, out, align_corners, factor, dtype), align_corners)
        tables.append((axis, Table(table.index, table.weight.astype(dtype), table.count)))
    return tables


def _ratio(n: int, out: int, align_corners: bool, factor: float | None, dtype: np.dtype[np.floating]) -> np.floating:
    """Input steps per output step, in the precision of the data, as in PyTorch."""
    if align_corners:
        return dtype.type(n - 1) / dtype.type(out - 1) if out > 1 else dtype.type(0)
    return dtype.type(1 / factor) if factor else dtype.type(n) / dtype.type(out)


def _full(index: Array, weight: Array) -> Table:
    return Table(index, weight, np.full(len(index), index.shape[1]))


def _nearest(n: int, out: int, factor: float | None, shift: float) -> Table:
    ratio = _ratio(n, out, False, factor, np.dtype(np.float32))  # single precision whatever the data, as in PyTorch
    position = (np.arange(out, dtype=np.float32) + np.float32(shift)) * ratio
    index = np.minimum(position.astype(np.int64), n - 1)
    return _full(index[:, None], np.ones((out, 1)))


def _sources(out: int, ratio: np.floating, align_corners: bool) -> Array:
    i = np.arange(out, dtype=ratio.dtype)
    half = ratio.dtype.type(0.5)
    return np.asarray(i * ratio if align_corners else (i + half) * ratio - half)


def _linear(n: int, out: int, ratio: np.floating, align_corners: bool) -> Table:
    position = np.maximum(_sources(out, ratio, align_corners), 0)
    left = np.minimum(position.astype(np.int64), n - 1)
    share = np.clip(position - left, 0, 1)
    return _full(np.stack([left, np.minimum(left + 1, n - 1)], 1), np.stack([1 - share, share], 1))


def _cubic(n: int, out: int, ratio: np.floating, align_corners: bool) -> Table:
    position = _sources(out, ratio, align_corners)
    left = np.floor(position).astype(np.int64)
    share = position - left
    index = np.clip(left[:, None] + np.arange(-1, 3), 0, n - 1)
    return _full(index, cubic_weights(share))


def cubic_weights(t: Array, a: float = -0.75) -> Array:
    """Weights of the four neighbours of a point at t in [0, 1) between the middle two (Keys, 1981).

    Examples:
        >>> cubic_weights(np.array([0.5]))
        array([[-0.09375,  0.59375,  0.59375, -0.09375]])
    """
    return np.stack([_keys(t + 1, a), _keys(t, a), _keys(1 - t, a), _keys(2 - t, a)], -1)


def _keys(x: Array, a: float) -> Array:
    """Cubic convolution kernel at distance x >= 0."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.asarray(np.where(x <= 1, near, np.where(x < 2, far, 0)))


def _widened(n: int, out: int, ratio: np.floating, mode: str) -> Table:
    """Anti-aliased: the kernel is stretched by the ratio when shrinking, and its weights sum to one."""
    stretch = max(float(ratio), 1.0)
    reach = _REACH[mode] * stretch
    centre = float(ratio) * (np.arange(out) + 0.5)
    first = np.maximum((centre - reach + 0.5).astype(np.int64), 0)
    count = np.minimum((centre + reach + 0.5).astype(np.int64), n) - first
    index = first[:, None] + np.arange(max(1, count.max(initial=1)))
    distance = np.abs((index - centre[:, None] + 0.5) / stretch)
    weight = _FILTERS[mode](distance)
    weight = np.where(index < (first + count)[:, None], weight, 0)
    return Table(np.minimum(index, n - 1), weight / weight.sum(1, keepdims=True), count)


_REACH = {"linear": 1, "bilinear": 1, "bicubic": 2, "lanczos": 3}
_FILTERS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda x: np.maximum(1 - x, 0),
    "bilinear": lambda x: np.maximum(1 - x, 0),
    "bicubic": lambda x: _keys(x, -0.5),
    "lanczos": lambda x: np.where(x < 3, np.sinc(x) * np.sinc(x / 3), 0),
}


def _transpose(table: Table, n: int) -> Table:
    """For each input, the outputs that weigh it."""
    row, tap = np.nonzero(np.arange(table.index.shape[1]) < table.count[:, None])
    column = table.index[row, tap]
    order = np.argsort(column, kind="stable")
    count = np.bincount(column, minlength=n)
    place = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
    width = max(1, count.max(initial=1))
    index, weight = np.zeros((n, width), np.int64), np.zeros((n, width), table.weight.dtype)
    index[column[order], place] = row[order]
    weight[column[order], place] = table.weight[row, tap][order]
    return Table(index, weight, count)


def _apply(x: Array, axis: int, table: Table) -> Array:
    """Weighted sums along axis, one neighbour at a time; outputs with fewer neighbours sit the later ones out."""
    shape = (-1, *(1,) * (x.ndim - 1 - axis))
    total = x.take(beside(x, table.index[:, 0]), axis)
    total *= beside(x, np.where(table.count > 0, table.weight[:, 0], 0)).reshape(shape)
    for tap in range(1, table.index.shape[1]):
        some = np.flatnonzero(table.count > tap)
        term = x.take(beside(x, table.index[some, tap]), axis)
        term *= beside(x, table.weight[some, tap]).reshape(shape)
        if len(some) == len(table.count):
            total += term
        else:
            np.moveaxis(total, axis, 0)[beside(x, some)] += np.moveaxis(term, axis, 0)
    return total
