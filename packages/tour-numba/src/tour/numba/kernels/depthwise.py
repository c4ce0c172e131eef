"""Convolutions in which every channel has kernels of its own: a few weights times long rows of each plane.

A plane is copied into a frame with zeros round it, split into as many images as the stride is wide (every second column into the
second, and so on): then what a tap meets is adjacent, and a block of rows of the result stays in registers over all taps. The
gradient of the input is the same with flipped kernels and stride 1, zeros between the gradients.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from numba.extending import intrinsic
from tour.numba.kernels.lanes import FLOAT as NUMBER
from tour.numba.kernels.lanes import LANES, LONG, VECTOR, Code, inlined
from tour.numba.kernels.layout import clear
from tour.numba.kernels.masks import first, masked_load, masked_store
from tour.numba.kernels.memory import floats, function, longs, rows
from tour.numba.kernels.products import FLOAT

HEIGHT = 4  # rows of a block


def _rows(height: int) -> Any:
    """`height` rows of at most LANES results: bias plus taps' weights times what they meet, added to what is there if `add` is not zero.

    Called as `f(x, x_row, taps, w, count, y, y_row, width, bias, add)`; count, of taps, is at least 1.
    """

    def emit(code: Code, *args: Any) -> None:
        b = code.b
        x, x_row, taps, w, count, y, y_row, width, bias, add = args
        x, taps, w, y, bias = (b.inttoptr(p, ir.PointerType()) for p in (x, taps, w, y, bias))
        start = code.splat(code.load(bias, NUMBER))
        before, loop, after = b.block, b.append_basic_block("loop"), b.append_basic_block("after")
        b.branch(loop)
        b.position_at_end(loop)
        k, sums = b.phi(LONG), [b.phi(VECTOR) for _ in range(height)]
        for phi, value in ((k, ir.Constant(LONG, 0)), *((s, start) for s in sums)):
            phi.add_incoming(value, before)
        place = code.at(x, b.load(code.at(taps, code.times(k, 8)), align=8, typ=LONG))
        weight = code.splat(code.load(code.at(w, code.times(k, FLOAT)), NUMBER))
        new = [code.fma(weight, code.load(code.at(place, code.times(x_row, i))), s) for i, s in enumerate(sums)]
        following = b.add(k, ir.Constant(LONG, 1))
        for phi, value in ((k, following), *zip(sums, new, strict=True)):
            phi.add_incoming(value, loop)
        b.cbranch(b.icmp_signed("<", following, count), loop, after)
        b.position_at_end(after)
        mask = first(code, width)
        there = first(code, b.select(b.icmp_signed("!=", add, ir.Constant(LONG, 0)), width, ir.Constant(LONG, 0)))
        for i, value in enumerate(new):
            row = code.at(y, code.times(y_row, i))
            masked_store(code, b.fadd(value, masked_load(code, row, there)), row, mask)

    def typed(
        typing: Any, x: Any, x_row: Any, taps: Any, w: Any, count: Any, y: Any, y_row: Any, width: Any, bias: Any, add: Any
    ) -> Any:  # fmt: skip
        return inlined(emit, 10)

    return intrinsic(typed)


_block, _line = _rows(HEIGHT), _rows(1)


def _sum_of_products(code: Code, *args: Any) -> None:
    b = code.b
    g, g_row, x, x_row, count, width, into = args
    g, x, into = (b.inttoptr(p, ir.PointerType()) for p in (g, x, into))
    mask, begun = first(code, width), code.load(into)
    before, loop, after = b.block, b.append_basic_block("loop"), b.append_basic_block("after")
    b.branch(loop)
    b.position_at_end(loop)
    k, gk, xk, total = b.phi(LONG), b.phi(ir.PointerType()), b.phi(ir.PointerType()), b.phi(VECTOR)
    for phi, value in ((k, ir.Constant(LONG, 0)), (gk, g), (xk, x), (total, begun)):
        phi.add_incoming(value, before)
    new = code.fma(masked_load(code, gk, mask), masked_load(code, xk, mask), total)
    following = b.add(k, ir.Constant(LONG, 1))
    for phi, value in ((k, following), (gk, code.at(gk, g_row)), (xk, code.at(xk, x_row)), (total, new)):
        phi.add_incoming(value, loop)
    b.cbranch(b.icmp_signed("<", following, count), loop, after)
    b.position_at_end(after)
    code.store(new, into)


@intrinsic
def _products(typing: Any, g: Any, g_row: Any, x: Any, x_row: Any, count: Any, width: Any, into: Any) -> Any:
    """Add the products of `count` rows of at most LANES numbers to a vector."""
    return inlined(_sum_of_products, 7)


@function
def _frame(
    x: int, height: int, width: int, target: int, frame_h: int, frame_w: int, pitch: int, phases: int,
    top: int, left: int, spread_h: int, spread_w: int,
) -> None:  # fmt: skip
    """A plane into its frame, `spread` apart, or its columns in turn into `phases` images whose rows are `pitch` numbers."""
    for i in range(height):
        r = top + i * spread_h
        if r < 0 or r >= frame_h:
            continue
        for phase in range(phases):
            source, row = x + FLOAT * i * width, target + FLOAT * (r * phases + phase) * pitch
            if phases > 1:
                j = (phase - left) % phases
                count = (min(width, frame_w - left) - j + phases - 1) // phases
                into, taken = floats(row + FLOAT * ((left + j) // phases)), floats(source + FLOAT * j)
                for t in range(count):
                    into[t] = taken[t * phases]
            else:
                j = 0 if left >= 0 else (spread_w - 1 - left) // spread_w
                count = min(width, (frame_w - left + spread_w - 1) // spread_w) - j
                into, taken = floats(row + FLOAT * (left + j * spread_w)), floats(source + FLOAT * j)
                if spread_w == 1:
                    for t in range(count):
                        into[t] = taken[t]
                else:
                    for t in range(count):
                        into[t * spread_w] = taken[t]


@function
def _slide(
    frame: int, line: int, taps: int, w: int, count: int, y: int, height: int, width: int, bias: int, add: int
) -> None:
    """All results of a plane; rows of the frame that belong to neighbouring rows of results are `line` bytes apart."""
    for j in range(0, width, LANES):
        lanes = min(LANES, width - j)
        r = 0
        while r < height:
            x, out = frame + r * line + FLOAT * j, y + FLOAT * (r * width + j)
            if r + HEIGHT <= height:
                _block(x, line, taps, w, count, out, FLOAT * width, lanes, bias, add)
                r += HEIGHT
            else:
                _line(x, line, taps, w, count, out, FLOAT * width, lanes, bias, add)
                r += 1


def forward(args: int, part: int, parts: int) -> None:
    """Planes x (N C, H, W) to y (N C M, *output), M kernels for each channel."""
    a = longs(args)
    channels, multiplier, height, width, out_h, out_w, taps, count = a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12]
    frame_h, frame_w, pitch, phases, top, left, step = a[13], a[14], a[15], a[16], a[17], a[18], a[19]
    size = a[21]
    frame = a[20] + FLOAT * part * size
    start, stop = rows(a[4] * channels * multiplier, part, parts)
    clear(frame, size)
    framed = -1
    for plane in range(start, stop):
        if plane // multiplier != framed:
            framed = plane // multiplier
            x = a[0] + FLOAT * framed * height * width
            _frame(x, height, width, frame, frame_h, frame_w, pitch, phases, top, left, 1, 1)
        kernel = plane % (channels * multiplier)
        _slide(
            frame, FLOAT * step * phases * pitch, taps, a[1] + FLOAT * kernel * count, count,
            a[3] + FLOAT * plane * out_h * out_w, out_h, out_w, a[2] + FLOAT * kernel, 0,
        )  # fmt: skip


def input_grad(args: int, part: int, parts: int) -> None:
    """Gradient of planes x (N C, H, W), from those of y (N C M, *output), which lie a stride apart in their frame."""
    a = longs(args)
    channels, multiplier, height, width, out_h, out_w, taps, count = a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12]
    frame_h, frame_w, pitch, top, left, spread_h, spread_w = a[13], a[14], a[15], a[17], a[18], a[19], a[22]
    size = a[21]
    frame = a[20] + FLOAT * part * size
    start, stop = rows(a[4] * channels, part, parts)
    clear(frame, size)
    for plane in range(start, stop):
        for m in range(multiplier):
            g = a[0] + FLOAT * (plane * multiplier + m) * out_h * out_w
            _frame(g, out_h, out_w, frame, frame_h, frame_w, pitch, 1, top, left, spread_h, spread_w)
            kernel = plane % channels * multiplier + m
            _slide(
                frame, FLOAT * pitch, taps, a[1] + FLOAT * kernel * count, count,
                a[3] + FLOAT * plane * height * width, height, width, a[2] + FLOAT * kernel, m,
            )  # fmt: skip


def weight_grad(args: int, part: int, parts: int) -> None:
    """Gradient of the weights (C M, *kernel), from planes x (N C, H, W) and gradients g of y (N C M, *output)."""
    a = longs(args)
    channels, multiplier, height, width, out_h, out_w, count = a[5], a[6], a[7], a[8], a[9], a[10], a[12]
    frame_h, frame_w, pitch, phases, top, left, step = a[13], a[14], a[15], a[16], a[17], a[18], a[19]
    taps, size = longs(a[11]), a[21]
    frame = a[20] + FLOAT * part * size
    sums = frame + FLOAT * (size - count * LANES)
    line = FLOAT * step * phases * pitch
    start, stop = rows(channels * multiplier, part, parts)
    clear(frame, size)
    for kernel in range(start, stop):
        clear(sums, count * LANES)
        for sample in range(a[4]):
            x = a[1] + FLOAT * (sample * channels + kernel // multiplier) * height * width
            _frame(x, height, width, frame, frame_h, frame_w, pitch, phases, top, left, 1, 1)
            g = a[0] + FLOAT * (sample * channels * multiplier + kernel) * out_h * out_w
            for k in range(count):
                for j in range(0, out_w, LANES):
                    at = FLOAT * j
                    _products(
                        g + at, FLOAT * out_w, frame + taps[k] + at, line, out_h, min(LANES, out_w - j), sums + FLOAT * k * LANES
                    )  # fmt: skip
        for k in range(count):
            total, vector = 0.0, floats(sums + FLOAT * k * LANES)
            for i in range(LANES):
                total += vector[i]
            floats(a[3])[kernel * count + k] = total
