"""Sampling of images at given points (spatial transformers; Jaderberg et al., 2015), in 2 or 3 dimensions.

A sample is a sum over the neighbours of a point, each weighed by the product of one weight per dimension. Neighbours
outside the image read an extra element at the end of each plane that is zero.

Shapes: x (N, C, *size), grid (N, *output, dims) with coordinates from -1 to 1, the last dimension of x first; result
(N, C, *output).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

import numpy as np

from .interpolation import cubic_weights
from .windows import Array, Ints


@dataclass
class Tap:
    """One neighbour along one dimension, for each point (N, points)."""

    index: Array
    inside: Array
    weight: Array
    slope: Array  # derivative of the weight with respect to the grid coordinate
    higher: tuple[Array, ...] = ()  # the second and third derivatives, where they are not zero


def grid_sample(x: Array, grid: Array, mode: str, padding_mode: str, align_corners: bool) -> Array:
    """Sample x at the points of grid.

    Args:
        x: Shape (N, C, *size).
        grid: Shape (N, *output, dims).
        mode: 'bilinear' (also in 3-D), 'nearest' or 'bicubic' (2-D).
        padding_mode: 'zeros', 'border' or 'reflection', for points outside.
        align_corners: Whether -1 and 1 are the centres (True) or the outer edges (False) of the corner pixels.

    Examples:
        >>> x = np.array([[[[0.0, 1.0], [2.0, 3.0]]]])
        >>> grid_sample(x, np.zeros((1, 1, 1, 2)), "bilinear", "zeros", True)
        array([[[[1.5]]]])
    """
    planes = _with_zero(x)
    out = np.zeros((*x.shape[:2], prod(grid.shape[1:-1])), x.dtype, like=x)
    for where, weight, _ in _neighbours(x, grid, mode, padding_mode, align_corners):
        term = planes.take(where)
        term *= weight[:, None]
        out += term
    return out.reshape(*x.shape[:2], *grid.shape[1:-1])


def grid_sample_grad(
    g: Array, x: Array, grid: Array, mode: str, padding_mode: str, align_corners: bool, wanted: tuple[bool, bool]
) -> tuple[Array | None, Array | None]:
    """Gradients of `grid_sample` with respect to (x, grid), None for what is not wanted."""
    planes = _with_zero(x)
    g = g.reshape(*x.shape[:2], -1) if g.size else g.reshape(*x.shape[:2], 0)
    grad = np.zeros(planes.shape, x.dtype, like=x) if wanted[0] else None
    grid_grad = np.zeros((grid.shape[-1], len(x), g.shape[2]), grid.dtype, like=g) if wanted[1] else None
    for where, weight, slopes in _neighbours(x, grid, mode, padding_mode, align_corners):
        if grad is not None:
            np.add.at(grad.reshape(-1), where.reshape(-1), (g * weight[:, None]).reshape(-1))
        if grid_grad is not None and mode != "nearest":
            pull = np.einsum("ncp,ncp->np", g, planes.take(where))
            for axis, slope in enumerate(slopes):
                grid_grad[-1 - axis] += pull * slope
    return (
        None if grad is None else grad[..., :-1].reshape(x.shape),
        None if grid_grad is None else np.moveaxis(grid_grad, 0, -1).reshape(grid.shape),
    )


def _with_zero(x: Array) -> Array:
    """Planes of x in a row, each followed by a zero."""
    size = prod(x.shape[2:])
    planes = np.zeros((*x.shape[:2], size + 1), x.dtype, like=x)
    planes[..., :size] = x.reshape(*x.shape[:2], size)
    return planes


def _neighbours(
    x: Array, grid: Array, mode: str, padding_mode: str, align_corners: bool
) -> Iterator[tuple[Array, Array, list[Array]]]:
    """For each neighbour: its places in `_with_zero(x)` (N, C, points), its weights, their slopes per dimension."""
    size = x.shape[2:]
    dimensions = taps(size, grid, mode, padding_mode, align_corners)
    starts = np.arange(prod(x.shape[:2]), like=x).reshape(*x.shape[:2], 1) * (prod(size) + 1)
    for chosen in product(*dimensions):
        weight = prod((tap.weight for tap in chosen), start=x.dtype.type(1))
        slopes = []
        for axis, tap in enumerate(chosen):
            others = (other.weight for k, other in enumerate(chosen) if k != axis)
            slopes.append(prod(others, start=tap.slope))
        yield starts + place(chosen, size)[:, None], weight, slopes


def taps(size: Ints, grid: Array, mode: str, padding_mode: str, align_corners: bool) -> list[list[Tap]]:
    """Neighbours of the points of grid along each dimension."""
    points = grid.reshape(len(grid), prod(grid.shape[1:-1]), len(size))
    return [_taps(points[..., -1 - k], n, mode, padding_mode, align_corners) for k, n in enumerate(size)]


def place(chosen: Iterable[Tap], size: Ints) -> Array:
    """Flat position of a neighbour in its plane; that of the extra zero where it lies outside."""
    index: Any = np.int64(0)
    inside: Any = np.bool_(True)
    for n, tap in zip(size, chosen, strict=True):
        index, inside = index * n + tap.index, inside & tap.inside
    return np.where(inside, index, prod(size))


def _taps(point: Array, n: int, mode: str, padding_mode: str, align_corners: bool) -> list[Tap]:
    """Neighbours along one dimension of n pixels."""
    kind = point.dtype.type
    factor = kind(n - 1) / 2 if align_corners else kind(n) / 2
    with np.errstate(invalid="ignore"):  # an infinity times zero
        place = (point + 1) * factor if align_corners else (point + 1) * factor - kind(0.5)
    slope = np.full_like(point, factor, order="C")
    if mode != "bicubic":
        place, turn = _bring_inside(place, n, padding_mode, align_corners)
        slope = slope * turn
    place = np.where(np.isnan(place), kind(-100), np.clip(place, -(2**30), 2**30))  # NaN is outside
    if mode == "nearest":
        index = np.rint(place)
        return [_tap(index, n, padding_mode, align_corners, np.ones_like(place), np.zeros_like(place))]
    left = np.floor(place)
    t = place - left
    if mode == "bilinear":
        pairs = [(left, 1 - t, -slope), (left + 1, t, slope)]
        return [_tap(index, n, "zeros", align_corners, weight, d) for index, weight, d in pairs]
    weights, slopes = cubic_weights(t), _cubic_slopes(t)
    before, after = _cubic_slopes(t - 1), _cubic_slopes(t + 1)  # slopes are quadratic: differences are exact
    second, third = (after - before) / 2 * slope[..., None] ** 2, (after - 2 * slopes + before) * slope[..., None] ** 3
    neighbours = []
    for k in range(4):
        tap = _tap(left + k - 1, n, padding_mode, align_corners, weights[..., k], slopes[..., k] * slope)
        neighbours.append(replace(tap, higher=(second[..., k], third[..., k])))
    return neighbours


def _tap(index: Array, n: int, padding_mode: str, align_corners: bool, weight: Array, slope: Array) -> Tap:
    index, _ = _bring_inside(index, n, padding_mode, align_corners)
    inside = (index >= 0) & (index < n)
    return Tap(np.where(inside, index, 0).astype(np.int64), inside, weight, slope)


def _bring_inside(place: Array, n: int, padding_mode: str, align_corners: bool) -> tuple[Array, Array]:
    """Clip or reflect places, and the derivative of that: 1, -1, or 0 on and beyond the border."""
    turn = np.ones_like(place)
    if padding_mode == "zeros":
        return place, turn
    if padding_mode == "reflection":
        low, span = (0.0, n - 1.0) if align_corners else (-0.5, float(n))
        turn = np.where(place < low, -turn, turn)
        if span == 0:
            return np.zeros_like(place), np.zeros_like(place)
        far = np.abs(place - place.dtype.type(low))
        with np.errstate(invalid="ignore"):  # of infinities: NaN, and below 0
            flips, rest = np.divmod(far, place.dtype.type(span))
        odd = flips % 2 == 1
        place = np.where(odd, span - rest, rest) + place.dtype.type(low)
        turn = np.where(odd, -turn, turn)
    place = np.where(np.isnan(place), place.dtype.type(0), place)
    turn = np.where((place <= 0) | (place >= n - 1), 0, turn)
    return np.clip(place, 0, n - 1), turn


def _cubic_slopes(t: Array, a: float = -0.75) -> Array:
    """Derivatives of `interpolation.cubic_weights` with respect to t."""
    far0, near0, near1, far1 = t + 1, t, 1 - t, 2 - t
    return np.stack(
        [
            (3 * a * far0 - 10 * a) * far0 + 8 * a,
            (3 * (a + 2) * near0 - 2 * (a + 3)) * near0,
            (2 * (a + 3) - 3 * (a + 2) * near1) * near1,
            (10 * a - 3 * a * far1) * far1 - 8 * a,
        ],
        -1,
    )
