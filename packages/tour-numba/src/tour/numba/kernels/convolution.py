"""Convolutions of images, and the gradients of their weights, as matrix products on images with the channels of a pixel together.

Images (C, H, W) are transposed into scratch memory as (H, W, C), with zeros round them. There the numbers that a kernel's row meets
are adjacent, (KW, C), whatever the stride; so a row of the result is a sum of KH plain matrix products, and so is a row's share of
the gradient of the weights. Nothing is copied into columns first. For 3 x 3 kernels of stride 1, Winograd's algorithm multiplies
transformed tiles instead.

Results are summed in stretches of at most `DEPTH` products, each in registers, as exact as a blocked matrix product.
"""

from __future__ import annotations

from typing import Any

from tour.numba.kernels import lanes, winograd
from tour.numba.kernels.lanes import LANES
from tour.numba.kernels.memory import floats, function, longs, rows
from tour.numba.kernels.products import DEPTH, FLOAT, multiply
from tour.numba.kernels.scalar import ZERO

_AT4, _, _BT4 = winograd.matrices(4)
_AT2, _, _BT2 = winograd.matrices(2)
_input4, _output4, _gradient4 = (
    lanes.transform(m) for m in (_BT4, _AT4, [list(row) for row in zip(*_AT4, strict=True)])
)
_input2, _output2, _gradient2 = (
    lanes.transform(m) for m in (_BT2, _AT2, [list(row) for row in zip(*_AT2, strict=True)])
)


# --- Images with the channels of a pixel together ---------------------------------------------------------------------------------


@function
def _pack(x: int, channels: int, pixels: int, target: int, places: int) -> None:
    """Image (C, P) at `x` into `target`: the channels of pixel p to `places[p]`."""
    table = longs(places)
    if channels < LANES or pixels < LANES:
        for c in range(channels):
            source = floats(x + FLOAT * c * pixels)
            for p in range(pixels):
                floats(target + table[p])[c] = source[p]
        return
    c = 0
    while c < channels:
        first = min(c, channels - LANES)  # the last blocks overlap those before them
        p = 0
        while p < pixels:
            q = min(p, pixels - LANES)
            scatter = x + FLOAT * (first * pixels + q)
            lanes.scatter_rows(scatter, FLOAT * pixels, target + FLOAT * first, places + 8 * q)
            p += LANES
        c += LANES


@function
def _unpack(source: int, places: int, y: int, channels: int, pixels: int, bias: int) -> None:
    """The inverse of `_pack`, with a bias for each channel unless its address is zero."""
    table = longs(places)
    if channels < LANES or pixels < LANES:
        for c in range(channels):
            out = floats(y + FLOAT * c * pixels)
            for p in range(pixels):
                out[p] = floats(source + table[p])[c]
    else:
        c = 0
        while c < channels:
            first = min(c, channels - LANES)
            p = 0
            while p < pixels:
                q = min(p, pixels - LANES)
                into = y + FLOAT * (first * pixels + q)
                lanes.gather_rows(source + FLOAT * first, places + 8 * q, into, FLOAT * pixels)
                p += LANES
            c += LANES
    if bias:
        for c in range(channels):
            out, b = floats(y + FLOAT * c * pixels), floats(bias)[c]
            for p in range(pixels):
                out[p] += b


@function
def _clear(address: int, count: int) -> None:
    x = floats(address)
    for i in range(count):
        x[i] = ZERO


# --- Any kernel and stride ----------------------------------------------------------------------------------------------------------


def forward(args: int, part: int, parts: int) -> None:
    """Images x to y. Weights are (KH, KW, C, O), O rounded up to whole vectors."""
    a = longs(args)
    x, w, bias, y = a[0], a[1], a[2], a[3]
    samples, channels, pixels, depth, out_h, out_w = a[4], a[5], a[6], a[7], a[8], a[9]
    kernel_h, kernel_w, stride_h, stride_w, width = a[10], a[11], a[12], a[13], a[14]  # width: of the padded image
    in_places, out_places = a[15], a[16]
    image, image_size, result, result_size = a[17], a[18], a[19], a[20]  # scratch of all parts, and floats of one part
    image += FLOAT * part * image_size
    result += FLOAT * part * result_size
    columns = (depth + LANES - 1) // LANES * LANES
    run = kernel_w * channels
    start, stop = rows(samples, part, parts)
    _clear(image, image_size)
    for i in range(start, stop):
        _pack(x + FLOAT * i * channels * pixels, channels, pixels, image, in_places)
        for r in range(out_h):
            for u in range(kernel_h):
                top = image + FLOAT * (r * stride_h + u) * width * channels
                first = 0
                while first < run:
                    multiply(
                        out_w, columns, min(DEPTH, run - first),
                        top + FLOAT * first, FLOAT * stride_w * channels, FLOAT,
                        w + FLOAT * (u * run + first) * columns, FLOAT * columns,
                        result + FLOAT * r * out_w * columns, FLOAT * columns, u + first,
                    )  # fmt: skip
                    first += DEPTH
        _unpack(result, out_places, y + FLOAT * i * depth * out_h * out_w, depth, out_h * out_w, bias)


