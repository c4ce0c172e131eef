"""Normalisation of channels: arrays (N, C, S), in which every channel of a sample is a contiguous run of S numbers.

In single and double precision. Means, and sums of many runs, are added up in double precision.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from tour.numba.kernels.memory import doubles, floats, helper, longs, rows

DZERO = 0.0


def _kernels(items: Any, number: Any) -> Any:
    """The kernels for numbers of a kind, in the order of their names below.

    Args:
        items: Makes a pointer to such numbers of an address.
        number: Their type.
    """
    size_of, ZERO, ONE = np.dtype(number).itemsize, number(0), number(1)

    @helper
    def _run(address: int, sample: int, channel: int, channels: int, size: int) -> Any:
        return items(address + size_of * (sample * channels + channel) * size)

    @helper
    def _sum(x: Any, size: int) -> Any:
        s = DZERO
        for j in range(size):
            s += x[j]
        return s

    @helper
    def _squares(x: Any, m: Any, size: int) -> Any:
        s = ZERO
        for j in range(size):
            s += (x[j] - m) * (x[j] - m)
        return s

    @helper
    def _products(g: Any, x: Any, m: Any, size: int) -> Any:
        """Sums of g and of g (x - m)."""
        s, q = ZERO, ZERO
        for j in range(size):
            s += g[j]
            q += g[j] * (x[j] - m)
        return s, q

    @helper
    def _affine(x: Any, y: Any, scale: Any, shift: Any, size: int) -> None:
        for j in range(size):
            y[j] = x[j] * scale + shift

    def batch_norm(args: int, part: int, parts: int) -> None:
        """Statistics of each channel over all samples, and the normalised array."""
        a = longs(args)
        w, b, mean, var = items(a[1]), items(a[2]), items(a[4]), items(a[5])
        samples, channels, size = a[6], a[7], a[8]
        start, stop = rows(channels, part, parts)
        eps = doubles(args)[9]
        for c in range(start, stop):
            s = DZERO
            for i in range(samples):
                s += _sum(_run(a[0], i, c, channels, size), size)
            m = number(s / (samples * size))
            q = DZERO
            for i in range(samples):
                q += _squares(_run(a[0], i, c, channels, size), m, size)
            v = q / (samples * size)
            mean[c] = m
            var[c] = number(v)
            scale = number(1 / sqrt(v + eps)) * w[c]
            for i in range(samples):
                _affine(
                    _run(a[0], i, c, channels, size), _run(a[3], i, c, channels, size), scale, b[c] - m * scale, size
                )

    def batch_norm_grad(args: int, part: int, parts: int) -> None:
        """Gradients of input, weight and bias, where the batch's own statistics were used."""
        a = longs(args)
        mean, var, w, dw, db = items(a[2]), items(a[3]), items(a[4]), items(a[6]), items(a[7])
        samples, channels, size = a[8], a[9], a[10]
        start, stop = rows(channels, part, parts)
        eps = doubles(args)[11]
        for c in range(start, stop):
            m, r = mean[c], number(1 / sqrt(var[c] + eps))
            s, q = DZERO, DZERO
            for i in range(samples):
                u, v = _products(_run(a[0], i, c, channels, size), _run(a[1], i, c, channels, size), m, size)
                s += u
                q += v
            db[c] = number(s)
            dw[c] = number(q) * r
            k = w[c] * r
            s1, q1 = number(s / (samples * size)), number(q / (samples * size)) * r * r
            for i in range(samples):
                g, x, d = (
                    _run(a[0], i, c, channels, size),
                    _run(a[1], i, c, channels, size),
                    _run(a[5], i, c, channels, size),
                )
                for j in range(size):
                    d[j] = k * (g[j] - s1 - (x[j] - m) * q1)

    def group_norm(args: int, part: int, parts: int) -> None:
        """Statistics of each group of channels of each sample, and the normalised array."""
        a = longs(args)
        w, b, mean, rstd = items(a[1]), items(a[2]), items(a[4]), items(a[5])
        samples, groups, depth, size = a[6], a[7], a[8], a[9]
        start, stop = rows(samples * groups, part, parts)
        eps = number(doubles(args)[10])
        n = depth * size
        for i in range(start, stop):
            first = i % groups * depth
            whole = items(a[0] + size_of * i * n)
            m = number(_sum(whole, n) / n)
            r = ONE / number(sqrt(_squares(whole, m, n) / number(n) + eps))
            mean[i] = m
            rstd[i] = r
            for c in range(depth):
                x, y = items(a[0] + size_of * (i * n + c * size)), items(a[3] + size_of * (i * n + c * size))
                scale = r * w[first + c]
                shift = b[first + c]
                for j in range(size):
                    y[j] = (x[j] - m) * scale + shift

    def group_norm_grad(args: int, part: int, parts: int) -> None:
        """Gradient of the input, and of each channel of each sample the sums for weight and bias."""
        a = longs(args)
        mean, rstd, w, dw, db = items(a[2]), items(a[3]), items(a[4]), items(a[6]), items(a[7])
        samples, groups, depth, size = a[8], a[9], a[10], a[11]
        start, stop = rows(samples * groups, part, parts)
        n = depth * size
        for i in range(start, stop):
            first = i % groups * depth
            m, r = mean[i], rstd[i]
            s, q = ZERO, ZERO
            for c in range(depth):
                at = size_of * (i * n + c * size)
                u, v = _products(items(a[0] + at), items(a[1] + at), m, size)
                db[i * depth + c] = u
                dw[i * depth + c] = v * r
                s += u * w[first + c]
                q += v * r * w[first + c]
            s /= number(n)
            q *= r / number(n)
            for c in range(depth):
                at = size_of * (i * n + c * size)
                g, x, d = items(a[0] + at), items(a[1] + at), items(a[5] + at)
                k = w[first + c]
                for j in range(size):
                    d[j] = r * (g[j] * k - s - (x[j] - m) * q)

    return batch_norm, batch_norm_grad, group_norm, group_norm_grad


batch_norm_4, batch_norm_grad_4, group_norm_4, group_norm_grad_4 = _kernels(floats, np.float32)
batch_norm_8, batch_norm_grad_8, group_norm_8, group_norm_grad_8 = _kernels(doubles, np.float64)
