"""CuPy, imported when it is first needed, and what to say when it cannot be used."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import Any

INSTALL = (
    "install CuPy for your CUDA version with `pip install 'tour-cuda[cuda13x]'` or `pip install 'tour-cuda[cuda12x]'` "
    "(`nvidia-smi` shows the version)"
)

_found: Any = None  # the module, once a device has been used
_kind: Any = None  # its array type
_several = False  # whether there is more than one device


def cupy() -> Any:
    """The CuPy module.

    Raises:
        RuntimeError: If it is not installed or does not load; says what to install.
    """
    try:
        return import_module("cupy")
    except ImportError as error:
        raise RuntimeError(f"CUDA tensors need CuPy, which cannot be imported ({error}); {INSTALL}") from None


def count() -> int:
    """How many CUDA devices can be used: 0 without CuPy, driver or GPU; never an error."""
    try:
        return int(cupy().cuda.runtime.getDeviceCount())
    except Exception:  # CuPy raises its own error classes, which cannot be named without it
        return 0


def ready() -> Any:
    """CuPy, once it is known that a GPU can be used.

    Raises:
        RuntimeError: If CuPy, the driver or a GPU is missing; says which.
    """
    global _found, _kind, _several
    if _found is not None:
        return _found
    if _forked:
        raise RuntimeError(
            "Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, you must use the 'spawn' start method: "
            "a process that has used a GPU cannot share it with those it forks"
        )
    module = cupy()
    try:
        found = module.cuda.runtime.getDeviceCount()
    except module.cuda.runtime.CUDARuntimeError as error:
        raise RuntimeError(
            f"CuPy {module.__version__} is installed, but no CUDA device can be used ({error}); "
            "this machine needs an NVIDIA GPU and its driver (check with `nvidia-smi`)"
        ) from None
    if not found:
        raise RuntimeError("no CUDA device was found; this machine needs an NVIDIA GPU (check with `nvidia-smi`)")
    _found, _kind, _several = module, module.ndarray, found > 1
    _watch_forks()
    return module


_forked = False


@cache
def _watch_forks() -> None:
    os.register_at_fork(after_in_child=_after_fork)


def _after_fork() -> None:
    """In the child of a process that has used a device: nothing of it works here."""
    global _found, _kind, _several, _forked
    if _found is not None:
        _found = _kind = None
        _several = _forked = True  # every call now asks for the module, which is refused


def forget() -> None:
    """Look for CuPy anew, as in a process that has just begun."""
    global _found, _kind, _several, _forked
    _found = _kind = None
    _several = _forked = False


def module() -> Any:
    """CuPy, in a program that uses a device already."""
    return _found if _found is not None else ready()


def array_type() -> Any:
    """`cupy.ndarray`."""
    return _kind if _kind is not None else ready().ndarray


def used() -> bool:
    """Whether this process has used a device."""
    return _found is not None


def several() -> bool:
    """Whether there is more than one device, so that the current one may be another than an array's."""
    return _several


def current() -> int:
    """The number of the current device."""
    return int(module().cuda.runtime.getDevice())
