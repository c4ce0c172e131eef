"""Random numbers drawn on the device: Philox counters, whose state lies in the device's memory.

Each draw launches a kernel that reads the state and one that moves it on; so a captured graph draws new numbers at each replay. The same
seed gives the same numbers on every device, and `tour.cuda._philox` gives them in NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.cuda._launch import Array, Grid, Kernel, elements, runner, serves
from tour.random import default_generator, followers

_uniform, _normal, _bernoulli = (Kernel(f"random.{k}") for k in ("uniform", "normal", "bernoulli"))
_set, _advance = Kernel("random.set_state"), Kernel("random.advance")
_ONE = Grid((1, 1, 1), (1, 1, 1))

_states: dict[Any, Array] = {}  # by runner and device: seed, and blocks of four words used
_seed: list[int | None] = [None]  # what `manual_seed` was last given; None: that of tour's generator


def state(like: Array) -> Array:
    """The state of the device of `like`, two uint64 in its memory."""
    served = runner(like)
    key = served, served.device(like)
    found = _states.get(key)
    if found is None:
        found = _states[key] = served.empty((2,), np.dtype(np.uint64), like)
        put(found, _first_seed(), 0)
    return found


def _first_seed() -> int:
    if manual_seed not in followers:
        followers.append(manual_seed)
    return default_generator.initial_seed() if _seed[0] is None else _seed[0]


def put(found: Array, seed: int, offset: int) -> None:
    """Let a state start from a seed, after `offset` blocks."""
    _set(_ONE, found, seed % 2**64, offset, scalar=np.float32)


def manual_seed(seed: int) -> None:
    """Let all devices start from a seed."""
    _seed[0] = seed
    for found in _states.values():
        put(found, seed, 0)


def _draw(kernel: Kernel, a: Array, *numbers: float) -> Any:
    if not serves(a) or not a.flags.c_contiguous:
        return NotImplemented
    if a.size:
        blocks, now = -(-a.size // (2 if a.dtype == np.float64 else 4)), state(a)
        kernel(elements(blocks), now, a, a.size, *map(float, numbers))
        _advance(_ONE, now, blocks, scalar=np.float32)
    return a


def uniform(a: Array, low: float = 0.0, high: float = 1.0) -> Any:
    """Fill an array with numbers of [low, high)."""
    return _draw(_uniform, a, low, high)


def normal(a: Array, mean: float = 0.0, deviation: float = 1.0) -> Any:
    """Fill an array with normal numbers."""
    return _draw(_normal, a, mean, deviation)


def bernoulli(a: Array, p: float, value: float = 1.0) -> Any:
    """Fill an array with `value`, with probability p, and zeros: with 1 / p for the mask of a dropout."""
    return _draw(_bernoulli, a, p, value)
