"""Matrix products whose left factor is found by two tables: C (m, n) = A B, with A[i, k] at `rows[i] + steps[k]` bytes from `a`.

Windows of an image are such a matrix, and so is its transpose: a pixel says where a window begins, a tap where in the window; any
stride, dilation or padding is a matter of the tables. The columns of B are adjacent, in panels of `WIDE`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from numba.extending import intrinsic
from tour.numba.kernels import lanes
from tour.numba.kernels.lanes import LANES, LONG, Code, inlined
from tour.numba.kernels.matrices import pack_panel
from tour.numba.kernels.memory import function, helper, longs
from tour.numba.kernels.memory import rows as share
from tour.numba.kernels.products import FLOAT, WIDE

STRETCH = 192  # products that are summed in registers; longer sums are made of such, and round less


def _product(height: int, width: int, real: Any) -> Any:
    """C (height, width vectors) = A B, or C += A B, with all of C in registers; depth is at least 1.

    Called as `f(a, rows, steps, b, b_row, c, c_row, depth, add)`.
    """

    def emit(code: Code, *args: Any) -> None:
        b = code.b
        a, rows, steps, bp, b_row, c, c_row, depth, add = args
        a, rows, steps, bp, c = (b.inttoptr(p, ir.PointerType()) for p in (a, rows, steps, bp, c))
        starts = [code.at(a, b.load(code.at(rows, 8 * i), align=8, typ=LONG)) for i in range(height)]
        before, loop, after = b.block, b.append_basic_block("loop"), b.append_basic_block("after")
        b.branch(loop)
        b.position_at_end(loop)
        k, bk = b.phi(LONG), b.phi(ir.PointerType())
        sums = [[b.phi(code.vector) for _ in range(width)] for _ in range(height)]
        for phi, start in ((k, ir.Constant(LONG, 0)), (bk, bp), *((s, code.zero) for row in sums for s in row)):
            phi.add_incoming(start, before)
        step = b.load(code.at(steps, code.times(k, 8)), align=8, typ=LONG)
        columns = [code.load(code.at(bk, FLOAT * LANES * j)) for j in range(width)]
        new = []
        for start, line in zip(starts, sums, strict=True):
            x = code.splat(code.load(code.at(start, step), real))
            new.append([code.fma(x, y, s) for y, s in zip(columns, line, strict=True)])
        following = b.add(k, ir.Constant(LONG, 1))
        k.add_incoming(following, loop)
        bk.add_incoming(code.at(bk, b_row), loop)
        for line, values in zip(sums, new, strict=True):
            for phi, value in zip(line, values, strict=True):
                phi.add_incoming(value, loop)
        b.cbranch(b.icmp_signed("<", following, depth), loop, after)
        b.position_at_end(after)
        code.keep(c, c_row, new, add)

    def typed(
        typing: Any, a: Any, rows: Any, steps: Any, b: Any, b_row: Any, c: Any, c_row: Any, depth: Any, add: Any
    ) -> Any:
        return inlined(emit, 9, real)

    return intrinsic(typed)


@helper
def _down(
    m: int, depth: int, a: int, rows: int, steps: int, b: int, b_row: int, c: int, c_row: int, add: int,
    six: Any, four: Any, two: Any, one: Any,
) -> None:  # fmt: skip
    """All rows of one panel."""
    i = 0
    while i + 6 <= m:
        six(a, rows + 8 * i, steps, b, b_row, c + i * c_row, c_row, depth, add)
        i += 6
    if i + 4 <= m:
        four(a, rows + 8 * i, steps, b, b_row, c + i * c_row, c_row, depth, add)
        i += 4
    if i + 2 <= m:
        two(a, rows + 8 * i, steps, b, b_row, c + i * c_row, c_row, depth, add)
        i += 2
    if i < m:
        one(a, rows + 8 * i, steps, b, b_row, c + i * c_row, c_row, depth, add)


def _multiplying(real: Any, size: int) -> Any:
    """`multiply` for numbers of a kind, of `size` bytes."""
    line = FLOAT * LANES  # bytes of a vector
    few, most = line // size, FLOAT * WIDE // size
    wide6, wide4, wide2, wide1 = (_product(height, WIDE // LANES, real) for height in (6, 4, 2, 1))
    double6, double4, double2, double1 = (_product(height, 2, real) for height in (6, 4, 2, 1))
    single6, single4, single2, single1 = (_product(height, 1, real) for height in (6, 4, 2, 1))

    @function
    def multiply(
        m: int, n: int, depth: int, a: int, rows: int, steps: int, b: int, b_row: int, b_panel: int, c: int, c_row: int, add: int
    ) -> None:  # fmt: skip
        """C = A B, or C += A B; n is whole vectors. Panel p of B begins at `p * b_panel`; sums are made of stretches of `STRETCH`."""
        while n > 0:
            width = most if n >= most else 2 * few if n >= 2 * few else few
            first = 0
            while first < depth:
                count = min(STRETCH, depth - first)
                more = add + first
                s, t = steps + 8 * first, b + first * b_row
                if width == most:
                    _down(m, count, a, rows, s, t, b_row, c, c_row, more, wide6, wide4, wide2, wide1)
                elif width == 2 * few:
                    _down(m, count, a, rows, s, t, b_row, c, c_row, more, double6, double4, double2, double1)
                else:
                    _down(m, count, a, rows, s, t, b_row, c, c_row, more, single6, single4, single2, single1)
                first += STRETCH
            n -= width
            b += b_panel if width == most else size * width
            c += size * width

    return multiply


multiply = _multiplying(lanes.FLOAT, 4)
multiply_doubles = _multiplying(lanes.DOUBLE, 8)


def arrange(args: int, part: int, parts: int) -> None:
    """Matrices B (groups, stretches, n columns) in panels, n columns with zeros behind: where `multiply` finds them.

    Each stretch is a run of rows: where it begins in the source; first row and rows of the product that it belongs to; its first row
    there; how many.
    """
    a = longs(args)
    stretches, count, groups, group_bytes, target_bytes = longs(a[2]), a[3], a[4], a[5], a[6]
    row, step, n, places = a[7], a[8], a[9], a[10]
    panels = (n + WIDE - 1) // WIDE
    start, stop = share(groups * count * panels, part, parts)
    for unit in range(start, stop):
        group, rest = unit // (count * panels), unit % (count * panels)
        s, panel = 5 * (rest // panels), rest % panels
        at = (stretches[s + 1] * panels + panel * stretches[s + 2] + stretches[s + 3]) * WIDE
        pack_panel(
            a[0] + group * group_bytes + stretches[s] + panel * WIDE * step, row, step, stretches[s + 4],
            min(WIDE, n - panel * WIDE), a[1] + group * target_bytes + FLOAT * at, places,
        )  # fmt: skip
