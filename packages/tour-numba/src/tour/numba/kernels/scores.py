"""Rows of scores, vector by vector: the largest, the exponentials and their sum, and the gradient of a softmax.

A row is a whole number of vectors, at least one. What is written here as vectors LLVM would do so too, but it would leave the last
elements of a row, up to the four vectors that it takes at a time, to a loop over single numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir

from numba import types
from numba.extending import intrinsic
from tour.numba.kernels import masks, scalar
from tour.numba.kernels.lanes import FLOAT, LANES, LONG, VECTOR, ZERO, Code

INTEGERS = ir.VectorType(ir.IntType(32), LANES)
MOST_NEGATIVE = ir.Constant(VECTOR, [float("-inf")] * LANES)


def _all(number: Any) -> Any:
    """A constant vector."""
    if isinstance(number, np.floating):
        return ir.Constant(VECTOR, [float(number)] * LANES)
    return ir.Constant(INTEGERS, [int(number)] * LANES)


def exponential(code: Code, x: Any) -> Any:
    """`scalar.exp` of a vector whose numbers are at most about zero."""
    b = code.b
    shifted = code.fma(x, _all(scalar.LOG2E), _all(scalar.MAGIC))
    whole = b.fsub(shifted, _all(scalar.MAGIC))
    r = code.fma(whole, _all(-scalar.LN2_HIGH), x)
    r = code.fma(whole, _all(-scalar.LN2_LOW), r)
    p = _all(scalar.E4)
    for c in (scalar.E3, scalar.E2, scalar.E1, scalar.E0):
        p = code.fma(p, r, _all(c))
    y = code.fma(p, b.fmul(r, r), b.fadd(r, _all(scalar.ONE)))
    magic = int(np.float32(scalar.MAGIC).view(np.int32)) - int(scalar.BIAS)
    power = b.shl(b.sub(b.bitcast(shifted, INTEGERS), _all(magic)), _all(23))
    y = b.fmul(y, b.bitcast(power, VECTOR))
    return b.select(b.fcmp_ordered("<", x, _all(scalar.LOWEST)), ZERO, y)  # NaN is not less, and stays


def _loop(code: Code, count: Any, start: list[Any], body: Callable[..., list[Any]]) -> list[Any]:
    """What `body(byte, *values)` makes of some values, vector by vector of `count` numbers."""
    b = code.b
    before, loop, after = b.block, b.append_basic_block("loop"), b.append_basic_block("after")
    end = code.times(count, 4)
    b.branch(loop)
    b.position_at_end(loop)
    byte = b.phi(LONG)
    values = [b.phi(VECTOR) for _ in start]
    new = body(byte, *values)
    following = b.add(byte, ir.Constant(LONG, 4 * LANES))
    for phi, first, later in zip((byte, *values), (ir.Constant(LONG, 0), *start), (following, *new), strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, b.block)
    b.cbranch(b.icmp_signed("<", following, end), loop, after)
    b.position_at_end(after)
    return new


def _folded(code: Code, name: str, *args: Any) -> Any:
    """One number from a vector."""
    kind = ir.FunctionType(FLOAT, [a.type for a in args])
    name = f"llvm.vector.reduce.{name}.v{LANES}f32"
    function = code.b.module.globals.get(name) or ir.Function(code.b.module, kind, name)
    return code.b.call(function, args, fastmath=("nnan", "nsz", "reassoc") if len(args) == 1 else ("reassoc",))


def _largest(code: Code, p: Any, count: Any) -> Any:
    b = code.b
    p = b.inttoptr(p, ir.PointerType())
    name = f"llvm.maxnum.v{LANES}f32"
    kind = ir.FunctionType(VECTOR, [VECTOR] * 2)
    function = b.module.globals.get(name) or ir.Function(b.module, kind, name)

    def body(byte: Any, top: Any) -> list[Any]:
        return [b.call(function, [top, code.load(code.at(p, byte))], fastmath=("nnan", "nsz"))]

    return _folded(code, "fmax", *_loop(code, count, [MOST_NEGATIVE], body))


def _exponentials(code: Code, p: Any, target: Any, count: Any, factor: Any, shift: Any) -> Any:
    b = code.b
    p, target = b.inttoptr(p, ir.PointerType()), b.inttoptr(target, ir.PointerType())
    factor, shift = code.splat(factor), b.fneg(code.splat(shift))

    def body(byte: Any, total: Any) -> list[Any]:
        e = exponential(code, code.fma(code.load(code.at(p, byte)), factor, shift))
        code.store(e, code.at(target, byte))
        return [b.fadd(total, e)]

    return _folded(code, "fadd", ir.Constant(FLOAT, 0.0), *_loop(code, count, [ZERO], body))


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
    behind = code.times(count, 4)
    code.store(ZERO, code.at(p, behind))
    code.store(ZERO, code.at(d, behind))


def _cut(code: Code, p: Any, first: Any, end: Any, value: Any) -> None:
    b = code.b
    p, value = b.inttoptr(p, ir.PointerType()), code.splat(value)
    start = b.and_(first, ir.Constant(LONG, -LANES))
    before, loop, after = b.block, b.append_basic_block("loop"), b.append_basic_block("after")
    place = code.at(p, code.times(start, 4))
    some = b.select(masks.first(code, b.sub(first, start)), code.load(place), value)
    code.store(some, place)
    at = b.add(start, ir.Constant(LONG, LANES))
    b.cbranch(b.icmp_signed("<", at, end), loop, after)
    b.position_at_end(loop)
    j = b.phi(LONG)
    code.store(value, code.at(p, code.times(j, 4)))
    following = b.add(j, ir.Constant(LONG, LANES))
    j.add_incoming(at, before)
    j.add_incoming(following, loop)
    b.cbranch(b.icmp_signed("<", following, end), loop, after)
    b.position_at_end(after)


def _bound(emit: Callable[..., Any], result: Any, *kinds: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = emit(Code(builder), *args)
        return context.get_dummy_value() if found is None else found

    return result(*kinds), generate


_L, _F = types.int64, types.float32


@intrinsic
def cut(typing: Any, p: Any, first: Any, end: Any, value: Any) -> Any:
    """p[first:end] = value, where `first` is less than `end`, which is a whole number of vectors."""
    return _bound(_cut, types.void, _L, _L, _L, _F)


@intrinsic
def largest(typing: Any, p: Any, count: Any) -> Any:
    """The largest of `count` numbers at p; NaN is passed over."""
    return _bound(_largest, _F, _L, _L)


@intrinsic
def exponentials(typing: Any, p: Any, target: Any, count: Any, factor: Any, shift: Any) -> Any:
    """target = exp(factor p - shift), and their sum; the exponents must not be positive by more than rounding."""
    return _bound(_exponentials, _F, _L, _L, _L, _F, _F)


@intrinsic
def slopes(typing: Any, p: Any, d: Any, count: Any, factor: Any, shift: Any, inner: Any) -> Any:
    """p = exp(factor p - shift), and d = p (d - inner); a vector of zeros behind both."""
    return _bound(_slopes, types.void, _L, _L, _L, _F, _F, _F)
