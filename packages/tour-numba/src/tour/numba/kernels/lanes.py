"""Blocks of vectors in registers, which no loop in Python makes LLVM build: matrix products, transpositions, Winograd's transforms.

Each is a function that Numba inlines: straight LLVM code for this processor's vectors, `LANES` float32 numbers wide, or half as many
of float64. Addresses and strides are in bytes. They read and write whole vectors; whoever calls them sees to it that there is room.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from llvmlite import ir

from numba import types
from numba.extending import intrinsic
from tour.numba._machine import vector_bits

LANES = vector_bits() // 32
FLOAT, DOUBLE, LONG = ir.FloatType(), ir.DoubleType(), ir.IntType(64)
VECTOR = ir.VectorType(FLOAT, LANES)
ZERO = ir.Constant(VECTOR, [0.0] * LANES)


class Code:
    """LLVM's builder with the few steps that are needed here, for vectors of numbers of a kind."""

    def __init__(self, builder: Any, real: Any = FLOAT) -> None:
        self.b, self.real = builder, real
        self.lanes = LANES if real is FLOAT else LANES // 2
        self.vector = ir.VectorType(real, self.lanes)
        self.zero = ir.Constant(self.vector, [0.0] * self.lanes)

    def at(self, pointer: Any, *bytes_: Any) -> Any:
        """A pointer moved on by some numbers of bytes."""
        for n in bytes_:
            n = ir.Constant(LONG, n) if isinstance(n, int) else n
            pointer = self.b.gep(pointer, [n], source_etype=ir.IntType(8))
        return pointer

    def times(self, stride: Any, n: int) -> Any:
        return self.b.mul(stride, ir.Constant(LONG, n))

    def load(self, pointer: Any, kind: Any = None) -> Any:
        return self.b.load(pointer, align=4, typ=kind or self.vector)

    def store(self, value: Any, pointer: Any) -> None:
        self.b.store(value, pointer, align=4)

    def splat(self, number: Any) -> Any:
        """A vector of one number."""
        none = ir.Constant(self.vector, ir.Undefined)
        first = self.b.insert_element(none, number, ir.Constant(ir.IntType(32), 0))
        places = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.b.shuffle_vector(first, none, places)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """a b + c, rounded once."""
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        name = f"llvm.fma.v{self.lanes}f{32 if self.real is FLOAT else 64}"
        function = self.b.module.globals.get(name) or ir.Function(self.b.module, kind, name)
        return self.b.call(function, [a, b, c])

    def transpose(self, rows: list[Any]) -> list[Any]:
        """The transpose of as many vectors as they have numbers: neighbours at distance 1, 2, 4 ... exchange halves."""
        d = 1
        n = self.lanes
        while d < n:
            new: list[Any] = [None] * n
            for i in range(n):
                if i & d:
                    continue
                low = [j if not j & d else n + j - d for j in range(n)]
                high = [j + d if not j & d else n + j for j in range(n)]
                kind = ir.VectorType(ir.IntType(32), n)
                new[i] = self.b.shuffle_vector(rows[i], rows[i + d], ir.Constant(kind, low))
                new[i + d] = self.b.shuffle_vector(rows[i], rows[i + d], ir.Constant(kind, high))
            rows, d = new, 2 * d
        return rows

    def repeat(self, count: Any, begin: list[Any], step: Callable[[Any, list[Any]], list[Any]]) -> list[Any]:
        """The values after `step(i, values)` for each i below `count`, which is at least one, from those at the beginning."""
        b = self.b
        before, loop, after = b.block, b.append_basic_block("loop"), b.append_basic_block("after")
        b.branch(loop)
        b.position_at_end(loop)
        i, values = b.phi(LONG), [b.phi(v.type) for v in begin]
        new = step(i, values)
        following = b.add(i, ir.Constant(LONG, 1))
        for phi, start, value in zip([i, *values], [ir.Constant(LONG, 0), *begin], [following, *new], strict=True):
            phi.add_incoming(start, before)
            phi.add_incoming(value, loop)
        b.cbranch(b.icmp_signed("<", following, count), loop, after)
        b.position_at_end(after)
        return new

    def keep(self, c: Any, c_row: Any, rows: list[list[Any]], add: Any) -> None:
        """Write rows of vectors at c, or add them to what is there unless `add` is zero."""
        b = self.b
        adding, writing, done = (b.append_basic_block(name) for name in ("adding", "writing", "done"))
        b.cbranch(b.icmp_signed("!=", add, ir.Constant(LONG, 0)), adding, writing)
        for block in (adding, writing):
            b.position_at_end(block)
            for i, values in enumerate(rows):
                for j, value in enumerate(values):
                    place = self.at(c, self.times(c_row, i), 4 * LANES * j)
                    self.store(b.fadd(self.load(place), value) if block is adding else value, place)
            b.branch(done)
        b.position_at_end(done)

    def combine(self, matrix: list[list[Fraction]], vectors: list[Any]) -> list[Any]:
        """The matrix times a column of vectors; nothing is done for zeros and ones."""
        return [self._sum(row, vectors) for row in matrix]

    def _sum(self, row: list[Fraction], vectors: list[Any]) -> Any:
        total = None
        for c, v in sorted(zip(row, vectors, strict=True), key=lambda term: abs(term[0]) != 1):
            if c == 0:
                continue
            factor = ir.Constant(VECTOR, [float(c)] * LANES)
            if total is None:
                total = v if c == 1 else self.b.fmul(factor, v)
            elif abs(c) == 1:
                total = self.b.fadd(total, v) if c == 1 else self.b.fsub(total, v)
            else:
                total = self.fma(factor, v, total)
        return total


