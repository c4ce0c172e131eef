"""Products of matrices of any strides, C = A B + bias, panel by panel (Goto and van de Geijn, "Anatomy of high-performance matrix
multiplication", 2008).

A panel is as many columns of B as a block of registers is wide. What stays in the caches is read where it lies: B where its columns are
adjacent and it is small, or few rows meet it; A where its columns are adjacent, or it is small. Otherwise a stretch of the panel's rows is
copied into adjacent memory, where the second cache holds it, and met with all rows of A. The last columns are read and written through
masks.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from numba.extending import intrinsic
from tour.numba.kernels import lanes
from tour.numba.kernels.arrays import matrix
from tour.numba.kernels.lanes import FLOAT as NUMBER
from tour.numba.kernels.lanes import LANES, LONG, TOGETHER, VECTOR, Code, inlined
from tour.numba.kernels.lanes import ZERO as ZEROS
from tour.numba.kernels.masks import first, masked_load, masked_store
from tour.numba.kernels.memory import fetch, floats, function, helper, longs, next_of, rows
from tour.numba.kernels.products import DEPTH, FLOAT, WIDE
from tour.numba.kernels.scalar import ZERO

TALL = 6  # rows of the largest block in registers
HEIGHT = 48  # rows of A at a time; a multiple of those of the blocks in registers and of the lanes
PITCH = FLOAT * WIDE
THIN = 192  # rows of A for which copying a panel is not worth it
BROAD = 512  # columns of B for which it is not, however many rows there are
FEW = 1 << 16  # numbers of A for which copying its rows is not
GROUP = 4  # panels that share such copied rows of A
PANELS = 1 << 17  # numbers of the copied panels, GROUP of them or a turned A
SCRATCH = 4 * LANES + PANELS + DEPTH * HEIGHT  # numbers that a part needs where it copies
TURN = 8  # products of numbers that take as long as turning one number
TILE = FLOAT * (THIN + WIDE - THIN % WIDE)  # bytes from row to row of a tile of a turned result
STEAL = 4  # tasks for each thread, so that one that is interrupted does not hold up the others; half as many where each copies panels
LEAST = 12  # rows of B's partner for which a task reads a panel, or copies it: four times as many
AHEAD, LINE = 16, 16  # rows that are asked for before they are copied, and numbers of a cache line
MASKS = LANES > 4  # whether the processor reads vectors through masks


@helper
def _number(address: int) -> Any:
    return floats(address)[0]


_copy_wide, _copy_high = lanes.copied(WIDE // LANES), lanes.copied(HEIGHT // LANES)


@helper
def _copy_rows(source: int, row: int, depth: int, target: int, width: int, copy: Any) -> int:
    """Copy rows of `width` numbers, but for the last few; how many. Rows ahead are asked for: they are too far apart to be foreseen."""
    some = depth // TOGETHER * TOGETHER
    for k in range(0, some, TOGETHER):
        for i in range(AHEAD, AHEAD + TOGETHER):
            for j in range(0, width, LINE):
                fetch(source + (k + i) * row + FLOAT * j)
            fetch(source + (k + i) * row + FLOAT * (width - 1))
        copy(source + k * row, row, target + k * FLOAT * width)
    return some


@helper
def _squares(n: int) -> int:
    """A size in whole squares: half a square at its end, and more, is worth one."""
    return (n + LANES // 2) // LANES * LANES


@function
def pack_panel(source: int, row: int, step: int, depth: int, width: int, target: int, places: int) -> None:
    """Copy B's stretch (depth, width) to rows of WIDE numbers, zeros behind."""
    if step == FLOAT and width == WIDE:
        for k in range(_copy_rows(source, row, depth, target, WIDE, _copy_wide), depth):
            x, y = floats(source + k * row), floats(target + k * PITCH)
            for j in range(WIDE):
                y[j] = x[j]
        return
    first, top = 0, 0  # columns and rows that are copied in squares, of which the last may overlap those before them
    if row == FLOAT and depth >= LANES and width >= LANES:
        first, top = _squares(width), _squares(depth)
        for j in range(0, first, LANES):
            for k in range(0, top, LANES):
                left, up = min(j, width - LANES), min(k, depth - LANES)
                lanes.scatter_rows(source + left * step + up * FLOAT, step, target + up * PITCH + left * FLOAT, places)
        first, top = min(first, width), min(top, depth)
    for k in range(depth):
        y = floats(target + k * PITCH)
        for j in range(first if k < top else 0, width):
            y[j] = _number(source + k * row + j * step)
        for j in range(width, WIDE):
            y[j] = ZERO


