"""Batch, layer, group and root-mean-square normalisation, and their gradients.

Batch normalisation sees its input as (N, C * S) with the numbers of a channel repeated S times, so that every operation
runs along whole rows; the others see rows to be normalised. Both go block by block, each of which stays in the cache.

A gradient function takes `wanted`, three flags for (input, weight, bias), and gives None for what is not wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from tour._compiled import compilable
from tour._core import as_array
from tour._kernels import in_single

from .windows import Array, Ints

Grads = tuple[Array | None, Array | None, Array | None]
Wanted = tuple[bool, bool, bool]

_BLOCK = 1 << 18  # elements


@in_single
@compilable()
def batch_norm(x: Array, weight: Array | None, bias: Array | None, eps: float) -> tuple[Array, Array, Array]:
    """Normalise each channel by its own mean and variance: y = (x - mean) / sqrt(var + eps) * weight + bias.

    Args:
        x: Shape (N, C, *size).
        weight, bias: Shape (C,) or None.
        eps: Added to the variance.

    Returns:
        y, and the mean and the biased variance of each channel, shape (C,). Running statistics take
        var * n / (n - 1), n = N * prod(size).

    Examples:
        >>> y, mean, var = batch_norm(np.array([[1.0], [3.0]]), None, None, 0.0)
        >>> y.ravel(), mean, var
        (array([-1.,  1.]), array([2.]), array([1.]))
    """
    rows, channels, repeat = _by_channel(x)
    y = np.empty(rows.shape, x.dtype, like=x)
    mean, var = np.empty(channels, x.dtype, like=x), np.empty(channels, x.dtype, like=x)
    count = len(rows) * repeat
    for c, columns in _channel_blocks(rows, repeat):
        part, out = rows[:, columns], y[:, columns]
        mean[c] = _fold(np.add.reduce(part), repeat) / count
        np.subtract(part, np.repeat(mean[c], repeat), out=out)
        var[c] = _fold(_column_dots(out, out), repeat) / count
        out *= np.repeat(_scale(var[c], weight, c, eps), repeat)
        if bias is not None:
            out += np.repeat(bias[c], repeat)
    return y.reshape(x.shape), mean, var


@in_single
@compilable()
def batch_norm_eval(x: Array, mean: Array, var: Array, weight: Array | None, bias: Array | None, eps: float) -> Array:
    """Normalise each channel of x (N, C, *size) by given mean and variance (C,)."""
    rows, _, repeat = _by_channel(x)
    scale = _scale(var, weight, slice(None), eps)
    shift = -mean * scale if bias is None else bias - mean * scale
    y = np.empty(rows.shape, x.dtype, like=x)
    for c, columns in _channel_blocks(rows, repeat):
        np.multiply(rows[:, columns], np.repeat(scale[c], repeat), out=y[:, columns])
        y[:, columns] += np.repeat(shift[c], repeat)
    return y.reshape(x.shape)


@in_single
@compilable()
def batch_norm_grad(
    g: Array, x: Array, mean: Array, var: Array, weight: Array | None, eps: float, wanted: Wanted, training: bool
) -> Grads:
    """Gradients of `batch_norm` (training) or `batch_norm_eval`, from the gradient g of y.

    Training: grad = weight / std * (g - mean(g) - z mean(g z)), z the normalised input.
    """
    rows, channels, repeat = _by_channel(x)
    source = g.reshape(rows.shape)
    grad = np.empty(rows.shape, x.dtype, like=x) if wanted[0] else None
    weight_grad, bias_grad = np.empty(channels, x.dtype, like=x), np.empty(channels, x.dtype, like=x)
    count = len(rows) * repeat
    for c, columns in _channel_blocks(rows, repeat):
        part = source[:, columns]
        if wanted[2] or (grad is not None and training):
            bias_grad[c] = _fold(np.add.reduce(part), repeat)
        if wanted[1] or (grad is not None and training):
            z = rows[:, columns] - np.repeat(mean[c], repeat)
            z *= np.repeat(_scale(var[c], None, c, eps), repeat)
            weight_grad[c] = _fold(_column_dots(part, z), repeat)
        if grad is not None:
            out = grad[:, columns]
            out[...] = part
            if training:
                z *= np.repeat(weight_grad[c] / count, repeat)
                out -= z
                out -= np.repeat(bias_grad[c] / count, repeat)
            out *= np.repeat(_scale(var[c], weight, c, eps), repeat)
    return (
        None if grad is None else grad.reshape(x.shape),
        weight_grad if wanted[1] else None,
        bias_grad if wanted[2] else None,
    )


@in_single
@compilable()
def layer_norm(
    x: Array, shape: Ints, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:
    """Normalise over the last dimensions: y = (x - mean) / sqrt(var + eps) * weight + bias.

    Args:
        x: Shape (*lead, *shape).
        shape: The dimensions to normalise over.
        weight, bias: Of that shape, or None.
        eps: Added to the variance.

    Returns:
        y, and the mean and 1 / sqrt(var + eps) of each row, shape (rows, 1), for `layer_norm_grad`.

    Examples:
        >>> layer_norm(np.array([[1.0, 3.0]]), (2,), None, None, 0.0)[0]
        array([[-1.,  1.]])
    """
    rows = x.reshape(-1 if x.size else 0, prod(shape))
    y, mean, rstd = _standardize(rows, eps, weight, bias)
    return y.reshape(x.shape), mean, rstd


@in_single
@compilable()
def layer_norm_grad(
    g: Array, x: Array, shape: Ints, mean: Array, rstd: Array, weight: Array | None, wanted: Wanted
) -> Grads:
    """Gradients of `layer_norm`, from the gradient g of y and what it saved.

    grad = rstd (h - mean(h) - z mean(h z)), h = g weight, z the normalised input.
    """
    rows, source = (a.reshape(-1 if a.size else 0, prod(shape)) for a in (x, g))
    scale = None if weight is None else weight.reshape(-1)
    grad = np.empty(rows.shape, x.dtype, like=x) if wanted[0] else None
    weight_grad, bias_grad = np.zeros((2, prod(shape)), x.dtype, like=x)
    for b in _row_blocks(rows):
        part = source[b]
        if wanted[2]:
            bias_grad += np.add.reduce(part)
        if wanted[1] or wanted[0]:
            z = rows[b] - mean[b]
            z *= rstd[b]
        if wanted[1]:
            weight_grad += _column_dots(part, z)
        if grad is not None:
            _pull_back(part if scale is None else part * scale, z, rstd[b], grad[b])
    return (
        None if grad is None else grad.reshape(x.shape),
        weight_grad.reshape(shape) if wanted[1] else None,
        bias_grad.reshape(shape) if wanted[2] else None,
    )


@in_single
@compilable()
def group_norm(
    x: Array, groups: int, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:
    """Normalise each sample over groups of channels; with one channel per group, instance normalisation.

    Args:
        x: Shape (N, C, *size).
        groups: Number of groups.
        weight, bias: Shape (C,) or None.
        eps: Added to the variance.

    Returns:
        y, and the mean and 1 / sqrt(var + eps) of each group, shape (N * groups, 1), for `group_norm_grad`.
    """
    rows, channels, repeat = _by_channel(x)
    y, mean, rstd = _standardize(rows.reshape(len(rows) * groups, channels // groups * repeat), eps, None, None)
    y = y.reshape(rows.shape)
    if weight is not None:
        y *= np.repeat(weight, repeat)
    if bias is not None:
        y += np.repeat(bias, repeat)
    return y.reshape(x.shape), mean, rstd


@in_single
@compilable()
def group_norm_grad(
    g: Array, x: Array, groups: int, mean: Array, rstd: Array, weight: Array | None, wanted: Wanted
) -> Grads:
    """Gradients of `group_norm`, from the gradient g of y and what it saved."""
    rows, channels, repeat = _by_channel(x)
    source = g.reshape(rows.shape)
    z = rows.reshape(len(rows) * groups, channels // groups * repeat) - mean
    z *= rstd
    grad = None
    if wanted[0]:
        scaled = source if weight is None else source * np.repeat(weight, repeat)
        grad = np.empty(z.shape, x.dtype, like=x)
        for b in _row_blocks(z):
            _pull_back(scaled.reshape(z.shape)[b], z[b].copy(), rstd[b], grad[b])
        grad = grad.reshape(x.shape)
    weight_grad = _fold(_column_dots(source, z.reshape(rows.shape)), repeat) if wanted[1] else None
    bias_grad = _fold(np.add.reduce(source), repeat) if wanted[2] else None
    return grad, weight_grad, bias_grad


@in_single
@compilable()
def rms_norm(x: Array, shape: Ints, weight: Array | None, eps: float) -> tuple[Array, Array]:
    """Divide by the root of the mean square: y = x / sqrt(mean(x ** 2) + eps) * weight (Zhang and Sennrich, 2019).

    Args:
        x: Shape (*lead, *shape).
        shape: The dimensions to average over.
        weight: Of that shape, or None.
        eps: Added to the mean square.

    Returns:
        y, and 1 / sqrt(mean(x ** 2) + eps) of each row, shape (rows, 1), for `rms_norm_grad`.

    Examples:
        >>> rms_norm(np.array([[3.0, -3.0]]), (2,), None, 0.0)[0]
        array([[ 1., -1.]])
    """
    rows = x.reshape(-1 if x.size else 0, prod(shape))
    y, rms = np.empty(rows.shape, x.dtype, like=x), np.empty((len(rows), 1), x.dtype, like=x)
    for b in _row_blocks(rows):
        rms[b] = _inverse_root(_row_dots(rows[b], rows[b]) / rows.shape[1], eps)
        np.multiply(rows[b], rms[b], out=y[b])
        if weight is not None:
            y[b] *= weight.reshape(-1)
    return y.reshape(x.shape), rms


@in_single
@compilable()
def rms_norm_grad(
    g: Array, x: Array, shape: Ints, rrms: Array, weight: Array | None, wanted: tuple[bool, bool]
) -> tuple[Array | None, Array | None]:
    """Gradients of `rms_norm` with respect to (input, weight), from the gradient g of y and what it saved."""
    if x.dtype.kind == "c":  # without absolute values: the gradient is the real one with conjugates
        x, rrms, weight = x.conj(), rrms.conj(), None if weight is None else weight.conj()
    rows, source = (a.reshape(-1 if a.size else 0, prod(shape)) for a in (x, g))
    grad = np.empty(rows.shape, x.dtype, like=x) if wanted[0] else None
    weight_grad = np.zeros(prod(shape), x.dtype, like=x)
    for b in _row_blocks(rows):
        z = rows[b] * rrms[b]
        if wanted[1]:
            weight_grad += _column_dots(source[b], z)
        if grad is not None:
            h = source[b] if weight is None else source[b] * weight.reshape(-1)
            z *= _row_dots(h, z) / rows.shape[1]
            np.subtract(h, z, out=grad[b])
            grad[b] *= rrms[b]
    return None if grad is None else grad.reshape(x.shape), weight_grad.reshape(shape) if wanted[1] else None


def _by_channel(x: Array) -> tuple[Array, int, int]:
    """x (N, C, *size) as (N, C * S); C; S."""
    channels, repeat = x.shape[1], prod(x.shape[2:])
    return x.reshape(len(x), channels * repeat), channels, repeat


def _channel_blocks(rows: Array, repeat: int) -> Iterator[tuple[slice, slice]]:
    """Blocks of channels: the channels, and their columns."""
    step = max(1, _BLOCK // max(1, len(rows) * repeat))
    for start in range(0, rows.shape[1] // max(repeat, 1), step):
        yield slice(start, start + step), slice(start * repeat, (start + step) * repeat)


def _row_blocks(rows: Array) -> Iterator[slice]:
    step = max(1, _BLOCK // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        yield slice(start, start + step)


def _fold(columns: Array, repeat: int) -> Array:
    """Sum of the columns of each channel."""
    return as_array(np.add.reduce(columns.reshape(-1, repeat), 1))  # type: ignore[no-any-return]


def _row_dots(a: Array, b: Array) -> Array:
    """Sums of products along each row, shape (rows, 1); nothing is conjugated."""
    return as_array(np.vecdot(a.conj() if a.dtype.kind == "c" else a, b)[:, None])  # type: ignore[no-any-return]


def _column_dots(a: Array, b: Array) -> Array:
    return as_array(np.einsum("ij,ij->j", a, b))  # type: ignore[no-any-return]


def _inverse_root(var: Array, eps: float) -> Array:
    root = np.sqrt(var + var.dtype.type(eps))
    with np.errstate(divide="ignore"):  # a constant input without eps: infinite, as in PyTorch
        return as_array(1 / root)  # type: ignore[no-any-return]


def _scale(var: Array, weight: Array | None, c: slice, eps: float) -> Array:
    inverse = _inverse_root(var, eps)
    return inverse if weight is None else inverse * weight[c]


def _standardize(rows: Array, eps: float, weight: Array | None, bias: Array | None) -> tuple[Array, Array, Array]:
    """Normalise rows; the affine map follows while a block is in the cache."""
    y, width = np.empty(rows.shape, rows.dtype, like=rows), rows.shape[1]
    mean, rstd = np.empty((len(rows), 1), rows.dtype, like=rows), np.empty((len(rows), 1), rows.dtype, like=rows)
    ones = np.ones((width, 1), rows.dtype, like=rows)
    for b in _row_blocks(rows):
        out = y[b]
        np.matmul(rows[b], ones, out=mean[b])  # three times faster than a reduction
        mean[b] /= width
        np.subtract(rows[b], mean[b], out=out)
        rstd[b] = _inverse_root(np.vecdot(out, out)[:, None] / width, eps)
        out *= rstd[b]
        if weight is not None:
            out *= weight.reshape(-1)
        if bias is not None:
            out += bias.reshape(-1)
    return y, mean, rstd


def _pull_back(h: Array, z: Array, rstd: Array, out: Array) -> None:
    """Gradient through the normalisation of rows into out; overwrites z."""
    width = h.shape[1]
    z *= np.vecdot(h, z)[:, None] / width
    np.subtract(h, h @ np.full((width, 1), 1 / width, h.dtype, like=h), out=out)
    out -= z
    out *= rstd
