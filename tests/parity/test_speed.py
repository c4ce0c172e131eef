"""What is to be at least as fast as PyTorch, as a ratio within one run: the fairest of several rounds counts."""

from __future__ import annotations

import timeit
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch")

import torch

import tour

SHAPES = [(16, 8), (32,), (4, 4, 3, 3), (1,)] * 50


def adam(library: Any, **options: Any) -> Callable[[], Any]:
    """A step of Adam over 200 small parameters."""
    params = [library.zeros(shape, requires_grad=True) for shape in SHAPES]
    for p in params:
        p.grad = library.ones(p.shape)
    step: Callable[[], Any] = library.optim.Adam(params, lr=1e-3, **options).step
    return step


def best(f: Callable[[], Any]) -> float:
    return min(timeit.repeat(f, number=5, repeat=5))


def test_adam_over_200_small_tensors() -> None:
    mine, theirs = adam(tour), adam(torch, fused=True)
    assert min(best(mine) / best(theirs) for _ in range(8)) <= 1
