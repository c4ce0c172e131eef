"""Rows of scores, vector by vector: the largest, the exponentials and their sum, and the gradient of a softmax.

A row is a whole number of vectors, at least one. What is written here as vectors LLVM would do so too, but it would leave the last
elements of a row, up to the four vectors that it takes at a time, to a loop over single numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir

from numba import types
from numba.extending import intrinsic
from tour.numba.kernels import masks, scalar
from tour.numba.kernels.lanes import FLOAT, LONG, Code


class Exponential(NamedTuple):
    """The constants of an exponential in `scalar`, and the bits of a number: of the whole, and of its fraction."""

    magic: Any
    log2e: Any
    high: Any
    low: Any
    polynomial: tuple[Any, ...]
    lowest: Any
    bits: int
    fraction: int
    bias: int


SINGLE = Exponential(
    scalar.MAGIC, scalar.LOG2E, scalar.LN2_HIGH, scalar.LN2_LOW, (scalar.E4, scalar.E3, scalar.E2, scalar.E1, scalar.E0),
    scalar.LOWEST, 32, 23, 127,
)  # fmt: skip
DOUBLE = Exponential(
    scalar.MAGIC_8, scalar.LOG2E_8, scalar.LN2_HIGH_8, scalar.LN2_LOW_8,
    (
        scalar.D13, scalar.D12, scalar.D11, scalar.D10, scalar.D9, scalar.D8, scalar.D7, scalar.D6, scalar.D5, scalar.D4, scalar.D3,
        scalar.D2,
    ),
    scalar.LOWEST_8, 64, 52, 1023,
)  # fmt: skip


def exponential(code: Code, x: Any) -> Any:
    """`scalar.exp` of a vector whose numbers are at most about zero, or `scalar.exp_double`."""
    b, of = code.b, SINGLE if code.real is FLOAT else DOUBLE
    integers = ir.VectorType(ir.IntType(of.bits), code.lanes)

    def every(number: Any) -> Any:
        return ir.Constant(code.vector, [float(number)] * code.lanes)

    def every_integer(number: int) -> Any:
        return ir.Constant(integers, [number] * code.lanes)

    shifted = code.fma(x, every(of.log2e), every(of.magic))
    whole = b.fsub(shifted, every(of.magic))
    r = code.fma(whole, every(-of.high), x)
    r = code.fma(whole, every(-of.low), r)
    p = every(of.polynomial[0])
    for c in of.polynomial[1:]:
        p = code.fma(p, r, every(c))
    y = code.fma(p, b.fmul(r, r), b.fadd(r, every(1)))
    magic = int(np.float32(of.magic).view(np.int32) if of.bits == 32 else np.float64(of.magic).view(np.int64)) - of.bias
    power = b.shl(b.sub(b.bitcast(shifted, integers), every_integer(magic)), every_integer(of.fraction))
    y = b.fmul(y, b.bitcast(power, code.vector))
    return b.select(b.fcmp_ordered("<", x, every(of.lowest)), code.zero, y)  # NaN is not less, and stays


def _bytes(code: Code, count: Any) -> Any:
    return code.times(count, 4 if code.real is FLOAT else 8)


def _width(code: Code) -> int:
    """Bytes of a vector."""
    return code.lanes * (4 if code.real is FLOAT else 8)


def _loop(code: Code, count: Any, start: list[Any], body: Callable[..., list[Any]]) -> list[Any]:
    """What `body(byte, *values)` makes of some values, vector by vector of `count` numbers."""
    b = code.b
    before, loop, after = b.block, b.append_basic_block("loop"), b.append_basic_block("after")
    end = _bytes(code, count)
    b.branch(loop)
    b.position_at_end(loop)
    byte = b.phi(LONG)
    values = [b.phi(code.vector) for _ in start]
    new = body(byte, *values)
    following = b.add(byte, ir.Constant(LONG, _width(code)))
    for phi, first, later in zip((byte, *values), (ir.Constant(LONG, 0), *start), (following, *new), strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, b.block)
    b.cbranch(b.icmp_signed("<", following, end), loop, after)
    b.position_at_end(after)
    return new


def _kind(code: Code) -> str:
    """What LLVM's functions of such vectors are called after."""
    return f"v{code.lanes}f{8 * _width(code) // code.lanes}"


def _folded(code: Code, name: str, *args: Any) -> Any:
    """One number from a vector."""
    kind = ir.FunctionType(code.real, [a.type for a in args])
    name = f"llvm.vector.reduce.{name}.{_kind(code)}"
    function = code.b.module.globals.get(name) or ir.Function(code.b.module, kind, name)
    return code.b.call(function, args, fastmath=("nnan", "nsz", "reassoc") if len(args) == 1 else ("reassoc",))


