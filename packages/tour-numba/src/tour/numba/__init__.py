"""Compiled kernels for the CPU, plugged into tour: large operations run in code that Numba has compiled, on all cores.

Nothing needs to be called. `TOUR_NUMBA=0` in the environment turns it off.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

from tour._compiled import Form, plug
from tour.numba._locks import lock
from tour.numba.forms import FORMS

__all__ = ["compiled", "warmup"]


class _Provider:
    """The kernels of this package, as tour-tensor looks for them."""

    def find(self, name: str) -> Form | None:
        """The compiled form of a kernel."""
        if name not in FORMS:
            return None
        module, _, function = FORMS[name].partition(".")
        with lock:
            found: Form = getattr(import_module(f"tour.numba.forms.{module}"), function)
        return found

    def describe(self) -> list[str]:
        """Lines for `tour.show_config`."""
        from tour.numba import _heap, _machine, _pool, _store

        names = compiled()
        return [
            f"compiled kernels: by Numba, for {_machine.processor()}",
            f"  vectors of {_machine.vector_bits()} bits, {_pool.threads()} threads by {_pool.layer()}",
            f"  cache: {_store.folder() or 'none, for want of a home directory'}",
            f"  {_heap.describe()}",
            f"  compiled so far: {', '.join(names) if names else 'none'}",
        ]

    def empty_cache(self) -> None:
        """Give memory that waits to be used again back to the system."""
        if heap := sys.modules.get("tour.numba._heap"):  # else nothing waits
            heap.empty_cache()

    def set_threads(self) -> None:
        """Use as many threads as `tour.set_num_threads` was given."""
        if pool := sys.modules.get("tour.numba._pool"):  # else it will ask when it starts
            pool.set_threads()

    def hasten(self) -> None:
        """Give ops ufuncs in machine code."""
        from tour.numba import _ufuncs

        _ufuncs.install()


def warmup() -> None:
    """Compile every kernel now, a minute or two on one core, so that no later call has to wait; what is cached is only loaded.

    Examples:
        >>> import tour
        >>> tour.numba.warmup()  # doctest: +SKIP
    """
    from tour.numba import _native

    for file in sorted({form.partition(".")[0] for form in FORMS.values()}):
        import_module(f"tour.numba.forms.{file}")
    for kernel in _native.KERNELS.values():
        kernel.load()


def compiled() -> list[str]:
    """Names of the kernels that are in memory.

    Examples:
        >>> import tour
        >>> isinstance(tour.numba.compiled(), list)
        True
    """
    from tour.numba import _native

    return [name for name, kernel in _native.KERNELS.items() if kernel.ready]


def _enabled() -> bool:
    return os.environ.get("TOUR_NUMBA", "1") != "0"


_provider: Any = _Provider() if _enabled() else None
plug(_provider)