@function
def _pack_rows(source: int, row: int, step: int, height: int, depth: int, target: int) -> None:
    """Copy A's stretch (height, depth), HEIGHT rows at most, so that rows are adjacent, and columns HEIGHT numbers apart."""
    done = 0
    if row == FLOAT and height == HEIGHT:
        done = _copy_rows(source, step, depth, target, HEIGHT, _copy_high)
    for k in range(done, depth):
        y = floats(target + k * FLOAT * HEIGHT)
        if row == FLOAT:
            x = floats(source + k * step)
            for i in range(height):
                y[i] = x[i]
        else:
            for i in range(height):
                y[i] = _number(source + i * row + k * step)


def _block(height: int, width: int) -> Any:
    """C (height, width LANES) = A B, or C += A B, with all of C in registers; of the last vectors only `left` numbers.

    Called as `f(a, a_row, a_step, b, b_row, c, c_row, depth, left, add)`: A's rows and columns have any stride, the columns of B and C
    are adjacent.
    """

    def emit(code: Code, *args: Any) -> None:
        b = code.b
        a, a_row, a_step, bp, b_row, c, c_row, depth, left, add = args
        a, bp, c = (b.inttoptr(p, ir.PointerType()) for p in (a, bp, c))
        mask = first(code, left)
        before, loop, after = b.block, b.append_basic_block("loop"), b.append_basic_block("after")
        down = [code.times(a_row, i) for i in range(height)]
        b.branch(loop)
        b.position_at_end(loop)
        k, ak, bk = b.phi(LONG), b.phi(ir.PointerType()), b.phi(ir.PointerType())
        sums = [[b.phi(VECTOR) for _ in range(width)] for _ in range(height)]
        for phi, start in ((k, ir.Constant(LONG, 0)), (ak, a), (bk, bp), *((s, ZEROS) for row in sums for s in row)):
            phi.add_incoming(start, before)
        columns = [code.load(code.at(bk, FLOAT * LANES * j)) for j in range(width - 1)]
        last = code.at(bk, FLOAT * LANES * (width - 1))
        columns.append(masked_load(code, last, mask) if MASKS else code.load(last))
        new = []
        for row, line in zip(down, sums, strict=True):
            x = code.splat(code.load(code.at(ak, row), NUMBER))
            new.append([code.fma(x, y, s) for y, s in zip(columns, line, strict=True)])
        following = b.add(k, ir.Constant(LONG, 1))
        k.add_incoming(following, loop)
        ak.add_incoming(code.at(ak, a_step), loop)
        bk.add_incoming(code.at(bk, b_row), loop)
        for line, values in zip(sums, new, strict=True):
            for phi, value in zip(line, values, strict=True):
                phi.add_incoming(value, loop)
        b.cbranch(b.icmp_signed("<", following, depth), loop, after)
        b.position_at_end(after)
        there = first(code, b.select(b.icmp_signed("!=", add, ir.Constant(LONG, 0)), left, ir.Constant(LONG, 0)))
        adding, writing, done = (b.append_basic_block(name) for name in ("adding", "writing", "done"))
        b.cbranch(b.icmp_signed("!=", add, ir.Constant(LONG, 0)), adding, writing)
        for block in (adding, writing):
            b.position_at_end(block)
            for i, values in enumerate(new):
                place = code.at(c, code.times(c_row, i))
                for value in values[:-1]:
                    code.store(b.fadd(code.load(place), value) if block is adding else value, place)
                    place = code.at(place, FLOAT * LANES)
                value = b.fadd(masked_load(code, place, there), values[-1]) if block is adding else values[-1]
                masked_store(code, value, place, mask)
            b.branch(done)
        b.position_at_end(done)

    def typed(
        typing: Any, a: Any, a_row: Any, a_step: Any, b: Any, b_row: Any, c: Any, c_row: Any, depth: Any, left: Any, add: Any
    ) -> Any:  # fmt: skip
        return inlined(emit, 10)

    return intrinsic(typed)