def weight_grad(args: int, part: int, parts: int) -> None:
    """Each part's share of the gradient of weights (KH, KW, C, O), O rounded up, from images x and gradients g of results."""
    a = longs(args)
    x, g, total = a[0], a[1], a[2]
    samples, channels, pixels, depth, out_h, out_w = a[4], a[5], a[6], a[7], a[8], a[9]
    kernel_h, kernel_w, stride_h, stride_w, width = a[10], a[11], a[12], a[13], a[14]
    in_places, out_places = a[15], a[16]
    image, image_size, result, result_size = a[17], a[18], a[19], a[20]
    image += FLOAT * part * image_size
    result += FLOAT * part * result_size
    columns = (depth + LANES - 1) // LANES * LANES
    run = kernel_w * channels
    total += FLOAT * part * kernel_h * run * columns
    start, stop = rows(samples, part, parts)
    _clear(image, image_size)
    _clear(result, result_size)
    _clear(total, kernel_h * run * columns)
    for i in range(start, stop):
        _pack(x + FLOAT * i * channels * pixels, channels, pixels, image, in_places)
        _pack(g + FLOAT * i * depth * out_h * out_w, depth, out_h * out_w, result, out_places)
        for u in range(kernel_h):
            for r in range(out_h):
                multiply(
                    run, columns, out_w,
                    image + FLOAT * (r * stride_h + u) * width * channels, FLOAT, FLOAT * stride_w * channels,
                    result + FLOAT * r * out_w * columns, FLOAT * columns,
                    total + FLOAT * u * run * columns, FLOAT * columns, 1,
                )  # fmt: skip


# --- Winograd -----------------------------------------------------------------------------------------------------------------------
# Tiles of a part are transformed in blocks; block number k of transformed input is (tiles, C), of transformed results (tiles, O).


@function
def _winograd(args: int, part: int, parts: int, m: int, into: Any, out_of: Any) -> None:
    a = longs(args)
    x, w, bias, y = a[0], a[1], a[2], a[3]
    samples, channels, pixels, depth, out_pixels = a[4], a[5], a[6], a[7], a[8]
    down, across, block = a[9], a[10], a[11]  # tiles of an image, tiles transformed at a time
    in_places, out_places = a[12], a[13]
    image, image_size, result, result_size = a[14], a[15], a[16], a[17]
    tiles, tiles_size, sums, sums_size = a[18], a[19], a[20], a[21]
    image += FLOAT * part * image_size
    result += FLOAT * part * result_size
    tiles += FLOAT * part * tiles_size
    sums += FLOAT * part * sums_size
    n = m + 2
    columns = (depth + LANES - 1) // LANES * LANES
    width, out_width = across * m + 2, across * m
    start, stop = rows(samples, part, parts)
    _clear(image, image_size)
    for i in range(start, stop):
        _pack(x + FLOAT * i * channels * pixels, channels, pixels, image, in_places)
        first = 0
        while first < down * across:
            count = min(block, down * across - first)
            for t in range(count):
                top, left = (first + t) // across * m, (first + t) % across * m
                c = 0
                while c < channels:
                    q = min(c, channels - LANES)
                    into(
                        image + FLOAT * ((top * width + left) * channels + q), FLOAT * width * channels, FLOAT * channels,
                        tiles + FLOAT * (t * channels + q), FLOAT * n * block * channels, FLOAT * block * channels,
                    )  # fmt: skip
                    c += LANES
            for k in range(n * n):
                multiply(
                    count, columns, channels,
                    tiles + FLOAT * k * block * channels, FLOAT * channels, FLOAT,
                    w + FLOAT * k * channels * columns, FLOAT * columns,
                    sums + FLOAT * k * block * columns, FLOAT * columns, 0,
                )  # fmt: skip
            for t in range(count):
                top, left = (first + t) // across * m, (first + t) % across * m
                c = 0
                while c < columns:
                    out_of(
                        sums + FLOAT * (t * columns + c), FLOAT * n * block * columns, FLOAT * block * columns,
                        result + FLOAT * ((top * out_width + left) * columns + c),
                        FLOAT * out_width * columns, FLOAT * columns,
                    )  # fmt: skip
                    c += LANES
            first += block
        _unpack(result, out_places, y + FLOAT * i * depth * out_pixels, depth, out_pixels, bias)


