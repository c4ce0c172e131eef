"""Scaled dot-product attention and its gradient."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tour.numba import _memory as memory
from tour.numba import _pool
from tour.numba._machine import vector_bits
from tour.numba.forms._sharing import STEAL, pair

Array = Any

VECTOR = vector_bits() // 8  # bytes
PANEL = (
    4 * VECTOR if VECTOR != 32 else 2 * VECTOR
)  # bytes of the widest rows in registers, as in the kernels, like these:
TALL, SPAN = 48, 384  # rows and columns of a block of scores

_attention, _attention_grad = pair("attention.attention"), pair("attention.attention_grad")
_places = PANEL * np.arange(VECTOR // 4, dtype=np.int64)


def _serves(query: Array, key: Array, value: Array, mask: Array | None, keep: Array | None, scale: float) -> bool:
    dtype = query.dtype
    return (
        dtype in _attention
        and key.dtype is value.dtype is dtype
        and (keep is None or keep.dtype is dtype)
        and scale > 0
        and (mask is None or mask.dtype is dtype or mask.dtype == bool)
        and bool(query.size and key.size and value.size)
    )


def _whole(n: int, unit: int) -> int:
    return -(-n // unit) * unit


def _mask(mask: Array | None, batch: tuple[int, ...], height: int, columns: int, dtype: Any) -> tuple[Any, Any, int]:
    """A mask as numbers to add, where in it that of each head begins, and the bytes between its rows; zeros for no mask."""
    if mask is None:
        return 0, 0, 0
    if mask.dtype == bool:
        mask = np.where(mask, dtype.type(0), dtype.type(-np.inf))
    if mask.shape[-1] != columns or mask.strides[-1] != dtype.itemsize:
        mask = np.ascontiguousarray(np.broadcast_to(mask, (*mask.shape[:-1], columns)))
    strides = np.broadcast_to(mask, (*batch, height, columns)).strides
    starts = np.zeros(1, np.int64)
    for n, stride in zip(batch, strides, strict=False):
        starts = (starts[:, None] + stride * np.arange(n)).ravel()
    return mask, starts, strides[-2]


def _factors(keep: Array | None, shape: tuple[int, ...]) -> Any:
    """Factors of the weights one after the other; zero for none."""
    return 0 if keep is None else memory.dense(keep if keep.shape == shape else np.broadcast_to(keep, shape))


def _laid_out(*arrays: Array) -> tuple[list[Array], Array]:
    """The arrays, those with gaps in their rows as copies, and how they lie: heads of a sample, and each one's strides."""
    found, layout, size = [], [arrays[0].shape[-3] if arrays[0].ndim == 4 else 1], arrays[0].itemsize
    for a in arrays:
        if a.ndim == 4 and a.strides[3] == size:
            layout += a.strides[:3]
        elif a.ndim == 3 and a.strides[2] == size:
            layout += a.strides[0], 0, a.strides[1]
        else:  # without gaps
            a, row = memory.dense(a), size * a.shape[-1]
            head = a.shape[-2] * row
            layout += layout[0] * head, head, row
        found.append(a)
    return found, np.array(layout, np.int64)


