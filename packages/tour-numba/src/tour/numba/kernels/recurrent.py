"""Recurrent layers over whole sequences: what depends on the step before, for some sequences of the batch at a time.

Sequences do not meet within a layer, so each thread takes its own through all steps, and nobody waits. A step is one product of the
states with the packed recurrent weights, and loops over the gates. The products of the whole input come before, those of the
gradients of all weights after.

Rows of a step lie together, the longest sequences first: `starts` says where. Modes: 0 tanh, 1 relu, 2 LSTM, 3 GRU.
"""

from __future__ import annotations

from typing import Any

from tour.numba.kernels.lanes import LANES
from tour.numba.kernels.layout import clear
from tour.numba.kernels.memory import floats, function, longs, rows
from tour.numba.kernels.panels import multiply
from tour.numba.kernels.products import FLOAT, WIDE
from tour.numba.kernels.scalar import ONE, ZERO, careful, exp, f4, sigmoid

TWO, NEAR = f4(2), f4(0.625)
T0, T1, T2, T3, T4 = map(
    f4, (-3.33332819422e-1, 1.33314422036e-1, -5.37397155531e-2, 2.06390887954e-2, -5.70498872745e-3)
)  # Cephes, tanhf
LSTM, GRU, RELU = 2, 3, 1


@careful
def tanh(x: Any) -> Any:
    """Hyperbolic tangent: 1 - 2 / (exp(2 |x|) + 1), and near zero a polynomial, where that would lose digits."""
    s = x * x
    p = T4
    p = p * s + T3
    p = p * s + T2
    p = p * s + T1
    p = p * s + T0
    near = x + x * s * p
    far = ONE - TWO / (exp(TWO * abs(x)) + ONE)
    far = -far if x < ZERO else far
    return near if abs(x) < NEAR else far


@function
def _gate(a: int, s: int, bias: int, n: int) -> None:
    """a = sigmoid(a + s + bias)."""
    x, y, b = floats(a), floats(s), floats(bias)
    for j in range(n):
        x[j] = sigmoid(x[j] + (y[j] + b[j]))


@function
def _candidate(a: int, s: int, bias: int, n: int) -> None:
    """a = tanh(a + s + bias)."""
    x, y, b = floats(a), floats(s), floats(bias)
    for j in range(n):
        x[j] = tanh(x[j] + (y[j] + b[j]))


@function
def _copy(source: int, target: int, n: int) -> None:
    x, y = floats(source), floats(target)
    for j in range(n):
        y[j] = x[j]


@function
def _lstm(a: int, s: int, bias: int, c: int, after: int, y: int, n: int) -> None:
    """Gates, cell and state of one sequence; the cell is replaced."""
    _gate(a, s, bias, 2 * n)
    _candidate(a + FLOAT * 2 * n, s + FLOAT * 2 * n, bias + FLOAT * 2 * n, n)
    _gate(a + FLOAT * 3 * n, s + FLOAT * 3 * n, bias + FLOAT * 3 * n, n)
    i, f, g, o = floats(a), floats(a + FLOAT * n), floats(a + FLOAT * 2 * n), floats(a + FLOAT * 3 * n)
    cell, new, out = floats(c), floats(after), floats(y)
    for j in range(n):
        new[j] = f[j] * cell[j] + i[j] * g[j]
    for j in range(n):
        cell[j] = new[j]
        out[j] = o[j] * tanh(new[j])


@function
def _gru(a: int, s: int, bias: int, h: int, inner: int, y: int, n: int) -> None:
    """Gates and state of one sequence."""
    _gate(a, s, bias, 2 * n)
    r, z, new = floats(a), floats(a + FLOAT * n), floats(a + FLOAT * 2 * n)
    product, b, kept, before, out = (
        floats(s + FLOAT * 2 * n),
        floats(bias + FLOAT * 2 * n),
        floats(inner),
        floats(h),
        floats(y),
    )
    for j in range(n):
        kept[j] = product[j] + b[j]
    for j in range(n):
        new[j] = tanh(new[j] + r[j] * kept[j])
    for j in range(n):
        out[j] = new[j] + z[j] * (before[j] - new[j])