def winograd4(args: int, part: int, parts: int) -> None:
    """F(4 x 4, 3 x 3): images x to y. Weights are transformed: (36, C, O), O rounded up to whole vectors."""
    _winograd(args, part, parts, 4, _input4, _output4)


def winograd2(args: int, part: int, parts: int) -> None:
    """F(2 x 2, 3 x 3): images x to y. Weights are transformed: (16, C, O), O rounded up to whole vectors."""
    _winograd(args, part, parts, 2, _input2, _output2)


@function
def _winograd_weight_grad(args: int, part: int, parts: int, m: int, into: Any, into_grad: Any) -> None:
    a = longs(args)
    x, g, total = a[0], a[1], a[2]
    samples, channels, pixels, depth, out_pixels = a[4], a[5], a[6], a[7], a[8]
    down, across, together = a[9], a[10], a[11]  # tiles of an image, images whose tiles are multiplied together
    in_places, out_places = a[12], a[13]
    image, image_size, result, result_size = a[14], a[15], a[16], a[17]
    tiles, tiles_size, grads, grads_size = a[18], a[19], a[20], a[21]
    image += FLOAT * part * image_size
    result += FLOAT * part * result_size
    tiles += FLOAT * part * tiles_size
    grads += FLOAT * part * grads_size
    n = m + 2
    columns = (depth + LANES - 1) // LANES * LANES
    width, out_width = across * m + 2, across * m
    block = down * across * together
    total += FLOAT * part * n * n * channels * columns
    start, stop = rows(samples, part, parts)
    _clear(image, image_size)
    _clear(result, result_size)
    _clear(total, n * n * channels * columns)
    i = start
    while i < stop:
        count = 0
        while count < together and i < stop:
            _pack(x + FLOAT * i * channels * pixels, channels, pixels, image, in_places)
            _pack(g + FLOAT * i * depth * out_pixels, depth, out_pixels, result, out_places)
            for tile in range(down * across):
                top, left, t = tile // across * m, tile % across * m, count * down * across + tile
                c = 0
                while c < channels:
                    q = min(c, channels - LANES)
                    into(
                        image + FLOAT * ((top * width + left) * channels + q), FLOAT * width * channels, FLOAT * channels,
                        tiles + FLOAT * (t * channels + q), FLOAT * n * block * channels, FLOAT * block * channels,
                    )  # fmt: skip
                    c += LANES
                c = 0
                while c < columns:
                    into_grad(
                        result + FLOAT * ((top * out_width + left) * columns + c),
                        FLOAT * out_width * columns, FLOAT * columns,
                        grads + FLOAT * (t * columns + c), FLOAT * n * block * columns, FLOAT * block * columns,
                    )  # fmt: skip
                    c += LANES
            count += 1
            i += 1
        for k in range(n * n):
            multiply(
                channels, columns, count * down * across,
                tiles + FLOAT * k * block * channels, FLOAT, FLOAT * channels,
                grads + FLOAT * k * block * columns, FLOAT * columns,
                total + FLOAT * k * channels * columns, FLOAT * columns, 1,
            )  # fmt: skip


def winograd4_weight_grad(args: int, part: int, parts: int) -> None:
    """Each part's share of the gradient of weights transformed for F(4 x 4, 3 x 3)."""
    _winograd_weight_grad(args, part, parts, 4, _input4, _gradient4)


def winograd2_weight_grad(args: int, part: int, parts: int) -> None:
    """Each part's share of the gradient of weights transformed for F(2 x 2, 3 x 3)."""
    _winograd_weight_grad(args, part, parts, 2, _input2, _gradient2)
