"""One step of an optimizer for all parameters of a group: one walk over memory for parameter, gradient and state.

The arguments begin with the number of parameters, Python's lists of their arrays and of those of their gradients, and where each parameter
begins in the state, whose arrays hold all parameters one after another. Parts are cut without regard to parameters.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from tour.numba.kernels.memory import doubles, floats, helper, longs, span
from tour.numba.kernels.scalar import f4


@helper
def _walk(a: Any, part: int, parts: int) -> Any:
    """First and last element of this part, and the parameter in which it begins."""
    edges = longs(a[3])
    start, stop = span(edges[a[0]], part, parts)
    k = 0
    while k < a[0] and edges[k + 1] <= start:
        k += 1
    return edges, start, stop, k


@helper
def _data(listed: int, k: int, header: int) -> Any:
    """The numbers of the array number k of a list.

    Behind the header of a Python object, a list has its length and the address of its items, an array that of its numbers.
    """
    items = longs(longs(listed + header)[1])
    return floats(longs(items[k] + header)[0])


@helper
def _steepest(g: Any, p: Any, sign: Any, decay: Any) -> Any:
    """The gradient, turned round when maximizing, and the L2 penalty."""
    return sign * g + decay * p


def adam(args: int, part: int, parts: int) -> None:
    """A step of Adam, or of AdamW: parameters and both averages in one walk."""
    a, f = longs(args), doubles(args)
    edges, start, stop, k = _walk(a, part, parts)
    m, v = floats(a[5]), floats(a[6])
    sign, decay, keep = f4(f[7]), f4(f[8]), f4(f[9])
    toward_m, beta2, toward_v = f4(f[10]), f4(f[11]), f4(f[12])
    step, root, eps = f4(f[13]), f4(f[14]), f4(f[15])
    while start < stop:
        first, end = edges[k], min(edges[k + 1], stop)
        p, g = _data(a[1], k, a[4]), _data(a[2], k, a[4])
        for i in range(start, end):
            x = p[i - first]
            d = _steepest(g[i - first], x, sign, decay)
            m[i] += (d - m[i]) * toward_m
            v[i] = v[i] * beta2 + d * d * toward_v
            p[i - first] = x * keep - step * m[i] / (sqrt(v[i]) / root + eps)
        start, k = end, k + 1


def sgd(args: int, part: int, parts: int) -> None:
    """A step of gradient descent."""
    a, f = longs(args), doubles(args)
    edges, start, stop, k = _walk(a, part, parts)
    sign, decay, lr = f4(f[5]), f4(f[6]), f4(f[7])
    while start < stop:
        first, end = edges[k], min(edges[k + 1], stop)
        p, g = _data(a[1], k, a[4]), _data(a[2], k, a[4])
        for i in range(start - first, end - first):
            p[i] -= lr * _steepest(g[i], p[i], sign, decay)
        start, k = end, k + 1


def sgd_momentum(args: int, part: int, parts: int) -> None:
    """A step of gradient descent with momentum."""
    a, f = longs(args), doubles(args)
    edges, start, stop, k = _walk(a, part, parts)
    sign, decay, lr = f4(f[5]), f4(f[6]), f4(f[7])
    b, momentum, damp = floats(a[8]), f4(f[9]), f4(f[10])
    while start < stop:
        first, end = edges[k], min(edges[k + 1], stop)
        p, g = _data(a[1], k, a[4]), _data(a[2], k, a[4])
        for i in range(start, end):
            x = p[i - first]
            b[i] = momentum * b[i] + damp * _steepest(g[i - first], x, sign, decay)
            p[i - first] = x - lr * b[i]
        start, k = end, k + 1


def sgd_nesterov(args: int, part: int, parts: int) -> None:
    """A step of gradient descent with Nesterov's momentum."""
    a, f = longs(args), doubles(args)
    edges, start, stop, k = _walk(a, part, parts)
    sign, decay, lr = f4(f[5]), f4(f[6]), f4(f[7])
    b, momentum, damp, ahead = floats(a[8]), f4(f[9]), f4(f[10]), f4(f[11])
    while start < stop:
        first, end = edges[k], min(edges[k + 1], stop)
        p, g = _data(a[1], k, a[4]), _data(a[2], k, a[4])
        for i in range(start, end):
            x = p[i - first]
            d = _steepest(g[i - first], x, sign, decay)
            b[i] = momentum * b[i] + damp * d
            p[i - first] = x - lr * (d + ahead * b[i])
        start, k = end, k + 1


def rmsprop(args: int, part: int, parts: int) -> None:
    """A step of RMSprop: parameters and their average squares in one walk."""
    a, f = longs(args), doubles(args)
    edges, start, stop, k = _walk(a, part, parts)
    v = floats(a[5])
    sign, decay, lr, alpha, eps = f4(f[6]), f4(f[7]), f4(f[8]), f4(f[9]), f4(f[10])
    rest = f4(f[11])
    while start < stop:
        first, end = edges[k], min(edges[k + 1], stop)
        p, g = _data(a[1], k, a[4]), _data(a[2], k, a[4])
        for i in range(start, end):
            x = p[i - first]
            d = _steepest(g[i - first], x, sign, decay)
            v[i] = v[i] * alpha + d * d * rest
            p[i - first] = x - lr * d / (sqrt(v[i]) + eps)
        start, k = end, k + 1
