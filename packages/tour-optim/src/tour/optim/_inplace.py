"""The compound assignments that optimizers are written in, on raw arrays, in the order of operations of PyTorch's.

Each takes one or two temporaries the size of its operands. Operands are blocks that fit a processor's cache, so that is as fast as
threading preallocated buffers through every line (measured), and reads like the formula.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

Array = Any

__all__ = ["addcdiv_", "addcmul_", "gradient", "lerp_"]


def lerp_(a: Array, b: Array, weight: float) -> None:
    """a ← a + weight·(b − a), computed from the nearer end."""
    d = b - a
    if weight < 0.5:
        d *= weight
        a += d
    else:
        d *= 1 - weight
        a[...] = b
        a -= d


def addcmul_(a: Array, x: Array, y: Array, value: float) -> None:
    """a ← a + value·x·y."""
    d = x * value
    d *= y
    a += d


def addcdiv_(a: Array, x: Array, y: Array, value: float) -> None:
    """a ← a + value·x / y."""
    d = x * value
    d /= y
    a += d


def gradient(p: Array, g: Array, h: SimpleNamespace) -> Array:
    """The direction of steepest ascent of what is minimized: −g when maximizing, plus weight decay as an L2 penalty, λ·p.

    Decoupled weight decay (Loshchilov & Hutter, 2019, https://arxiv.org/abs/1711.05101) shrinks `p` instead: p ← (1 − lr·λ)·p.
    """
    if h.maximize:
        g = -g
    if h.weight_decay != 0:
        if getattr(h, "decoupled_weight_decay", False):
            p *= 1 - h.lr * h.weight_decay
        else:
            g = g + h.weight_decay * p
    return g
