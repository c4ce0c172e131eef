"""Scaled dot-product attention and its gradient."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tour.numba import _memory as memory
from tour.numba import _pool
from tour.numba._machine import vector_bits
from tour.numba._native import Kernel
from tour.numba.forms._sharing import STEAL

Array = Any

LANES = vector_bits() // 32
WIDE = 4 * LANES if LANES != 8 else 2 * LANES  # as in the kernels, like these:
TALL, SPAN = 48, 384  # rows and columns of a block of scores
BLOCK = TALL * (SPAN + LANES)

_attention, _attention_grad = Kernel("attention.attention"), Kernel("attention.attention_grad")
_places = 4 * WIDE * np.arange(LANES, dtype=np.int64)


def _serves(query: Array, key: Array, value: Array, mask: Array | None, keep: Array | None, scale: float) -> bool:
    return (
        query.dtype is key.dtype is value.dtype is memory.F32
        and (keep is None or keep.dtype is memory.F32)
        and scale > 0
        and (mask is None or mask.dtype is memory.F32 or mask.dtype == bool)
        and bool(query.size and key.size and value.size)
    )


def _whole(n: int, unit: int = LANES) -> int:
    return -(-n // unit) * unit


def _mask(mask: Array | None, batch: tuple[int, ...], height: int, columns: int) -> tuple[Any, Any, int]:
    """A mask as numbers to add, where in it that of each head begins, and the bytes between its rows; zeros for no mask."""
    if mask is None:
        return 0, 0, 0
    if mask.dtype == bool:
        mask = np.where(mask, np.float32(0), np.float32(-np.inf))
    if mask.shape[-1] != columns or mask.strides[-1] != 4:
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
    found, layout = [], [arrays[0].shape[-3] if arrays[0].ndim == 4 else 1]
    for a in arrays:
        if a.ndim == 4 and a.strides[3] == 4:
            layout += a.strides[:3]
        elif a.ndim == 3 and a.strides[2] == 4:
            layout += a.strides[0], 0, a.strides[1]
        else:  # without gaps
            a, row = memory.dense(a), 4 * a.shape[-1]
            head = a.shape[-2] * row
            layout += layout[0] * head, head, row
        found.append(a)
    return found, np.array(layout, np.int64)


def _kept_room(count: int, height: int, columns: int, inputs: int, causal: bool) -> Array | None:
    """Room for weights to be kept, laid out as the kernel says; None where they would be more than queries, keys and values are."""
    size = _whole(height)
    for i in range(0, height, TALL):
        rows = min(TALL, height - i)
        end = min(columns, i + rows) if causal else columns
        size += rows * LANES * (-(-end // LANES) | 1)
    return memory.empty((count, size)) if columns <= SPAN and count * size <= inputs else None


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
    count, deep = prod(batch), _whole(depth)
    parts = _parts(count)
    out, sums = memory.empty((*batch, height, depth)), memory.empty((count, height))
    room = BLOCK + TALL * (deep + 3) + width * _whole(columns, WIDE) + (columns * deep if deep != depth else 0)
    inputs = query.size + key.size + value.size
    kept = _kept_room(count, height, columns, inputs, causal) if wants_grad and keep is None else None
    operands, layout = _laid_out(query, key, value)
    _attention(
        parts, *operands, out, sums, *_mask(mask, batch, height, columns), count, height, columns, width, depth, int(causal),
        float(scale), _places, layout, memory.empty((parts, room)), 4 * room, *_begin_and_step(kept),
        _factors(keep, (*batch, height, columns)),
    )  # fmt: skip
    return (out, sums) if kept is None else (out, sums, kept)


def attention_grad(
    g: Array, query: Array, key: Array, value: Array, mask: Array | None, keep: Array | None,
    causal: bool, scale: float, out: Array, sums: Array, wants_mask: bool = False, kept: Array | None = None,
) -> Any:  # fmt: skip
    """Gradients of query, key and value, and of the mask if wanted."""
    if g.dtype is not memory.F32 or not _serves(query, key, value, mask, keep, scale):
        return NotImplemented
    batch, (height, width), (columns, depth) = query.shape[:-2], query.shape[-2:], value.shape[-2:]
    count, wide, deep = prod(batch), _whole(width), _whole(depth)
    parts = _parts(count)
    grads = [memory.empty(a.shape) for a in (query, key, value)]
    room = 2 * BLOCK + _whole(height) + SPAN * (width + depth)
    if kept is not None or wide != width or deep != depth:
        room += height * (2 * wide + deep) + columns * (2 * wide + deep)
    # Heads that share a mask, in several parts at once: each part has a gradient of its own.
    whole = (*batch, height, columns)
    to_mask, shared = None, False
    if wants_mask and mask is not None:
        shape = mask.shape if mask.shape[-2:] == whole[-2:] else whole
        shared = prod(shape) < prod(whole)
        to_mask = memory.empty((parts, *shape) if shared else shape)
        to_mask.fill(0)
    operands, layout = _laid_out(g, query, key, value)
    _attention_grad(
        parts, *operands, memory.dense(out), memory.dense(sums), *grads, *_mask(mask, batch, height, columns),
        count, height, columns, width, depth, int(causal), float(scale), _places, layout, memory.empty((parts, room)), 4 * room,
        *_begin_and_step(kept), _factors(keep, whole), *_mask(to_mask if not shared else to_mask[0], batch, height, columns),
        to_mask.strides[0] if shared else 0,
    )  # fmt: skip
    if to_mask is None:
        return *grads, None
    return *grads, _summed(to_mask.sum(0) if shared else to_mask, mask)


def _summed(grad: Array, mask: Array) -> Array:
    """The gradient of a mask, summed over what it was broadcast to."""
    if grad.shape == mask.shape:
        return grad
    grad = grad.sum(tuple(range(grad.ndim - mask.ndim)))
    return grad.sum(tuple(i for i, n in enumerate(mask.shape) if n == 1), keepdims=True)