@function
def _plain(a: int, s: int, bias: int, y: int, n: int, relu: bool) -> None:
    """State of one sequence."""
    if not relu:
        _candidate(a, s, bias, n)
        _copy(a, y, n)
        return
    x, product, b, out = floats(a), floats(s), floats(bias), floats(y)
    for j in range(n):
        v = x[j] + (product[j] + b[j])
        out[j] = ZERO if v < ZERO else v


def forward(args: int, part: int, parts: int) -> None:
    """Steps of a layer. Gates hold the products of the input; h and c are replaced by the last state and cell.

    Without weights it is one step, and the products of its state are where scratch memory would be.
    """
    a = longs(args)
    gates, weights, bias, h, c, y, kept, before, starts = a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], longs(a[8])
    steps, batch, n, count, total, reverse, mode = a[9], a[10], a[11], a[12], a[13], a[14], a[15]
    row_table, tap_table, scratch = a[16], a[17], a[18] + FLOAT * part * a[19]
    width = count * n
    columns = (width + LANES - 1) // LANES * LANES
    pitch, (first, last) = FLOAT * columns, rows(batch, part, parts)
    if not weights:
        pitch = FLOAT * width
        scratch = a[18] + first * pitch
    for step in range(steps):
        t = steps - 1 - step if reverse else step
        running = min(last, starts[t + 1] - starts[t]) - first
        if running <= 0:
            continue
        top = starts[t] + first
        _copy(h + FLOAT * first * n, before + FLOAT * top * n, running * n)
        if weights:
            multiply(
                running, columns, n, h + FLOAT * first * n, row_table, tap_table,
                weights, FLOAT * WIDE, FLOAT * n * WIDE, scratch, pitch, 0,
            )  # fmt: skip
        for i in range(running):
            row, state = top + i, FLOAT * (first + i) * n
            x, s, out = gates + FLOAT * row * width, scratch + i * pitch, y + FLOAT * row * n
            if mode == LSTM:
                _copy(c + state, kept + FLOAT * row * n, n)
                _lstm(x, s, bias, c + state, kept + FLOAT * (total + row) * n, out, n)
            elif mode == GRU:
                _gru(x, s, bias, h + state, kept + FLOAT * row * n, out, n)
            else:
                _plain(x, s, bias, out, n, mode == RELU)
            _copy(out, h + state, n)


@function
def _lstm_grad(a: int, d: int, dh: int, dc: int, cells: int, after: int, t: int, n: int) -> None:
    """Gradients of the gates of one sequence, from those of its state and cell; that of the cell is replaced."""
    i, f, g, o = floats(a), floats(a + FLOAT * n), floats(a + FLOAT * 2 * n), floats(a + FLOAT * 3 * n)
    di, df, dg, do = floats(d), floats(d + FLOAT * n), floats(d + FLOAT * 2 * n), floats(d + FLOAT * 3 * n)
    top, down, old, new, curve = floats(dh), floats(dc), floats(cells), floats(after), floats(t)
    for j in range(n):
        curve[j] = tanh(new[j])
    for j in range(n):
        down[j] += top[j] * o[j] * (ONE - curve[j] * curve[j])
    for j in range(n):
        do[j] = top[j] * curve[j] * o[j] * (ONE - o[j])
    for j in range(n):
        di[j] = down[j] * g[j] * i[j] * (ONE - i[j])
    for j in range(n):
        dg[j] = down[j] * i[j] * (ONE - g[j] * g[j])
    for j in range(n):
        df[j] = down[j] * old[j] * f[j] * (ONE - f[j])
    for j in range(n):
        down[j] *= f[j]


