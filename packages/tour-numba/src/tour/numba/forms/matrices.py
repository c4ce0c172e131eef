"""Matrix products in single precision."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tour.numba import _memory as memory
from tour.numba import _pool
from tour.numba._native import Kernel, vector_bits
from tour.numba.forms._sharing import STEAL

Array = Any

_product = Kernel("matrices.product")

LANES = vector_bits() // 32
WIDE = 4 * LANES if LANES != 8 else 2 * LANES  # columns of a panel, as in the kernels
DEPTH, HEIGHT = 384, 48
GROUP = 4
SCRATCH = DEPTH * (GROUP * WIDE + HEIGHT) + HEIGHT * WIDE
ALONE = 1 << 21  # products of numbers, 40 µs, that one thread computes as soon as two
ZERO = np.zeros(1, np.int64)


@cache
def _places() -> Array:
    return 4 * WIDE * np.arange(LANES, dtype=np.int64)


def _run(
    out: Array, a: Array, b: Array, bias: Any, count: int, a_at: Array, b_at: Array, m: int, n: int, k: int
) -> None:
    a_row, a_step = a.strides[-2:]
    b_row, b_step = b.strides[-2:]
    panels = -(-n // WIDE) if a_step == 4 else -(-n // (GROUP * WIDE))
    threads = _pool.threads() if count * m * n * k > ALONE else 1
    parts, chunk = 1, m
    if threads > 1:
        wanted = STEAL * threads
        if count * panels < wanted and m > HEIGHT:
            pieces = -(-wanted // (count * panels))
            chunk = max(HEIGHT, -(-m // pieces // 6) * 6)
        parts = min(count * panels * -(-m // chunk), wanted)
    scratch = memory.empty((parts, SCRATCH))
    _product(
        parts, a, b, out, bias, scratch, a_at, b_at, count, m, n, k, a_row, a_step, b_row, b_step, chunk, _places()
    )  # fmt: skip


def _worth(m: int, n: int, k: int) -> bool:
    """Whether there is something to compute, and to read more than once: BLAS multiplies vectors as fast as memory allows."""
    return m > 1 and n > 1 and k > 0


def product(a: Array, b: Array) -> Any:
    """The product of two matrices, or of two stacks of them."""
    if a.dtype is not memory.F32 or b.dtype is not memory.F32 or a.ndim < 2 or b.ndim < 2:
        return NotImplemented
    (m, k), n = a.shape[-2:], b.shape[-1]
    if b.shape[-2] != k or not _worth(m, n, k):
        return NotImplemented
    if a.ndim == 2 == b.ndim:
        out = memory.empty((m, n))
        _run(out, a, b, 0, 1, ZERO, ZERO, m, n, k)
        return out
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    out = memory.empty((*lead, m, n))
    a_at, b_at = (_starts(x, lead) for x in (a, b))
    _run(out, a, b, 0, a_at.size, a_at, b_at, m, n, k)
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
    if k != width or not _worth(m, n, k) or (bias is not None and bias.shape != (n,)):
        return NotImplemented
    out = memory.empty((m, n))
    _run(out, x, weight.T, 0 if bias is None else memory.dense(bias), 1, ZERO, ZERO, m, n, k)
    return out
