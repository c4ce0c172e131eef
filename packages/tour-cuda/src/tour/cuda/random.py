"""The generator behind CUDA tensors, which is the CPU's: the same seed gives the same numbers on every device."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

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
    """The state of the generator, as a tensor of bytes on the CPU."""
    import tour

    return tour.get_rng_state()


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    """Put the generator into a state."""
    import tour

    tour.set_rng_state(new_state)


def get_rng_state_all() -> list[Any]:
    """The state for each device."""
    from tour.cuda.devices import device_count

    return [get_rng_state() for _ in range(device_count())]


def set_rng_state_all(new_states: Iterable[Any]) -> None:
    """Put the generator into the state of the last of several devices."""
    for state in new_states:
        set_rng_state(state)
