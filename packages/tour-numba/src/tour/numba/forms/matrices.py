"""Matrix products in single precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.numba import _memory as memory
from tour.numba import _pool
from tour.numba._machine import vector_bits
from tour.numba._native import Kernel

Array = Any

_product = Kernel("matrices.product")

LANES = vector_bits() // 32
WIDE = 4 * LANES if LANES != 8 else 2 * LANES  # columns of a panel, as in the kernels
DEPTH, HEIGHT = 384, 48
SCRATCH = 4 * LANES + (1 << 17) + DEPTH * HEIGHT  # numbers that a part needs where it copies panels or rows
BROAD, FEW, MASKS = 512, 1 << 16, LANES > 4  # where it does not, as in the kernels
ALONE = 1 << 19  # products of numbers, 9 µs, that one thread computes as soon as two
TINY = (
    10**6 if vector_bits() == 512 else 0
)  # products for which OpenBLAS has kernels that copy nothing and wake no threads


def _run(out: Array, a: Array, b: Array, bias: Any, m: int, n: int, k: int, *stack: Any) -> None:
    """out = a b + bias; `stack` is how many products, and where each begins in a and b, unless there is one."""
    work = m * n * k * stack[0] if stack else m * n * k
    parts = 1 if work <= ALONE else _pool.threads()
    still = b.strides[-1] == 4 and n <= BROAD and m * k <= FEW and MASKS
    scratch = 0 if still else memory.empty((parts, SCRATCH))
    _product(parts, id(a), id(b), id(out), bias, scratch, 0, len(stack), *stack)


def product(a: Array, b: Array) -> Any:
    """The product of two matrices, or of two stacks of them."""
    if a.dtype is not memory.F32 or b.dtype is not memory.F32:
        return NotImplemented
    if a.ndim == 2 == b.ndim:
        (m, k), (depth, n) = a.shape, b.shape
        if depth != k or m < 2 or n < 2 or k < 1:
            return NotImplemented  # BLAS multiplies vectors as fast as memory allows
        if (
            (work := m * n * k) <= TINY
            and (b.strides[1] == 4 or a.strides[0] == 4)
            and (work <= ALONE or _pool.threads() == 1)
        ):
            return NotImplemented
        out = memory.empty((m, n))
        _run(out, a, b, 0, m, n, k)
        return out
    if a.ndim < 2 or b.ndim < 2:
        return NotImplemented
    *left, m, k = a.shape
    *right, depth, n = b.shape
    if depth != k or m < 2 or n < 2 or k < 1:
        return NotImplemented
    lead = np.broadcast_shapes(tuple(left), tuple(right))
    out = memory.empty((*lead, m, n))
    a_at, b_at = (_starts(x, lead) for x in (a, b))
    _run(out, a, b, 0, m, n, k, a_at.size, a_at, b_at)
    return out


def _starts(x: Array, lead: tuple[int, ...]) -> Array:
    """Where each matrix of a stack begins, in bytes, repeated to the leading dimensions."""
    at = np.zeros((1,) * len(lead), np.int64)
    for axis, (size, stride) in enumerate(zip(reversed(x.shape[:-2]), reversed(x.strides[:-2]), strict=True)):
        shape = (-1, *(1,) * axis)
        at = at + (np.arange(size, dtype=np.int64) * stride).reshape(shape)
    return np.ascontiguousarray(np.broadcast_to(at, lead))


def affine(x: Array, weight: Array, bias: Array | None) -> Any:
    """`x @ weight.T + bias` for matrices."""
    if (
        x.dtype is not memory.F32
        or weight.dtype is not memory.F32
        or (bias is not None and bias.dtype is not memory.F32)
    ):
        return NotImplemented
    (m, k), (n, width) = x.shape, weight.shape
    if k != width or m < 2 or n < 2 or k < 1:
        return NotImplemented
    if bias is not None and bias.shape != (n,):
        return NotImplemented
    out = memory.empty((m, n))
    _run(out, x, weight.T, 0 if bias is None else memory.dense(bias), m, n, k)
    return out
