"""Recurrent layers over whole sequences, and their gradients."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from tour._products import affine, product
from tour.numba import _memory as memory
from tour.numba import _pool
from tour.numba._native import Kernel
from tour.numba.forms.windows import columns_of, matrix_in_panels

Array = Any
Sizes = list[int]

_forward, _backward = Kernel("recurrent.forward"), Kernel("recurrent.backward")

TANH, RELU, LSTM, GRU = range(4)
HEIGHT = 6  # rows of the largest block of a product: a thread takes about as many sequences at least
ENOUGH = 1 << 18  # products of numbers that are worth packing the weights


def _serves(x: Array, w_hh: Array, batch: int, *others: Array | None) -> bool:
    """Whether all is in single precision, and the steps are enough work."""
    return (
        all(a is None or (a.dtype is memory.F32 and type(a) is np.ndarray) for a in (x, w_hh, *others))
        and len(x) * w_hh.size >= ENOUGH
        and batch > 0
    )


@lru_cache(maxsize=64)
def _offsets(count: int, step: int) -> Array:
    """Byte offsets of numbers that lie `step` numbers apart."""
    a = 4 * step * np.arange(count, dtype=np.int64)
    a.setflags(write=False)
    return a


@lru_cache(maxsize=64)
def _starts(sizes: tuple[int, ...]) -> Array:
    a = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    a.setflags(write=False)
    return a


def _parts(batch: int) -> int:
    return max(1, min(_pool.threads(), batch // HEIGHT))


def _run(
    mode: int, count: int, x: Array, h0: Array, c0: Array | None, w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None,
    sizes: Sizes, reverse: bool,
) -> tuple[Array, ...]:  # fmt: skip
    """Outputs, last state and cell, gates, what is kept of each step, and the states before each step."""
    batch, n, total = len(h0), w_hh.shape[1], len(x)
    gates = affine(memory.dense(x), w_ih, b_ih)
    bias = memory.zeros((count * n,)) if b_hh is None else memory.dense(b_hh)
    h, c = np.array(h0, order="C"), None if c0 is None else np.array(c0, order="C")
    y, before = memory.empty((total, n)), memory.empty((total, n))
    kept = memory.empty((2, total, n) if mode == LSTM else (total, n) if mode == GRU else (0,))
    if len(sizes) == 1:  # one product of one step: nobody meets the weights again
        parts, panels, tables, size = 1, 0, (0, 0), 0
        scratch = product(h, w_hh.T)
    else:
        parts, panels, tables = _parts(batch), matrix_in_panels(w_hh.T), (_offsets(batch, n), _offsets(n, 1))
        size = -(-batch // parts) * columns_of(count * n)
        scratch = memory.empty((parts, size))
    _forward(
        parts, gates, panels, bias, h, 0 if c is None else c, y, kept, before, _starts(tuple(sizes)),
        len(sizes), batch, n, count, total, int(reverse), mode, *tables, scratch, size,
    )  # fmt: skip
    return y, h, c, gates, kept, before


def _run_back(
    mode: int, count: int, gy: Array | None, gh: Array | None, gc: Array | None, x: Array, w_ih: Array, w_hh: Array,
    sizes: Sizes, reverse: bool, wanted: bool, y: Array | None, gates: Array | None, kept: Array | None, before: Array,
) -> tuple[Any, ...]:  # fmt: skip
    """Gradients of input, first state and cell, both weights, and both biases."""
    batch, n, total = sizes[0], w_hh.shape[1], len(x)
    dh = memory.zeros((batch, n)) if gh is None else np.array(gh, order="C")
    dc = None if mode != LSTM else memory.zeros((batch, n)) if gc is None else np.array(gc, order="C")
    d = memory.empty((total, count * n))
    e = memory.empty((total, count * n)) if mode == GRU else d
    if len(sizes) == 1:
        parts, panels, tables, size = 1, 0, (0, 0), n
    else:
        parts, panels, tables = (
            _parts(batch),
            matrix_in_panels(w_hh),
            (_offsets(batch, count * n), _offsets(count * n, 1)),
        )
        size = max(n, -(-batch // parts) * columns_of(n))
    sums = memory.empty((parts, 2, count * n))
    _backward(
        parts, 0 if gy is None else memory.dense(gy), dh, *(0 if a is None else a for a in (dc, gates, y, kept)), before,
        d, e, panels, _starts(tuple(sizes)), len(sizes), batch, n, count, total, int(reverse), mode,
        *tables, memory.empty((parts, size)), size, sums, 2 * count * n,
    )  # fmt: skip
    if len(sizes) == 1:
        through = product(e, w_hh)
        dh = np.add(dh, through, out=through) if mode == GRU else through
    bias, other = sums[0] if parts == 1 else np.add.reduce(sums, 0)
    return (
        product(d, w_ih) if wanted else None, dh, dc, product(d.T, memory.dense(x)), product(e.T, before),
        bias, other if mode == GRU else bias,
    )  # fmt: skip


def rnn(
    x: Array, h0: Array, w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None, sizes: Sizes, reverse: bool, relu: bool
) -> Any:  # fmt: skip
    """A plain recurrent layer."""
    if not _serves(x, w_hh, len(h0), h0, w_ih, b_ih, b_hh):
        return NotImplemented
    y, h, _, _, _, before = _run(RELU if relu else TANH, 1, x, h0, None, w_ih, w_hh, b_ih, b_hh, sizes, reverse)
    return y, h, before


def rnn_grad(
    gy: Array | None, gh: Array | None, x: Array, w_ih: Array, w_hh: Array, sizes: Sizes, reverse: bool, relu: bool,
    wanted: bool, y: Array, before: Array,
) -> Any:  # fmt: skip
    """Gradients of `rnn`."""
    if not _serves(x, w_hh, before.shape[0] and sizes[0], gy, gh, y):
        return NotImplemented
    dx, dh, _, *weights, bias, _ = _run_back(
        RELU if relu else TANH, 1, gy, gh, None, x, w_ih, w_hh, sizes, reverse, wanted, y, None, None, before
    )  # fmt: skip
    return dx, dh, *weights, bias


def lstm(
    x: Array, h0: Array, c0: Array, w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None, w_hr: Array | None,
    sizes: Sizes, reverse: bool,
) -> Any:  # fmt: skip
    """A layer of long short-term memory, without a projection."""
    if w_hr is not None or not _serves(x, w_hh, len(h0), h0, c0, w_ih, b_ih, b_hh):
        return NotImplemented
    return _run(LSTM, 4, x, h0, c0, w_ih, w_hh, b_ih, b_hh, sizes, reverse)


def lstm_grad(
    gy: Array | None, gh: Array | None, gc: Array | None, x: Array, w_ih: Array, w_hh: Array, w_hr: Array | None, sizes: Sizes,
    reverse: bool, wanted: bool, gates: Array, cells: Array, before: Array,
) -> Any:  # fmt: skip
    """Gradients of `lstm`."""
    if w_hr is not None or not _serves(x, w_hh, sizes[0] if sizes else 0, gy, gh, gc):
        return NotImplemented
    *grads, bias, _ = _run_back(LSTM, 4, gy, gh, gc, x, w_ih, w_hh, sizes, reverse, wanted, None, gates, cells, before)
    return *grads, bias, None


def gru(
    x: Array, h0: Array, w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None, sizes: Sizes, reverse: bool
) -> Any:  # fmt: skip
    """A layer of gated recurrent units."""
    if not _serves(x, w_hh, len(h0), h0, w_ih, b_ih, b_hh):
        return NotImplemented
    y, h, _, gates, inner, before = _run(GRU, 3, x, h0, None, w_ih, w_hh, b_ih, b_hh, sizes, reverse)
    return y, h, gates, inner, before


def gru_grad(
    gy: Array | None, gh: Array | None, x: Array, w_ih: Array, w_hh: Array, sizes: Sizes, reverse: bool, wanted: bool,
    gates: Array, inner: Array, before: Array,
) -> Any:  # fmt: skip
    """Gradients of `gru`."""
    if not _serves(x, w_hh, sizes[0] if sizes else 0, gy, gh):
        return NotImplemented
    dx, dh, _, *rest = _run_back(
        GRU, 3, gy, gh, None, x, w_ih, w_hh, sizes, reverse, wanted, None, gates, inner, before
    )  # fmt: skip
    return dx, dh, *rest
