"""Random numbers drawn on the device: Philox counters, whose state lies in the device's memory.

Each draw launches a kernel that reads the state and one that moves it on; so a captured graph draws new numbers at each replay. The same
seed gives the same numbers on every device, and `tour.cuda._philox` gives them in NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.cuda import _cupy
from tour.cuda._array import CudaArray
from tour.cuda._launch import Array, Grid, Kernel, elements, empty, runner, serves
from tour.random import default_generator, followers

_uniform, _normal, _bernoulli = (Kernel(f"random.{k}") for k in ("uniform", "normal", "bernoulli"))
_set, _advance, _take = (Kernel(f"random.{k}") for k in ("set_state", "advance", "take"))
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


class Streams:
    """The streams of all devices, which follow tour's own; see `tour.random.Follower`."""

    def manual_seed(self, seed: int) -> None:
        """Let all devices start from a seed."""
        manual_seed(seed)

    def get(self) -> dict[Any, Array]:
        """Copies of the states, in the memory of their devices: nothing waits."""
        return {key: found.copy() for key, found in _states.items()}

    def set(self, state: dict[Any, Array]) -> None:
        """Put the states back; devices that had none begin anew."""
        for key, found in _states.items():
            if key in state:
                found[...] = state[key]
            else:
                put(found, _first_seed(), 0)


streams = Streams()


def _of(device: int) -> Array | None:
    """The state of a device, if it has drawn anything."""
    return next((found for (_, at), found in _states.items() if at == device), None)


def stood(device: int) -> np.ndarray[Any, Any]:
    """Seed and offset of a device as 16 bytes, or none where it has drawn nothing; waits for it."""
    found = _of(device)
    return np.zeros(0, np.uint8) if found is None else runner(found).read(found).view(np.uint8)


def continue_from(numbers: np.ndarray[Any, Any], device: int) -> None:
    """Let a device go on where `stood` was called, perhaps by a process before this one."""
    found = _of(device)
    if found is None:
        with _cupy.ready().cuda.Device(device):
            found = state(CudaArray(_cupy.module().empty((1,), np.float32)))
    put(found, *map(int, numbers.view(np.uint64)))


def _first_seed() -> int:
    if streams not in followers:
        followers.append(streams)
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


def taken(like: Array, count: int) -> Array:
    """The state for a draw of `count` numbers by another kernel: a copy of two uint64, behind which the device's state moves on."""
    found = empty((2,), np.uint64, like)
    _take(_ONE, state(like), found, count, scalar=np.float32)
    return found


def fill_bernoulli(a: Array, taken: Array, p: float, value: float) -> Array:
    """The same as `bernoulli`, from a state that was taken."""
    _bernoulli(elements(-(-a.size // 4)), taken, a, a.size, float(p), float(value))
    return a
