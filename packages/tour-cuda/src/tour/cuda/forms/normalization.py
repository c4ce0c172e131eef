"""Layer, root-mean-square, batch and group normalisation, and their gradients."""

from __future__ import annotations

from math import prod
from typing import Any

from tour.cuda._launch import Array, Grid, Kernel, dense, elements, empty, rows, serves, tiles, wide

_rows, _rows_grad = Kernel("norms.normalize_rows"), Kernel("norms.normalize_rows_grad")
_sums_flat, _sums_wide, _add = (Kernel(f"norms.{k}") for k in ("channel_sums_flat", "channel_sums_wide", "add_parts"))
_moments, _join = Kernel("norms.channel_moments"), Kernel("norms.join_moments")
_channels, _channels_grad = Kernel("norms.normalize_channels"), Kernel("norms.normalize_channels_grad")

BLOCKS = 512  # enough to fill a GPU: sums over few channels are made in so many parts


def _forward(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    eps: float,
    count: int,
    n: int,
    period: int,
    size: int,
    centered: bool,
) -> Any:
    if not serves(x, weight, bias) or not x.size:
        return NotImplemented
    x, of = dense(x), wide(x.dtype)
    y, rstd = empty(x.shape, x.dtype, x), empty((count, 1), of, x)
    mean = empty((count, 1), of, x) if centered else None
    _rows(rows(count, n), x, dense(weight), dense(bias), y, mean, rstd, count, n, period, size, float(eps))
    return (y, mean, rstd) if centered else (y, rstd)


def _backward(
    g: Array, x: Array, mean: Array | None, rstd: Array, weight: Array | None, n: int, period: int, size: int
) -> Array:
    grad, count = empty(x.shape, x.dtype, x), x.size // n
    of = wide(x.dtype)
    _rows_grad(rows(count, n), g, x, dense(mean, of), dense(rstd, of), dense(weight), grad, count, n, period, size)
    return grad


