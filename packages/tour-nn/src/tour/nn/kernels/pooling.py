"""Max and average pooling over 1, 2 or 3 spatial dimensions, and their gradients.

Windows are combined one dimension at a time where the operation allows it, always over whole arrays: a tap of the
kernel meets one strided view of the image. Sizes: input (N, C, *size), output (N, C, *output). Indices are flat
positions in one plane of the input; among equal maxima the first counts, and a NaN counts as the largest.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from math import prod
from typing import Any

import numpy as np

from tour._compiled import compilable
from tour._core import as_array, ndarray
from tour._shapes import count_windows

from .windows import Array, Ints, beside, pad, taps

_BLOCK = 1 << 16  # windows at a time


@compilable()
def max_pool(x: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool) -> Array:
    """Largest element of each window.

    Examples:
        >>> max_pool(np.array([[[1.0, 3.0, 2.0, 0.0]]]), (2,), (2,), (0,), (1,), False)
        array([[[3., 2.]]])
    """
    out_size = count_windows(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    framed = _frame(x, out_size, kernel, stride, padding, dilation, _lowest(x.dtype))
    return _reduce(np.maximum, framed, out_size, kernel, stride, dilation)


@compilable()
def max_pool_with_indices(
    x: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool
) -> tuple[Array, Array]:
    """Largest element of each window, and where it stands in its plane (int64)."""
    out = max_pool(x, kernel, stride, padding, dilation, ceil_mode)
    out_size, pitch = out.shape[2:], [prod(x.shape[i + 1 :]) for i in range(2, x.ndim)]
    if _unusual(out):
        return out, _search(x, out_size, kernel, stride, padding, dilation)
    tap = np.zeros((prod(out.shape[:2]), 1, *out_size), np.min_scalar_type(prod(kernel)), like=out)
    for block, number, _, hit in _hits(x, out, kernel, stride, padding, dilation):
        tap[block] += np.multiply(hit, number, dtype=tap.dtype)
    starts = [(np.arange(m, like=x) * s - p) * q for m, s, p, q in zip(out_size, stride, padding, pitch, strict=True)]
    steps = [np.arange(k, like=x) * d * q for k, d, q in zip(kernel, dilation, pitch, strict=True)]
    return out, reduce(np.add, np.ix_(*starts)) + reduce(np.add, np.ix_(*steps)).ravel()[tap.reshape(out.shape)]


@compilable(by=1)
def max_pool_grad(
    g: Array, x: Array, out: Array | None, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints
) -> Array:
    """Gradient of `max_pool` with respect to x, from the gradient g of its output out, which is found again if it is None."""
    size = x.shape[2:]
    if out is None:
        ceil_mode = g.shape[2:] != count_windows(size, kernel, stride, padding, dilation, False)
        out = max_pool(x, kernel, stride, padding, dilation, ceil_mode)
    if type(out) is not ndarray or np.isnan(out).any():
        return scatter(g, _search(x, out.shape[2:], kernel, stride, padding, dilation), size)
    grad = np.zeros((prod(x.shape[:2]), 1, *_extents(out.shape[2:], kernel, stride, dilation)), g.dtype, like=g)
    apart = all(s > d * (k - 1) for k, s, d in zip(kernel, stride, dilation, strict=True))
    bits = np.dtype(f"i{g.itemsize}")
    source = g.reshape(len(grad), 1, *g.shape[2:]).view(bits)
    for block, _, place, hit in _hits(x, out, kernel, stride, padding, dilation):
        chosen = np.negative(hit.view(np.int8), dtype=bits)  # all bits where hit: selects without spreading NaN
        chosen &= source[block]
        if apart:
            grad[block][place] = chosen.view(g.dtype)
        else:
            grad[block][place] += chosen.view(g.dtype)
    return _unframe(grad.reshape(*x.shape[:2], *grad.shape[2:]), padding, size)


@compilable()
def scatter(values: Array, indices: Array, size: Ints) -> Array:
    """Add values (N, C, *output) at flat indices of zeros (N, C, *size): the gradient of every pooling with indices."""
    planes = prod(values.shape[:2])
    out = np.zeros((*values.shape[:2], *size), values.dtype, like=values)
    places = indices.reshape(planes, -1) + np.arange(planes, like=indices)[:, None] * prod(size) if planes else indices
    np.add.at(out.reshape(-1), places.reshape(-1), values.reshape(-1))
    return out


@compilable()
def gather(x: Array, indices: Array) -> Array:
    """Elements of x (N, C, *size) at flat indices (N, C, *output): the transpose of `scatter`."""
    flat = x.reshape(*x.shape[:2], prod(x.shape[2:]))
    return np.take_along_axis(flat, indices.reshape(*indices.shape[:2], -1), 2).reshape(indices.shape)


@compilable()
def max_unpool(x: Array, indices: Array, size: Ints) -> Array:
    """Write x (N, C, *output) at flat indices of zeros (N, C, *size)."""
    out = np.zeros((*x.shape[:2], prod(size)), x.dtype, like=x)
    np.put_along_axis(out, indices.reshape(*x.shape[:2], -1), x.reshape(*x.shape[:2], -1), 2)
    return out.reshape(*x.shape[:2], *size)


@compilable()
def avg_pool(
    x: Array,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """Mean of each window.

    Args:
        x: Shape (N, C, *size).
        kernel, stride, padding: One entry per spatial dimension.
        ceil_mode: Round the output size up.
        count_include_pad: Whether the zeros of the padding count.
        divisor_override: Divide by this instead of the number of elements.

    Examples:
        >>> avg_pool(np.array([[[1.0, 3.0, 2.0]]]), (2,), (2,), (0,), True, True, None)
        array([[[2., 2.]]])
    """
    ones = (1,) * len(kernel)
    out_size = count_windows(x.shape[2:], kernel, stride, padding, ones, ceil_mode)
    framed = _frame(x, out_size, kernel, stride, padding, ones, 0)
    total = _reduce(np.add, framed, out_size, kernel, stride, ones)
    divisor = _divisor(x, out_size, kernel, stride, padding, count_include_pad, divisor_override)
    if total.dtype.kind in "iu":
        return as_array(np.sign(total) * np.sign(divisor) * (np.abs(total) // np.abs(divisor)))  # type: ignore[no-any-return]
    total /= divisor
    return total


@compilable()
def avg_pool_grad(
    g: Array,
    input_shape: Ints,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """Gradient of `avg_pool` with respect to its input, from the gradient g of its output."""
    size, out_size, ones = input_shape[2:], g.shape[2:], (1,) * len(kernel)
    share = g / _divisor(g, out_size, kernel, stride, padding, count_include_pad, divisor_override, size)
    frame = _extents(out_size, kernel, stride, ones)
    for axis in reversed(range(len(kernel))):
        spread = np.zeros((*share.shape[: 2 + axis], frame[axis], *share.shape[3 + axis :]), g.dtype, like=g)
        for view in _views(spread, axis, kernel[axis], stride[axis], 1, out_size[axis]):
            view += share
        share = spread
    return _unframe(share, padding, size)


def _lowest(dtype: np.dtype[Any]) -> Any:
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def _extents(out_size: Ints, kernel: Ints, stride: Ints, dilation: Ints) -> list[int]:
    """Size that the windows cover, from the first element of the first to the last of the last."""
    return [(m - 1) * s + d * (k - 1) + 1 for m, k, s, d in zip(out_size, kernel, stride, dilation, strict=True)]


def _frame(x: Array, out_size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, value: float) -> Array:
    """Pad (or crop) x to just what the windows cover."""
    sizes = zip(x.shape[2:], _extents(out_size, kernel, stride, dilation), padding, strict=True)
    return pad(x, [(p, e - n - p) for n, e, p in sizes], value)


def _unframe(framed: Array, padding: Ints, size: Ints) -> Array:
    """Undo `_frame`, with zeros where windows did not reach."""
    return pad(framed, [(-p, n + p - e) for n, e, p in zip(size, framed.shape[2:], padding, strict=True)])


def _views(x: Array, axis: int, kernel: int, stride: int, dilation: int, count: int) -> Iterator[Array]:
    """What each tap meets along one spatial dimension, one element per window."""
    for start in range(0, kernel * dilation, dilation):
        yield x[(slice(None),) * (2 + axis) + (slice(start, start + stride * (count - 1) + 1, stride),)]


def _reduce(combine: np.ufunc, framed: Array, out_size: Ints, kernel: Ints, stride: Ints, dilation: Ints) -> Array:
    """Combine the elements of each window, one dimension after the other: sum(kernel) passes, not prod(kernel)."""
    total = framed
    for axis in range(len(kernel)):
        first, *rest = _views(total, axis, kernel[axis], stride[axis], dilation[axis], out_size[axis])
        total = combine(first, rest[0]) if rest else first.copy()
        for view in rest[1:]:
            combine(total, view, out=total)
    return total


def _hits(
    x: Array, out: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints
) -> Iterator[tuple[slice, int, Any, Array]]:
    """Block of planes by block, tap by tap: which windows have their (first) maximum there. No NaN in out."""
    if not out.size:
        return
    border = np.nan if x.dtype.kind == "f" else _lowest(x.dtype)  # equals no maximum
    framed = _frame(x, out.shape[2:], kernel, stride, padding, dilation, border)
    planes, maxima = (a.reshape(prod(x.shape[:2]), 1, *a.shape[2:]) for a in (framed, out))
    step = max(1, _BLOCK // prod(out.shape[2:]))
    for start in range(0, len(planes), step):
        block = slice(start, start + step)
        left = np.ones(maxima[block].shape, bool, like=maxima)
        for number, place in enumerate(taps(kernel, out.shape[2:], stride, dilation)):
            hit = planes[block][place] == maxima[block]
            hit &= left
            left ^= hit
            yield block, number, place, hit


def _unusual(out: Array) -> bool:
    """Whether windows have a NaN, or nothing above the padding: then `_search` finds what PyTorch does; on a device, always."""
    if type(out) is not ndarray:
        return True  # nobody waits for an answer
    least = np.minimum.reduce(out, axis=None, initial=np.iinfo(out.dtype).max if out.dtype.kind in "iu" else np.inf)
    return bool(np.isnan(least) or least == _lowest(out.dtype))


def _search(x: Array, out_size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Array:
    """Where the maximum of each window stands, as PyTorch looks for it: a later element wins if larger or NaN."""
    size = x.shape[2:]
    framed = _frame(x, out_size, kernel, stride, padding, dilation, _lowest(x.dtype))
    positions = np.arange(prod(size), like=x).reshape(1, 1, *size)
    positions = _frame(positions, out_size, kernel, stride, padding, dilation, 0)[0, 0]
    best = np.full((*x.shape[:2], *out_size), _lowest(x.dtype), x.dtype, like=x)
    where = np.empty(best.shape, np.int64, like=x)
    where[...] = np.ravel_multi_index(_first_inside(size, out_size, stride, padding, dilation, x), size)
    for place in taps(kernel, out_size, stride, dilation):
        seen = framed[place]
        better = (seen > best) | np.isnan(seen)
        np.copyto(best, seen, where=better)
        np.copyto(where, positions[place], where=better)
    return where


def _first_inside(
    size: Ints, out_size: Ints, stride: Ints, padding: Ints, dilation: Ints, like: Array
) -> tuple[Array, ...]:
    """Along each dimension, the first position of each window that is not padding."""
    firsts = []
    for n, m, s, p, d in zip(size, out_size, stride, padding, dilation, strict=True):
        start = np.arange(m, like=like) * s - p
        firsts.append(np.minimum(np.where(start < 0, start % d, start), n - 1))
    return np.ix_(*firsts)


def _divisor(
    x: Array,
    out_size: Ints,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    count_include_pad: bool,
    divisor_override: int | None,
    size: Ints | None = None,
) -> Any:
    """What the sum of each window is divided by: a number, or an array (*output) where windows differ."""
    if divisor_override is not None:
        return divisor_override
    counts = []
    for m, n, k, s, p in zip(out_size, size or x.shape[2:], kernel, stride, padding, strict=True):
        start = np.arange(m) * s - p
        end = np.minimum(start + k, n + p)
        counts.append(end - start if count_include_pad else np.minimum(end, n) - np.maximum(start, 0))
    if all((count == k).all() for count, k in zip(counts, kernel, strict=True)):
        return prod(kernel)
    return beside(x, reduce(np.multiply, np.ix_(*counts)).astype(x.dtype))
