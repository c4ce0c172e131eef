"""Scaled dot-product attention in blocks of rows, so that scores stay in the cache and never fill a (T, T) matrix.

What the forward pass keeps of its weights is one number for each row, the logarithm of their sum; the backward pass computes
them anew from it, block by block (Dao et al., "FlashAttention", 2022; Rabe and Staats, 2021).

Arrays are seen as (N, rows, columns), where N runs over all batch dimensions and heads.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tour._compiled import compilable
from tour._core import packed

Array = NDArray[Any]

BLOCK = 1 << 20  # bytes of scores at a time: they and their gradients fit a core's cache


class Block(NamedTuple):
    """Which scores are handled together: of the batches `batch`, the rows `rows` and the columns up to `columns`."""

    batch: slice
    rows: slice
    columns: int


def blocks(count: int, rows: int, columns: int, itemsize: int, causal: bool) -> Iterator[Block]:
    """Cut (count, rows, columns) into blocks: of several batches where a batch is small, else of several rows of one.

    Examples:
        >>> [tuple(b) for b in blocks(2, 1, 3, 4, False)]
        [(slice(0, 2, None), slice(0, 1, None), 3)]
    """
    fit = max(BLOCK // (itemsize * max(columns, 1)), 1)  # rows
    step = min(max(fit, 16), rows)
    together = max(fit // max(rows, 1), 1) if step == rows else 1
    for n in range(0, count, together):
        for i in range(0, rows, step):
            stop = min(i + step, rows)
            yield Block(slice(n, min(n + together, count)), slice(i, stop), min(stop, columns) if causal else columns)


def _flat(a: Array, dtype: Any) -> Array:
    return packed(a.reshape(prod(a.shape[:-2]), *a.shape[-2:]).astype(dtype, copy=False))  # type: ignore[no-any-return]


def _wide(dtype: Any) -> Any:
    return np.dtype(np.float32) if dtype.itemsize < 4 else dtype


def _part(a: Array, batch: tuple[int, ...], block: Block) -> Array:
    """The block's part of what broadcasts to (*batch, rows, columns), copied."""
    if a.ndim == 2 or a.size == a.shape[-1] * a.shape[-2]:
        a = a.reshape(a.shape[-2], a.shape[-1])
        return a[block.rows if a.shape[0] > 1 else slice(None), : block.columns if a.shape[1] > 1 else None]
    numbers = np.unravel_index(np.arange(block.batch.start, block.batch.stop, like=a), batch)
    where = tuple(
        i if n > 1 else np.zeros_like(i) for i, n in zip(numbers[len(batch) - a.ndim + 2 :], a.shape[:-2], strict=True)
    )
    rows = block.rows if a.shape[-2] > 1 else slice(None)
    return a[(*where, rows, slice(block.columns if a.shape[-1] > 1 else None))]


def _scores(q: Array, k: Array, mask: Array | None, causal: bool, batch: tuple[int, ...], block: Block) -> Array:
    """Scaled and masked scores of a block; what is masked is minus infinity."""
    s = q[block.batch, block.rows] @ k[block.batch, : block.columns].swapaxes(1, 2)
    if mask is not None:
        part = _part(mask, batch, block)
        if part.dtype == bool:
            np.copyto(s, -np.inf, where=~part)
        else:
            s += part
    if causal:
        first = block.rows.start
        corner = s[:, :, first:]  # before it every column may be seen
        later = np.arange(corner.shape[2], like=s) > np.arange(corner.shape[1], like=s)[:, None]
        np.copyto(corner, -np.inf, where=later)
    return s


