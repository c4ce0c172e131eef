"""Normalisation of channels: arrays (N, C, S), in which every channel of a sample is a contiguous run of S numbers.

Means, and sums of many runs, are added up in double precision.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from tour.numba.kernels.memory import doubles, floats, helper, longs, rows
from tour.numba.kernels.scalar import ONE, ZERO, f4

DZERO = 0.0


@helper
def _run(address: int, sample: int, channel: int, channels: int, size: int) -> Any:
    return floats(address + 4 * (sample * channels + channel) * size)


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
    w, b, mean, var = floats(a[1]), floats(a[2]), floats(a[4]), floats(a[5])
    samples, channels, size = a[6], a[7], a[8]
    start, stop = rows(channels, part, parts)
    eps = doubles(args)[9]
    for c in range(start, stop):
        s = DZERO
        for i in range(samples):
            s += _sum(_run(a[0], i, c, channels, size), size)
        m = f4(s / (samples * size))
        q = DZERO
        for i in range(samples):
            q += _squares(_run(a[0], i, c, channels, size), m, size)
        v = q / (samples * size)
        mean[c] = m
        var[c] = f4(v)
        scale = f4(1 / sqrt(v + eps)) * w[c]
        for i in range(samples):
            _affine(_run(a[0], i, c, channels, size), _run(a[3], i, c, channels, size), scale, b[c] - m * scale, size)


def batch_norm_grad(args: int, part: int, parts: int) -> None:
    """Gradients of input, weight and bias, where the batch's own statistics were used."""
    a = longs(args)
    mean, var, w, dw, db = floats(a[2]), floats(a[3]), floats(a[4]), floats(a[6]), floats(a[7])
    samples, channels, size = a[8], a[9], a[10]
    start, stop = rows(channels, part, parts)
    eps = doubles(args)[11]
    for c in range(start, stop):
        m, r = mean[c], f4(1 / sqrt(var[c] + eps))
        s, q = DZERO, DZERO
        for i in range(samples):
            u, v = _products(_run(a[0], i, c, channels, size), _run(a[1], i, c, channels, size), m, size)
            s += u
            q += v
        db[c] = f4(s)
        dw[c] = f4(q) * r
        k = w[c] * r
        s1, q1 = f4(s / (samples * size)), f4(q / (samples * size)) * r * r
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
    w, b, mean, rstd = floats(a[1]), floats(a[2]), floats(a[4]), floats(a[5])
    samples, groups, depth, size = a[6], a[7], a[8], a[9]
    start, stop = rows(samples * groups, part, parts)
    eps = f4(doubles(args)[10])
    n = depth * size
    for i in range(start, stop):
        first = i % groups * depth
        whole = floats(a[0] + 4 * i * n)
        m = f4(_sum(whole, n) / n)
        r = ONE / f4(sqrt(_squares(whole, m, n) / f4(n) + eps))
        mean[i] = m
        rstd[i] = r
        for c in range(depth):
            x, y = floats(a[0] + 4 * (i * n + c * size)), floats(a[3] + 4 * (i * n + c * size))
            scale = r * w[first + c]
            shift = b[first + c]
            for j in range(size):
                y[j] = (x[j] - m) * scale + shift


def group_norm_grad(args: int, part: int, parts: int) -> None:
    """Gradient of the input, and of each channel of each sample the sums for weight and bias."""
    a = longs(args)
    mean, rstd, w, dw, db = floats(a[2]), floats(a[3]), floats(a[4]), floats(a[6]), floats(a[7])
    samples, groups, depth, size = a[8], a[9], a[10], a[11]
    start, stop = rows(samples * groups, part, parts)
    n = depth * size
    for i in range(start, stop):
        first = i % groups * depth
        m, r = mean[i], rstd[i]
        s, q = ZERO, ZERO
        for c in range(depth):
            at = 4 * (i * n + c * size)
            u, v = _products(floats(a[0] + at), floats(a[1] + at), m, size)
            db[i * depth + c] = u
            dw[i * depth + c] = v * r
            s += u * w[first + c]
            q += v * r * w[first + c]
        s /= f4(n)
        q *= r / f4(n)
        for c in range(depth):
            at = 4 * (i * n + c * size)
            g, x, d = floats(a[0] + at), floats(a[1] + at), floats(a[5] + at)
            k = w[first + c]
            for j in range(size):
                d[j] = r * (g[j] * k - s - (x[j] - m) * q)
