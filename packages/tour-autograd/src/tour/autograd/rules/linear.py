"""Gradients of matrix products."""

from __future__ import annotations

from typing import Any

from tour.autograd.both import product
from tour.autograd.engine import sum_to
from tour.autograd.rule import vjp
from tour.ops import linear as op


def _to_left(g: Any, input_shape: tuple[int, ...], other: Any) -> Any:
    if len(input_shape) == 2 and other.ndim == 2:
        return product(g, other.conj().T)
    if other.ndim == 1:
        return sum_to(g[..., None] * other.conj(), input_shape)
    if len(input_shape) == 1:
        return sum_to((other.conj() @ g[..., None])[..., 0], input_shape)
    return sum_to(product(g, other.conj().mT), input_shape)


def _to_right(g: Any, input: Any, other_shape: tuple[int, ...]) -> Any:
    if input.ndim == 2 and len(other_shape) == 2:
        return product(input.conj().T, g)
    if input.ndim == 1:
        return (
            sum_to(input.conj()[:, None] * g[..., None, :], other_shape) if len(other_shape) > 1 else g * input.conj()
        )
    if len(other_shape) == 1:
        return sum_to(input.conj() * g[..., None], other_shape)
    return sum_to(product(input.conj().mT, g), other_shape)


vjp(op.matmul, input=_to_left, other=_to_right)
