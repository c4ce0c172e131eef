"""Machine code in this process: kernels from the cache or the compiler, ready to be called with addresses and numbers.

A kernel is compiled by Numba once and kept on disk as object code. Later processes hand that code to LLVM's linker and never
import Numba: 1 ms a kernel instead of half a second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import llvmlite.binding as llvm

from tour.numba import _heap, _pool, _store
from tour.numba._calling import caller

_installed = _heap.installed.get
_lock = threading.RLock()  # LLVM's engine and Numba's compiler serve one thread at a time


@cache
def machine() -> Any:
    """LLVM's description of this processor."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=3, jit=True)


def processor() -> str:
    """The name that LLVM has for this processor."""
    return f"{machine().triple.partition('-')[0]} ({llvm.get_host_cpu_name()})"


@cache
def vector_bits() -> int:
    """Width of this processor's vectors, for which kernels are compiled."""
    features = llvm.get_host_cpu_features()
    return 512 if features.get("avx512f") else 256 if features.get("avx2") else 128


@cache
def engine() -> Any:
    """LLVM's linker, which holds all code that is in memory."""
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine())


def link(code: bytes, symbol: str) -> int:
    """The address of a function in object code, now that it is in memory."""
    with _lock:
        engine().add_object_file(llvm.ObjectFileRef.from_data(code))
        engine().finalize_object()
        return address(symbol)


def address(symbol: str) -> int:
    """Where a function of linked code begins."""
    with _lock:
        return int(engine().get_function_address(symbol))


def variable(symbol: str) -> int:
    """Where a variable of linked code is."""
    with _lock:
        return int(engine().get_global_value_address(symbol))


def assemble(text: str) -> bytes:
    """Object code for LLVM's assembly language."""
    return bytes(machine().emit_object(llvm.parse_assembly(text)))


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
        with _lock:
            if not self._address:
                found = _store.load(self.name)
                if found is None:
                    module, _, function = self.name.partition(".")
                    source: Callable[..., Any] = getattr(import_module(f"tour.numba.kernels.{module}"), function)
                    text, symbol = import_module("tour.numba._compiler").compiled(source)
                    found = assemble(text), symbol
                    _store.save(self.name, *found)
                self._address = link(*found)
            import_module("tour.numba._ufuncs").install()
        return self._address

    @property
    def ready(self) -> bool:
        """Whether it has been loaded."""
        return bool(self._address)


KERNELS: dict[str, Kernel] = {}
