"""The one lock under which everything is set up: forms are imported, kernels compiled and linked, threads started.

With two locks, threads that come by different ways would wait for each other. LLVM's engine and Numba's compiler serve one thread at a
time anyway.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cache
from typing import TypeVar

R = TypeVar("R")

lock = threading.RLock()


def wait_at_forks() -> None:
    """Let forks wait until nobody holds the lock: in the child there is nobody who would let go of it, or finish an import.

    Of such hooks the last runs first. Who takes a lock of another module while holding this one calls this again when that module
    has been imported.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)


def once(function: Callable[[], R]) -> Callable[[], R]:
    """A function whose result is computed once, by one thread, while others wait for it."""
    made: list[R] = []

    def body() -> R:
        with lock:
            if not made:
                made.append(function())
            return made[0]

    return cache(body)  # which asks for no lock once there is a result


wait_at_forks()