def _largest(code: Code, p: Any, count: Any) -> Any:
    b = code.b
    p = b.inttoptr(p, ir.PointerType())
    name = f"llvm.maxnum.{_kind(code)}"
    kind = ir.FunctionType(code.vector, [code.vector] * 2)
    function = b.module.globals.get(name) or ir.Function(b.module, kind, name)

    def body(byte: Any, top: Any) -> list[Any]:
        return [b.call(function, [top, code.load(code.at(p, byte))], fastmath=("nnan", "nsz"))]

    least = ir.Constant(code.vector, [float("-inf")] * code.lanes)
    return _folded(code, "fmax", *_loop(code, count, [least], body))


def _exponentials(code: Code, p: Any, target: Any, count: Any, factor: Any, shift: Any) -> Any:
    b = code.b
    p, target = b.inttoptr(p, ir.PointerType()), b.inttoptr(target, ir.PointerType())
    factor, shift = code.splat(factor), b.fneg(code.splat(shift))

    def body(byte: Any, total: Any) -> list[Any]:
        e = exponential(code, code.fma(code.load(code.at(p, byte)), factor, shift))
        code.store(e, code.at(target, byte))
        return [b.fadd(total, e)]

    return _folded(code, "fadd", ir.Constant(code.real, 0.0), *_loop(code, count, [code.zero], body))


def _slopes(code: Code, p: Any, d: Any, count: Any, factor: Any, shift: Any, inner: Any) -> None:
    b = code.b
    p, d = b.inttoptr(p, ir.PointerType()), b.inttoptr(d, ir.PointerType())
    factor, shift, inner = code.splat(factor), b.fneg(code.splat(shift)), code.splat(inner)

    def body(byte: Any) -> list[Any]:
        place, slope = code.at(p, byte), code.at(d, byte)
        e = exponential(code, code.fma(code.load(place), factor, shift))
        code.store(e, place)
        code.store(b.fmul(e, b.fsub(code.load(slope), inner)), slope)
        return []

    _loop(code, count, [], body)
    behind = _bytes(code, count)
    code.store(code.zero, code.at(p, behind))
    code.store(code.zero, code.at(d, behind))


def _cut(code: Code, p: Any, first: Any, end: Any, value: Any) -> None:
    b = code.b
    p, value = b.inttoptr(p, ir.PointerType()), code.splat(value)
    start = b.and_(first, ir.Constant(LONG, -code.lanes))
    before, loop, after = b.block, b.append_basic_block("loop"), b.append_basic_block("after")
    place = code.at(p, _bytes(code, start))
    some = b.select(masks.first(code, b.sub(first, start)), code.load(place), value)
    code.store(some, place)
    at = b.add(start, ir.Constant(LONG, code.lanes))
    b.cbranch(b.icmp_signed("<", at, end), loop, after)
    b.position_at_end(loop)
    j = b.phi(LONG)
    code.store(value, code.at(p, _bytes(code, j)))
    following = b.add(j, ir.Constant(LONG, code.lanes))
    j.add_incoming(at, before)
    j.add_incoming(following, loop)
    b.cbranch(b.icmp_signed("<", following, end), loop, after)
    b.position_at_end(after)


def of(real: Any) -> tuple[Any, ...]:
    """The functions of rows of one of LLVM's types: `cut`, `largest`, `exponentials` and `slopes`."""
    number, integer = (types.float32 if real is FLOAT else types.float64), types.int64

    def bound(emit: Callable[..., Any], result: Any, *kinds: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            found = emit(Code(builder, real), *args)
            return context.get_dummy_value() if found is None else found

        return result(*kinds), generate

    @intrinsic
    def cut(typing: Any, p: Any, first: Any, end: Any, value: Any) -> Any:
        """p[first:end] = value, where `first` is less than `end`, which is a whole number of vectors."""
        return bound(_cut, types.void, integer, integer, integer, number)

    @intrinsic
    def largest(typing: Any, p: Any, count: Any) -> Any:
        """The largest of `count` numbers at p; NaN is passed over."""
        return bound(_largest, number, integer, integer)

    @intrinsic
    def exponentials(typing: Any, p: Any, target: Any, count: Any, factor: Any, shift: Any) -> Any:
        """target = exp(factor p - shift), and their sum; the exponents must not be positive by more than rounding."""
        return bound(_exponentials, number, integer, integer, integer, number, number)

    @intrinsic
    def slopes(typing: Any, p: Any, d: Any, count: Any, factor: Any, shift: Any, inner: Any) -> Any:
        """p = exp(factor p - shift), and d = p (d - inner); a vector of zeros behind both."""
        return bound(_slopes, types.void, integer, integer, integer, number, number, number)

    return cut, largest, exponentials, slopes
