"""Gradients of other orders and repetitions of elements."""

from __future__ import annotations

from typing import Any

from tour.autograd.rule import tensor_vjp
from tour.ops import arranging as op


def _repeat(g: Any, input_shape: tuple[int, ...], repeats: tuple[int, ...]) -> Any:
    """The sum over all repetitions."""
    shape = (1,) * (len(repeats) - len(input_shape)) + input_shape
    apart = g.reshape([k for n, m in zip(repeats, shape, strict=True) for k in (n, m)])
    return apart.sum(tuple(range(0, 2 * len(shape), 2))).reshape(input_shape) if shape else g


tensor_vjp(op._FLIP, input=lambda g, dims: g.flip(dims))
tensor_vjp(op._ROLL, input=lambda g, shifts, dims: g.roll([-n for n in shifts], dims))
tensor_vjp(op._REPEAT, input=_repeat)
tensor_vjp(op._PAD, input=lambda g, sizes: op.constant_pad_nd(g, [-n for pair in reversed(sizes) for n in pair]))