@compilable(1 << 12)
def attention(
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None,
    keep: Array | None,
    causal: bool,
    scale: float,
    wants_grad: bool = False,
) -> tuple[Array, ...]:
    """`softmax(query @ key.T * scale + mask) @ value`.

    Args:
        query: Shape (*batch, L, E).
        key: Shape (*batch, S, E).
        value: Shape (*batch, S, V).
        mask: True where a row may see a column, or numbers to add to the scores; broadcasts to (*batch, L, S).
        keep: Factors of the weights, for dropout; shape (*batch, L, S). A device may have something else, from which it draws them.
        causal: Whether row i sees only columns 0 to i.
        scale: Factor of the scores.
        wants_grad: Whether a gradient will be asked for, so that a compiled form may keep more for it.

    Returns:
        Shape (*batch, L, V), and the logarithm of each row's sum, shape (N, L); what a compiled form keeps comes third. A row that
        sees nothing gives zeros.

    Examples:
        >>> x = np.array([[[1.0], [3.0]]])
        >>> attention(x * 0, x, x, None, None, True, 1.0)[0]
        array([[[1.],
                [2.]]])
    """
    batch, dtype = query.shape[:-2], _wide(query.dtype)
    q, k, v = _flat(query, dtype) * dtype.type(scale), _flat(key, dtype), _flat(value, dtype)
    rows, columns = q.shape[1], k.shape[1]
    out = np.zeros((*q.shape[:2], v.shape[2]), dtype, like=q)
    sums = np.zeros(q.shape[:2], dtype, like=q)
    for block in blocks(len(q), rows, columns, dtype.itemsize, causal) if columns else ():
        p = _scores(q, k, mask, causal, batch, block)
        top = p.max(2, keepdims=True)
        top[np.isneginf(top)] = 0
        p -= top
        np.exp(p, out=p)
        total = p.sum(2, keepdims=True)
        total[total == 0] = 1
        if keep is not None:
            p *= _part(keep, batch, block)
        out[block.batch, block.rows] = (p @ v[block.batch, : block.columns]) / total
        sums[block.batch, block.rows] = (np.log(total) + top)[:, :, 0]
    return out.reshape(*query.shape[:-1], value.shape[-1]).astype(query.dtype, copy=False), sums


@compilable(1 << 12)
def attention_grad(
    g: Array,
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None,
    keep: Array | None,
    causal: bool,
    scale: float,
    out: Array,
    sums: Array,
    wants_mask: bool = False,
    kept: Any = None,
) -> tuple[Array, Array, Array, Array | None]:
    """Gradients of `attention`: of query, key, value, and of the mask if wanted.

    Args:
        g: Gradient of its result.
        query: As for `attention`; likewise up to `scale`.
        key: See there.
        value: See there.
        mask: See there.
        keep: See there.
        causal: See there.
        scale: See there.
        out: Its result.
        sums: Its second result.
        wants_mask: Whether the mask wants a gradient.
        kept: What a compiled form has kept, if it did.

    Examples:
        >>> x = np.array([[[1.0], [3.0]]])
        >>> y, sums = attention(x, x, x, None, None, False, 1.0)
        >>> attention_grad(np.ones_like(y), x, x, x, None, None, False, 1.0, y, sums)[2].round(4)
        array([[[0.1217],
                [1.8783]]])
    """
    batch, dtype = query.shape[:-2], _wide(query.dtype)
    q, k, v = _flat(query, dtype) * dtype.type(scale), _flat(key, dtype), _flat(value, dtype)
    g, out = _flat(g, dtype), _flat(out, dtype)
    inner = (g * out).sum(2, keepdims=True)
    to_q, to_k, to_v = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    to_mask = np.zeros((len(q), q.shape[1], k.shape[1]), dtype, like=q) if wants_mask else None
    for block in blocks(len(q), q.shape[1], k.shape[1], dtype.itemsize, causal) if k.shape[1] else ():
        n, rows, columns = block.batch, block.rows, slice(block.columns)
        p = _scores(q, k, mask, causal, batch, block)
        p -= sums[n, rows, None]
        np.exp(p, out=p)
        ds = g[n, rows] @ v[n, columns].swapaxes(1, 2)
        factor = None if keep is None else _part(keep, batch, block)
        to_v[n, columns] += (p if factor is None else p * factor).swapaxes(1, 2) @ g[n, rows]
        if factor is not None:
            ds *= factor
        ds -= inner[n, rows]
        ds *= p
        if to_mask is not None:
            to_mask[n, rows, columns] = ds
        to_q[n, rows] = ds @ k[n, columns]
        to_k[n, columns] += ds.swapaxes(1, 2) @ q[n, rows]
    to_q *= dtype.type(scale)
    shaped = (x.reshape(y.shape).astype(y.dtype, copy=False) for x, y in ((to_q, query), (to_k, key), (to_v, value)))
    first, second, third = shaped
    return first, second, third, _summed(to_mask, batch, mask)


def _summed(grad: Array | None, batch: tuple[int, ...], mask: Array | None) -> Array | None:
    """The gradient of a mask, summed over what it was broadcast to."""
    if grad is None or mask is None:
        return None
    whole = grad.reshape(*batch, *grad.shape[1:])
    whole = whole.sum(tuple(range(whole.ndim - mask.ndim)))
    axes = tuple(i for i, n in enumerate(mask.shape) if n == 1)
    return whole.sum(axes, keepdims=True).astype(mask.dtype, copy=False)  # type: ignore[no-any-return]
