"""Random number generators: `manual_seed(s)` gives the numbers that PyTorch gives on a CPU, on every device.

A `Generator` is one stream of numbers; functions that draw take `default_generator` where none is named. They draw on the host, so
that the same seed gives the same numbers on any device. What is drawn from the streams stands in `tour.ops.continuous` and
`tour.ops.discrete`. A device may have a stream of its own beside them, for masks of dropout and for graphs that it records: it is one of
`followers`, which start from the same seeds.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tour._core import wrap
from tour._devices import device as Device
from tour._random_engine import DEFAULT_SEED, Engine

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "Generator",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
    "thread_safe_generator",
]


class Generator:
    """A stream of random numbers of its own, PyTorch's MT19937.

    A new generator starts from one fixed seed, as PyTorch's does; `seed()` makes it start from the system's entropy.

    Args:
        device: What `device` says. It does not change the numbers: they are always drawn on the host.

    Attributes:
        device: The device it was made for.

    Examples:
        >>> import tour
        >>> g = tour.Generator().manual_seed(0)
        >>> tour.rand(2, generator=g)
        tensor([0.4963, 0.7682])
    """

    __slots__ = ("__weakref__", "_engine", "device")

    device: Device
    _engine: Engine

    def __init__(self, device: Device | str | int = "cpu") -> None:
        self.device = Device(device)
        self._engine = Engine(DEFAULT_SEED)

    def manual_seed(self, seed: int) -> Generator:
        """Start from `seed`, from -2 ** 63 to 2 ** 64 - 1; a negative one counts back from 2 ** 64. Returns the generator.

        Raises:
            RuntimeError: If it is no integer.
            ValueError: If it does not fit 64 bits.
        """
        if not hasattr(seed, "__index__"):
            raise RuntimeError(f"manual_seed expected an int, but got {type(seed).__name__}")
        number = seed.__index__()
        if not -(1 << 63) <= number < 1 << 64:
            raise ValueError(f"the seed {number} does not fit 64 bits; give one from -2**63 to 2**64 - 1")
        self._engine.manual_seed(number)
        return self

    def seed(self) -> int:
        """Start from 64 random bits of the operating system, and return them."""
        return self._engine.seed()

    def initial_seed(self) -> int:
        """The seed it last started from."""
        return self._engine.initial_seed()

    def get_state(self) -> Tensor:
        """Where the stream stands: 5056 bytes (uint8), which PyTorch's CPU generators understand too."""
        return wrap(self._engine.get_state())

    def set_state(self, new_state: Tensor) -> None:
        """Continue where `new_state` was taken; a state of PyTorch's CPU generator will do.

        Raises:
            TypeError: If it is not a tensor of bytes (uint8).
            RuntimeError: If it has another size, or no generator can be in this state.
        """
        state = np.asarray(new_state)
        if state.dtype != np.uint8:
            got = f"a {new_state.dtype} one" if hasattr(new_state, "dtype") else type(new_state).__name__
            raise TypeError(f"the RNG state must be a uint8 tensor, as get_state() returns, but got {got}")
        self._engine.set_state(state)

    def clone_state(self) -> Generator:
        """A generator that will give the same numbers as this one."""
        twin = Generator(self.device)
        twin._engine.set_state(self._engine.get_state())
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.device, self._engine.get_state())

    def __repr__(self) -> str:
        return f"<tour.Generator device={str(self.device)!r} initial_seed={self.initial_seed()}>"


def _restore(device: Device, state: np.ndarray[Any, Any]) -> Generator:
    generator = Generator(device)
    generator._engine.set_state(state)
    return generator


default_generator = Generator()
default_generator._engine.manual_seed(int.from_bytes(os.urandom(8), "little"))


class Follower(Protocol):
    """The streams of a device."""

    def manual_seed(self, seed: int) -> None:
        """Start from a seed."""

    def get(self) -> Any:
        """Where the streams stand."""

    def set(self, state: Any) -> None:
        """Continue where `get` was called."""


followers: list[Follower] = []
# While a device records work to repeat it, what makes an engine whose draws are recorded: `recorders[-1](engine, named)`.
recorders: list[Callable[[Engine, bool], Any]] = []


def snapshot() -> tuple[Any, list[Any]]:
    """Where the default generator and the streams of devices stand, for `restore`."""
    return default_generator._engine.get_state(), [(f, f.get()) for f in followers]


def restore(state: tuple[Any, list[Any]]) -> None:
    """Let them continue where a snapshot was taken."""
    default_generator._engine.set_state(state[0])
    for follower, stood in state[1]:
        follower.set(stood)


def manual_seed(seed: int) -> Generator:
    """Start the default generator from `seed`; returns the generator.

    Args:
        seed: From -2 ** 63 to 2 ** 64 - 1. PyTorch's MT19937 takes its low 32 bits.

    Raises:
        ValueError: If it does not fit 64 bits.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.rand(3)  # torch.manual_seed(0) gives the same
        tensor([0.4963, 0.7682, 0.0885])
    """
    for follower in followers:
        follower.manual_seed(int(seed))
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Start the default generator from 64 random bits of the operating system, and return them.

    Examples:
        >>> import tour
        >>> tour.seed() == tour.initial_seed()
        True
    """
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator last started from.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(-1)
        >>> tour.initial_seed() == 2**64 - 1
        True
    """
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """Where the default generator stands, as 5056 bytes.

    Examples:
        >>> import tour
        >>> state = tour.get_rng_state()
        >>> a = tour.rand(2)
        >>> tour.set_rng_state(state)
        >>> tour.rand(2).tolist() == a.tolist()
        True
    """
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Let the default generator continue where `new_state` was taken, here or by `torch.get_rng_state()`.

    Raises:
        TypeError: If it is not a tensor of bytes (uint8).
        RuntimeError: If it has another size, or no generator can be in this state.

    Examples:
        >>> import tour
        >>> state = tour.get_rng_state()
        >>> first = tour.rand(3)
        >>> tour.set_rng_state(state)
        >>> bool((tour.rand(3) == first).all())
        True
    """
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(
    devices: Iterable[Any] | None = None, enabled: bool = True, *, device_type: str | None = None
) -> Iterator[None]:
    """A context whose draws leave no trace: afterwards the default generator, and streams of devices, stand where they stood before.

    Args:
        devices: Accepted for PyTorch's sake: all that have a stream of their own are meant.
        enabled: False makes it do nothing.
        device_type: Accepted for PyTorch's sake.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> with tour.random.fork_rng():
        ...     _ = tour.rand(100)
        >>> tour.rand(1)
        tensor([0.4963])
    """
    if not enabled:
        yield
        return
    state = snapshot()
    try:
        yield
    finally:
        restore(state)


worker = threading.local()  # a thread that loads data keeps its own generator here, as `worker.generator`


def thread_safe_generator() -> Generator | None:
    """The generator of this thread if it is one that loads data; else None, which means the default generator.

    Examples:
        >>> import tour
        >>> tour.random.thread_safe_generator() is None
        True
    """
    return getattr(worker, "generator", None)