@function
def _gru_grad(a: int, d: int, e: int, dh: int, inner: int, before: int, n: int) -> None:
    """Gradients of both products of the gates of one sequence; of its state's gradient the share that goes past them stays."""
    r, z, new = floats(a), floats(a + FLOAT * n), floats(a + FLOAT * 2 * n)
    dr, dz, dn = floats(d), floats(d + FLOAT * n), floats(d + FLOAT * 2 * n)
    er, ez, en = floats(e), floats(e + FLOAT * n), floats(e + FLOAT * 2 * n)
    top, kept, old = floats(dh), floats(inner), floats(before)
    for j in range(n):
        dn[j] = top[j] * (ONE - z[j]) * (ONE - new[j] * new[j])
    for j in range(n):
        dr[j] = dn[j] * kept[j] * r[j] * (ONE - r[j])
    for j in range(n):
        dz[j] = top[j] * (old[j] - new[j]) * z[j] * (ONE - z[j])
    for j in range(n):
        en[j] = dn[j] * r[j]
    for j in range(n):
        er[j] = dr[j]
    for j in range(n):
        ez[j] = dz[j]
    for j in range(n):
        top[j] *= z[j]


@function
def _plain_grad(y: int, d: int, dh: int, n: int, relu: bool) -> None:
    out, into, top = floats(y), floats(d), floats(dh)
    if relu:
        for j in range(n):
            into[j] = top[j] if out[j] > ZERO else ZERO
    else:
        for j in range(n):
            into[j] = top[j] * (ONE - out[j] * out[j])


@function
def _add(source: int, target: int, n: int) -> None:
    x, y = floats(source), floats(target)
    for j in range(n):
        y[j] += x[j]


def backward(args: int, part: int, parts: int) -> None:
    """Gradients of the gates: d of what comes from the input, e of what comes from the state. dh and dc are replaced.

    Without weights it is one step, and in dh is left what does not go through the product of the state.
    """
    a = longs(args)
    gy, dh, dc, gates, y, kept, before, d, e, weights, starts = (
        a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], longs(a[10])
    )  # fmt: skip
    steps, batch, n, count, total, reverse, mode = a[11], a[12], a[13], a[14], a[15], a[16], a[17]
    row_table, tap_table, scratch, sums = a[18], a[19], a[20] + FLOAT * part * a[21], a[22] + FLOAT * part * a[23]
    width = count * n
    columns = (n + LANES - 1) // LANES * LANES
    first, last = rows(batch, part, parts)
    clear(sums, 2 * width)
    for step in range(steps):
        t = step if reverse else steps - 1 - step
        running = min(last, starts[t + 1] - starts[t]) - first
        if running <= 0:
            continue
        top = starts[t] + first
        for i in range(running):
            row, state = top + i, FLOAT * (first + i) * n
            x, into, other = gates + FLOAT * row * width, d + FLOAT * row * width, e + FLOAT * row * width
            if gy:
                _add(gy + FLOAT * row * n, dh + state, n)
            if mode == LSTM:
                cells = kept + FLOAT * row * n
                _lstm_grad(x, into, dh + state, dc + state, cells, cells + FLOAT * total * n, scratch, n)
            elif mode == GRU:
                _gru_grad(x, into, other, dh + state, kept + FLOAT * row * n, before + FLOAT * row * n, n)
                _add(other, sums + FLOAT * width, width)
            else:
                _plain_grad(y + FLOAT * row * n, into, dh + state, n, mode == RELU)
            _add(into, sums, width)
        if not weights:
            continue
        multiply(
            running, columns, width, e + FLOAT * top * width, row_table, tap_table,
            weights, FLOAT * WIDE, FLOAT * width * WIDE, scratch, FLOAT * columns, 0,
        )  # fmt: skip
        for i in range(running):
            target, source = dh + FLOAT * (first + i) * n, scratch + FLOAT * i * columns
            if mode == GRU:
                _add(source, target, n)
            else:
                _copy(source, target, n)
