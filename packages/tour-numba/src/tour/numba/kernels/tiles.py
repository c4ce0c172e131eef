"""3 x 3 convolutions of stride 1 by Winograd's algorithm: products of transformed tiles and transformed weights.

In three dimensions, each slab of the result is a convolution of images whose channels are those of all slabs that it meets.

Images (C, H, W) are transposed into scratch memory as (H, W, C), with zeros round them, so that a vector holds one pixel of many
channels. Tiles of a part are transformed in blocks; block number k of transformed input is (tiles, C), of transformed results
(tiles, O).
"""

from __future__ import annotations

from typing import Any

from tour.numba.kernels import lanes, winograd
from tour.numba.kernels.lanes import LANES
from tour.numba.kernels.layout import clear, pack, unpack
from tour.numba.kernels.memory import function, longs, rows, span
from tour.numba.kernels.products import FLOAT, multiply

_AT4, _G4, _BT4 = winograd.matrices(4)
_AT2, _G2, _BT2 = winograd.matrices(2)


def _transposed(matrix: winograd.Matrix) -> winograd.Matrix:
    return [list(row) for row in zip(*matrix, strict=True)]


_input4, _output4, _gradient4 = (lanes.transform(m) for m in (_BT4, _AT4, _transposed(_AT4)))
_input2, _output2, _gradient2 = (lanes.transform(m) for m in (_BT2, _AT2, _transposed(_AT2)))
_weights4, _taps4, _weights2, _taps2 = (lanes.transform(m) for m in (_G4, _transposed(_G4), _G2, _transposed(_G2)))


@function
def _transform(args: int, part: int, parts: int, size: int, result: int, change: Any) -> None:
    """Squares (size, size, count) of numbers to squares (result, result, count)."""
    a = longs(args)
    count = a[2]
    start, stop = span(count, part, parts)
    while start < stop:
        at = FLOAT * min(start, count - LANES)  # the last vector overlaps that before it
        change(a[0] + at, FLOAT * size * count, FLOAT * count, a[1] + at, FLOAT * result * count, FLOAT * count)
        start += LANES


def weights4(args: int, part: int, parts: int) -> None:
    """Weights (3, 3, count) transformed for F(4 x 4, 3 x 3), (6, 6, count)."""
    _transform(args, part, parts, 3, 6, _weights4)


def taps4(args: int, part: int, parts: int) -> None:
    """Gradients of transformed weights back, (6, 6, count) to (3, 3, count)."""
    _transform(args, part, parts, 6, 3, _taps4)


def weights2(args: int, part: int, parts: int) -> None:
    """Weights (3, 3, count) transformed for F(2 x 2, 3 x 3), (4, 4, count)."""
    _transform(args, part, parts, 3, 4, _weights2)


def taps2(args: int, part: int, parts: int) -> None:
    """Gradients of transformed weights back, (4, 4, count) to (3, 3, count)."""
    _transform(args, part, parts, 4, 3, _taps2)


@function
def _pack(args: int, i: int, image: int, places: int) -> None:
    """The slabs of x that slab i of all results meets, as the channels of one image: zeros for those outside."""
    a = longs(args)
    pixels, slabs, out_slabs, taps, before, nothing = a[6], a[22], a[23], a[24], a[25], a[26]
    channels = a[5] // taps
    volume = a[0] + FLOAT * (i // out_slabs * channels * slabs * pixels)
    for k in range(taps):
        slab, target = i % out_slabs + k - before, image + FLOAT * k * channels
        if slab < 0 or slab >= slabs:
            pack(nothing, channels, pixels, 0, target, places)
        else:
            pack(volume + FLOAT * slab * pixels, channels, pixels, slabs * pixels, target, places)


@function
def _winograd(args: int, part: int, parts: int, m: int, into: Any, out_of: Any) -> None:
    a = longs(args)
    w, bias, y = a[1], a[2], a[3]
    samples, channels, depth, out_pixels, out_slabs = a[4], a[5], a[7], a[8], a[23]
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
    bands, out_w = a[27], a[28]  # bands of tiles into which an image is cut
    start, stop = rows(samples * bands, part, parts)
    clear(image, image_size)
    packed = -1
    for unit in range(start, stop):
        i, band = unit // bands, unit % bands
        if i != packed:
            _pack(args, i, image, in_places)
            packed = i
        highest, lowest = rows(down, band, bands)
        first = highest * across
        while first < lowest * across:
            count = min(block, lowest * across - first)
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
        pixel = highest * m * out_w
        target = y + FLOAT * ((i // out_slabs * depth * out_slabs + i % out_slabs) * out_pixels + pixel)
        count = min(lowest * m * out_w, out_pixels) - pixel
        unpack(result, out_places + 8 * pixel, target, depth, count, out_slabs * out_pixels, bias)


def winograd4(args: int, part: int, parts: int) -> None:
    """F(4 x 4, 3 x 3): images x to y. Weights are transformed: (36, C, O), O rounded up to whole vectors."""
    _winograd(args, part, parts, 4, _input4, _output4)


def winograd2(args: int, part: int, parts: int) -> None:
    """F(2 x 2, 3 x 3): images x to y. Weights are transformed: (16, C, O), O rounded up to whole vectors."""
    _winograd(args, part, parts, 2, _input2, _output2)


@function
def _winograd_weight_grad(args: int, part: int, parts: int, m: int, into: Any, into_grad: Any) -> None:
    a = longs(args)
    g, total = a[1], a[2]
    samples, channels, depth, out_pixels, out_slabs = a[4], a[5], a[7], a[8], a[23]
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
    clear(image, image_size)
    clear(result, result_size)
    clear(total, n * n * channels * columns)
    i = start
    while i < stop:
        count = 0
        while count < together and i < stop:
            _pack(args, i, image, in_places)
            source = g + FLOAT * (i // out_slabs * depth * out_slabs + i % out_slabs) * out_pixels
            pack(source, depth, out_pixels, out_slabs * out_pixels, result, out_places)
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