def inlined(emit: Callable[..., None], count: int, real: Any = FLOAT) -> Any:
    """What Numba wants to know of a function of integers whose LLVM code is written by `emit(code, *arguments)`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit(Code(builder, real), *args)
        return context.get_dummy_value()

    return types.void(*[types.int64] * count), generate


def product(height: int, width: int, real: Any = FLOAT) -> Any:
    """C (height, width vectors) = A B, or C += A B, with all of C in registers.

    Called as `f(a, a_row, a_step, b, b_step, c, c_row, depth, add)`: A's rows and columns have any stride, the columns of B and C
    are adjacent.
    """

    def emit(code: Code, *args: Any) -> None:
        b = code.b
        a, a_row, a_step, bp, b_step, c, c_row, depth, add = args
        a, bp, c = (b.inttoptr(p, ir.PointerType()) for p in (a, bp, c))
        before, loop, after = b.block, b.append_basic_block("loop"), b.append_basic_block("after")
        rows = [code.times(a_row, i) for i in range(height)]
        b.branch(loop)
        b.position_at_end(loop)
        k, ak, bk = b.phi(LONG), b.phi(ir.PointerType()), b.phi(ir.PointerType())
        sums = [[b.phi(code.vector) for _ in range(width)] for _ in range(height)]
        for phi, start in (
            (k, ir.Constant(LONG, 0)),
            (ak, a),
            (bk, bp),
            *((s, code.zero) for row in sums for s in row),
        ):
            phi.add_incoming(start, before)
        columns = [code.load(code.at(bk, 4 * LANES * j)) for j in range(width)]
        new = []
        for row, line in zip(rows, sums, strict=True):
            x = code.splat(code.load(code.at(ak, row), real))
            new.append([code.fma(x, y, s) for y, s in zip(columns, line, strict=True)])
        following = b.add(k, ir.Constant(LONG, 1))
        k.add_incoming(following, loop)
        ak.add_incoming(code.at(ak, a_step), loop)
        bk.add_incoming(code.at(bk, b_step), loop)
        for line, values in zip(sums, new, strict=True):
            for phi, value in zip(line, values, strict=True):
                phi.add_incoming(value, loop)
        b.cbranch(b.icmp_signed("<", following, depth), loop, after)
        b.position_at_end(after)
        code.keep(c, c_row, new, add)

    def typed(
        typing: Any, a: Any, a_row: Any, a_step: Any, b: Any, b_step: Any, c: Any, c_row: Any, depth: Any, add: Any
    ) -> Any:
        return inlined(emit, 9, real)

    return intrinsic(typed)


TOGETHER = 4  # rows that are copied at a time


def copied(width: int) -> Any:
    """Copies TOGETHER rows of `width` vectors, so that one follows the other; called as `f(source, row, target)`.

    All are read before any is written: where rows are pages apart, the processor would take them for what it has just written.
    """

    def emit(code: Code, *args: Any) -> None:
        source, row, target = args
        source, target = (code.b.inttoptr(p, ir.PointerType()) for p in (source, target))
        starts = [code.at(source, code.times(row, i)) for i in range(TOGETHER)]
        found = [code.load(code.at(start, 4 * LANES * j)) for start in starts for j in range(width)]
        for i, value in enumerate(found):
            code.store(value, code.at(target, 4 * LANES * i))

    def typed(typing: Any, source: Any, row: Any, target: Any) -> Any:
        return inlined(emit, 3)

    return intrinsic(typed)


def _scatter(code: Code, *args: Any) -> None:
    b = code.b
    source, row, target, places = args
    source, target, places = (b.inttoptr(p, ir.PointerType()) for p in (source, target, places))
    columns = code.transpose([code.load(code.at(source, code.times(row, i))) for i in range(code.lanes)])
    for i, column in enumerate(columns):
        place = b.load(code.at(places, 8 * i), align=8, typ=LONG)
        code.store(column, code.at(target, place))


def _scattering(real: Any) -> Any:
    """Transposes a square of vectors, as many rows as they have numbers, and writes row i of the result at `places[i]` of the target.

    Called as `f(source, row, target, places)`.
    """

    def typed(typing: Any, source: Any, row: Any, target: Any, places: Any) -> Any:
        return inlined(_scatter, 4, real)

    return intrinsic(typed)


scatter_rows, scatter_doubles = _scattering(FLOAT), _scattering(DOUBLE)


def _gather(code: Code, *args: Any) -> None:
    b = code.b
    source, places, target, row, bias = args
    source, target, places, bias = (b.inttoptr(p, ir.PointerType()) for p in (source, target, places, bias))
    added = code.load(bias)
    found = [b.load(code.at(places, 8 * i), align=8, typ=LONG) for i in range(LANES)]
    for i, line in enumerate(code.transpose([b.fadd(code.load(code.at(source, place)), added) for place in found])):
        code.store(line, code.at(target, code.times(row, i)))


@intrinsic
def gather_rows(typing: Any, source: Any, places: Any, target: Any, row: Any, bias: Any) -> Any:
    """Transpose LANES runs of LANES numbers, found at `places[i]` of the source, into rows, a bias added to each row.

    With biases of zero this is the inverse of `scatter_rows`.
    """
    return inlined(_gather, 5)


def transform(matrix: list[list[Fraction]]) -> Any:
    """M X Mᵀ for a square X of vectors, called as `f(source, down, across, target, down, across)`."""
    n, size = len(matrix), len(matrix[0])

    def emit(code: Code, *args: Any) -> None:
        b = code.b
        source, sy, sx, target, ty, tx = args
        source, target = b.inttoptr(source, ir.PointerType()), b.inttoptr(target, ir.PointerType())
        columns = []
        for x in range(size):
            top = code.at(source, code.times(sx, x))
            columns.append(code.combine(matrix, [code.load(code.at(top, code.times(sy, y))) for y in range(size)]))
        for i in range(n):
            left = code.at(target, code.times(ty, i))
            for j, value in enumerate(code.combine(matrix, [column[i] for column in columns])):
                code.store(value, code.at(left, code.times(tx, j)))

    def typed(typing: Any, source: Any, down: Any, across: Any, target: Any, to_down: Any, to_across: Any) -> Any:
        return inlined(emit, 6)

    return intrinsic(typed)
