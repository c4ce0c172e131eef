"""Convolutions in which every channel has kernels of its own: a few weights times long rows of each plane."""

from __future__ import annotations

from typing import Any

from tour.numba.kernels.layout import clear
from tour.numba.kernels.memory import floats, helper, longs, rows
from tour.numba.kernels.products import FLOAT
from tour.numba.kernels.scalar import ZERO


@helper
def _meets(position: int, size: int, count: int, stride: int) -> Any:
    """First and end of the `count` windows that meet an image of `size` in one tap, which window 0 has at `position`."""
    first = 0 if position >= 0 else (stride - 1 - position) // stride
    end = 0 if position >= size else (size - 1 - position) // stride + 1
    return first, max(first, min(end, count))


def forward(args: int, part: int, parts: int) -> None:
    """Planes x (N C, H, W) to y (N C M, *output), M kernels for each channel."""
    a = longs(args)
    channels, multiplier, height, width, out_h, out_w = a[5], a[6], a[7], a[8], a[9], a[10]
    kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, gap_h, gap_w = (
        a[11],
        a[12],
        a[13],
        a[14],
        a[15],
        a[16],
        a[17],
        a[18],
    )
    bias = floats(a[2])
    start, stop = rows(a[4] * channels * multiplier, part, parts)
    for plane in range(start, stop):
        x = a[0] + FLOAT * (plane // multiplier) * height * width
        y = a[3] + FLOAT * plane * out_h * out_w
        kernel = plane % (channels * multiplier)
        w = floats(a[1] + FLOAT * kernel * kernel_h * kernel_w)
        shift = bias[kernel]
        for r in range(out_h):
            out = floats(y + FLOAT * r * out_w)
            for i in range(out_w):
                out[i] = shift
            for u in range(kernel_h):
                row = r * stride_h - pad_h + u * gap_h
                if row < 0 or row >= height:
                    continue
                for v in range(kernel_w):
                    position = v * gap_w - pad_w
                    first, end = _meets(position, width, out_w, stride_w)
                    source = floats(x + FLOAT * (row * width + position + first * stride_w))
                    into = floats(y + FLOAT * (r * out_w + first))
                    k = w[u * kernel_w + v]
                    if stride_w == 1:
                        for i in range(end - first):
                            into[i] += k * source[i]
                    else:
                        for i in range(end - first):
                            into[i] += k * source[i * stride_w]


def input_grad(args: int, part: int, parts: int) -> None:
    """Gradient of planes x (N C, H, W), from those of y (N C M, *output)."""
    a = longs(args)
    channels, multiplier, height, width, out_h, out_w = a[5], a[6], a[7], a[8], a[9], a[10]
    kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, gap_h, gap_w = (
        a[11],
        a[12],
        a[13],
        a[14],
        a[15],
        a[16],
        a[17],
        a[18],
    )
    start, stop = rows(a[4] * channels, part, parts)
    for plane in range(start, stop):
        x = a[3] + FLOAT * plane * height * width
        clear(x, height * width)
        for m in range(multiplier):
            y = a[0] + FLOAT * (plane * multiplier + m) * out_h * out_w
            w = floats(a[1] + FLOAT * (plane % channels * multiplier + m) * kernel_h * kernel_w)
            for r in range(out_h):
                for u in range(kernel_h):
                    row = r * stride_h - pad_h + u * gap_h
                    if row < 0 or row >= height:
                        continue
                    for v in range(kernel_w):
                        position = v * gap_w - pad_w
                        first, end = _meets(position, width, out_w, stride_w)
                        into = floats(x + FLOAT * (row * width + position + first * stride_w))
                        source = floats(y + FLOAT * (r * out_w + first))
                        k = w[u * kernel_w + v]
                        if stride_w == 1:
                            for i in range(end - first):
                                into[i] += k * source[i]
                        else:
                            for i in range(end - first):
                                into[i * stride_w] += k * source[i]


def weight_grad(args: int, part: int, parts: int) -> None:
    """Gradient of the weights (C M, *kernel), from planes x (N C, H, W) and gradients g of y (N C M, *output)."""
    a = longs(args)
    channels, multiplier, height, width, out_h, out_w = a[5], a[6], a[7], a[8], a[9], a[10]
    kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, gap_h, gap_w = (
        a[11],
        a[12],
        a[13],
        a[14],
        a[15],
        a[16],
        a[17],
        a[18],
    )
    start, stop = rows(channels * multiplier, part, parts)
    for kernel in range(start, stop):
        w = floats(a[3] + FLOAT * kernel * kernel_h * kernel_w)
        for u in range(kernel_h):
            for v in range(kernel_w):
                position = v * gap_w - pad_w
                first, end = _meets(position, width, out_w, stride_w)
                total = 0.0
                for sample in range(a[4]):
                    x = a[1] + FLOAT * (sample * channels + kernel // multiplier) * height * width
                    g = a[0] + FLOAT * (sample * channels * multiplier + kernel) * out_h * out_w
                    for r in range(out_h):
                        row = r * stride_h - pad_h + u * gap_h
                        if row < 0 or row >= height:
                            continue
                        source = floats(x + FLOAT * (row * width + position + first * stride_w))
                        grads = floats(g + FLOAT * (r * out_w + first))
                        s: Any = ZERO
                        if stride_w == 1:
                            for i in range(end - first):
                                s += grads[i] * source[i]
                        else:
                            for i in range(end - first):
                                s += grads[i] * source[i * stride_w]
                        total += s
                w[u * kernel_w + v] = total
