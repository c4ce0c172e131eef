"""Scaled dot-product attention, head by head, in blocks of rows: scores stay in the cache, and later columns are skipped where causal.

As in `tour.nn.kernels.attention`: of the weights only the logarithm of each row's sum is kept, and they are computed anew on the way
back (Dao et al., "FlashAttention", 2022).
"""

from __future__ import annotations

from math import log
from typing import Any

from tour.numba.kernels import lanes, scalar
from tour.numba.kernels.lanes import LANES
from tour.numba.kernels.memory import doubles, floats, function, helper, longs, rows
from tour.numba.kernels.products import DEPTH, FLOAT, multiply
from tour.numba.kernels.scalar import INFINITY, ONE, ZERO, f4, larger

BLOCK = 48  # rows at a time
UNSEEN = -INFINITY  # the score of a later column, where a vector reaches beyond the last one that is seen


@function
def _transposed(x: int, row: int, height: int, width: int, target: int, pitch: int, places: int) -> None:
    """Matrix x (height, width), its rows `row` bytes apart, into rows of `pitch` numbers, of which the last are zero.

    `places` are those of LANES rows, in bytes.
    """
    j = 0
    while j + LANES <= height:
        for e in range(0, width, LANES):
            lanes.scatter_rows(x + row * j + FLOAT * e, row, target + FLOAT * (e * pitch + j), places)
        j += LANES
    for e in range(width):
        line = floats(target + FLOAT * e * pitch)
        for i in range(j, height):
            line[i] = floats(x + row * i)[e]
        for i in range(height, pitch):
            line[i] = ZERO


@helper
def _long(
    m: int, n: int, depth: int, a: int, a_row: int, a_step: int, b: int, b_row: int, c: int, c_row: int, add: int
) -> None:
    """`multiply`, with long sums in stretches."""
    first = 0
    while first < depth:
        multiply(
            m,
            n,
            min(DEPTH, depth - first),
            a + first * a_step,
            a_row,
            a_step,
            b + first * b_row,
            b_row,
            c,
            c_row,
            add + first,
        )
        first += DEPTH


@helper
def _dot(x: Any, y: Any, n: int) -> Any:
    s = ZERO
    for j in range(n):
        s += x[j] * y[j]
    return s


@helper
def _head(operand: int, layout: int, place: int, n: int) -> Any:
    """Where head n of an operand begins, and how far apart its rows are. `layout` has the number of heads of a sample, and three
    strides for each operand: of samples, heads and rows."""
    strides = longs(layout + 8 + 24 * place)
    heads = longs(layout)[0]
    return operand + n // heads * strides[0] + n % heads * strides[1], strides[2]


def attention(args: int, part: int, parts: int) -> None:
    """Queries a[0], keys a[1] and values a[2] of each head into results a[3] and log-sums of rows a[4]."""
    a = longs(args)
    count, height, columns, width, depth, causal = a[5], a[6], a[7], a[8], a[9], a[10]
    scale, places, pitch = f4(doubles(args)[11]), a[12], a[13]
    keys = a[14] + FLOAT * part * width * pitch
    scores = a[15] + FLOAT * part * BLOCK * pitch
    start, stop = rows(count, part, parts)
    for n in range(start, stop):
        q, q_row = _head(a[0], a[16], 0, n)
        k, k_row = _head(a[1], a[16], 1, n)
        v, v_row = _head(a[2], a[16], 2, n)
        out = a[3] + FLOAT * n * height * depth
        sums = floats(a[4] + FLOAT * n * height)
        _transposed(k, k_row, columns, width, keys, pitch, places)
        for i in range(0, height, BLOCK):
            m = min(BLOCK, height - i)
            seen = min(columns, i + m) if causal else columns
            _long(
                m, (seen + LANES - 1) // LANES * LANES, width,
                q + i * q_row, q_row, FLOAT, keys, FLOAT * pitch, scores, FLOAT * pitch, 0,
            )  # fmt: skip
            for r in range(m):
                p = floats(scores + FLOAT * r * pitch)
                limit = min(seen, i + r + 1) if causal else seen
                whole = (limit + LANES - 1) // LANES * LANES
                for j in range(limit, whole):
                    p[j] = UNSEEN
                top, total = p[0] * scale, ZERO
                for j in range(whole):
                    s = p[j] * scale
                    p[j] = s
                    top = larger(top, s)
                for j in range(whole):
                    e = scalar.exp(p[j] - top)
                    p[j] = e
                    total += e
                sums[i + r] = f4(log(total)) + top
                inverse = ONE / total
                for j in range(whole):
                    p[j] *= inverse
                for j in range(whole, seen):
                    p[j] = ZERO
            _long(
                m, depth, seen, scores, FLOAT * pitch, FLOAT, v, v_row, out + FLOAT * i * depth, FLOAT * depth, 0
            )  # fmt: skip


