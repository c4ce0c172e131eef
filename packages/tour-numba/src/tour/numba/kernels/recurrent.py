"""Recurrent layers over whole sequences: what depends on the step before, for some sequences of the batch at a time.

Sequences do not meet within a layer, so each thread takes its own through all steps, and nobody waits. A step is one product of the
states with the packed recurrent weights, loops over the gates, and perhaps a product with the packed projection. The products of the
whole input come before, those of the gradients of all weights after.

Rows of a step lie together, the longest sequences first: `starts` says where. Modes: 0 tanh, 1 relu, 2 LSTM, 3 GRU.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.numba.kernels import scalar
from tour.numba.kernels.lanes import LANES
from tour.numba.kernels.memory import doubles, floats, function, longs, rows
from tour.numba.kernels.panels import multiply, multiply_doubles
from tour.numba.kernels.products import FLOAT, WIDE
from tour.numba.kernels.scalar import ONE, TWO, ZERO, careful, f4

LSTM, GRU, RELU = 2, 3, 1
FLUSH = 16  # rows that are added up before their sum is added to the others': long sums round less in two steps

# Near zero, where 1 - 2 / (exp(2 |x|) + 1) would lose digits, Cephes has a polynomial (tanhf) and a quotient of two (tanh).
NEAR = 0.625
T0, T1, T2, T3, T4 = map(
    f4, (-3.33332819422e-1, 1.33314422036e-1, -5.37397155531e-2, 2.06390887954e-2, -5.70498872745e-3)
)
P0, P1, P2 = -1.61468768441708447952e3, -9.92877231001918586564e1, -9.64399179425052238628e-1
Q0, Q1, Q2 = 4.84406305325125486048e3, 2.23548839060100448583e3, 1.12811678491632931402e2


@careful
def tanh(x: Any) -> Any:
    """Hyperbolic tangent."""
    s = x * x
    p = T4
    p = p * s + T3
    p = p * s + T2
    p = p * s + T1
    p = p * s + T0
    near = x + x * s * p
    far = ONE - TWO / (scalar.exp(TWO * abs(x)) + ONE)
    far = -far if x < ZERO else far
    return near if abs(x) < f4(NEAR) else far


@careful
def tanh_double(x: Any) -> Any:
    """Hyperbolic tangent of a float64."""
    s = x * x
    p = P2 * s + P1
    p = p * s + P0
    q = s + Q2
    q = q * s + Q1
    q = q * s + Q0
    near = x + x * s * (p / q)
    far = 1.0 - 2.0 / (scalar.exp_double(2.0 * abs(x)) + 1.0)
    far = -far if x < 0.0 else far
    return near if abs(x) < NEAR else far


@careful
def sigmoid_double(x: Any) -> Any:
    """1 / (1 + exp(-x)) of a float64."""
    return 1.0 / (1.0 + scalar.exp_double(-x))


def _kernels(items: Any, number: Any, multiply: Any, sigmoid: Any, tanh: Any) -> Any:
    """The kernels for numbers of a kind, forward and backward.

    Args:
        items: Makes a pointer to such numbers of an address.
        number: Their type.
        multiply: Their matrix product, of `panels`.
        sigmoid, tanh: Their functions.
    """
    SIZE = np.dtype(number).itemsize
    VECTOR, PANEL = FLOAT * LANES // SIZE, FLOAT * WIDE
    ZERO, ONE = number(0), number(1)

    @function
    def _vectors(n: int) -> Any:
        """Numbers rounded up to whole vectors."""
        return (n + VECTOR - 1) // VECTOR * VECTOR

    @function
    def _copy(source: int, target: int, n: int) -> None:
        x, y = items(source), items(target)
        for j in range(n):
            y[j] = x[j]

    @function
    def _add(source: int, target: int, n: int) -> None:
        x, y = items(source), items(target)
        for j in range(n):
            y[j] += x[j]

    @function
    def _flush(fresh: int, total: int, n: int) -> None:
        """total += fresh, and fresh begins anew."""
        x, y = items(fresh), items(total)
        for j in range(n):
            y[j] += x[j]
            x[j] = ZERO

    # --- Forward ----------------------------------------------------------------------------------------------------------------

    @function
    def _gate(a: int, s: int, bias: int, n: int) -> None:
        """a = sigmoid(a + s + bias)."""
        x, y, b = items(a), items(s), items(bias)
        for j in range(n):
            x[j] = sigmoid(x[j] + (y[j] + b[j]))

    @function
    def _candidate(a: int, s: int, bias: int, n: int) -> None:
        """a = tanh(a + s + bias)."""
        x, y, b = items(a), items(s), items(bias)
        for j in range(n):
            x[j] = tanh(x[j] + (y[j] + b[j]))

    @function
    def _lstm(a: int, s: int, bias: int, c: int, after: int, y: int, n: int) -> None:
        """Gates, cell and state of one sequence; the cell is replaced."""
        _gate(a, s, bias, 2 * n)
        _candidate(a + SIZE * 2 * n, s + SIZE * 2 * n, bias + SIZE * 2 * n, n)
        _gate(a + SIZE * 3 * n, s + SIZE * 3 * n, bias + SIZE * 3 * n, n)
        i, f, g, o = items(a), items(a + SIZE * n), items(a + SIZE * 2 * n), items(a + SIZE * 3 * n)
        cell, new, out = items(c), items(after), items(y)
        for j in range(n):
            new[j] = f[j] * cell[j] + i[j] * g[j]
        for j in range(n):
            cell[j] = new[j]
            out[j] = o[j] * tanh(new[j])

    @function
    def _gru(a: int, s: int, bias: int, h: int, inner: int, y: int, n: int) -> None:
        """Gates and state of one sequence."""
        _gate(a, s, bias, 2 * n)
        r, z, new = items(a), items(a + SIZE * n), items(a + SIZE * 2 * n)
        product, b = items(s + SIZE * 2 * n), items(bias + SIZE * 2 * n)
        kept, before, out = items(inner), items(h), items(y)
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
        x, product, b, out = items(a), items(s), items(bias), items(y)
        for j in range(n):
            v = x[j] + (product[j] + b[j])
            out[j] = ZERO if v < ZERO else v

    def forward(args: int, part: int, parts: int) -> None:
        """Steps of a layer. Gates hold the products of the input; h and c are replaced by the last state and cell.

        Without weights it is one step, and the products of its state are where scratch memory would be.
        """
        a = longs(args)
        gates, weights, bias, h, c, y, kept, before, starts = (
            a[0],
            a[1],
            a[2],
            a[3],
            a[4],
            a[5],
            a[6],
            a[7],
            longs(a[8]),
        )
        steps, batch, n, wide, count, total, reverse, mode = a[9], a[10], a[11], a[12], a[13], a[14], a[15], a[16]
        states, hiddens, taps, scratch, projection = a[17], a[18], a[19], a[20] + SIZE * part * a[21], a[22]
        width = count * n
        columns, (first, last) = _vectors(width), rows(batch, part, parts)
        pitch = SIZE * columns
        if not weights:
            pitch = SIZE * width
            scratch = a[20] + first * pitch
        hidden = scratch + (last - first) * pitch
        narrow = hidden + (last - first) * SIZE * n
        for step in range(steps):
            t = steps - 1 - step if reverse else step
            running = min(last, starts[t + 1] - starts[t]) - first
            if running <= 0:
                continue
            top, here = starts[t] + first, h + SIZE * first * wide
            _copy(here, before + SIZE * top * wide, running * wide)
            if weights:
                multiply(running, columns, wide, here, states, taps, weights, PANEL, wide * PANEL, scratch, pitch, 0)
            for i in range(running):
                row, state, cell = top + i, here + SIZE * i * wide, c + SIZE * (first + i) * n
                x, s, out = gates + SIZE * row * width, scratch + i * pitch, y + SIZE * row * wide
                if mode == LSTM:
                    into = hidden + SIZE * i * n if projection else out
                    _copy(cell, kept + SIZE * row * n, n)
                    _lstm(x, s, bias, cell, kept + SIZE * (total + row) * n, into, n)
                elif mode == GRU:
                    _gru(x, s, bias, state, kept + SIZE * row * n, out, n)
                else:
                    _plain(x, s, bias, out, n, mode == RELU)
            if projection:
                line = SIZE * _vectors(wide)
                multiply(
                    running, _vectors(wide), n, hidden, hiddens, taps, projection, PANEL, n * PANEL, narrow, line, 0
                )
                for i in range(running):
                    _copy(narrow + i * line, y + SIZE * (top + i) * wide, wide)
            _copy(y + SIZE * top * wide, here, running * wide)

    # --- Backward ---------------------------------------------------------------------------------------------------------------

    @function
    def _lstm_grad(a: int, d: int, dh: int, dc: int, cells: int, after: int, t: int, n: int) -> None:
        """Gradients of the gates of one sequence, from those of its state and cell, which is replaced; the state is left in t."""
        i, f, g, o = items(a), items(a + SIZE * n), items(a + SIZE * 2 * n), items(a + SIZE * 3 * n)
        di, df, dg, do = items(d), items(d + SIZE * n), items(d + SIZE * 2 * n), items(d + SIZE * 3 * n)
        top, down, old, new, curve = items(dh), items(dc), items(cells), items(after), items(t)
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
            curve[j] *= o[j]

    @function
    def _gru_grad(a: int, d: int, e: int, dh: int, inner: int, before: int, n: int) -> None:
        """Gradients of both products of the gates of one sequence; of its state's gradient the share that goes past them stays."""
        r, z, new = items(a), items(a + SIZE * n), items(a + SIZE * 2 * n)
        dr, dz, dn = items(d), items(d + SIZE * n), items(d + SIZE * 2 * n)
        er, ez, en = items(e), items(e + SIZE * n), items(e + SIZE * 2 * n)
        top, kept, old = items(dh), items(inner), items(before)
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
        out, into, top = items(y), items(d), items(dh)
        if relu:
            for j in range(n):
                into[j] = top[j] if out[j] > ZERO else ZERO
        else:
            for j in range(n):
                into[j] = top[j] * (ONE - out[j] * out[j])

    def backward(args: int, part: int, parts: int) -> None:
        """Gradients of the gates: d of what comes from the input, e of what comes from the state. dh and dc are replaced.

        With a projection, what its gradient needs of each step is kept: the gradients of the states in y, and what was projected in
        `inner`. Without weights it is one step, and in dh is left what does not go through the product of the state.
        """
        a = longs(args)
        gy, dh, dc, gates, y, kept, before, d, e = a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8]
        weights, starts, steps, batch, n, wide, count, total = (
            a[9],
            longs(a[10]),
            a[11],
            a[12],
            a[13],
            a[14],
            a[15],
            a[16],
        )
        reverse, mode, states, taps, scratch, sums = a[17], a[18], a[19], a[20], a[21] + SIZE * part * a[22], a[23]
        projection, narrow, inner = a[25], a[26], a[27]
        width, columns, line = count * n, _vectors(wide), SIZE * _vectors(n)
        first, last = rows(batch, part, parts)
        through, sums, both = scratch + (last - first) * SIZE * columns, sums + SIZE * part * a[24], SIZE * 2 * width
        fresh, added = sums + both, 0
        zeros = items(sums)
        for j in range(4 * width):
            zeros[j] = ZERO
        for step in range(steps):
            t = step if reverse else steps - 1 - step
            running = min(last, starts[t + 1] - starts[t]) - first
            if running <= 0:
                continue
            top, above, pace = starts[t] + first, dh + SIZE * first * wide, SIZE * wide
            if gy:
                _add(gy + SIZE * top * wide, above, running * wide)
            if projection:
                into = y + SIZE * top * wide
                _copy(above, into, running * wide)
                multiply(
                    running, line // SIZE, wide, into, narrow, taps, projection, PANEL, wide * PANEL, through, line, 0
                )
                above, pace = through, line
            for i in range(running):
                row, state = top + i, above + i * pace
                x, into, other = gates + SIZE * row * width, d + SIZE * row * width, e + SIZE * row * width
                if mode == LSTM:
                    cells, hidden = kept + SIZE * row * n, inner + SIZE * row * n if projection else scratch
                    cell = dc + SIZE * (first + i) * n
                    _lstm_grad(x, into, state, cell, cells, cells + SIZE * total * n, hidden, n)
                elif mode == GRU:
                    _gru_grad(x, into, other, state, kept + SIZE * row * n, before + SIZE * row * n, n)
                    _add(other, fresh + SIZE * width, width)
                else:
                    _plain_grad(y + SIZE * row * n, into, state, n, mode == RELU)
                _add(into, fresh, width)
                added += 1
                if added % FLUSH == 0:
                    _flush(fresh, sums, 2 * width)
            if not weights:
                continue
            back = e + SIZE * top * width
            multiply(
                running, columns, width, back, states, taps, weights, PANEL, width * PANEL, scratch, SIZE * columns, 0
            )
            for i in range(running):
                target, source = dh + SIZE * (first + i) * wide, scratch + SIZE * i * columns
                if mode == GRU:
                    _add(source, target, wide)
                else:
                    _copy(source, target, wide)
        _flush(fresh, sums, 2 * width)

    return forward, backward


forward_4, backward_4 = _kernels(floats, np.float32, multiply, scalar.sigmoid, tanh)
forward_8, backward_8 = _kernels(doubles, np.float64, multiply_doubles, sigmoid_double, tanh_double)
