"""Recurrent layers over whole sequences, and their gradients.

The steps of all sequences lie one below the other, as in a packed sequence: step t has `sizes[t]` rows, one for each sequence that
is still running, the longest sequences first. A padded batch has the same number of rows at every step. What does not depend on the
previous step, the product of the whole input with its weights, is done once; the loop over steps does the rest in place.

Gates stand in PyTorch's order: input, forget, cell, output for an LSTM; reset, update, new for a GRU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tour._compiled import compilable
from tour._products import affine, product

Array = NDArray[Any]
Sizes = Sequence[int]

LARGE = 1 << 12  # numbers of the recurrent weights from which steps are worth compiled kernels


def _steps(sizes: Sizes, reverse: bool) -> Iterator[tuple[slice, int]]:
    """The rows of each step and their number, first step first, or last first."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    order = range(len(sizes) - 1, -1, -1) if reverse else range(len(sizes))
    return ((slice(int(starts[t]), int(starts[t + 1])), int(sizes[t])) for t in order)


def _sigmoid(x: Array) -> None:
    """1 / (1 + exp(-x)), in place."""
    np.negative(x, out=x)
    with np.errstate(over="ignore"):
        np.exp(x, out=x)
    x += 1
    np.reciprocal(x, out=x)


# --- Plain recurrence: h = act(x w_ih' + b_ih + h w_hh' + b_hh) ---------------------------------------------------------------


@compilable(LARGE, by=3)
def rnn(
    x: Array,
    h0: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None,
    b_hh: Array | None,
    sizes: Sizes,
    reverse: bool,
    relu: bool,
) -> tuple[Array, Array, Array]:
    """A plain recurrent layer (Elman, 1990).

    Args:
        x: Input, shape (rows, I).
        h0: State before the first step, shape (B, H).
        w_ih, w_hh: Shapes (H, I) and (H, H).
        b_ih, b_hh: Shape (H,), or None.
        sizes: Rows of each step.
        reverse: Whether the last step comes first.
        relu: Whether the activation is relu rather than tanh.

    Returns:
        Outputs (rows, H), the last state (B, H), and the states before each step (rows, H) for `rnn_grad`.
    """
    y = affine(x, w_ih, b_ih)
    if b_hh is not None:
        y += b_hh
    h, before = h0.copy(), np.empty_like(y)
    for rows, n in _steps(sizes, reverse):
        before[rows] = h[:n]
        part = y[rows]
        part += h[:n].dot(w_hh.T)
        np.maximum(part, 0, out=part) if relu else np.tanh(part, out=part)
        h[:n] = part
    return y, h, before


@compilable(LARGE, by=4)
def rnn_grad(
    gy: Array | None,
    gh: Array | None,
    x: Array,
    w_ih: Array,
    w_hh: Array,
    sizes: Sizes,
    reverse: bool,
    relu: bool,
    wanted: bool,
    y: Array,
    before: Array,
) -> tuple[Array | None, Array, Array, Array, Array]:
    """Gradients of `rnn` with respect to x, if it is wanted, h0, w_ih, w_hh and either bias."""
    g = np.empty_like(y)
    dh = np.zeros((sizes[0] if len(sizes) else 0, y.shape[1]), y.dtype, like=y) if gh is None else gh.copy()
    for rows, n in _steps(sizes, not reverse):
        part, out = g[rows], y[rows]
        np.copyto(part, dh[:n])
        if gy is not None:
            part += gy[rows]
        part *= (out > 0) if relu else (1 - out * out)
        dh[:n] = part.dot(w_hh)
    return product(g, w_ih) if wanted else None, dh, product(g.T, x), product(g.T, before), g.sum(0)


# --- LSTM -------------------------------------------------------------------------------------------------------------------


@compilable(LARGE, by=4)
def lstm(
    x: Array, h0: Array, c0: Array, w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None, w_hr: Array | None,
    sizes: Sizes, reverse: bool,
) -> tuple[Array, Array, Array, Array, Array, Array]:  # fmt: skip
    """A layer of long short-term memory (Hochreiter and Schmidhuber, 1997), perhaps with a projected state (Sak and others, 2014).

    i, f, o = sigmoid(...), g = tanh(...), c = f c + i g, h = o tanh(c), or its projection by w_hr.

    Args:
        x: Input, shape (rows, I).
        h0: State before the first step, shape (B, P), P = H without a projection.
        c0: Cell before the first step, shape (B, H).
        w_ih, w_hh: Shapes (4 H, I) and (4 H, P).
        b_ih, b_hh: Shape (4 H,), or None.
        w_hr: Projection, shape (P, H), or None.
        sizes: Rows of each step.
        reverse: Whether the last step comes first.

    Returns:
        Outputs (rows, P), last state (B, P), last cell (B, H); and for `lstm_grad` the gates (rows, 4 H), the cells before and after
        each step (2, rows, H), and the states before each step (rows, P).
    """
    gates = affine(x, w_ih, b_ih)
    if b_hh is not None:
        gates += b_hh
    width = gates.shape[1] // 4
    h, c = h0.copy(), c0.copy()
    y = np.empty((len(x), h.shape[1]), gates.dtype, like=x)
    cells = np.empty((2, len(x), width), gates.dtype, like=x)
    before = np.empty_like(y)
    for rows, n in _steps(sizes, reverse):
        a = gates[rows]
        before[rows], cells[0, rows] = h[:n], c[:n]
        a += h[:n].dot(w_hh.T)
        i, f, g, o = (a[:, k * width : (k + 1) * width] for k in range(4))
        _sigmoid(a[:, : 2 * width])
        np.tanh(g, out=g)
        _sigmoid(o)
        after = np.multiply(f, c[:n], out=cells[1, rows])
        after += i * g
        c[:n] = after
        out = o * np.tanh(after)
        h[:n] = out if w_hr is None else out.dot(w_hr.T)
        y[rows] = h[:n]
    return y, h, c, gates, cells, before


