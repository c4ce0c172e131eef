"""Scaled dot-product attention and its gradient.

Half precision goes to cuDNN where that is installed, onto tensor cores. Otherwise heads of up to 128 numbers go tile by tile, with
masks and dropout, and never make a matrix of scores; everything else (double precision, larger heads, the gradient of a mask) is a
product of matrices, a softmax, and another product.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tour.cuda import _random
from tour.cuda._blas import matmul
from tour.cuda._dnn_attention import attend, attend_grad
from tour.cuda._launch import SIDE, Array, Grid, Kernel, dense, elements, empty, serves, wide

_attention, _inner = Kernel("attention.attention"), Kernel("attention.attention_inner")
_query_grad, _key_value_grad = Kernel("attention.attention_query_grad"), Kernel("attention.attention_key_value_grad")
_hide_later = Kernel("rows.hide_later")

# Size of a head: rows and columns of a tile, and rows of one of the gradient, such that tiles fit 48 KiB of shared memory.
TILES = {32: (64, 64, 32), 64: (64, 32, 32), 128: (32, 32, 16)}


class Seed:
    """What the mask of a dropout is drawn from, each time it is needed, in place of the mask.

    Args:
        like: An array on the device.
        shape: That of the weights.
        p: The probability that one is kept.

    Attributes:
        state: Seed and offset of the device's stream as they were, in device memory.
        library: Whether cuDNN has drawn it, by numbers of its own.
    """

    __slots__ = ("library", "p", "shape", "state")

    def __init__(self, like: Array, shape: tuple[int, ...], p: float) -> None:
        self.shape, self.p, self.library = shape, p, False
        self.state = _random.taken(like, prod(shape))

    def factors(self) -> Array:
        """The mask: 0 or 1 / p for each weight.

        Raises:
            RuntimeError: If only cuDNN knows it.
        """
        if self.library:
            raise RuntimeError(
                "second derivatives of attention with dropout need the mask, which cuDNN keeps to itself; set "
                "tour.backends.cudnn.enabled = False"
            )
        made = empty(self.shape, np.float32, self.state)
        if made.size:
            _random.fill_bernoulli(made, self.state, self.p, 1 / self.p)
        return made


def seed(query: Array, shape: tuple[int, ...], dropped: float) -> Any:
    """What a dropout of the weights is drawn from."""
    return Seed(query, tuple(shape), 1 - dropped) if serves(query) and dropped < 1 else NotImplemented


def shares_heads(query: Array, key: Array, value: Array) -> Any:
    """True where several heads of the query may share one of key and value as they are."""
    return True if serves(query, key, value) else NotImplemented


def _head(query: Array, value: Array) -> int | None:
    """The size of a head that tiles are made for; None where this is nothing for tiles."""
    width = query.shape[-1]
    if value.shape[-1] != width or query.dtype == np.float64 or not width:
        return None
    return next((head for head in TILES if width <= head), None)


def _defines(head: int) -> dict[str, int]:
    """What the source asks for."""
    return dict(zip(("HEAD", "ROWS", "COLS", "TILE"), (head, *TILES[head]), strict=True))


def _grid(rows: int, tile: int, count: int) -> Grid:
    return Grid((max(1, -(-rows // tile)), max(1, min(count, SIDE)), 1), (16, 16, 1))


def _mask_and_sizes(query: Array, key: Array, mask: Array | None, keep: Any, causal: bool, scale: float) -> Any:
    """The arguments of a kernel from `sees` on."""
    batch, rows, columns = query.shape[:-2], query.shape[-2], key.shape[-2]
    heads, steps = (batch[-1] if batch else 1), [0, 0, 0, 0]
    sees = bias = None
    if mask is not None:
        shape = (*(1,) * (len(batch) + 2 - mask.ndim), *mask.shape)
        if prod(shape[:-3]) not in (1, prod(batch[:-1])):  # along some of several batch dimensions only
            shape = (*batch[:-1], *shape[-3:])
            mask = np.broadcast_to(mask, shape)
        four = (prod(shape[:-3]), *((1,) * (3 - len(shape)) + shape[-3:]))
        strides = (prod(four[1:]), prod(four[2:]), four[3], 1)
        steps = [step if n > 1 else 0 for step, n in zip(strides, four, strict=True)]
        sees = dense(mask).reshape(-1) if mask.dtype == np.bool_ else None
        bias = dense(mask, np.float32).reshape(-1) if sees is None else None
    group = prod(batch) // max(prod(key.shape[:-2]), 1)
    state, p = (None, 1.0) if keep is None else (keep.state, keep.p)
    sizes = prod(batch), rows, columns, max(group, 1), heads
    return sees, bias, state, *sizes, *steps, query.shape[-1], int(causal), float(scale), float(p)


def attention(
    query: Array, key: Array, value: Array, mask: Array | None, keep: Any, causal: bool, scale: float, wants_grad: bool = False
) -> Any:  # fmt: skip
    """`softmax(query @ key.T * scale + mask) @ value`, and the logarithm of each row's sum."""
    if not serves(query, key, value):
        return NotImplemented
    if (found := attend(query, key, value, mask, keep, causal, scale)) is not None:
        return found
    head = _head(query, value)
    if head is None or not (keep is None or isinstance(keep, Seed)):
        key, value = _repeated(query, key, value)
        return _by_products(query, key, value, mask, keep, causal, scale)
    count, rows = prod(query.shape[:-2]), query.shape[-2]
    out, sums = empty(query.shape, query.dtype, query), empty((count, rows), np.float32, query)
    if out.size:
        inputs, last = map(dense, (query, key, value)), _mask_and_sizes(query, key, mask, keep, causal, scale)
        _attention(_grid(rows, TILES[head][0], count), *inputs, out, sums, *last, **_defines(head))
    return out, sums


