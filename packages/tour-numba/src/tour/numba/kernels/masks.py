"""Reading and writing the first few numbers of a vector."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tour.numba.kernels.lanes import LANES, LONG, VECTOR, ZERO, Code

BITS = ir.VectorType(ir.IntType(1), LANES)
PLACES = ir.VectorType(ir.IntType(32), LANES)


def first(code: Code, count: Any, skipped: int = 0) -> Any:
    """A mask of the lanes whose number plus `skipped` is below `count`."""
    b = code.b
    places = ir.VectorType(ir.IntType(32), code.lanes)
    lane = ir.Constant(places, [i + skipped for i in range(code.lanes)])
    none = ir.Constant(places, ir.Undefined)
    most = ir.Constant(LONG, code.lanes + skipped)  # compared in 32 bits, a vector's numbers at once
    count = b.trunc(b.select(b.icmp_signed("<", count, most), count, most), ir.IntType(32))
    limit = b.insert_element(none, count, ir.Constant(ir.IntType(32), 0))
    limit = b.shuffle_vector(limit, none, ir.Constant(places, [0] * code.lanes))
    return b.icmp_signed("<", lane, limit)


def _declared(code: Code, name: str, kind: Any) -> Any:
    return code.b.module.globals.get(name) or ir.Function(code.b.module, kind, name)


def masked_load(code: Code, pointer: Any, mask: Any) -> Any:
    """A vector, zeros where the mask does not hold; nothing is read there."""
    kind = ir.FunctionType(VECTOR, [ir.PointerType(), ir.IntType(32), BITS, VECTOR])
    function = _declared(code, f"llvm.masked.load.v{LANES}f32.p0", kind)
    return code.b.call(function, [pointer, ir.Constant(ir.IntType(32), 4), mask, ZERO])


def masked_store(code: Code, value: Any, pointer: Any, mask: Any) -> None:
    """Write a vector where the mask holds."""
    kind = ir.FunctionType(ir.VoidType(), [VECTOR, ir.PointerType(), ir.IntType(32), BITS])
    function = _declared(code, f"llvm.masked.store.v{LANES}f32.p0", kind)
    code.b.call(function, [value, pointer, ir.Constant(ir.IntType(32), 4), mask])
