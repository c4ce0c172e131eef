"""Every source compiled by NVIDIA's own compiler, for the architectures it is to run on: without errors, and without spilling registers.

NVRTC needs no GPU. It comes with CUDA, or by `pip install nvidia-cuda-nvrtc` (60 MB), as `nox -s tests` installs it if it can.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import re
from functools import cache
from pathlib import Path

import pytest

from tour.cuda import _launch, _runner, _source
from tour.cuda.forms import FORMS, attention

# A100 and H100; for the first not every way to store numbers, as what differs is a few conversions.
TARGETS = [("sm_90", scalar) for scalar in sorted(_source.SCALARS.values())] + [
    ("sm_80", "float"),
    ("sm_80", "float16"),
]

# What sources ask for besides SCALAR: every way in which the forms compile them.
DEFINES = {"attention": [tuple(f"{k}={v}" for k, v in attention._defines(head).items()) for head in attention.TILES]}


@cache
def nvrtc():
    """The library, from the wheel or the system; None where there is none."""
    places = []
    spec = importlib.util.find_spec("nvidia")
    for root in spec.submodule_search_locations if spec else ():
        places += sorted(Path(root).glob("**/libnvrtc.so.*"), key=lambda path: "builtins" in path.name)
    for name in [*map(str, places), "libnvrtc.so.13", "libnvrtc.so.12"]:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


needs_nvrtc = pytest.mark.skipif(nvrtc() is None, reason="needs NVRTC: pip install nvidia-cuda-nvrtc")


def compiled(file: str, architecture: str, macros: tuple[str, ...]) -> str:
    """The compiler's log; AssertionError with it where the source has errors."""
    library, program = nvrtc(), ctypes.c_void_p()
    library.nvrtcCreateProgram(ctypes.byref(program), _source.text(file).encode(), f"{file}.cu".encode(), 0, None, None)
    options = [*_runner.OPTIONS, f"-arch={architecture}", "--ptxas-options=-v", *(f"-D{macro}" for macro in macros)]
    array = (ctypes.c_char_p * len(options))(*map(str.encode, options))
    failed = library.nvrtcCompileProgram(program, len(options), array)
    size = ctypes.c_size_t()
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, log)
    library.nvrtcDestroyProgram(ctypes.byref(program))
    assert not failed, log.value.decode()
    return log.value.decode()


@needs_nvrtc
@pytest.mark.parametrize(("architecture", "scalar"), TARGETS)
@pytest.mark.parametrize("file", _source.files())
def test_a_source_compiles_without_spilling(file, scalar, architecture):
    if file == "attention" and scalar == "double":
        pytest.skip("tiles of float64 are not used; products are")
    for defines in DEFINES.get(file, [()]):
        log = compiled(file, architecture, (f"SCALAR={scalar}", *defines))
        functions = re.findall(r"Compiling entry function '(\w+)'", log)
        assert sorted(functions) == sorted(_source.kernels(file))
        spilled = re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads", log)
        assert spilled and set(spilled) == {("0", "0")}, log


def test_every_kernel_is_called():
    """And every name that a form gives to a kernel is one of a source: else `Kernel` had failed on import."""
    for form in FORMS.values():
        importlib.import_module(f"tour.cuda.forms.{form.partition('.')[0]}")
    called = {tuple(name.split(".")) for name in _launch.KERNELS}
    declared = {(file, kernel) for file in _source.files() for kernel in _source.kernels(file)}
    assert declared - called <= {("random", "words")}  # which is for tests
