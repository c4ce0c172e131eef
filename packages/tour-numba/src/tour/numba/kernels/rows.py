"""Softmax, cross entropy and normalisation of contiguous rows of float32.

A row is read from memory once and stays in the cache for the passes after that. Sums run over a vector's lanes side by side, which
rounds less than one after another.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Any

from tour.numba.kernels import scalar
from tour.numba.kernels.memory import doubles, floats, helper, longs, rows
from tour.numba.kernels.scalar import ONE, ZERO, careful, f4, larger


@helper
def _row(address: int, i: int, n: int) -> Any:
    return floats(address + 4 * i * n)


@helper
def _largest(x: Any, n: int) -> Any:
    m = x[0]
    for j in range(n):
        m = larger(m, x[j])
    return m


# --- Softmax ------------------------------------------------------------------------------------------------------------------


def softmax(args: int, part: int, parts: int) -> None:
    """exp(x - max) / sum of each row."""
    a = longs(args)
    start, stop = rows(a[2], part, parts)
    n = a[3]
    for i in range(start, stop):
        x, y = _row(a[0], i, n), _row(a[1], i, n)
        m, s = _largest(x, n), ZERO
        for j in range(n):
            e = scalar.exp(x[j] - m)
            y[j] = e
            s += e
        r = ONE / s
        for j in range(n):
            y[j] *= r


def softmax_grad(args: int, part: int, parts: int) -> None:
    """y (g - sum(g y)) of each row."""
    a = longs(args)
    start, stop = rows(a[3], part, parts)
    n = a[4]
    for i in range(start, stop):
        g, y, d = _row(a[0], i, n), _row(a[1], i, n), _row(a[2], i, n)
        s = ZERO
        for j in range(n):
            s += g[j] * y[j]
        for j in range(n):
            d[j] = y[j] * (g[j] - s)


def log_softmax(args: int, part: int, parts: int) -> None:
    """x - max - log(sum(exp(x - max))) of each row."""
    a = longs(args)
    start, stop = rows(a[2], part, parts)
    n = a[3]
    for i in range(start, stop):
        x, y = _row(a[0], i, n), _row(a[1], i, n)
        m, s = _largest(x, n), ZERO
        for j in range(n):
            s += scalar.exp(x[j] - m)
        c = f4(log(s))
        for j in range(n):
            y[j] = (x[j] - m) - c


def log_softmax_grad(args: int, part: int, parts: int) -> None:
    """g - exp(y) sum(g) of each row."""
    a = longs(args)
    start, stop = rows(a[3], part, parts)
    n = a[4]
    for i in range(start, stop):
        g, y, d = _row(a[0], i, n), _row(a[1], i, n), _row(a[2], i, n)
        s = ZERO
        for j in range(n):
            s += g[j]
        for j in range(n):
            d[j] = g[j] - scalar.exp(y[j]) * s


@careful
def _loss(log_sum: Any, x: Any, m: Any) -> Any:
    """log_sum + m - x, the two large numbers first."""
    return log_sum - (x - m)


def cross_entropy(args: int, part: int, parts: int) -> None:
    """Loss of each row, and its softmax."""
    a = longs(args)
    target, losses = longs(a[1]), floats(a[2])
    start, stop = rows(a[4], part, parts)
    n, ignored = a[5], a[6]
    for i in range(start, stop):
        x, p = _row(a[0], i, n), _row(a[3], i, n)
        m, s = _largest(x, n), ZERO
        for j in range(n):
            e = scalar.exp(x[j] - m)
            p[j] = e
            s += e
        r = ONE / s
        for j in range(n):
            p[j] *= r
        t = target[i]
        losses[i] = ZERO
        if t != ignored:
            losses[i] = _loss(f4(log(s)), x[t], m)


def cross_entropy_grad(args: int, part: int, parts: int) -> None:
    """The gradient of cross entropy for the logits of each row."""
    a = longs(args)
    g, target = floats(a[0]), longs(a[2])
    start, stop = rows(a[4], part, parts)
    n, ignored = a[5], a[6]
    for i in range(start, stop):
        p, d = _row(a[1], i, n), _row(a[3], i, n)
        t = target[i]
        if t == ignored:
            for j in range(n):
                d[j] = ZERO
        else:
            w = g[i]
            for j in range(n):
                d[j] = p[j] * w
            d[t] -= w


# --- Normalisation of rows -----------------------------------------------------------------------------------------------------


@helper
def _moments(x: Any, n: int, eps: Any) -> Any:
    """Mean and 1 / sqrt(variance + eps)."""
    s = ZERO
    for j in range(n):
        s += x[j]
    m = s / f4(n)
    q = ZERO
    for j in range(n):
        q += (x[j] - m) * (x[j] - m)
    return m, ONE / sqrt(q / f4(n) + eps)


def layer_norm(args: int, part: int, parts: int) -> None:
    """(x - mean) / sqrt(var + eps) * weight + bias of each row, with mean and inverse deviation."""
    a = longs(args)
    w, b, mean, rstd = floats(a[1]), floats(a[2]), floats(a[4]), floats(a[5])
    start, stop = rows(a[6], part, parts)
    n, eps = a[7], f4(doubles(args)[8])
    for i in range(start, stop):
        x, y = _row(a[0], i, n), _row(a[3], i, n)
        m, r = _moments(x, n, eps)
        mean[i] = m
        rstd[i] = r
        for j in range(n):
            y[j] = (x[j] - m) * r * w[j] + b[j]


FLUSH = 16  # rows that are added up before their sum is added to the others': long sums round less in two steps


@helper
def _clear(s: Any, n: int) -> None:
    for j in range(n):
        s[j] = ZERO


@helper
def _flush(s: Any, total: Any, n: int) -> None:
    for j in range(n):
        total[j] += s[j]
        s[j] = ZERO


def layer_norm_grad(args: int, part: int, parts: int) -> None:
    """Gradient of the rows, and each part's sums for weight and bias."""
    a = longs(args)
    mean, rstd, w = floats(a[2]), floats(a[3]), floats(a[4])
    start, stop = rows(a[8], part, parts)
    n = a[9]
    dw, db, total_dw, total_db = _row(a[6], part, n), _row(a[7], part, n), _row(a[10], part, n), _row(a[11], part, n)
    _clear(dw, n)
    _clear(db, n)
    _clear(total_dw, n)
    _clear(total_db, n)
    for i in range(start, stop):
        g, x, d = _row(a[0], i, n), _row(a[1], i, n), _row(a[5], i, n)
        m, r = mean[i], rstd[i]
        s, q = ZERO, ZERO
        for j in range(n):
            z = (x[j] - m) * r
            h = g[j] * w[j]
            s += h
            q += h * z
            dw[j] += g[j] * z
            db[j] += g[j]
        s /= f4(n)
        q /= f4(n)
        for j in range(n):
            d[j] = r * (g[j] * w[j] - s - (x[j] - m) * r * q)
        if i % FLUSH == 0 or i == stop - 1:
            _flush(dw, total_dw, n)
            _flush(db, total_db, n)


