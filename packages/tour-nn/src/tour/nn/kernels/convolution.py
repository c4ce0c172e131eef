"""Convolution (cross-correlation) over 1, 2 or 3 spatial dimensions, and its gradients.

Each block of samples is laid out as a matrix of windows (im2col), small enough to stay in the cache and reused from
block to block, and multiplied by the weights with BLAS. Two layouts: *planes* keeps the windows in rows, so the product
lands in the result directly; *pixels* keeps the channels of a pixel together, which copies longer runs when there are
more channels than columns and needs one product per block rather than one per sample. Convolutions with one channel
per group go tap by tap (`depthwise.py`).

Shapes: input (N, C, *size), weight (O, C / groups, *kernel), output (N, O, *output).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from tour._compiled import compilable
from tour._core import packed
from tour._products import product
from tour._shapes import count_windows

from . import depthwise
from .windows import Array, Ints, Pads, crop, pad, spatial, taps, windows

_BLOCK = 1 << 20  # bytes of windows at a time: about the L2 cache of one core
_ROWS = 512  # rows below which a matrix product of the pixel layout is inefficient


@compilable()
def conv(
    input: Array, weight: Array, bias: Array | None, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Array:
    """Cross-correlate input with weight.

    Args:
        input: Shape (N, C, *size).
        weight: Shape (O, C / groups, *kernel).
        bias: Shape (O,) or None.
        stride, padding, dilation: One entry per spatial dimension.
        groups: Number of groups of channels that do not see each other.

    Returns:
        Shape (N, O, *output), output = (size + 2 padding - dilation (kernel - 1) - 1) // stride + 1.

    Examples:
        >>> x, w = np.arange(5.0).reshape(1, 1, 5), np.array([[[1.0, -1.0]]])
        >>> conv(x, w, None, (1,), (0,), (1,), 1)
        array([[[-1., -1., -1., -1.]]])
    """
    if _whole(input.shape[2:], weight.shape[2:], padding, groups):
        y: Array = product(_rows(input), _rows(weight).T)
        if bias is not None:
            y += bias
        return y.reshape(*y.shape, *(1,) * len(stride))
    return _correlate(input, weight, bias, stride, [(p, p) for p in padding], dilation, groups)


@compilable()
def conv_input_grad(
    g: Array, weight: Array, input_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Array:
    """Gradient of `conv` with respect to its input, from the gradient g of its output.

    This is also the transposed convolution. With stride 1 it is a convolution of g with the flipped weight, unless the
    input has much fewer channels than g; then, with larger strides, and where g is a single pixel, the windows are summed
    into the image.
    """
    depth, channels, kernel = len(weight) // groups, weight.shape[1], weight.shape[2:]
    if _whole(input_shape[2:], kernel, padding, groups):
        x: Array = product(_rows(g), _rows(weight))
        return x.reshape(input_shape)
    if channels == 1 < groups and (depth > 1 or prod(stride) > 1):
        return depthwise.input_grad(g, weight, input_shape, stride, padding, dilation)
    if prod(stride) > 1 or prod(g.shape[2:]) == 1 or (prod(kernel) > 1 and 5 * channels <= 2 * depth):
        return _sum_windows(g, weight, input_shape, stride, padding, dilation, groups)
    swapped = weight.reshape(groups, depth, channels, *kernel).swapaxes(1, 2)
    flipped = packed(np.flip(swapped, tuple(range(3, swapped.ndim)))).reshape(-1, depth, *kernel)
    pads = [
        (d * (k - 1) - p, n - m + p)
        for n, m, k, p, d in zip(input_shape[2:], g.shape[2:], kernel, padding, dilation, strict=True)
    ]
    return _correlate(g, flipped, None, stride, pads, dilation, groups)


@compilable()
def conv_weight_grad(
    g: Array, input: Array, weight_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Array:
    """Gradient of `conv` with respect to its weight, from the gradient g of its output."""
    kernel, out_size, pads = tuple(weight_shape[2:]), g.shape[2:], [(p, p) for p in padding]
    if _whole(input.shape[2:], kernel, padding, groups):
        w: Array = product(_rows(g).T, _rows(input))
        return w.reshape(weight_shape)
    if weight_shape[1] == 1 < groups:
        return depthwise.weight_grad(g, input, weight_shape, stride, pads, dilation)
    depth, fan = weight_shape[0] // groups, prod(weight_shape[1:])
    pixels = _pixels(kernel, out_size, weight_shape[1], stride, dilation)
    grad = np.zeros((groups, depth, fan), g.dtype, like=g)
    for block, rows, columns in _blocks(input, kernel, out_size, stride, pads, dilation, groups, pixels):
        part = g[block][:, :, rows]
        part = part.reshape(len(part), groups, depth, prod(part.shape[2:]))
        if pixels:
            grad += part.transpose(1, 2, 0, 3).reshape(groups, depth, -1) @ columns
        else:
            grad += (part @ columns.swapaxes(2, 3)).sum(0)
    if not pixels:
        return grad.reshape(weight_shape)
    return packed(np.moveaxis(grad.reshape(-1, *kernel, weight_shape[1]), -1, 1))  # type: ignore[no-any-return]


def conv_bias_grad(g: Array) -> Array:
    """Gradient of `conv` with respect to its bias: g (N, O, *output) summed to (O,)."""
    grad: Array = g.sum((0, *range(2, g.ndim)))
    return grad


def conv_transpose(
    input: Array,
    weight: Array,
    bias: Array | None,
    stride: Ints,
    padding: Ints,
    output_padding: Ints,
    dilation: Ints,
    groups: int,
) -> Array:
    """Transposed convolution: the gradient of `conv` with respect to its input, as a layer of its own.

    Args:
        input: Shape (N, C, *size).
        weight: Shape (C, O / groups, *kernel).
        bias: Shape (O,) or None.
        stride, padding, dilation: One entry per spatial dimension, of the convolution that this transposes.
        output_padding: Added to one side of the output size.
        groups: Number of groups of channels that do not see each other.

    Returns:
        Shape (N, O, *output), output = (size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1.
    """
    size = (
        (n - 1) * s - 2 * p + d * (k - 1) + extra + 1
        for n, k, s, p, d, extra in zip(
            input.shape[2:], weight.shape[2:], stride, padding, dilation, output_padding, strict=True
        )
    )
    shape = (len(input), weight.shape[1] * groups, *size)
    out = conv_input_grad(input, weight, shape, stride, padding, dilation, groups)
    if bias is not None:
        out += bias.reshape(-1, *(1,) * len(stride))
    return out


def conv_transpose_input_grad(
    g: Array, weight: Array, input_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Array:
    """Gradient of `conv_transpose` with respect to its input: a convolution of g."""
    pads = [
        (p, (m - 1) * s + d * (k - 1) + 1 - n - p)
        for n, m, k, s, p, d in zip(
            g.shape[2:], input_shape[2:], weight.shape[2:], stride, padding, dilation, strict=True
        )
    ]
    return _correlate(g, weight, None, stride, pads, dilation, groups)


def conv_transpose_weight_grad(
    g: Array, input: Array, weight_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Array:
    """Gradient of `conv_transpose` with respect to its weight: that of `conv`, input and output exchanged."""
    return conv_weight_grad(input, g, weight_shape, stride, padding, dilation, groups)


def _correlate(
    x: Array, weight: Array, bias: Array | None, stride: Ints, pads: Pads, dilation: Ints, groups: int
) -> Array:
    kernel, depth = weight.shape[2:], len(weight) // groups
    size = [n + lo + hi for n, (lo, hi) in zip(x.shape[2:], pads, strict=True)]
    out_size = count_windows(size, kernel, stride, (0,) * len(size), dilation)
    if weight.shape[1] == 1 < groups:
        return depthwise.correlate(x, weight, bias, stride, pads, dilation, out_size)
    out = np.empty((len(x), groups, depth, *out_size), x.dtype, like=x)
    pixels = _pixels(kernel, out_size, weight.shape[1], stride, dilation)
    if pixels:
        matrix = packed(np.moveaxis(weight, 1, -1).reshape(groups, depth, -1).swapaxes(1, 2))
        shift = None if bias is None else bias.reshape(groups, 1, depth)
    else:
        matrix = weight.reshape(groups, depth, -1)
        shift = None if bias is None else bias.reshape(groups, depth, 1)
    for block, rows, columns in _blocks(x, kernel, out_size, stride, pads, dilation, groups, pixels):
        part = out[block, :, :, rows]
        if pixels:
            product = columns @ matrix
            if shift is not None:
                product += shift
            part[...] = np.moveaxis(product.reshape(groups, len(part), *part.shape[3:], depth), (0, -1), (1, 2))
        else:
            flat = part.reshape(*part.shape[:3], prod(part.shape[3:]))
            np.matmul(matrix, columns, out=flat)
            if shift is not None:
                flat += shift
    return out.reshape(len(x), len(weight), *out_size)


def _whole(size: Ints, kernel: Ints, padding: Ints, groups: int) -> bool:
    """Whether the only window is the whole image: then everything is a matrix product."""
    return groups == 1 and not any(padding) and tuple(size) == tuple(kernel)


def _rows(a: Array) -> Array:
    return a.reshape(len(a), prod(a.shape[1:]))


def _pixels(kernel: Ints, out_size: Ints, channels: int, stride: Ints, dilation: Ints) -> bool:
    """Whether the pixel layout copies the longer runs: channels (times columns of the kernel) against output columns."""
    if prod(kernel) == 1 and prod(stride) == 1 and prod(out_size) >= 64:
        return False
    return channels * (kernel[-1] if dilation[-1] == 1 else 1) > out_size[-1] // stride[-1]


def _blocks(
    x: Array, kernel: Ints, out_size: Ints, stride: Ints, pads: Pads, dilation: Ints, groups: int, pixels: bool
) -> Iterator[tuple[slice, slice, Array]]:
    """Windows of x, block by block: samples, rows (of the first dimension of the output), and their matrix.

    The matrix has shape (samples, groups, fan, windows), or with pixels (groups, samples * windows, fan); fan is
    (channels, *kernel), or with pixels (*kernel, channels), flattened. It is overwritten by the next block.
    """
    count, channels, points, dims = len(x), x.shape[1] // groups, prod(out_size), len(kernel)
    if prod(kernel) == 1 and prod(stride) == 1 and not pixels and not np.any(pads) and x.shape[2:] == out_size:
        yield slice(None), slice(None), x.reshape(count, groups, channels, points)
        return
    each = x.shape[1] * prod(kernel) * points  # window elements of one sample
    samples = _samples(count, each, points, pixels, x.itemsize)
    height = min(out_size[0], max(1, 8 * _BLOCK * out_size[0] // (samples * each * x.itemsize)))
    buffer = np.empty(samples * each // out_size[0] * height, x.dtype, like=x)
    for start in range(0, count, samples):
        block = slice(start, min(start + samples, count))
        padded = pad(x[block], pads, channels_last=pixels)
        padded = padded.reshape(len(padded), groups, channels, *padded.shape[2:])
        view = windows(padded, kernel, stride, dilation)[spatial(slice(m) for m in out_size)]
        for top in range(0, out_size[0], height):
            rows = slice(top, min(top + height, out_size[0]))
            part = view[spatial((rows, *[slice(None)] * (dims - 1)))]
            if pixels:
                part = part.transpose(1, 0, *range(3 + dims, 3 + 2 * dims), *range(3, 3 + dims), 2)
            columns = buffer[: part.size].reshape(part.shape)
            np.copyto(columns, part)
            if pixels:
                yield block, rows, columns.reshape(groups, -1, prod(kernel) * channels)
            else:
                yield block, rows, columns.reshape(len(padded), groups, channels * prod(kernel), -1)


def _samples(count: int, each: int, points: int, pixels: bool, itemsize: int) -> int:
    """Samples of one block: as many as fit the cache, and enough rows for an efficient product."""
    return max(1, min(count, max(_BLOCK // (each * itemsize), _ROWS // points if pixels else 1)))


def _sum_windows(
    g: Array, weight: Array, input_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Array:
    """Input gradient by one product, whose columns are added up in the image (col2im), block by block."""
    count, size, kernel, out_size = len(g), input_shape[2:], weight.shape[2:], g.shape[2:]
    channels, depth, points = weight.shape[1], len(weight) // groups, prod(g.shape[2:])
    pixels = groups == 1 and channels > out_size[-1]  # which runs are longer
    samples = _samples(count, input_shape[1] * prod(kernel) * points, points, pixels, g.itemsize)
    matrix = weight.reshape(groups, depth, -1).swapaxes(1, 2)  # (groups, fan, depth)
    if pixels:
        matrix = np.moveaxis(weight, 1, -1).reshape(1, depth, -1)
    out = np.empty(input_shape, g.dtype, like=g)
    frame = [n + 2 * p for n, p in zip(size, padding, strict=True)]
    image = pad(
        np.zeros((samples, input_shape[1], *frame), g.dtype, like=g), [(0, 0)] * len(kernel), channels_last=pixels
    )
    for start in range(0, count, samples):
        part = g[start : start + samples].reshape(-1, groups, depth, points)
        if pixels:
            columns = part.transpose(0, 3, 1, 2).reshape(-1, depth) @ matrix[0]
            terms = columns.reshape(len(part), *out_size, prod(kernel), channels)
            terms = np.moveaxis(terms, (-1, -2), (1, 2))
        else:
            terms = (matrix @ part).reshape(len(part), input_shape[1], prod(kernel), *out_size)
        block = image[: len(part)]
        block.fill(0)
        for tap, place in enumerate(taps(kernel, out_size, stride, dilation)):
            block[place] += terms[:, :, tap]
        out[start : start + samples] = crop(block, padding, size)
    return out
