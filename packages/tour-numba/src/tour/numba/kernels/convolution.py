"""Convolutions, their transposes, and the gradients of their weights, as products whose left factor is found by tables.

Volumes (images are volumes of one slab, signals images of one row) are copied into scratch memory with zeros round them. There a
window is a pixel's place plus its taps' places, for any stride, dilation and padding; nothing is copied into columns. A transposed
convolution of an image with stride s is s² convolutions of stride 1, each with the taps that meet pixels of one residue; `segments`
are these, cut into stripes of the result that stay in the cache.

Results are summed in stretches of products, each in registers, as exact as a blocked matrix product.
"""

from __future__ import annotations

from tour.numba.kernels.lanes import LANES
from tour.numba.kernels.layout import clear, frame, pack, unpack
from tour.numba.kernels.memory import function, longs, rows
from tour.numba.kernels.panels import multiply
from tour.numba.kernels.products import FLOAT, WIDE


@function
def _columns(depth: int) -> int:
    """Results of a pixel, rounded up to whole vectors."""
    return (depth + LANES - 1) // LANES * LANES


def forward(args: int, part: int, parts: int) -> None:
    """Images x to y, stripe by stripe. Weights are (groups, segments' taps in panels); see `forms/windows.py` for the tables."""
    a = longs(args)
    x, w, bias, y = a[0], a[1], a[2], a[3]
    samples, groups, channels = a[4], a[5], a[6]  # channels of a group
    in_rows, width, in_places, depth, out_pixels, plane = (
        a[7],
        a[8],
        a[9],
        a[10],
        a[11],
        a[12],
    )  # depth: results of a group
    pixel_table, tap_table, segments, stripes = a[13], a[14], longs(a[15]), longs(a[16])
    stripe_count, places = a[17], a[18]
    group_size, image, image_size, result, result_size = a[19], a[20], a[21], a[22], a[23]
    image += FLOAT * part * image_size
    result += FLOAT * part * result_size
    columns = _columns(depth)
    stretch = (columns + WIDE - 1) // WIDE * WIDE
    start, stop = rows(samples * stripe_count, part, parts)
    clear(image, image_size)
    framed = -1
    for unit in range(start, stop):
        i, stripe = unit // stripe_count, 4 * (unit % stripe_count)
        if i != framed:
            for c in range(groups * channels):
                source = x + FLOAT * (i * groups * channels + c) * in_rows * width
                frame(source, in_rows, width, in_places, 0, 1, image + FLOAT * c * plane)
            framed = i
        first_pixel, pixels = stripes[stripe + 2], stripes[stripe + 3]
        for group in range(groups):
            for segment in range(5 * stripes[stripe], 5 * stripes[stripe + 1], 5):
                row, count, tap, taps = (
                    segments[segment],
                    segments[segment + 1],
                    segments[segment + 2],
                    segments[segment + 3],
                )
                into = result + FLOAT * segments[segment + 4] * columns
                if taps:
                    multiply(
                        count, columns, taps,
                        image + FLOAT * group * channels * plane, pixel_table + 8 * row, tap_table + 8 * tap,
                        w + FLOAT * (group * group_size + tap * stretch), FLOAT * WIDE, FLOAT * taps * WIDE,
                        into, FLOAT * columns, 0,
                    )  # fmt: skip
                else:
                    clear(into, count * columns)
            target = y + FLOAT * ((i * groups + group) * depth * out_pixels + first_pixel)
            unpack(result, places + 8 * first_pixel, target, depth, pixels, out_pixels, bias + FLOAT * group * depth)


def weight_grad(args: int, part: int, parts: int) -> None:
    """Each part's share of the gradient of weights (groups, taps, O), O rounded up, from images x and gradients g of results."""
    a = longs(args)
    x, g, total = a[0], a[1], a[2]
    samples, groups, channels = a[3], a[4], a[5]
    in_rows, width, in_places, depth, out_pixels, plane = a[6], a[7], a[8], a[9], a[10], a[11]
    pixel_table, tap_table, taps, places, together = a[12], a[13], a[14], a[15], a[16]  # pixels of some images together
    image, image_size, result, result_size = a[17], a[18], a[19], a[20]  # scratch of one image and one gradient
    image += FLOAT * part * together * image_size
    result += FLOAT * part * together * groups * result_size
    columns = _columns(depth)
    total += FLOAT * part * groups * taps * columns
    start, stop = rows(samples, part, parts)
    clear(image, together * image_size)
    clear(result, together * groups * result_size)
    clear(total, groups * taps * columns)
    for first in range(start, stop, together):
        count = min(together, stop - first)
        for i in range(count):
            for c in range(groups * channels):
                source = x + FLOAT * ((first + i) * groups * channels + c) * in_rows * width
                frame(source, in_rows, width, in_places, 0, 1, image + FLOAT * (i * image_size + c * plane))
            for group in range(groups):
                source = g + FLOAT * ((first + i) * groups + group) * depth * out_pixels
                pack(
                    source, depth, out_pixels, out_pixels, result + FLOAT * (group * together + i) * result_size, places
                )
        for group in range(groups):
            multiply(
                taps, columns, count * out_pixels,
                image + FLOAT * group * channels * plane, tap_table, pixel_table,
                result + FLOAT * group * together * result_size, FLOAT * columns, FLOAT * WIDE,
                total + FLOAT * group * taps * columns, FLOAT * columns, 1,
            )  # fmt: skip
