"""Recurrent layers over whole sequences, and their gradients."""

from __future__ import annotations

from functools import lru_cache
from itertools import count as counter
from typing import Any

import numpy as np

from tour._products import affine, product
from tour.numba import _memory as memory
from tour.numba import _pool
from tour.numba.forms._sharing import pair
from tour.numba.forms.windows import WIDE, columns_of, matrix_in_panels

Array = Any
Sizes = list[int]

_forward, _backward = pair("recurrent.forward"), pair("recurrent.backward")

TANH, RELU, LSTM, GRU = range(4)
HEIGHT = 6  # rows of the largest block of a product: a thread takes about as many sequences at least
ENOUGH = 1 << 18  # products of numbers in a call that gains what loading a kernel takes
OFTEN = 1 << 10  # smaller calls that do so together
_small = counter()


def _serves(kernels: dict[Any, Any], x: Array, w_hh: Array, batch: int, *others: Array | None) -> bool:
    """Whether all is of one kind that has kernels, and they are at hand or worth loading."""
    kernel = kernels.get(x.dtype)
    return (
        kernel is not None
        and batch > 0
        and all([a is None or (a.dtype is x.dtype and type(a) is np.ndarray) for a in (x, w_hh, *others)])
        and (kernel.ready or len(x) * w_hh.size >= ENOUGH or next(_small) >= OFTEN)
    )


@lru_cache(maxsize=64)
def _offsets(count: int, step: int) -> Array:
    """Offsets of numbers that lie `step` bytes apart."""
    a = step * np.arange(count, dtype=np.int64)
    a.setflags(write=False)
    return a


@lru_cache(maxsize=64)
def _starts(sizes: tuple[int, ...]) -> Array:
    a = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    a.setflags(write=False)
    return a