def rms_norm(args: int, part: int, parts: int) -> None:
    """x / sqrt(mean(x²) + eps) * weight of each row, with the inverse root."""
    a = longs(args)
    w, root = floats(a[1]), floats(a[3])
    start, stop = rows(a[4], part, parts)
    n, eps = a[5], f4(doubles(args)[6])
    for i in range(start, stop):
        x, y = _row(a[0], i, n), _row(a[2], i, n)
        q = ZERO
        for j in range(n):
            q += x[j] * x[j]
        r = ONE / f4(sqrt(q / f4(n) + eps))
        root[i] = r
        for j in range(n):
            y[j] = x[j] * r * w[j]


def rms_norm_grad(args: int, part: int, parts: int) -> None:
    """Gradients of `rms_norm` for rows and weight."""
    a = longs(args)
    root, w = floats(a[2]), floats(a[3])
    start, stop = rows(a[6], part, parts)
    n = a[7]
    dw, total = _row(a[5], part, n), _row(a[8], part, n)
    _clear(dw, n)
    _clear(total, n)
    for i in range(start, stop):
        g, x, d = _row(a[0], i, n), _row(a[1], i, n), _row(a[4], i, n)
        r, q = root[i], ZERO
        for j in range(n):
            q += g[j] * w[j] * x[j]
            dw[j] += g[j] * x[j] * r
        q *= r * r / f4(n)
        for j in range(n):
            d[j] = r * (g[j] * w[j] - x[j] * q)
        if i % FLUSH == 0 or i == stop - 1:
            _flush(dw, total, n)
