"""One pool of threads: Numba's own, on TBB where it is installed, else on OpenMP, else a plain work queue that serves one at a time.

Numba's pools are extension modules that can be loaded without Numba. They offer one function: `parallel_for` cuts a range into
stretches and hands each to a function, in one of the threads. TBB is handed work by its own interface, too (`_tbb.py`).
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from tour.numba import _driver, _tbb
from tour.numba._calling import caller
from tour.numba._locks import lock
from tour.ops.questions import threads_wanted

LAYERS = {"tbb": "tbbpool", "omp": "omppool", "workqueue": "workqueue"}


class _State:
    started = False
    layer = ""  # "tbb", "omp" or "workqueue"; empty where none could be loaded
    size = threads = 1


def cores() -> int:
    """Processors that this process may use, or fewer if `OMP_NUM_THREADS` says so."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    said = os.environ.get("OMP_NUM_THREADS", "")
    return min(available, int(said)) if said.isdecimal() and int(said) > 0 else available


def threads() -> int:
    """How many threads a large call uses: `tour.set_num_threads`, else all cores; one in a forked child, whose pool stayed behind."""
    if not _State.started:
        _start()
    return _State.threads


def set_threads() -> None:
    """Use as many threads as `tour.set_num_threads` was given, as far as there are that many."""
    if _State.started:
        _State.threads = _driver.linked().pool.threads = min(threads_wanted() or _State.size, _State.size)


def layer() -> str:
    """The pool in use."""
    threads()
    return _State.layer or "none"


def run(kernel: int, parts: int, *values: Any) -> None:
    """Run all parts of the kernel at an address, in as many threads; `values` as for `_calling.caller`."""
    caller()(kernel, parts, threads(), *values)


def _start() -> None:
    with lock:
        if _State.started:
            return
        pool = _driver.linked().pool
        wanted = os.environ.get("NUMBA_THREADING_LAYER", "")
        for name in [wanted] if wanted in LAYERS else LAYERS:
            module = _load(name)
            if module is not None:
                _State.size = cores()
                if (
                    name != "tbb"
                ):  # TBB starts its threads when it needs them; launched, it would meddle with forks, and print
                    ctypes.CFUNCTYPE(None, ctypes.c_int)(module.launch_threads)(_State.size)
                own = _tbb.start() if name == "tbb" else 0
                pool.parallel_for, _State.layer = own or module.parallel_for, name
                pool.exclusive = name == "workqueue"  # it ends the process when two threads use it at once
                break
        _State.started = True
        set_threads()


def _load(name: str) -> Any:
    """One of Numba's pools, or None if its library is missing."""
    full = f"numba.np.ufunc.{LAYERS[name]}"
    if full in sys.modules:  # a program uses Numba itself: its pool serves both
        return sys.modules[full]
    spec = find_spec("numba")
    if spec is None or spec.origin is None:
        return None
    try:
        if name == "tbb":
            _preload_tbb(Path(spec.origin))
        for suffix in EXTENSION_SUFFIXES:
            path = Path(spec.origin).parent / "np" / "ufunc" / (LAYERS[name] + suffix)
            if path.exists():
                found = spec_from_file_location(full, path, loader=ExtensionFileLoader(full, str(path)))
                assert found is not None and found.loader is not None
                with _patient() if name == "omp" else nullcontext():
                    module = module_from_spec(found)
                    found.loader.exec_module(module)
                return module
    except (ImportError, OSError):
        pass
    return None


@contextmanager
def _patient() -> Iterator[None]:
    """Let OpenMP's threads wait asleep, unless somebody said how; the library reads it when it is loaded.

    Spinning, they take the processor from what they wait for: 104 ms a step of a small GPT, not 13, on a busy machine.
    """
    said = "OMP_WAIT_POLICY" in os.environ
    if not said:
        os.environ["OMP_WAIT_POLICY"] = "passive"
    try:
        yield
    finally:
        if not said:
            del os.environ["OMP_WAIT_POLICY"]


def _preload_tbb(numba: Path) -> None:
    """Load TBB from where its wheel puts it, which is not where the system's linker looks.

    Args:
        numba: The first file of Numba: a user's own packages, and those of another environment on the path, lie under another prefix.
    """
    for prefix in (Path(sys.prefix), *numba.parents[3:5]):
        for name in ("lib/libtbb.so.12", "lib/libtbb.12.dylib", "Library/bin/tbb12.dll"):
            if (prefix / name).exists():
                ctypes.CDLL(str(prefix / name), mode=ctypes.RTLD_GLOBAL)
                return


def _forked() -> None:
    """In a forked child: the pool's threads are not here, nor are those that had it work."""
    if _State.started:
        _State.size = 1
        _driver.linked().pool.busy = 0
        set_threads()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
