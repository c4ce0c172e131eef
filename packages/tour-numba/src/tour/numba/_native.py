"""Kernels in machine code: from the cache or the compiler, ready to be called with arrays and numbers.

A kernel is compiled by Numba once and kept on disk as object code. Later processes hand that code to LLVM's linker and never
import Numba: 1 ms a kernel instead of half a second.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from tour.numba import _heap, _pool, _store
from tour.numba._calling import caller
from tour.numba._locks import lock
from tour.numba._machine import address, assemble, link

_installed = _heap.installed.get


class Kernel:
    """A compiled kernel, called as `kernel(parts, *values)`: arrays, integers and floats, which it finds in this order.

    Each of the `parts` computes its share; together they are spread over the threads.

    Args:
        name: `"file.function"` in `tour/numba/kernels/`.
    """

    __slots__ = ("_address", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._address = 0
        KERNELS[name] = self

    def __call__(self, parts: int, *values: Any) -> None:
        if not _installed():
            _heap.install()
        address = self._address or self.load()
        if parts > 1:
            _pool.run(address, parts, *values)
        else:
            caller()(address, parts, 1, *values)

    def load(self) -> int:
        """Its address: from the cache on disk, else from the compiler."""
        with lock:
            if not self._address:
                found = _store.load(self.name)
                if found is None:
                    compiled = import_module("tour.numba._compiler").compiled
                    module, _, function = self.name.partition(".")
                    source: Callable[..., Any] = getattr(import_module(f"tour.numba.kernels.{module}"), function)
                    text, symbol = compiled(source)
                    found = assemble(text), symbol
                    _store.save(self.name, *found)
                link(found[0])
                self._address = address(found[1])
            import_module("tour.numba._ufuncs").install()
        return self._address

    @property
    def ready(self) -> bool:
        """Whether it has been loaded."""
        return bool(self._address)


KERNELS: dict[str, Kernel] = {}
