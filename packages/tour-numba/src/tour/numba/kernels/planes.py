"""Windows of single planes: convolutions of few channels a group, average and max pooling, and their gradients.

A volume (an image is one of one slab, a signal an image of one row) is copied into a frame with a border round it, split into as many
volumes as the stride has steps: every second row into the second, and so on. There what a tap meets in neighbouring windows is
adjacent, and rows follow each other at the same distance everywhere, so that all windows of a plane are one run of vectors, with a
few needless ones between the rows. A block of them stays in registers over all taps. Results are copied from such frames into place;
the windows of a gradient, which lie a stride apart, are as many runs as the stride has steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from numba.extending import intrinsic
from tour.numba.kernels.lanes import FLOAT as NUMBER
from tour.numba.kernels.lanes import LANES, LONG, VECTOR, Code, inlined
from tour.numba.kernels.layout import clear, fill, frame, unframe
from tour.numba.kernels.masks import PLACES
from tour.numba.kernels.memory import floats, function, ints, longs, rows
from tour.numba.kernels.products import FLOAT
from tour.numba.kernels.scalar import ZERO, f4

LOWEST = f4(-np.inf)
MANY, FEW = 8, 4  # vectors of a block
HEIGHT, WIDTH = 4, 2  # rows and vectors of a tile
STRETCH = 192  # products that are summed in registers, as in `panels.py`
ROUND = 9  # taps whose products are added up at a time


# --- Blocks of vectors ---------------------------------------------------------------------------------------------------------


def _sums(height: int) -> Any:
    """`height` vectors of results: bias plus taps' weights times what they meet.

    Called as `f(x, taps, w, weights, count, y, bias)`: where the taps lie from x, and their weights from w, in bytes.
    """

    def emit(code: Code, *args: Any) -> None:
        b = code.b
        x, taps, w, weights, count, y, bias = args
        x, taps, w, weights, y, bias = (b.inttoptr(p, ir.PointerType()) for p in (x, taps, w, weights, y, bias))

        def step(k: Any, sums: list[Any]) -> list[Any]:
            place, at = (
                code.at(base, b.load(code.at(table, code.times(k, 8)), align=8, typ=LONG))
                for base, table in ((x, taps), (w, weights))
            )
            weight = code.splat(code.load(at, NUMBER))
            return [code.fma(weight, code.load(code.at(place, FLOAT * LANES * i)), s) for i, s in enumerate(sums)]

        for i, value in enumerate(code.repeat(count, [code.splat(code.load(bias, NUMBER))] * height, step)):
            code.store(value, code.at(y, FLOAT * LANES * i))

    def typed(typing: Any, x: Any, taps: Any, w: Any, weights: Any, count: Any, y: Any, bias: Any) -> Any:
        return inlined(emit, 7)

    return intrinsic(typed)


def _tile(chain: int) -> Any:
    """HEIGHT rows of WIDTH vectors of results, where `chain` taps lie below each other: what they meet is read once for all rows.

    Called as `f(x, line, taps, w, weights, chains, y, bias)`: rows are `line` bytes apart, taps `chain` after `chain`.
    """

    def emit(code: Code, *args: Any) -> None:
        b = code.b
        x, line, taps, w, weights, chains, y, bias = args
        x, taps, w, weights, y, bias = (b.inttoptr(p, ir.PointerType()) for p in (x, taps, w, weights, y, bias))

        def step(k: Any, sums: list[Any]) -> list[Any]:
            where, places = code.times(k, 8 * chain), code.at(weights, code.times(k, 8 * chain))
            top = code.at(x, b.load(code.at(taps, where), align=8, typ=LONG))
            at = [b.load(code.at(places, 8 * u), align=8, typ=LONG) for u in range(chain)]
            factors = [code.splat(code.load(code.at(w, u), NUMBER)) for u in at]
            new = list(sums)
            for i in range(HEIGHT + chain - 1):
                row = code.at(top, code.times(line, i))
                for j in range(WIDTH):
                    met = code.load(code.at(row, FLOAT * LANES * j))
                    for r in range(max(0, i - chain + 1), min(HEIGHT, i + 1)):
                        new[r * WIDTH + j] = code.fma(factors[i - r], met, new[r * WIDTH + j])
            return new

        begin = [code.splat(code.load(bias, NUMBER))] * (HEIGHT * WIDTH)
        for i, value in enumerate(code.repeat(chains, begin, step)):
            code.store(value, code.at(y, code.times(line, i // WIDTH), FLOAT * LANES * (i % WIDTH)))

    def typed(
        typing: Any, x: Any, line: Any, taps: Any, w: Any, weights: Any, chains: Any, y: Any, bias: Any
    ) -> Any:  # fmt: skip
        return inlined(emit, 8)

    return intrinsic(typed)


def _largest(height: int) -> Any:
    """`height` vectors of the largest numbers that taps meet, and of the numbers of these taps, as PyTorch finds them.

    Called as `f(x, taps, count, y, first, where)`; what no tap beats has the number in `first`.
    """

    def emit(code: Code, *args: Any) -> None:
        b = code.b
        x, taps, count, y, begin, where = args
        x, taps, y, begin, where = (b.inttoptr(p, ir.PointerType()) for p in (x, taps, y, begin, where))
        lowest = ir.Constant(VECTOR, [-np.inf] * LANES)
        found = [code.load(code.at(begin, FLOAT * LANES * i), PLACES) for i in range(height)]

        def step(k: Any, values: list[Any]) -> list[Any]:
            place = code.at(x, b.load(code.at(taps, code.times(k, 8)), align=8, typ=LONG))
            none = ir.Constant(PLACES, ir.Undefined)
            number = b.insert_element(none, b.trunc(k, ir.IntType(32)), ir.Constant(ir.IntType(32), 0))
            number = b.shuffle_vector(number, none, ir.Constant(PLACES, [0] * LANES))
            best, tap = [], []
            for i in range(height):
                new, old = code.load(code.at(place, FLOAT * LANES * i)), values[i]
                beats = b.or_(b.fcmp_ordered(">", new, old), b.fcmp_unordered("uno", new, new))
                best.append(b.select(beats, new, old))
                tap.append(b.select(beats, number, values[height + i]))
            return best + tap

        new = code.repeat(count, [lowest] * height + found, step)
        for target, values in ((y, new[:height]), (where, new[height:])):
            for i, value in enumerate(values):
                code.store(value, code.at(target, FLOAT * LANES * i))

    def typed(typing: Any, x: Any, taps: Any, count: Any, y: Any, begin: Any, where: Any) -> Any:
        return inlined(emit, 6)

    return intrinsic(typed)


def _products(code: Code, *args: Any) -> None:
    b = code.b
    g, x, taps, count, into = args
    g, x, taps, into = (b.inttoptr(p, ir.PointerType()) for p in (g, x, taps, into))
    places = [code.at(x, b.load(code.at(taps, 8 * i), align=8, typ=LONG)) for i in range(ROUND)]

    def step(k: Any, sums: list[Any]) -> list[Any]:
        far = code.times(k, FLOAT * LANES)
        there = code.load(code.at(g, far))
        return [code.fma(there, code.load(code.at(place, far)), s) for place, s in zip(places, sums, strict=True)]

    begun = [code.load(code.at(into, FLOAT * LANES * i)) for i in range(ROUND)]
    for i, value in enumerate(code.repeat(count, begun, step)):
        code.store(value, code.at(into, FLOAT * LANES * i))


@intrinsic
def _add_products(typing: Any, g: Any, x: Any, taps: Any, count: Any, into: Any) -> Any:
    """Add the products of `count` vectors g with those that ROUND taps meet to a vector for each tap."""
    return inlined(_products, 5)


_sums_many, _sums_few, _sums_one = _sums(MANY), _sums(FEW), _sums(1)
_tile3, _tile5, _tile7 = _tile(3), _tile(5), _tile(7)
_largest_many, _largest_one = _largest(FEW), _largest(1)


@function
def _slide(x: int, taps: int, w: int, weights: int, count: int, y: int, vectors: int, bias: int) -> None:
    """A run of results; the last block may overlap that before it."""
    i = 0
    while i < vectors:
        if vectors >= MANY and i + FEW < vectors:
            i = min(i, vectors - MANY)
            _sums_many(x + FLOAT * LANES * i, taps, w, weights, count, y + FLOAT * LANES * i, bias)
            i += MANY
        elif vectors >= FEW:
            i = min(i, vectors - FEW)
            _sums_few(x + FLOAT * LANES * i, taps, w, weights, count, y + FLOAT * LANES * i, bias)
            i += FEW
        else:
            _sums_one(x + FLOAT * LANES * i, taps, w, weights, count, y + FLOAT * LANES * i, bias)
            i += 1


@function
def _slide_tiles(x: int, taps: int, w: int, weights: int, count: int, y: int, grid: int, bias: int, chain: int) -> None:
    """All results, in tiles. The last overlap those before them; the right ones come first, as they write beyond the ends of rows."""
    sizes = longs(grid)
    height, across, line, slab = sizes[1], sizes[2], sizes[3], sizes[4]
    for d in range(sizes[0]):
        for r in range(0, height, HEIGHT):
            j = across - WIDTH
            while j > -WIDTH:
                at = d * slab + min(r, height - HEIGHT) * line + FLOAT * LANES * max(j, 0)
                if chain == 3:
                    _tile3(x + at, line, taps, w, weights, count // 3, y + at, bias)
                elif chain == 5:
                    _tile5(x + at, line, taps, w, weights, count // 5, y + at, bias)
                else:
                    _tile7(x + at, line, taps, w, weights, count // 7, y + at, bias)
                j -= WIDTH


@function
def _find(x: int, taps: int, count: int, y: int, vectors: int, begin: int, where: int) -> None:
    """A run of maxima."""
    i = 0
    if vectors >= FEW:
        while i < vectors:
            at = FLOAT * LANES * min(i, vectors - FEW)
            _largest_many(x + at, taps, count, y + at, begin + at, where + at)
            i += FEW
    else:
        while i < vectors:
            at = FLOAT * LANES * i
            _largest_one(x + at, taps, count, y + at, begin + at, where + at)
            i += 1


@function
def _divide(x: int, counts: int, size: int) -> None:
    values, divisors = floats(x), floats(counts)
    for i in range(size):
        values[i] /= divisors[i]


@function
def _add(x: int, other: int, size: int) -> None:
    values, more = floats(x), floats(other)
    for i in range(size):
        values[i] += more[i]


# --- Kernels ---------------------------------------------------------------------------------------------------------------------


def correlate(args: int, part: int, parts: int) -> None:
    """Each of a group's results is the sum of what its taps meet in the group's planes. See `forms/planes.py` for the tables."""
    a = longs(args)
    groups, reads, writes = a[5], a[6], a[7]  # planes that a group reads, and writes
    in_rows, in_width, in_places, in_starts, in_across, size = a[8], a[9], a[10], a[11], a[12], a[13]
    out_rows, out_width, out_places, out_starts, out_across, out_size = a[14], a[15], a[16], a[17], a[18], a[19]
    taps, weights, segments, phases, vectors, group_bytes, plane_bytes = (
        a[20],
        a[21],
        longs(a[22]),
        a[23],
        a[24],
        a[25],
        a[26],
    )
    before, after = a[27], a[28]  # what gradients are divided by before, and results after, or zero
    together = a[
        29
    ]  # groups whose planes are handled in one go: what has just been written is not ready to be read at once
    grid, chain = a[32], a[33]  # rows and vectors of the results, taps below each other, if tiles serve
    framed = a[30] + FLOAT * part * (together * reads * size + LANES)
    result = a[31] + FLOAT * part * ((together * writes + 1) * out_size + 2 * LANES)
    extra, nothing = result + FLOAT * (together * writes * out_size + LANES), a[34]
    stretch = STRETCH // max(chain, 1) * max(chain, 1)
    clear(framed, together * reads * size + LANES)
    first, stop = rows(a[4] * groups, part, parts)
    while first < stop:
        units = min(together, stop - first)
        x = a[0] + FLOAT * first * reads * in_rows * in_width
        frame(x, units * reads * in_rows, in_width, in_places, in_starts, in_across, framed)
        if before:
            for i in range(units * reads):
                _divide(framed + FLOAT * i * size, before, size)
        group, source, target, bias = first % groups, framed, result, a[2] + FLOAT * (first % groups * writes)
        for _ in range(units):
            w = a[1] + group * group_bytes
            for _ in range(writes):
                for phase in range(phases):
                    tap, count, into = segments[3 * phase], segments[3 * phase + 1], target + segments[3 * phase + 2]
                    if not count:
                        clear(into, vectors * LANES)
                    for done in range(0, count, stretch):
                        here, at, begin = (extra, 8 * (tap + done), nothing) if done else (into, 8 * tap, bias)
                        some = min(stretch, count - done)
                        if chain:
                            _slide_tiles(source, taps + at, w, weights + at, some, here, grid, begin, chain)
                        else:
                            _slide(source, taps + at, w, weights + at, some, here, vectors, begin)
                        if done:
                            _add(into, extra, vectors * LANES)
                if after:
                    _divide(target, after, vectors * LANES)
                w += plane_bytes
                bias += FLOAT
                target += FLOAT * out_size
            source += FLOAT * reads * size
            group += 1
            if group == groups:
                group, bias = 0, a[2]
        y = a[3] + FLOAT * first * writes * out_rows * out_width
        unframe(result, units * writes * out_rows, out_width, out_places, out_starts, out_across, y)
        first += units


def weight_grad(args: int, part: int, parts: int) -> None:
    """Gradients of the weights of each result's taps, from planes x and the gradients g of results."""
    a = longs(args)
    samples, groups, reads, writes = a[3], a[4], a[5], a[6]
    in_rows, in_width, in_places, in_starts, in_across, size = a[7], a[8], a[9], a[10], a[11], a[12]
    out_rows, out_width, out_places, out_starts, out_size = a[13], a[14], a[15], a[16], a[17]
    taps, count, rounded, vectors = a[18], a[19], a[20], a[21]  # taps, rounded up to whole rounds
    together = a[22]  # groups whose planes are handled in one go: they lie beside each other in every sample
    shares, share = a[26], part % a[26]  # each of which has some of the samples, and gradients of its own
    into_all = a[2] + FLOAT * share * groups * reads * writes * count
    begin, end = rows(samples, share, shares)
    framed = a[23] + FLOAT * part * (together * reads * size + LANES)
    grads = a[24] + FLOAT * part * together * writes * out_size
    sums = a[25] + FLOAT * part * together * reads * writes * rounded * LANES
    clear(framed, together * reads * size + LANES)
    clear(grads, together * writes * out_size)
    first, stop = rows(groups, part // shares, parts // shares)
    while first < stop:
        units = min(together, stop - first)
        clear(sums, units * reads * writes * rounded * LANES)
        for sample in range(begin, end):
            x = a[1] + FLOAT * (sample * groups + first) * reads * in_rows * in_width
            g = a[0] + FLOAT * (sample * groups + first) * writes * out_rows * out_width
            frame(x, units * reads * in_rows, in_width, in_places, in_starts, in_across, framed)
            frame(g, units * writes * out_rows, out_width, out_places, out_starts, 1, grads)
            source, target, into = framed, grads, sums
            for _ in range(units):
                for _ in range(writes):
                    for j in range(reads):
                        for k in range(0, rounded, ROUND):
                            _add_products(target, source + FLOAT * j * size, taps + 8 * k, vectors, into)
                            into += FLOAT * ROUND * LANES
                    target += FLOAT * out_size
                source += FLOAT * reads * size
        for pair in range(units * reads * writes):
            for k in range(count):
                total, vector = 0.0, floats(sums + FLOAT * (pair * rounded + k) * LANES)
                for i in range(LANES):
                    total += vector[i]
                floats(into_all)[(first * reads * writes + pair) * count + k] = total
        first += units


def largest(args: int, part: int, parts: int) -> None:
    """The largest number of each window of planes x, to y; and where it stands in its plane, unless that address is zero."""
    a = longs(args)
    in_rows, in_width, in_places, in_starts, in_across, size = a[4], a[5], a[6], a[7], a[8], a[9]
    out_rows, out_width, out_places, out_starts = a[10], a[11], a[12], a[13]
    taps, count, vectors, first = a[14], a[15], a[16], a[17]
    corners, step, tap_places, nowhere = longs(a[18]), a[19], longs(a[20]), longs(a[21])
    framed = a[22] + FLOAT * part * (size + LANES)
    result = a[23] + FLOAT * part * vectors * LANES
    where = a[24] + FLOAT * part * vectors * LANES
    fill(framed, size + LANES, LOWEST)
    start, stop = rows(a[3], part, parts)
    for plane in range(start, stop):
        frame(a[0] + FLOAT * plane * in_rows * in_width, in_rows, in_width, in_places, in_starts, in_across, framed)
        _find(framed, taps, count, result, vectors, first, where)
        unframe(result, out_rows, out_width, out_places, out_starts, 1, a[1] + FLOAT * plane * out_rows * out_width)
        if not a[2]:
            continue
        for r in range(out_rows):
            found, out = ints(where + longs(out_places)[r]), longs(a[2] + 8 * (plane * out_rows + r) * out_width)
            for j in range(out_width):
                tap = found[j]
                out[j] = corners[r] + j * step + tap_places[tap] if tap >= 0 else nowhere[r * out_width + j]


def largest_grad(args: int, part: int, parts: int) -> None:
    """What arrives at a window, g, goes to its largest number of x; elsewhere are zeros."""
    a = longs(args)
    in_rows, in_width, in_places, in_starts, in_across, size = a[4], a[5], a[6], a[7], a[8], a[9]
    out_rows, out_width, out_places, out_starts = a[10], a[11], a[12], a[13]
    taps, count, vectors, first = longs(a[14]), a[15], a[16], a[17]
    framed = a[18] + FLOAT * part * (size + LANES)
    result = a[19] + FLOAT * part * vectors * LANES
    where = a[20] + FLOAT * part * vectors * LANES
    grads = a[21] + FLOAT * part * (size + LANES)
    fill(framed, size + LANES, LOWEST)
    start, stop = rows(a[3], part, parts)
    for plane in range(start, stop):
        frame(a[1] + FLOAT * plane * in_rows * in_width, in_rows, in_width, in_places, in_starts, in_across, framed)
        _find(framed, a[14], count, result, vectors, first, where)
        clear(grads, size + LANES)
        clear(result, vectors * LANES)
        frame(a[0] + FLOAT * plane * out_rows * out_width, out_rows, out_width, out_places, out_starts, 1, result)
        arriving, winner = floats(result), ints(where)
        for k in range(count):
            into = floats(grads + taps[k])
            for i in range(vectors * LANES):
                into[i] += arriving[i] if winner[i] == k else ZERO
        unframe(
            grads, in_rows, in_width, in_places, in_starts, in_across, a[2] + FLOAT * plane * in_rows * in_width
        )  # fmt: skip
