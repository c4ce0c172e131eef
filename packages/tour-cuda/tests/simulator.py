"""A runner that runs the CUDA sources on the CPU: compiled by the C++ compiler through `shim/shim.h`, on NumPy's memory.

Every array that a kernel gets is put between guard bytes for the launch, so that a write beside it is noticed; fresh memory is NaN.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tour.cuda import _launch, _source

SHIM = Path(__file__).with_name("shim")
COMPILER = os.environ.get("CXX") or next(filter(shutil.which, ("g++", "clang++")), None)
GUARD, FILL = 64, 0xA5  # bytes before and behind each array

# -Bsymbolic: a kernel may be called like a function of the C library.
OPTIONS = ("-Wl,-Bsymbolic", "-O1", "-std=c++17", "-shared", "-fPIC", "-w", "-fno-strict-aliasing", f"-I{SHIM}")


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tour-cuda-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def compiled(file: str, macros: tuple[str, ...], text: str | None = None) -> ctypes.CDLL:
    """The library of one source, or of a text that takes its place."""
    runs = "\n".join(f"RUN({name})" for name in _source.kernels(file))
    code = f'#include "shim.h"\n{text or _source.text(file)}\n{runs}\n'
    defines = [f"-D{macro}" for macro in macros]
    out = _folder() / f"{hashlib.sha256(repr((code, macros)).encode()).hexdigest()[:16]}.so"
    command = [COMPILER, *OPTIONS, *defines, "-x", "c++", "-", "-o", str(out)]
    done = subprocess.run(command, input=code, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{file}.cu does not compile:\n{done.stderr[:4000]}")
    return ctypes.CDLL(str(out))


class Simulator:
    """Runs kernels on NumPy arrays.

    Attributes:
        launched: Names of the kernels that have run.
        seed: Which warp goes first.
        captured: Whether to say that a graph is being captured.
        texts: Sources in place of those in the package, by file.
    """

    def __init__(
        self, host: Callable[[Any], np.ndarray] = lambda a: a, wrap: Callable[[Any], Any] = lambda a: a
    ) -> None:
        self.host, self.wrap = host, wrap
        self.launched: list[str] = []
        self.seed = 0
        self.texts: dict[str, str] = {}
        self.captured, self.several = False, True

    def function(self, file: str, kernel: str, defines: tuple[str, ...], like: Any) -> Any:
        return file, kernel, defines

    def address(self, array: Any) -> int:
        return self.host(array).__array_interface__["data"][0]

    def device(self, array: Any) -> int:
        return 0

    def empty(self, shape: tuple[int, ...], dtype: Any, like: Any) -> Any:
        array = np.empty(shape, dtype)
        array.reshape(-1).view(np.uint8)[...] = 0xFF
        return self.wrap(array)

    def on(self, like: Any) -> Any:
        return contextlib.nullcontext()

    def stream(self, like: Any) -> int:
        return 0

    def capturing(self) -> bool:
        return self.captured

    def read(self, array: Any) -> np.ndarray:
        return self.host(array).copy()

    def launch(self, function: Any, grid: Any, parameters: int, arrays: list[Any]) -> None:
        file, kernel, defines = function
        library = compiled(file, defines, self.texts.get(file))
        self.launched.append(kernel)
        count = len(_source.kernels(file)[kernel])
        slots = ctypes.cast(parameters, ctypes.POINTER(ctypes.POINTER(ctypes.c_uint64)))
        guarded = {self.address(a): Guarded(self.host(a)) for a in arrays if self.host(a).size}
        for p, i in zip(_source.kernels(file)[kernel], range(count), strict=True):
            if p.pointer and slots[i][0]:
                slots[i][0] = guarded[slots[i][0]].address if slots[i][0] in guarded else 0
        sizes = (ctypes.c_uint * 3)(*grid.blocks), (ctypes.c_uint * 3)(*grid.threads)
        failed = getattr(library, f"run_{kernel}")(*sizes, ctypes.c_void_p(parameters), ctypes.c_uint(self.seed))
        assert not failed, f"{kernel}: threads wait for others that never come" if failed == 1 else f"{kernel}: {grid}"
        for guard in guarded.values():
            guard.close(kernel)


class Guarded:
    """A copy of an array between guard bytes."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.memory = np.full(array.nbytes + 2 * GUARD, FILL, np.uint8)
        self.inside = self.memory[GUARD : GUARD + array.nbytes]
        self.before = np.frombuffer(array.tobytes(), np.uint8)
        self.inside[...] = self.before
        self.address = self.inside.__array_interface__["data"][0]

    def close(self, kernel: str) -> None:
        """Check the guards, and write what has changed into the array."""
        edges = np.concatenate([self.memory[:GUARD], self.memory[-GUARD:]])
        assert (edges == FILL).all(), f"{kernel} wrote beside an array of shape {self.array.shape}"
        if not np.array_equal(self.inside, self.before):
            self.array[...] = self.inside.view(self.array.dtype).reshape(self.array.shape)


def install(kind: type, simulator: Simulator) -> Simulator:
    """Let kernels on arrays of a type run in a simulator, until `_launch.RUNNERS.pop(kind)`."""
    for kernel in _launch.KERNELS.values():
        kernel._forms.clear()
    _launch.RUNNERS[kind] = simulator
    return simulator
