"""The generator behind CUDA tensors, which is the CPU's: the same seed gives the same numbers on every device.

Masks of dropout, and what a captured graph draws, come from streams of the devices' own, which start from the same seed (`_random`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tour.cuda.devices import device_count, index_of

__all__ = [
    "get_rng_state", "get_rng_state_all", "initial_seed", "manual_seed", "manual_seed_all", "seed", "seed_all", "set_rng_state",
    "set_rng_state_all",
]  # fmt: skip


def manual_seed(seed: int) -> None:
    """Seed the generator; the same as `tour.manual_seed`."""
    import tour

    tour.manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    """Seed the generator of every device, which is one; see `manual_seed`."""
    manual_seed(seed)


def seed() -> None:
    """Seed the generator with a number that nobody can foresee."""
    import tour

    tour.seed()


seed_all = seed


def initial_seed() -> int:
    """The seed that the generator was last given."""
    import tour

    return tour.initial_seed()


def get_rng_state(device: Any = "cuda") -> Any:
    """Where the generator stands and, behind that, the device's own stream: a tensor of bytes on the CPU; waits for the device.

    The 5056 bytes of `tour.get_rng_state()` come first. 16 bytes follow where the device has drawn masks or numbers of a graph.
    """
    import tour
    from tour.cuda import _random

    return tour.cat([tour.get_rng_state(), tour.from_numpy(_random.stood(index_of(device)))])


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    """Put the generator, and the device's own stream, into a state; one of `tour.get_rng_state()` is that of the generator alone.

    Raises:
        TypeError: If it is not a tensor of bytes (uint8).
        RuntimeError: If it has another size, or no generator can be in this state.
    """
    import tour
    from tour._devices import backend
    from tour.cuda import _random

    size = tour.get_rng_state().numel()
    own = new_state[size:] if getattr(new_state, "ndim", 0) == 1 and new_state.shape[0] == size + 16 else None
    tour.set_rng_state(new_state if own is None else new_state[:size].clone())
    if own is not None:
        backend("cuda")  # which brings the kernels
        _random.continue_from(own.numpy(), index_of(device))


def get_rng_state_all() -> list[Any]:
    """The state for each device."""
    return [get_rng_state(i) for i in range(device_count())]


def set_rng_state_all(new_states: Iterable[Any]) -> None:
    """Put the streams of all devices into states, and the generator into that of the last."""
    for i, state in enumerate(new_states):
        set_rng_state(state, i)