def attention_grad(args: int, part: int, parts: int) -> None:
    """Gradients of `attention` for queries, keys and values; the weights are computed anew from the log-sums."""
    a = longs(args)
    count, height, columns, width, depth, causal = a[9], a[10], a[11], a[12], a[13], a[14]
    scale, places, pitch = f4(doubles(args)[15]), a[16], a[17]
    keys = a[18] + FLOAT * part * width * pitch
    values = a[19] + FLOAT * part * depth * pitch
    weights = a[20] + FLOAT * part * BLOCK * pitch
    slopes = a[21] + FLOAT * part * BLOCK * pitch
    start, stop = rows(count, part, parts)
    for n in range(start, stop):
        tall, long_ = FLOAT * n * height, FLOAT * n * columns
        g, g_row = _head(a[0], a[22], 0, n)
        q, q_row = _head(a[1], a[22], 1, n)
        k, k_row = _head(a[2], a[22], 2, n)
        v, v_row = _head(a[3], a[22], 3, n)
        out, sums = a[4] + tall * depth, floats(a[5] + tall)
        dq, dk, dv = a[6] + tall * width, a[7] + long_ * width, a[8] + long_ * depth
        _transposed(k, k_row, columns, width, keys, pitch, places)
        _transposed(v, v_row, columns, depth, values, pitch, places)
        to_k, to_v = floats(dk), floats(dv)
        for j in range(columns * width):
            to_k[j] = ZERO
        for j in range(columns * depth):
            to_v[j] = ZERO
        for i in range(0, height, BLOCK):
            m = min(BLOCK, height - i)
            seen = min(columns, i + m) if causal else columns
            padded = (seen + LANES - 1) // LANES * LANES
            q_i, g_i = q + i * q_row, g + i * g_row
            _long(m, padded, width, q_i, q_row, FLOAT, keys, FLOAT * pitch, weights, FLOAT * pitch, 0)
            _long(m, padded, depth, g_i, g_row, FLOAT, values, FLOAT * pitch, slopes, FLOAT * pitch, 0)
            for r in range(m):
                p, d = floats(weights + FLOAT * r * pitch), floats(slopes + FLOAT * r * pitch)
                limit = min(seen, i + r + 1) if causal else seen
                inner = _dot(floats(g_i + r * g_row), floats(out + FLOAT * (i + r) * depth), depth)
                total = sums[i + r]
                whole = (limit + LANES - 1) // LANES * LANES
                for j in range(limit, whole):
                    p[j] = UNSEEN
                    d[j] = ZERO
                for j in range(whole):
                    e = scalar.exp(p[j] * scale - total)
                    p[j] = e
                    d[j] = e * (d[j] - inner) * scale
                for j in range(whole, seen):
                    p[j] = ZERO
                    d[j] = ZERO
            _long(seen, depth, m, weights, FLOAT, FLOAT * pitch, g_i, g_row, dv, FLOAT * depth, 1)
            _long(m, width, seen, slopes, FLOAT * pitch, FLOAT, k, k_row, dq + FLOAT * i * width, FLOAT * width, 0)
            _long(seen, width, m, slopes, FLOAT, FLOAT * pitch, q_i, q_row, dk, FLOAT * width, 1)
