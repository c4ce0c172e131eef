"""Arrays with guards round them: what a kernel writes outside its result shows, and what it reads outside its input spoils it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tour.numba import _memory

GUARD = 64  # elements before and behind


class Guarded:
    """Makes arrays between guards, and looks whether the guards still stand."""

    def __init__(self) -> None:
        self.buffers: list[tuple[Any, int, float]] = []

    def make(self, shape: tuple[int, ...], value: float, dtype: Any = np.float32) -> Any:
        """An array between guards of some value."""
        size = int(np.prod(shape, dtype=np.int64))
        buffer = np.full(size + 2 * GUARD, value, dtype)
        self.buffers.append((buffer, size, value))
        return buffer[GUARD : GUARD + size].reshape(shape)

    def result(self, shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
        """In place of `_memory.empty`: full of a number that no test computes."""
        return self.make(shape, -7.25e18, dtype)

    def input(self, a: Any) -> Any:
        """A copy of an array between NaNs."""
        copy = self.make(a.shape, np.nan, a.dtype if a.dtype.kind == "f" else np.float32)
        copy[...] = a
        return copy

    def check(self) -> None:
        """Fail if a guard has been written."""
        for buffer, size, value in self.buffers:
            for side in (buffer[:GUARD], buffer[GUARD + size :]):
                assert np.array_equal(side, np.full(GUARD, value, buffer.dtype), equal_nan=True), "written outside"


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    """Guards round every result; checked at the end."""
    guards = Guarded()
    monkeypatch.setattr(_memory, "empty", guards.result)
    yield guards
    guards.check()


@pytest.fixture
def fenced(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], None]]:
    """Guards round everything that a module of forms makes with `np.empty`, whatever its dtype; checked at the end."""
    buffers: list[tuple[Any, Any]] = []

    def empty(shape: Any, dtype: Any = np.float64) -> Any:
        dtype, size = np.dtype(dtype), int(np.prod(shape, dtype=np.int64))
        buffer = np.full((size + 2 * GUARD) * dtype.itemsize, 0xA5, np.uint8)
        inner = buffer[GUARD * dtype.itemsize : (GUARD + size) * dtype.itemsize]
        buffers.append((buffer, inner))
        return inner.view(dtype).reshape(shape)

    yield lambda forms: monkeypatch.setattr(forms, "np", SimpleNamespace(**{**vars(np), "empty": empty}))
    for buffer, inner in buffers:
        inner[:] = 0xA5
        assert (buffer == 0xA5).all(), "written outside"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.fixture
def python() -> Callable[..., str]:
    """What a fresh process prints."""

    def run(code: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def pytest_configure() -> None:
    assert os.environ.get("TOUR_NUMBA", "1") != "0", "TOUR_NUMBA=0 turns off what these tests test"