def _sums(
    g: Array,
    x: Array,
    mean: Array | None,
    rstd: Array,
    samples: int,
    channels: int,
    size: int,
    which: tuple[int, int, int],
) -> tuple[Array, Array]:
    """Gradients of weight and bias: sums over samples and size, in parts and then of the parts."""
    of = wide(x.dtype)
    mean, rstd = dense(mean, of), dense(rstd, of)
    across = -(-channels // 32) if size == 1 else channels
    parts = max(1, min(-(-BLOCKS // across), -(-samples // 8) if size == 1 else samples))
    made = [empty((parts, channels), of, x) for _ in range(2)]
    if size == 1:
        _sums_flat(tiles(across, parts, 32, 8), g, x, mean, rstd, *made, samples, channels, *which)
    else:
        grid = Grid((across, parts, 1), rows(1, size).threads)
        _sums_wide(grid, g, x, mean, rstd, *made, samples, channels, size, *which)
    weight_grad, bias_grad = (empty((channels,), x.dtype, x) for _ in range(2))
    _add(elements(channels), *made, weight_grad, bias_grad, parts, channels)
    return weight_grad, bias_grad


def layer_norm(x: Array, shape: tuple[int, ...], weight: Array | None, bias: Array | None, eps: float) -> Any:
    """(x - mean) / sqrt(var + eps) * weight + bias over the last dimensions."""
    n = prod(shape)
    return _forward(x, weight, bias, eps, x.size // max(n, 1), n, 1, 1, True)


def layer_norm_grad(
    g: Array, x: Array, shape: tuple[int, ...], mean: Array, rstd: Array, weight: Array | None, wanted: Any
) -> Any:
    """Gradients of `layer_norm`."""
    if not serves(g, x, weight) or not x.size:
        return NotImplemented
    n, g, x = prod(shape), dense(g), dense(x)
    grad = _backward(g, x, mean, rstd, weight, n, 1, 1) if wanted[0] else None
    if not (wanted[1] or wanted[2]):
        return grad, None, None
    sums = [a.reshape(shape) for a in _sums(g, x, mean, rstd, x.size // n, n, 1, (1, 1, 0))]
    return grad, *(a if want else None for a, want in zip(sums, wanted[1:], strict=True))


def rms_norm(x: Array, shape: tuple[int, ...], weight: Array | None, eps: float) -> Any:
    """x / sqrt(mean(x ** 2) + eps) * weight over the last dimensions."""
    n = prod(shape)
    return _forward(x, weight, None, eps, x.size // max(n, 1), n, 1, 1, False)


def rms_norm_grad(g: Array, x: Array, shape: tuple[int, ...], rrms: Array, weight: Array | None, wanted: Any) -> Any:
    """Gradients of `rms_norm`."""
    if not serves(g, x, weight) or not x.size:
        return NotImplemented
    n, g, x = prod(shape), dense(g), dense(x)
    grad = _backward(g, x, None, rrms, weight, n, 1, 1) if wanted[0] else None
    if not wanted[1]:
        return grad, None
    return grad, _sums(g, x, None, rrms, x.size // n, n, 1, (1, 1, 0))[0].reshape(shape)


def group_norm(x: Array, groups: int, weight: Array | None, bias: Array | None, eps: float) -> Any:
    """Each sample over groups of channels."""
    size, count = prod(x.shape[2:]), len(x) * groups
    return _forward(x, weight, bias, eps, count, x.size // max(count, 1), groups, max(size, 1), True)


def group_norm_grad(
    g: Array, x: Array, groups: int, mean: Array, rstd: Array, weight: Array | None, wanted: Any
) -> Any:
    """Gradients of `group_norm`."""
    if not serves(g, x, weight) or not x.size:
        return NotImplemented
    samples, channels, size = len(x), x.shape[1], prod(x.shape[2:])
    g, x = dense(g), dense(x)
    grad = _backward(g, x, mean, rstd, weight, x.size // (samples * groups), groups, size) if wanted[0] else None
    if not (wanted[1] or wanted[2]):
        return grad, None, None
    sums = _sums(g, x, mean, rstd, samples, channels, size, (groups, channels // groups, 1))
    return grad, *(a if want else None for a, want in zip(sums, wanted[1:], strict=True))


def batch_norm(x: Array, weight: Array | None, bias: Array | None, eps: float) -> Any:
    """Each channel by its own mean and variance."""
    if not serves(x, weight, bias) or not x.size:
        return NotImplemented
    x, samples, channels, size = dense(x), len(x), x.shape[1], prod(x.shape[2:])
    of = wide(x.dtype)
    parts = max(1, min(-(-BLOCKS // channels), samples))
    counts, means, squares = (empty((parts, channels), of, x) for _ in range(3))
    _moments(Grid((channels, parts, 1), rows(1, size).threads), x, counts, means, squares, samples, channels, size)
    mean, var, rstd = (empty((channels,), of, x) for _ in range(3))
    _join(elements(channels), counts, means, squares, mean, var, rstd, parts, channels, float(eps), scalar=x.dtype)
    return _applied(x, mean, rstd, weight, bias), mean.astype(x.dtype), var.astype(x.dtype)


def _applied(x: Array, mean: Array, rstd: Array, weight: Array | None, bias: Array | None) -> Array:
    y = empty(x.shape, x.dtype, x)
    channels, size = x.shape[1], prod(x.shape[2:])
    _channels(elements(x.size), x, mean, rstd, dense(weight), dense(bias), y, x.size, channels, size)
    return y


def batch_norm_eval(x: Array, mean: Array, var: Array, weight: Array | None, bias: Array | None, eps: float) -> Any:
    """Each channel by given statistics."""
    if not serves(x, weight, bias) or not x.size:
        return NotImplemented
    of = wide(x.dtype)
    return _applied(dense(x), dense(mean, of), _inverse(var, eps, of), weight, bias)


def batch_norm_grad(
    g: Array, x: Array, mean: Array, var: Array, weight: Array | None, eps: float, wanted: Any, training: bool
) -> Any:
    """Gradients of `batch_norm` or `batch_norm_eval`."""
    if not serves(g, x, weight) or not x.size:
        return NotImplemented
    samples, channels, size = len(x), x.shape[1], prod(x.shape[2:])
    g, x, of = dense(g), dense(x), wide(x.dtype)
    mean, rstd = dense(mean, of), _inverse(var, eps, of)
    weight_grad = bias_grad = grad = None
    if training or wanted[1] or wanted[2]:
        weight_grad, bias_grad = _sums(g, x, mean, rstd, samples, channels, size, (0, 1, 1))
    if wanted[0]:
        grad = empty(x.shape, x.dtype, x)
        used = (weight_grad, bias_grad) if training else (None, None)
        _channels_grad(
            elements(x.size),
            g,
            x,
            mean,
            rstd,
            dense(weight),
            *used,
            grad,
            x.size,
            channels,
            size,
            float(samples * size),
        )
    return grad, weight_grad if wanted[1] else None, bias_grad if wanted[2] else None


def _inverse(var: Array, eps: float, dtype: Any) -> Array:
    return dense(1 / (var.astype(dtype) + dtype.type(eps)) ** dtype.type(0.5))
