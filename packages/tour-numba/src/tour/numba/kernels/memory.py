"""Typed pointers, and the share of the work that a part has."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from numba import njit, types
from numba.extending import intrinsic


def _pointer(kind: Any) -> Any:
    def typed(typing: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

        return types.CPointer(kind)(types.int64), generate

    return intrinsic(typed)


longs, ints = _pointer(types.int64), _pointer(types.int32)
unsigned, unsigned_longs = _pointer(types.uint32), _pointer(types.uint64)
bytes_ = _pointer(types.uint8)
floats = _pointer(types.float32)
doubles = _pointer(types.float64)


def _fetching(writing: int) -> Any:
    def typed(typing: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            number = ir.IntType(32)
            kind = ir.FunctionType(ir.VoidType(), [ir.PointerType(), number, number, number])
            name = "llvm.prefetch.p0"
            function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
            pointer = builder.inttoptr(args[0], ir.PointerType())
            builder.call(function, [pointer, *(ir.Constant(number, n) for n in (writing, 2, 1))])
            return context.get_dummy_value()

        return types.void(types.int64), generate

    return intrinsic(typed)


@intrinsic
def next_of(typing: Any, address: Any) -> Any:
    """The counter at an address, which goes up by one: no two threads get the same number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], ir.PointerType())
        return builder.atomic_rmw("add", pointer, ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(types.int64), generate


fetch, fetch_to_write = _fetching(0), _fetching(1)  # bring a cache line near, before it is asked for


# A function that kernels call; without Python's check of divisors, which keeps loops from becoming vectors.
helper = njit(error_model="numpy", forceinline=True)
function = njit(error_model="numpy")  # for longer ones


@helper
def span(n: int, part: int, parts: int) -> Any:
    """First and last index of a part of `n` elements, on borders of 64, so that no two parts write into one cache line."""
    blocks = (n + 63) // 64
    return min(part * blocks // parts * 64, n), min((part + 1) * blocks // parts * 64, n)


@helper
def rows(n: int, part: int, parts: int) -> Any:
    """First and last row of a part of `n` rows."""
    return part * n // parts, (part + 1) * n // parts
