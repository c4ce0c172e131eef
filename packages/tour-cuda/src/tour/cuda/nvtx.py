"""Ranges that NVIDIA's profilers show beside the kernels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tour.cuda import _cupy

__all__ = ["mark", "range", "range_pop", "range_push"]

_depth = [0]


def range_push(msg: str) -> int:
    """Begin a range inside those that are open; how many were."""
    _cupy.ready().cuda.nvtx.RangePush(msg)
    _depth[0] += 1
    return _depth[0] - 1


def range_pop() -> int:
    """End the innermost range; how many are left."""
    _cupy.ready().cuda.nvtx.RangePop()
    _depth[0] -= 1
    return _depth[0]


def mark(msg: str) -> None:
    """Mark an instant."""
    _cupy.ready().cuda.nvtx.Mark(msg)


@contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:
    """A block, or a function, as a range; the text may have places for `str.format`."""
    range_push(msg.format(*args, **kwargs))
    try:
        yield
    finally:
        range_pop()
