"""LLVM in this process: what processor this is, and machine code from its assembler and its linker."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import llvmlite.binding as llvm

from tour.numba import _store
from tour.numba._locks import lock, once

ASSEMBLY = Path(__file__).parent / "assembly"


@once
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


@once
def engine() -> Any:
    """LLVM's linker, which holds all code that is in memory."""
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine())


def link(code: bytes) -> None:
    """Put object code into memory."""
    with lock:
        engine().add_object_file(llvm.ObjectFileRef.from_data(code))
        engine().finalize_object()


def address(symbol: str) -> int:
    """Where a function of linked code begins."""
    with lock:
        return int(engine().get_function_address(symbol))


def variable(symbol: str) -> int:
    """Where a variable of linked code is."""
    with lock:
        return int(engine().get_global_value_address(symbol))


def assemble(text: str) -> bytes:
    """Object code for LLVM's assembly language."""
    return bytes(machine().emit_object(llvm.parse_assembly(text)))


def load(name: str, files: tuple[str, ...], constants: dict[str, int]) -> None:
    """Put files of `assembly/` into memory, as one piece of machine code, which the cache on disk keeps under a name.

    Args:
        name: The name of the object code in the cache.
        files: What it is made of: `"heap"` is `assembly/heap.ll`.
        constants: Numbers, by the names that stand for them in the files: `$BLOCK`.
    """
    with lock:
        found = _store.load(name)
        if found is None:
            text = "\n".join((ASSEMBLY / f"{file}.ll").read_text("utf-8") for file in files)
            found = assemble(Template(text).substitute(constants)), name
            _store.save(name, *found)
        link(found[0])
