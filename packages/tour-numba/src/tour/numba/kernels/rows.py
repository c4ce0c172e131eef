"""Softmax, cross entropy and normalisation of contiguous rows, in single and double precision.

A row is read from memory once and stays in the cache for the passes after that. Sums run over a vector's lanes side by side, which
rounds less than one after another.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Any

import numpy as np

from tour.numba.kernels import scalar
from tour.numba.kernels.memory import doubles, floats, helper, longs, rows
from tour.numba.kernels.scalar import careful, larger, larger_double

FLUSH = 16  # rows that are added up before their sum is added to the others': long sums round less in two steps


def _kernels(items: Any, number: Any, exp: Any, larger: Any) -> Any:
    """The kernels for numbers of a kind, in the order of their names below.

    Args:
        items: Makes a pointer to such numbers of an address.
        number: Their type.
        exp: Their exponential.
        larger: The larger of two, or the one that is a number.
    """
    size, ZERO, ONE = np.dtype(number).itemsize, number(0), number(1)

    @helper
    def _row(address: int, i: int, n: int) -> Any:
        return items(address + size * i * n)

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
                e = exp(x[j] - m)
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
                s += exp(x[j] - m)
            c = number(log(s))
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
                d[j] = g[j] - exp(y[j]) * s

    @careful
    def _loss(log_sum: Any, x: Any, m: Any) -> Any:
        """log_sum + m - x, the two large numbers first."""
        return log_sum - (x - m)

    def cross_entropy(args: int, part: int, parts: int) -> None:
        """Loss of each row, and its softmax."""
        a = longs(args)
        target, losses = longs(a[1]), items(a[2])
        start, stop = rows(a[4], part, parts)
        n, ignored = a[5], a[6]
        for i in range(start, stop):
            x, p = _row(a[0], i, n), _row(a[3], i, n)
            m, s = _largest(x, n), ZERO
            for j in range(n):
                e = exp(x[j] - m)
                p[j] = e
                s += e
            r = ONE / s
            for j in range(n):
                p[j] *= r
            t = target[i]
            losses[i] = ZERO
            if t != ignored:
                losses[i] = _loss(number(log(s)), x[t], m)

    def cross_entropy_grad(args: int, part: int, parts: int) -> None:
        """The gradient of cross entropy for the logits of each row."""
        a = longs(args)
        g, target = items(a[0]), longs(a[2])
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
        m = s / number(n)
        q = ZERO
        for j in range(n):
            q += (x[j] - m) * (x[j] - m)
        return m, ONE / sqrt(q / number(n) + eps)

    def layer_norm(args: int, part: int, parts: int) -> None:
        """(x - mean) / sqrt(var + eps) * weight + bias of each row, with mean and inverse deviation."""
        a = longs(args)
        w, b, mean, rstd = items(a[1]), items(a[2]), items(a[4]), items(a[5])
        start, stop = rows(a[6], part, parts)
        n, eps = a[7], number(doubles(args)[8])
        for i in range(start, stop):
            x, y = _row(a[0], i, n), _row(a[3], i, n)
            m, r = _moments(x, n, eps)
            mean[i] = m
            rstd[i] = r
            for j in range(n):
                y[j] = (x[j] - m) * r * w[j] + b[j]

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
        mean, rstd, w = items(a[2]), items(a[3]), items(a[4])
        start, stop = rows(a[8], part, parts)
        n = a[9]
        dw, db, total_dw, total_db = (
            _row(a[6], part, n),
            _row(a[7], part, n),
            _row(a[10], part, n),
            _row(a[11], part, n),
        )
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
            s /= number(n)
            q /= number(n)
            for j in range(n):
                d[j] = r * (g[j] * w[j] - s - (x[j] - m) * r * q)
            if i % FLUSH == 0 or i == stop - 1:
                _flush(dw, total_dw, n)
                _flush(db, total_db, n)

    def rms_norm(args: int, part: int, parts: int) -> None:
        """x / sqrt(mean(x²) + eps) * weight of each row, with the inverse root."""
        a = longs(args)
        w, root = items(a[1]), items(a[3])
        start, stop = rows(a[4], part, parts)
        n, eps = a[5], number(doubles(args)[6])
        for i in range(start, stop):
            x, y = _row(a[0], i, n), _row(a[2], i, n)
            q = ZERO
            for j in range(n):
                q += x[j] * x[j]
            r = ONE / number(sqrt(q / number(n) + eps))
            root[i] = r
            for j in range(n):
                y[j] = x[j] * r * w[j]

    def rms_norm_grad(args: int, part: int, parts: int) -> None:
        """Gradients of `rms_norm` for rows and weight."""
        a = longs(args)
        root, w = items(a[2]), items(a[3])
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
            q *= r * r / number(n)
            for j in range(n):
                d[j] = r * (g[j] * w[j] - x[j] * q)
            if i % FLUSH == 0 or i == stop - 1:
                _flush(dw, total, n)

    return (
        softmax,
        softmax_grad,
        log_softmax,
        log_softmax_grad,
        cross_entropy,
        cross_entropy_grad,
        layer_norm,
        layer_norm_grad,
        rms_norm,
        rms_norm_grad,
    )


(
    softmax_4,
    softmax_grad_4,
    log_softmax_4,
    log_softmax_grad_4,
    cross_entropy_4,
    cross_entropy_grad_4,
    layer_norm_4,
    layer_norm_grad_4,
    rms_norm_4,
    rms_norm_grad_4,
) = _kernels(floats, np.float32, scalar.exp, larger)
(
    softmax_8,
    softmax_grad_8,
    log_softmax_8,
    log_softmax_grad_8,
    cross_entropy_8,
    cross_entropy_grad_8,
    layer_norm_8,
    layer_norm_grad_8,
    rms_norm_8,
    rms_norm_grad_8,
) = _kernels(doubles, np.float64, scalar.exp_double, larger_double)
