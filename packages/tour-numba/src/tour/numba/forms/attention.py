"""Scaled dot-product attention and its gradient, without masks and dropout."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tour.numba import _memory as memory
from tour.numba import _pool
from tour.numba._native import Kernel, vector_bits

Array = Any

BLOCK = 48  # rows at a time, as in the kernels

_attention, _attention_grad = Kernel("attention.attention"), Kernel("attention.attention_grad")


def _serves(query: Array, key: Array, value: Array, mask: Array | None, keep: Array | None, scale: float) -> bool:
    lanes = vector_bits() // 32
    same = query.dtype is key.dtype is value.dtype is memory.F32
    return (
        same
        and mask is keep is None
        and scale > 0
        and bool(query.size and key.size and value.size)
        and not (query.shape[-1] % lanes or value.shape[-1] % lanes)
    )


def _sizes(query: Array, key: Array, value: Array, causal: bool, scale: float) -> tuple[Any, ...]:
    """What both kernels take after the arrays; and the parts, and the length of a row of scores."""
    lanes = vector_bits() // 32
    count, height, columns = prod(query.shape[:-2]), query.shape[-2], key.shape[-2]
    pitch = -(-columns // lanes) * lanes
    places = 4 * pitch * np.arange(lanes, dtype=np.int64)
    sizes = count, height, columns, query.shape[-1], value.shape[-1], int(causal), float(scale), places, pitch
    return sizes, min(_pool.threads(), count), pitch


def _laid_out(*arrays: Array) -> tuple[list[Array], Array]:
    """The arrays, those with gaps in their rows as copies, and how they lie: heads of a sample, and each one's strides."""
    found = [a if 3 <= a.ndim <= 4 and a.strides[-1] == 4 else memory.dense(a) for a in arrays]
    layout = [arrays[0].shape[-3] if arrays[0].ndim == 4 else 1]
    for a in found:
        if a.ndim == 4:
            layout += a.strides[:3]
        else:  # one dimension of samples, or several without gaps
            row = a.strides[-2]
            layout += [a.strides[0] if a.ndim == 3 else a.shape[-2] * row, 0, row]
    return found, np.array(layout, np.int64)


def attention(
    query: Array, key: Array, value: Array, mask: Array | None, keep: Array | None, causal: bool, scale: float
) -> Any:
    """`softmax(query @ key.T * scale) @ value`, and the logarithm of each row's sum."""
    if not _serves(query, key, value, mask, keep, scale):
        return NotImplemented
    sizes, parts, pitch = _sizes(query, key, value, causal, scale)
    out, sums = memory.empty((*query.shape[:-1], value.shape[-1])), memory.empty((sizes[0], sizes[1]))
    scratch = memory.empty((parts, query.shape[-1] * pitch)), memory.empty((parts, BLOCK * pitch))
    inputs, layout = _laid_out(query, key, value)
    _attention(parts, *inputs, out, sums, *sizes, *scratch, layout)
    return out, sums


def attention_grad(
    g: Array, query: Array, key: Array, value: Array, mask: Array | None, keep: Array | None,
    causal: bool, scale: float, out: Array, sums: Array, wants_mask: bool = False,
) -> Any:  # fmt: skip
    """Gradients of query, key and value."""
    if not _serves(query, key, value, mask, keep, scale) or g.dtype is not memory.F32:
        return NotImplemented
    sizes, parts, pitch = _sizes(query, key, value, causal, scale)
    grads = [memory.empty(a.shape) for a in (query, key, value)]
    scratch = [memory.empty((parts, a.shape[-1] * pitch)) for a in (query, value)]
    scratch += [memory.empty((parts, BLOCK * pitch)) for _ in range(2)]
    inputs, layout = _laid_out(g, query, key, value)
    _attention_grad(parts, *inputs, memory.dense(out), memory.dense(sums), *grads, *sizes, *scratch, layout)
    return *grads, None
