"""Scaled dot-product attention and its gradient.

Heads of up to 128 numbers without masks and dropout go tile by tile and never make a matrix of scores; everything else is a product of
matrices, a softmax, and another product.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tour.cuda._blas import matmul
from tour.cuda._launch import SIDE, Array, Grid, Kernel, dense, elements, empty, serves, wide

_attention, _inner = Kernel("attention.attention"), Kernel("attention.attention_inner")
_query_grad, _key_value_grad = Kernel("attention.attention_query_grad"), Kernel("attention.attention_key_value_grad")
_hide_later = Kernel("rows.hide_later")

# Size of a head: rows and columns of a tile, and rows of one of the gradient, such that tiles fit 48 KiB of shared memory.
TILES = {32: (64, 64, 32), 64: (64, 32, 32), 128: (32, 32, 16)}


def _head(query: Array, key: Array, value: Array, mask: Array | None, keep: Array | None) -> int | None:
    """The size of a head that tiles are made for; None where this is nothing for tiles."""
    width = query.shape[-1]
    if mask is not None or keep is not None or value.shape[-1] != width or query.dtype == np.float64 or not width:
        return None
    return next((head for head in TILES if width <= head), None)


def _defines(head: int) -> dict[str, int]:
    """What the source asks for."""
    return dict(zip(("HEAD", "ROWS", "COLS", "TILE"), (head, *TILES[head]), strict=True))


def _grid(rows: int, tile: int, count: int) -> Grid:
    return Grid((-(-rows // tile), min(count, SIDE), 1), (16, 16, 1))


def attention(
    query: Array, key: Array, value: Array, mask: Array | None, keep: Array | None, causal: bool, scale: float
) -> Any:
    """`softmax(query @ key.T * scale + mask) @ value`, and the logarithm of each row's sum."""
    if not serves(query, key, value):
        return NotImplemented
    head = _head(query, key, value, mask, keep)
    if head is None:
        return _by_products(query, key, value, mask, keep, causal, scale)
    count, rows, columns = prod(query.shape[:-2]), query.shape[-2], key.shape[-2]
    out, sums = empty(query.shape, query.dtype, query), empty((count, rows), np.float32, query)
    if out.size:
        inputs, high = map(dense, (query, key, value)), TILES[head][0]
        _attention(
            _grid(rows, high, count), *inputs, out, sums, count, rows, columns, query.shape[-1], int(causal), float(scale),
            **_defines(head),
        )  # fmt: skip
    return out, sums


def attention_grad(
    g: Array, query: Array, key: Array, value: Array, mask: Array | None, keep: Array | None,
    causal: bool, scale: float, out: Array, sums: Array, wants_mask: bool = False,
) -> Any:  # fmt: skip
    """Gradients of query, key, value and mask."""
    if not serves(g, query, key, value):
        return NotImplemented
    head = _head(query, key, value, mask, keep)
    if head is None:
        return _grad_by_products(g, query, key, value, mask, keep, causal, scale, out, sums, wants_mask)
    count, rows, columns, width = prod(query.shape[:-2]), query.shape[-2], key.shape[-2], query.shape[-1]
    grads = [empty(a.shape, a.dtype, a) for a in (query, key, value)]
    if not out.size or not key.size:
        for a in grads:
            a.fill(0)
        return *grads, None
    inputs = g, query, key, value = tuple(map(dense, (g, query, key, value)))
    inner = empty((count, rows), np.float32, query)
    tile = TILES[head][2]
    defines = _defines(head)
    _inner(elements(32 * count * rows), g, dense(out), inner, count * rows, width, **defines)
    sizes = count, rows, columns, width, int(causal), float(scale)
    both = dense(sums, np.float32), inner
    _query_grad(_grid(rows, tile, count), *inputs, *both, grads[0], *sizes, **defines)
    _key_value_grad(_grid(columns, tile, count), *inputs, *both, grads[1], grads[2], *sizes, **defines)
    return *grads, None


# --- With masks and dropout, or large heads ----------------------------------------------------------------------------------


def _scores(query: Array, key: Array, mask: Array | None, causal: bool, scale: float) -> Array:
    """Scaled and masked scores, in the dtype to compute in; what is masked is minus infinity."""
    of = wide(query.dtype)
    s = matmul(dense(query, of), dense(key, of).swapaxes(-1, -2)) * of.type(scale)
    if mask is not None:
        s = np.where(mask, s, of.type(-np.inf)) if mask.dtype == bool else s + mask.astype(of)
    if causal and s.size:
        s = dense(s, of)
        _hide_later(elements(s.size), s, s.size, s.shape[-2], s.shape[-1])
    return s


def _by_products(
    query: Array, key: Array, value: Array, mask: Array | None, keep: Array | None, causal: bool, scale: float
) -> tuple[Array, Array]:
    p, of = _scores(query, key, mask, causal, scale), wide(query.dtype)
    rows = prod(p.shape[:-2]), p.shape[-2]
    if not p.size:
        out, sums = empty((*query.shape[:-1], value.shape[-1]), query.dtype, query), empty(rows, of, query)
        out.fill(0)
        sums.fill(0)
        return out, sums
    top = p.max(-1, keepdims=True)
    top = np.where(np.isneginf(top), of.type(0), top)
    p = np.exp(p - top)
    total = p.sum(-1, keepdims=True)
    total = np.where(total == 0, of.type(1), total)
    if keep is not None:
        p = p * keep.astype(of)
    out = matmul(p, dense(value, of)) / total
    return out.astype(query.dtype), (np.log(total) + top).reshape(rows)


def _summed(grad: Array, mask: Array) -> Array:
    """The gradient of a mask, summed over what it was broadcast to."""
    whole = grad.sum(tuple(range(grad.ndim - mask.ndim))) if grad.ndim > mask.ndim else grad
    axes = tuple(i for i, n in enumerate(mask.shape) if n == 1)
    return (whole.sum(axes, keepdims=True) if axes else whole).astype(mask.dtype)


def _grad_by_products(
    g: Array, query: Array, key: Array, value: Array, mask: Array | None, keep: Array | None,
    causal: bool, scale: float, out: Array, sums: Array, wants_mask: bool,
) -> tuple[Array, Array, Array, Array | None]:  # fmt: skip
    of = wide(query.dtype)
    p = np.exp(_scores(query, key, mask, causal, scale) - sums.astype(of).reshape(*query.shape[:-1], 1))
    g, q, k, v = (dense(a, of) for a in (g, query, key, value))
    slope = matmul(g, v.swapaxes(-1, -2))
    kept = p
    if keep is not None:
        kept, slope = p * keep.astype(of), slope * keep.astype(of)
    slope = (slope - (g * dense(out, of)).sum(-1, keepdims=True)) * p
    to_value = matmul(kept.swapaxes(-1, -2), g)
    to_query, to_key = matmul(slope, k) * of.type(scale), matmul(slope.swapaxes(-1, -2), q) * of.type(scale)
    to_mask = _summed(slope, mask) if wants_mask and mask is not None else None
    return *(dense(a, query.dtype) for a in (to_query, to_key, to_value)), to_mask