_four6, _four4, _four2, _four1 = (_block(height, WIDE // LANES) for height in (TALL, 4, 2, 1))
_three6, _three4, _three2, _three1 = (_block(height, min(3, WIDE // LANES)) for height in (TALL, 4, 2, 1))
_two6, _two4, _two2, _two1 = (_block(height, 2) for height in (TALL, 4, 2, 1))
_one6, _one4, _one2, _one1 = (_block(height, 1) for height in (TALL, 4, 2, 1))


@helper
def _down(
    m: int, a: int, a_row: int, a_step: int, b: int, b_row: int, c: int, c_row: int, depth: int, left: int, add: int,
    six: Any, four: Any, two: Any, one: Any,
) -> None:  # fmt: skip
    """All rows of one panel."""
    i = 0
    while i + TALL <= m and m - i != 8:
        six(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, left, add)
        i += TALL
    while i + 4 <= m:
        four(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, left, add)
        i += 4
    if i + 2 <= m:
        two(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, left, add)
        i += 2
    if i < m:
        one(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, depth, left, add)


@function
def _meet(
    m: int, n: int, depth: int, a: int, a_row: int, a_step: int, b: int, b_row: int, c: int, c_row: int, add: int
) -> None:  # fmt: skip
    """Rows of A with one panel of n columns."""
    left = (n - 1) % LANES + 1
    if n > 3 * LANES:
        _down(m, a, a_row, a_step, b, b_row, c, c_row, depth, left, add, _four6, _four4, _four2, _four1)
    elif n > 2 * LANES:
        _down(m, a, a_row, a_step, b, b_row, c, c_row, depth, left, add, _three6, _three4, _three2, _three1)
    elif n > LANES:
        _down(m, a, a_row, a_step, b, b_row, c, c_row, depth, left, add, _two6, _two4, _two2, _two1)
    else:
        _down(m, a, a_row, a_step, b, b_row, c, c_row, depth, left, add, _one6, _one4, _one2, _one1)


@function
def _add(source: int, target: int, n: int) -> None:
    x, y = floats(source), floats(target)
    for j in range(n):
        y[j] += x[j]


@function
def _turn(tile: int, height: int, width: int, c: int, c_row: int, places: int) -> None:
    """Write the transpose of a tile (height, width) at c, in squares of which the last overlap those before them."""
    if height < LANES or width < LANES:
        for i in range(width):
            y = floats(c + i * c_row)
            for j in range(height):
                y[j] = _number(tile + j * TILE + i * FLOAT)
        return
    for i in range(0, width, LANES):
        for j in range(0, height, LANES):
            left, up = min(i, width - LANES), min(j, height - LANES)
            lanes.scatter_rows(tile + up * TILE + left * FLOAT, TILE, c + left * c_row + up * FLOAT, places)


@function
def _turned(
    m: int, n: int, depth: int, a: int, a_row: int, a_step: int, b: int, b_step: int, c: int, c_row: int, bias: int,
    panels: int, tile: int, places: int,
) -> None:  # fmt: skip
    """C = A B for adjacent rows of B: Cᵀ = Bᵀ Aᵀ, where Bᵀ is read where it lies and Aᵀ is copied, a tile of Cᵀ at a time."""
    table = longs(places)
    for j in range(LANES):
        table[j], table[LANES + j] = j * PITCH, j * c_row
    for i in range(0, m, WIDE):
        pack_panel(a + i * a_row, a_step, a_row, depth, min(WIDE, m - i), panels + i * depth * FLOAT, places)
    for j in range(0, n, HEIGHT):
        height = min(HEIGHT, n - j)
        for i in range(0, m, WIDE):
            width, panel, k = (min(WIDE, m - i) + LANES - 1) // LANES * LANES, panels + i * depth * FLOAT, 0
            while k < depth:
                s = b + j * b_step + k * FLOAT
                _meet(
                    height,
                    width,
                    min(DEPTH, depth - k),
                    s,
                    b_step,
                    FLOAT,
                    panel + k * PITCH,
                    PITCH,
                    tile + i * FLOAT,
                    TILE,
                    k,
                )
                k += DEPTH
        _turn(tile, height, m, c + j * FLOAT, c_row, places + 8 * LANES)
        if bias:
            for i in range(m):
                _add(bias + j * FLOAT, c + i * c_row + j * FLOAT, height)


@helper
def _full(n: int) -> int:
    """A size in whole vectors."""
    return (n + LANES - 1) // LANES * LANES


@helper
def _chunks(tasks: int, most: int, parts: int, each: int) -> int:
    """Into how many stretches of rows to cut each of some tasks, so that each part has some, and all as many where that can be."""
    if parts == 1:
        return 1
    wanted = max(min((each * parts + tasks - 1) // tasks, most), 1)
    for chunks in range(wanted, wanted // 2, -1):
        if tasks * chunks % parts == 0:
            return chunks
    return wanted


def product(args: int, part: int, parts: int) -> None:
    """C = A B of array objects a[0], a[1], a[2], and the bias at a[3] for each column if there is one; a[4] is scratch memory.

    Parts are threads: each takes the next task, counted in a[5], until there is none. Of stacks, if a[6] is not zero: a[7] products, of the
    matrices that begin at a[8] bytes in A and a[9] in B.
    """
    a = longs(args)
    x, m, depth, a_row, a_step = matrix(a[0])
    y, _, n, b_row, b_step = matrix(a[1])
    z, bias, c_row, count = matrix(a[2])[0], a[3], FLOAT * n, 1
    if a[6]:
        count = a[7]
    places = a[4] + part * FLOAT * SCRATCH
    panels = places + 16 * LANES
    packed = panels + FLOAT * PANELS
    direct = b_step == FLOAT and (m <= THIN or n <= BROAD) and (MASKS or n % LANES == 0)
    still = a_step == FLOAT or m * depth <= FEW  # A is read where it lies
    # Where B would have to be turned, the smaller A and C may be instead.
    if b_row == FLOAT and not direct and m <= THIN and (m + WIDE) * depth <= PANELS and not a[6]:
        if _full(m) * n * depth + TURN * m * (n + depth) < m * _full(n) * depth + TURN * n * depth:
            cuts = max(min(parts, n // LANES), 1)
            if part < cuts:
                begin, end = rows((n + LANES - 1) // LANES, part, cuts)
                begin, end = begin * LANES, min(end * LANES, n)
                _turned(
                    m, end - begin, depth, x, a_row, a_step, y + begin * b_step, b_step, z + begin * FLOAT, c_row,
                    bias + begin * FLOAT if bias else 0, panels, packed, places,
                )  # fmt: skip
            return
    # A task is some columns and some rows of a product: as many columns as can be, and as many rows as there are parts for.
    span = n if direct and n <= BROAD else WIDE if still else GROUP * WIDE
    across, blocks = (n + span - 1) // span, (m + TALL - 1) // TALL
    least = LEAST if direct else 4 * LEAST
    chunks = _chunks(count * across, m // least, parts, STEAL if direct else STEAL // 2)
    if not direct:
        for i in range(LANES):
            longs(places)[i] = i * PITCH
    task, tasks = -1, count * chunks * across
    together = max(tasks // (STEAL * STEAL * parts), 1)  # tasks that are taken at once
    while True:
        task += 1
        if task % together == 0:
            task = next_of(args + 8 * 5) * together
        if task >= tasks:
            break
        number, left, top, bottom = task, 0, 0, m
        if chunks * across > 1:
            number, rest = task // (chunks * across), task % (chunks * across)
            begin, end = rows(blocks, rest // across, chunks)
            left, top, bottom = rest % across * span, begin * TALL, min(end * TALL, m)
        right = min(left + span, n)
        source, columns, c = x, y, z + number * m * c_row
        if a[6]:
            source, columns = x + longs(a[8])[number], y + longs(a[9])[number]
        k = 0
        while k < depth:
            stretch = min(DEPTH, depth - k)
            if not direct:
                for j in range(left, right, WIDE):
                    panel, width = panels + (j - left) * DEPTH * FLOAT, min(WIDE, n - j)
                    pack_panel(columns + k * b_row + j * b_step, b_row, b_step, stretch, width, panel, places)
            for i in range(top, bottom, HEIGHT):
                height = min(HEIGHT, bottom - i)
                s, s_row, s_step = source + i * a_row + k * a_step, a_row, a_step
                if not still:
                    _pack_rows(s, a_row, a_step, height, stretch, packed)
                    s, s_row, s_step = packed, FLOAT, FLOAT * HEIGHT
                for j in range(left, right, WIDE):
                    width, t = min(WIDE, n - j), c + i * c_row + j * FLOAT
                    panel, pitch = panels + (j - left) * DEPTH * FLOAT, PITCH
                    if direct:
                        panel, pitch = columns + k * b_row + j * b_step, b_row
                    _meet(height, width, stretch, s, s_row, s_step, panel, pitch, t, c_row, k)
                    if bias and k + stretch == depth:
                        for r in range(height):
                            _add(bias + j * FLOAT, t + r * c_row, width)
            k += stretch