def _parts(batch: int) -> int:
    return max(1, min(_pool.threads(), batch // HEIGHT))


def _in_panels(b: Array) -> Array:
    """A matrix as `kernels/panels.py` wants it."""
    if b.dtype is memory.F32:
        return matrix_in_panels(b)
    (depth, n), wide = b.shape, WIDE // 2
    padded = np.zeros((depth, -(-n // wide) * wide))
    padded[:, :n] = b
    return memory.dense(padded.reshape(depth, -1, wide).swapaxes(0, 1))


def _whole(n: int, dtype: Any) -> int:
    """Numbers rounded up to whole vectors."""
    return columns_of(n) if dtype is memory.F32 else columns_of(2 * n) // 2


def _given(a: Array | None, shape: tuple[int, ...], dtype: Any) -> Array:
    """A copy to write into, of zeros where nothing is given."""
    return memory.zeros(shape, dtype) if a is None else np.array(a, order="C")


def _run(
    mode: int, count: int, x: Array, h0: Array, c0: Array | None, w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None,
    sizes: Sizes, reverse: bool, w_hr: Array | None = None,
) -> tuple[Array, ...]:  # fmt: skip
    """Outputs, last state and cell, gates, what is kept of each step, and the states before each step."""
    dtype, (batch, wide), n, total = x.dtype, h0.shape, len(w_hh) // count, len(x)
    gates = affine(memory.dense(x), w_ih, b_ih)
    bias = memory.zeros((count * n,), dtype) if b_hh is None else memory.dense(b_hh)
    h, c = np.array(h0, order="C"), None if c0 is None else np.array(c0, order="C")
    y, before = memory.empty((total, wide), dtype), memory.empty((total, wide), dtype)
    kept = memory.empty((2, total, n) if mode == LSTM else (total, n) if mode == GRU else (0,), dtype)
    tables, panels, narrowing = (0, 0, 0), 0, 0
    if len(sizes) == 1 and w_hr is None:  # one product of one step: nobody meets the weights again
        parts, size = 1, 0
        scratch = product(h, w_hh.T)
    else:
        parts, panels, each = _parts(batch), _in_panels(w_hh.T), x.itemsize
        tables = _offsets(batch, each * wide), _offsets(batch, each * n), _offsets(n, each)
        room = _whole(count * n, dtype)
        if w_hr is not None:
            narrowing, room = _in_panels(w_hr.T), room + n + _whole(wide, dtype)
        size = -(-batch // parts) * room
        scratch = memory.empty((parts, size), dtype)
    _forward[dtype](
        parts, gates, panels, bias, h, 0 if c is None else c, y, kept, before, _starts(tuple(sizes)),
        len(sizes), batch, n, wide, count, total, int(reverse), mode, *tables, scratch, size, narrowing,
    )  # fmt: skip
    return y, h, c, gates, kept, before


def _run_back(
    mode: int, count: int, gy: Array | None, gh: Array | None, gc: Array | None, x: Array, w_ih: Array, w_hh: Array,
    sizes: Sizes, reverse: bool, wanted: bool, y: Array | None, gates: Array | None, kept: Array | None, before: Array,
    w_hr: Array | None = None,
) -> tuple[Any, ...]:  # fmt: skip
    """Gradients of input, first state and cell, both weights, both biases, and the projection."""
    dtype, batch, (total, wide), n = x.dtype, sizes[0], before.shape, len(w_hh) // count
    dh = _given(gh, (batch, wide), dtype)
    dc = _given(gc, (batch, n), dtype) if mode == LSTM else None
    d = memory.empty((total, count * n), dtype)
    e = memory.empty((total, count * n), dtype) if mode == GRU else d
    tables, panels, widening, narrow, hidden = (0, 0), 0, 0, 0, None
    single = len(sizes) == 1 and w_hr is None
    if single:
        parts, size = 1, n
    else:
        parts, panels, each = _parts(batch), _in_panels(w_hh), x.itemsize
        tables = _offsets(batch, each * count * n), _offsets(count * n, each)
        room = _whole(wide, dtype)
        if w_hr is not None:
            widening, narrow, room = _in_panels(w_hr), _offsets(batch, each * wide), room + _whole(n, dtype)
            y, hidden = memory.empty((total, wide), dtype), memory.empty((total, n), dtype)
        size = max(n, -(-batch // parts) * room)
    sums = memory.empty((parts, 4, count * n), dtype)  # of either bias, and of some rows that are not yet in them
    _backward[dtype](
        parts, 0 if gy is None else memory.dense(gy), dh, *(0 if a is None else a for a in (dc, gates, y, kept)), before,
        d, e, panels, _starts(tuple(sizes)), len(sizes), batch, n, wide, count, total, int(reverse), mode, *tables,
        memory.empty((parts, size), dtype), size, sums, 4 * count * n, widening, narrow, 0 if hidden is None else hidden,
    )  # fmt: skip
    if single:
        through = product(e, w_hh)
        dh = np.add(dh, through, out=through) if mode == GRU else through
    bias, other = sums[0, :2] if parts == 1 else np.add.reduce(sums[:, :2], 0)
    return (
        product(d, w_ih) if wanted else None, dh, dc, product(d.T, memory.dense(x)), product(e.T, before),
        bias, other if mode == GRU else bias, None if y is None or hidden is None else product(y.T, hidden),
    )  # fmt: skip


def rnn(
    x: Array, h0: Array, w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None, sizes: Sizes, reverse: bool, relu: bool
) -> Any:  # fmt: skip
    """A plain recurrent layer."""
    if not _serves(_forward, x, w_hh, len(h0), h0, w_ih, b_ih, b_hh):
        return NotImplemented
    y, h, _, _, _, before = _run(RELU if relu else TANH, 1, x, h0, None, w_ih, w_hh, b_ih, b_hh, sizes, reverse)
    return y, h, before


def rnn_grad(
    gy: Array | None, gh: Array | None, x: Array, w_ih: Array, w_hh: Array, sizes: Sizes, reverse: bool, relu: bool,
    wanted: bool, y: Array, before: Array,
) -> Any:  # fmt: skip
    """Gradients of `rnn`."""
    if not _serves(_backward, x, w_hh, sizes[0] if sizes else 0, gy, gh, y):
        return NotImplemented
    dx, dh, _, *weights, bias, _, _ = _run_back(
        RELU if relu else TANH, 1, gy, gh, None, x, w_ih, w_hh, sizes, reverse, wanted, y, None, None, before
    )  # fmt: skip
    return dx, dh, *weights, bias


def lstm(
    x: Array, h0: Array, c0: Array, w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None, w_hr: Array | None,
    sizes: Sizes, reverse: bool,
) -> Any:  # fmt: skip
    """A layer of long short-term memory."""
    if not _serves(_forward, x, w_hh, len(h0), h0, c0, w_ih, b_ih, b_hh, w_hr):
        return NotImplemented
    return _run(LSTM, 4, x, h0, c0, w_ih, w_hh, b_ih, b_hh, sizes, reverse, w_hr)


def lstm_grad(
    gy: Array | None, gh: Array | None, gc: Array | None, x: Array, w_ih: Array, w_hh: Array, w_hr: Array | None, sizes: Sizes,
    reverse: bool, wanted: bool, gates: Array, cells: Array, before: Array,
) -> Any:  # fmt: skip
    """Gradients of `lstm`."""
    if not _serves(_backward, x, w_hh, sizes[0] if sizes else 0, gy, gh, gc, w_hr):
        return NotImplemented
    *grads, bias, _, projected = _run_back(
        LSTM, 4, gy, gh, gc, x, w_ih, w_hh, sizes, reverse, wanted, None, gates, cells, before, w_hr
    )
    return *grads, bias, projected


def gru(
    x: Array, h0: Array, w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None, sizes: Sizes, reverse: bool
) -> Any:  # fmt: skip
    """A layer of gated recurrent units."""
    if not _serves(_forward, x, w_hh, len(h0), h0, w_ih, b_ih, b_hh):
        return NotImplemented
    y, h, _, gates, inner, before = _run(GRU, 3, x, h0, None, w_ih, w_hh, b_ih, b_hh, sizes, reverse)
    return y, h, gates, inner, before


def gru_grad(
    gy: Array | None, gh: Array | None, x: Array, w_ih: Array, w_hh: Array, sizes: Sizes, reverse: bool, wanted: bool,
    gates: Array, inner: Array, before: Array,
) -> Any:  # fmt: skip
    """Gradients of `gru`."""
    if not _serves(_backward, x, w_hh, sizes[0] if sizes else 0, gy, gh):
        return NotImplemented
    dx, dh, _, *rest, _ = _run_back(
        GRU, 3, gy, gh, None, x, w_ih, w_hh, sizes, reverse, wanted, None, gates, inner, before
    )  # fmt: skip
    return dx, dh, *rest