def attention_grad(
    g: Array, query: Array, key: Array, value: Array, mask: Array | None, keep: Any,
    causal: bool, scale: float, out: Array, sums: Array, wants_mask: bool = False,
) -> Any:  # fmt: skip
    """Gradients of query, key, value and mask."""
    if not serves(g, query, key, value):
        return NotImplemented
    if (
        not wants_mask
        and (found := attend_grad(g, query, key, value, mask, keep, causal, scale, out, sums)) is not None
    ):
        return *found, None
    head = _head(query, value)
    if head is None or wants_mask or not (keep is None or isinstance(keep, Seed)):
        return _grad_by_products(g, query, key, value, mask, keep, causal, scale, out, sums, wants_mask)
    count, rows, columns, width = prod(query.shape[:-2]), query.shape[-2], key.shape[-2], query.shape[-1]
    grads = [empty(a.shape, a.dtype, a) for a in (query, key, value)]
    if not out.size or not key.size:
        for a in grads:
            a.fill(0)
        return *grads, None
    last = _mask_and_sizes(query, key, mask, keep, causal, scale)
    inputs = g, query, key, value = tuple(map(dense, (g, query, key, value)))
    inner = empty((count, rows), np.float32, query)
    tile, defines = TILES[head][2], _defines(head)
    _inner(elements(32 * count * rows), g, dense(out), inner, count * rows, width, **defines)
    both = dense(sums, np.float32), inner
    _query_grad(_grid(rows, tile, count), *inputs, *both, grads[0], *last, **defines)
    shared = prod(key.shape[:-2])
    _key_value_grad(_grid(columns, tile, shared), *inputs, *both, grads[1], grads[2], *last, **defines)
    return *grads, None


# --- Double precision, large heads, gradients of masks --------------------------------------------------------------------------


def _repeated(query: Array, *shared: Array) -> tuple[Array, ...]:
    """Key and value with as many heads as the query."""
    if query.shape[:-2] == shared[0].shape[:-2]:
        return shared
    made = []
    for a in shared:
        heads, group = a.shape[-3], query.shape[-3] // a.shape[-3]
        whole = np.broadcast_to(a.reshape(*a.shape[:-2], 1, *a.shape[-2:]), (*a.shape[:-2], group, *a.shape[-2:]))
        made.append(whole.reshape(*a.shape[:-3], heads * group, *a.shape[-2:]))
    return tuple(made)


def _gathered(grad: Array, like: Array) -> Array:
    """The gradient of a head that several have shared."""
    if grad.shape == like.shape:
        return grad
    heads, group = like.shape[-3], grad.shape[-3] // like.shape[-3]
    return grad.reshape(*like.shape[:-3], heads, group, *like.shape[-2:]).sum(-3)


def _factors(keep: Any, dtype: Any) -> Array:
    return (keep.factors() if isinstance(keep, Seed) else keep).astype(dtype)


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
    query: Array, key: Array, value: Array, mask: Array | None, keep: Any, causal: bool, scale: float
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
        p = p * _factors(keep, of)
    out = matmul(p, dense(value, of)) / total
    return out.astype(query.dtype), (np.log(total) + top).reshape(rows)


def _summed(grad: Array, mask: Array) -> Array:
    """The gradient of a mask, summed over what it was broadcast to."""
    whole = grad.sum(tuple(range(grad.ndim - mask.ndim))) if grad.ndim > mask.ndim else grad
    axes = tuple(i for i, n in enumerate(mask.shape) if n == 1)
    return (whole.sum(axes, keepdims=True) if axes else whole).astype(mask.dtype)


def _grad_by_products(
    g: Array, query: Array, key: Array, value: Array, mask: Array | None, keep: Any,
    causal: bool, scale: float, out: Array, sums: Array, wants_mask: bool,
) -> tuple[Array, Array, Array, Array | None]:  # fmt: skip
    of = wide(query.dtype)
    shared, (key, value) = (key, value), _repeated(query, key, value)
    p = np.exp(_scores(query, key, mask, causal, scale) - sums.astype(of).reshape(*query.shape[:-1], 1))
    g, q, k, v = (dense(a, of) for a in (g, query, key, value))
    slope = matmul(g, v.swapaxes(-1, -2))
    kept = p
    if keep is not None:
        factors = _factors(keep, of)
        kept, slope = p * factors, slope * factors
    slope = (slope - (g * dense(out, of)).sum(-1, keepdims=True)) * p
    to_value = _gathered(matmul(kept.swapaxes(-1, -2), g), shared[1])
    to_query = matmul(slope, k) * of.type(scale)
    to_key = _gathered(matmul(slope.swapaxes(-1, -2), q) * of.type(scale), shared[0])
    to_mask = _summed(slope, mask) if wants_mask and mask is not None else None
    return *(dense(a, query.dtype) for a in (to_query, to_key, to_value)), to_mask