@compilable(LARGE, by=5)
def lstm_grad(
    gy: Array | None, gh: Array | None, gc: Array | None, x: Array, w_ih: Array, w_hh: Array, w_hr: Array | None, sizes: Sizes,
    reverse: bool, wanted: bool, gates: Array, cells: Array, before: Array,
) -> tuple[Array | None, Array, Array, Array, Array, Array, Array | None]:  # fmt: skip
    """Gradients of `lstm` with respect to x, if it is wanted, h0, c0, w_ih, w_hh, either bias and w_hr."""
    width, batch = gates.shape[1] // 4, sizes[0] if len(sizes) else 0
    dh = np.zeros((batch, before.shape[1]), gates.dtype, like=gates) if gh is None else gh.copy()
    dc = np.zeros((batch, width), gates.dtype, like=gates) if gc is None else gc.copy()
    d = np.empty_like(gates)
    projected = None if w_hr is None else np.zeros_like(w_hr)
    for rows, n in _steps(sizes, not reverse):
        a, da = gates[rows], d[rows]
        i, f, g, o = (a[:, k * width : (k + 1) * width] for k in range(4))
        di, df, dg, do = (da[:, k * width : (k + 1) * width] for k in range(4))
        t = np.tanh(cells[1, rows])
        top = dh[:n] if gy is None else dh[:n] + gy[rows]
        if w_hr is not None and projected is not None:
            projected += top.T.dot(o * t)
            top = top.dot(w_hr)
        down = dc[:n]
        down += top * o * (1 - t * t)
        np.multiply(top * t, o * (1 - o), out=do)
        np.multiply(down * g, i * (1 - i), out=di)
        np.multiply(down * i, 1 - g * g, out=dg)
        np.multiply(down * cells[0, rows], f * (1 - f), out=df)
        down *= f
        dh[:n] = da.dot(w_hh)
    return product(d, w_ih) if wanted else None, dh, dc, product(d.T, x), product(d.T, before), d.sum(0), projected


# --- GRU --------------------------------------------------------------------------------------------------------------------


@compilable(LARGE, by=3)
def gru(
    x: Array, h0: Array, w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None, sizes: Sizes, reverse: bool
) -> tuple[Array, Array, Array, Array, Array]:
    """A layer of gated recurrent units (Cho and others, 2014).

    r, z = sigmoid(...), n = tanh(x w_in' + b_in + r (h w_hn' + b_hn)), h = (1 - z) n + z h.

    Args:
        x: Input, shape (rows, I).
        h0: State before the first step, shape (B, H).
        w_ih, w_hh: Shapes (3 H, I) and (3 H, H).
        b_ih, b_hh: Shape (3 H,), or None.
        sizes: Rows of each step.
        reverse: Whether the last step comes first.

    Returns:
        Outputs (rows, H), last state (B, H); and for `gru_grad` the gates (rows, 3 H), h w_hn' + b_hn (rows, H), and the states before
        each step (rows, H).
    """
    gates = affine(x, w_ih, b_ih)
    width = gates.shape[1] // 3
    h = h0.copy()
    y, inner, before = (np.empty((len(x), width), gates.dtype, like=x) for _ in range(3))
    for rows, n in _steps(sizes, reverse):
        a = gates[rows]
        before[rows] = h[:n]
        b = affine(h[:n], w_hh, b_hh)
        inner[rows] = b[:, 2 * width :]
        a[:, : 2 * width] += b[:, : 2 * width]
        _sigmoid(a[:, : 2 * width])
        r, z, new = (a[:, k * width : (k + 1) * width] for k in range(3))
        new += r * inner[rows]
        np.tanh(new, out=new)
        h[:n] = new + z * (h[:n] - new)
        y[rows] = h[:n]
    return y, h, gates, inner, before


@compilable(LARGE, by=4)
def gru_grad(
    gy: Array | None, gh: Array | None, x: Array, w_ih: Array, w_hh: Array, sizes: Sizes, reverse: bool,
    wanted: bool, gates: Array, inner: Array, before: Array,
) -> tuple[Array | None, Array, Array, Array, Array, Array]:  # fmt: skip
    """Gradients of `gru` with respect to x, if it is wanted, h0, w_ih, w_hh, b_ih and b_hh."""
    width, batch = gates.shape[1] // 3, sizes[0] if len(sizes) else 0
    dh = np.zeros((batch, width), gates.dtype, like=gates) if gh is None else gh.copy()
    d, e = np.empty_like(gates), np.empty_like(gates)  # of x w_ih' + b_ih, and of h w_hh' + b_hh
    for rows, n in _steps(sizes, not reverse):
        a, da, db = gates[rows], d[rows], e[rows]
        r, z, new = (a[:, k * width : (k + 1) * width] for k in range(3))
        top = dh[:n] if gy is None else dh[:n] + gy[rows]
        dn = top * (1 - z) * (1 - new * new)
        da[:, 2 * width :] = dn
        np.multiply(dn, r, out=db[:, 2 * width :])
        np.multiply(dn * inner[rows], r * (1 - r), out=da[:, :width])
        np.multiply(top * (before[rows] - new), z * (1 - z), out=da[:, width : 2 * width])
        db[:, : 2 * width] = da[:, : 2 * width]
        dh[:n] = top * z + db.dot(w_hh)
    return product(d, w_ih) if wanted else None, dh, product(d.T, x), product(e.T, before), d.sum(0), e.sum(0)
