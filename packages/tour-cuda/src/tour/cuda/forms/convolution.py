"""Convolution and its gradients: through cuDNN where it is installed, else as products of windows laid out in columns (im2col).

Columns are made for as many samples at a time as fit `WORKSPACE`, and reused.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from tour._shapes import count_windows
from tour.cuda._blas import matmul
from tour.cuda._dnn_convolution import convolve
from tour.cuda._launch import Array, Kernel, dense, elements, empty, serves
from tour.cuda.forms.pooling import in_three

Ints = tuple[int, ...]

_im2col, _col2im, _add_bias = (Kernel(f"columns.{k}") for k in ("im2col", "col2im", "add_bias"))

WORKSPACE = 256 << 20  # bytes of columns at a time


def _sizes(size: Ints, out_size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints) -> list[int]:
    return in_three((size, 1), (out_size, 1), (kernel, 1), (stride, 1), (padding, 0), (dilation, 1))


def _is_pointwise(kernel: Ints, stride: Ints, padding: Ints) -> bool:
    """Whether columns are the image itself."""
    return prod(kernel) == 1 == prod(stride) and not any(padding)


def _blocks(samples: int, each: int) -> Iterator[slice]:
    """Samples whose columns, of so many bytes each, fit the workspace together."""
    step = max(1, WORKSPACE // max(each, 1))
    for first in range(0, samples, step):
        yield slice(first, min(first + step, samples))


def _columns(x: Array, sizes: list[int], fan: int, windows: int) -> Array:
    """The windows of some samples: (samples, channels * taps, windows)."""
    columns = empty((len(x), fan, windows), x.dtype, x)
    _im2col(elements(columns.size), x, columns, x.shape[0] * x.shape[1], *sizes)
    return columns


def conv(
    input: Array, weight: Array, bias: Array | None, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Any:
    """Cross-correlate input with weight."""
    if not serves(input, weight, bias):
        return NotImplemented
    x, w, kernel = dense(input), dense(weight), weight.shape[2:]
    out_size = count_windows(x.shape[2:], kernel, stride, padding, dilation)
    y = empty((len(x), len(w), *out_size), x.dtype, x)
    if not y.size:
        return y
    if not w.size:
        y.fill(0)
    elif not convolve("forward", x, w, y, stride, padding, dilation):
        _by_columns(x, w, y, _sizes(x.shape[2:], out_size, kernel, stride, padding, dilation), groups, stride, padding)
    if bias is not None:
        _add_bias(elements(y.size), y, dense(bias), y.size, len(w), prod(out_size))
    return y


def _by_columns(x: Array, w: Array, y: Array, sizes: list[int], groups: int, stride: Ints, padding: Ints) -> None:
    fan, windows = x.shape[1] * prod(w.shape[2:]), prod(y.shape[2:])
    rows = w.reshape(groups, len(w) // groups, fan // groups)
    for part in _blocks(len(x), fan * windows * x.dtype.itemsize):
        if _is_pointwise(w.shape[2:], stride, padding):
            columns = x[part]
        else:
            columns = _columns(x[part], sizes, fan, windows)
        made = matmul(_first(rows), columns.reshape(-1, *_groups(groups), fan // groups, windows))
        y[part] = made.reshape(y[part].shape)


def _groups(groups: int) -> tuple[int, ...]:
    return () if groups == 1 else (groups,)


def _first(rows: Array) -> Array:
    """The weights without a dimension for groups where there is one group: the same for all samples."""
    return rows[0] if len(rows) == 1 else rows


def conv_input_grad(
    g: Array, weight: Array, input_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Any:
    """Gradient of `conv` with respect to its input."""
    if not serves(g, weight):
        return NotImplemented
    g, w, kernel, size = dense(g), dense(weight), weight.shape[2:], tuple(input_shape[2:])
    grad = empty(tuple(input_shape), g.dtype, g)
    if not grad.size:
        return grad
    if not g.size or not w.size:
        grad.fill(0)
        return grad
    if convolve("input", grad, w, g, stride, padding, dilation):
        return grad
    fan, windows = input_shape[1] * prod(kernel), prod(g.shape[2:])
    rows = w.reshape(groups, len(w) // groups, fan // groups).swapaxes(-1, -2)
    sizes = _sizes(size, g.shape[2:], kernel, stride, padding, dilation)
    for part in _blocks(len(g), fan * windows * g.dtype.itemsize):
        columns = matmul(_first(rows), g[part].reshape(-1, *_groups(groups), len(w) // groups, windows))
        out = grad[part]
        if _is_pointwise(kernel, stride, padding):
            out[...] = columns.reshape(out.shape)
        else:
            _col2im(elements(out.size), dense(columns), out, out.shape[0] * out.shape[1], *sizes)
    return grad


def conv_weight_grad(
    g: Array, input: Array, weight_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Any:
    """Gradient of `conv` with respect to its weight."""
    if not serves(g, input):
        return NotImplemented
    g, x, kernel = dense(g), dense(input), tuple(weight_shape[2:])
    grad = empty(tuple(weight_shape), g.dtype, g)
    if not grad.size:
        return grad
    if not g.size or not x.size:
        grad.fill(0)
        return grad
    if convolve("weight", x, grad, g, stride, padding, dilation):
        return grad
    fan, windows, depth = x.shape[1] * prod(kernel), prod(g.shape[2:]), weight_shape[0] // groups
    sizes = _sizes(x.shape[2:], g.shape[2:], kernel, stride, padding, dilation)
    total = None
    for part in _blocks(len(g), fan * windows * g.dtype.itemsize):
        columns = x[part] if _is_pointwise(kernel, stride, padding) else _columns(x[part], sizes, fan, windows)
        each = columns.reshape(-1, groups, fan // groups, windows).swapaxes(-1, -2)
        made = matmul(g[part].reshape(-1, groups, depth, windows), each).sum(0)
        total = made if total is None else total + made
    grad[...] = total.reshape(grad.shape)  # type: ignore[union-attr]
    return grad