def _kept_room(count: int, height: int, columns: int, inputs: int, causal: bool, dtype: Any) -> Array | None:
    """Room for weights to be kept, laid out as the kernel says; None where they would be more than queries, keys and values are."""
    lanes = VECTOR // dtype.itemsize
    size = _whole(height, lanes)
    for i in range(0, height, TALL):
        rows = min(TALL, height - i)
        end = min(columns, i + rows) if causal else columns
        size += rows * lanes * (-(-end // lanes) | 1)
    return memory.empty((count, size), dtype) if columns <= SPAN and count * size <= inputs else None


def _begin_and_step(kept: Array | None) -> tuple[Any, int]:
    """Kept weights for a kernel, and how far apart those of heads are; zeros for none."""
    return (0, 0) if kept is None else (kept, kept.strides[0])


def _parts(count: int) -> int:
    threads = _pool.threads()
    return min(count, STEAL * threads) if threads > 1 else 1


def attention(
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None,
    keep: Array | None,
    causal: bool,
    scale: float,
    wants_grad: bool = False,
) -> Any:
    """`softmax(query @ key.T * scale + mask) @ value`, the logarithm of each row's sum, and perhaps the weights for the gradient."""
    if not _serves(query, key, value, mask, keep, scale):
        return NotImplemented
    batch, (height, width), (columns, depth) = query.shape[:-2], query.shape[-2:], value.shape[-2:]
    dtype, size = query.dtype, query.itemsize
    lanes = VECTOR // size
    count, deep = prod(batch), _whole(depth, lanes)
    parts = _parts(count)
    out, sums = memory.empty((*batch, height, depth), dtype), memory.empty((count, height), dtype)
    room = TALL * (SPAN + lanes) + TALL * (deep + 3) + width * _whole(columns, PANEL // size)
    room += columns * deep if deep != depth else 0
    inputs = query.size + key.size + value.size
    kept = _kept_room(count, height, columns, inputs, causal, dtype) if wants_grad and keep is None else None
    operands, layout = _laid_out(query, key, value)
    _attention[dtype](
        parts, *operands, out, sums, *_mask(mask, batch, height, columns, dtype), count, height, columns, width, depth, int(causal),
        float(scale), _places, layout, memory.empty((parts, room), dtype), size * room, *_begin_and_step(kept),
        _factors(keep, (*batch, height, columns)),
    )  # fmt: skip
    return (out, sums) if kept is None else (out, sums, kept)


def attention_grad(
    g: Array, query: Array, key: Array, value: Array, mask: Array | None, keep: Array | None,
    causal: bool, scale: float, out: Array, sums: Array, wants_mask: bool = False, kept: Array | None = None,
) -> Any:  # fmt: skip
    """Gradients of query, key and value, and of the mask if wanted."""
    if not g.dtype is out.dtype is sums.dtype is query.dtype or not _serves(query, key, value, mask, keep, scale):
        return NotImplemented
    batch, (height, width), (columns, depth) = query.shape[:-2], query.shape[-2:], value.shape[-2:]
    dtype, size = query.dtype, query.itemsize
    lanes = VECTOR // size
    count, wide, deep = prod(batch), _whole(width, lanes), _whole(depth, lanes)
    parts = _parts(count)
    grads = [memory.empty(a.shape, dtype) for a in (query, key, value)]
    room = 2 * TALL * (SPAN + lanes) + _whole(height, lanes) + SPAN * (width + depth)
    if kept is not None or wide != width or deep != depth:
        room += height * (2 * wide + deep) + columns * (2 * wide + deep)
    whole = (*batch, height, columns)
    to_mask = _mask_grads(mask, whole, parts) if wants_mask and mask is not None else None
    operands, layout = _laid_out(g, query, key, value)
    _attention_grad[dtype](
        parts, *operands, memory.dense(out), memory.dense(sums), *grads, *_mask(mask, batch, height, columns, dtype),
        count, height, columns, width, depth, int(causal), float(scale), _places, layout, memory.empty((parts, room), dtype), size * room,
        *_begin_and_step(kept), _factors(keep, whole),
        *_mask(None if to_mask is None else to_mask[0], batch, height, columns, dtype),
        0 if to_mask is None or len(to_mask) == 1 else to_mask.strides[0],
    )  # fmt: skip
    return *grads, None if to_mask is None or mask is None else _summed(to_mask, mask)


def _mask_grads(mask: Array, whole: tuple[int, ...], parts: int) -> Array:
    """Zeros for the gradient of a mask, shaped like it if it has whole rows and columns, else for all weights; for each part its own
    where heads share the mask, as parts run at once."""
    shape = mask.shape if mask.shape[-2:] == whole[-2:] else whole
    found = memory.empty((parts if prod(shape) < prod(whole) else 1, *shape), mask.dtype)
    found.fill(0)
    return found


def _summed(grads: Array, mask: Array) -> Array:
    """The gradient of a mask from those of parts, summed over what it was broadcast to."""
    grad = grads.sum(0) if len(grads) > 1 else grads[0]
    if grad.shape == mask.shape:
        return grad
    grad = grad.sum(tuple(range(grad.ndim - mask.ndim)))
    return grad.sum(tuple(i for i, n in enumerate(mask.shape) if n == 1), keepdims=True)
