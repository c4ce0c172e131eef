"""One pool of threads: Numba's own, on TBB where it is installed, else on OpenMP, else a plain work queue behind a lock.

Numba's pools are extension modules that can be loaded without Numba. They offer one function: `parallel_for` cuts a range into
stretches and hands each to a function, in one of the threads.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from tour.ops.questions import threads_wanted

LAYERS = {"tbb": "tbbpool", "omp": "omppool", "workqueue": "workqueue"}

# What runs a kernel. `share` is what Numba's pools call: its first array begins at address 0 with a step of 1, so that where it
# begins for a stretch is the number of the first part. Kernels have Numba's calling convention: two pointers for a result and an
# exception, neither of which they use, before the arguments.
DRIVER = """
%call = type { ptr, ptr, i64 }

define void @share(ptr %arrays, ptr %counts, ptr %steps, ptr %call) {
entry:
  %ret = alloca ptr
  %exc = alloca ptr
  %first = load i64, ptr %arrays
  %count = load i64, ptr %counts
  %kernel = load ptr, ptr %call
  %argsp = getelementptr %call, ptr %call, i32 0, i32 1
  %args = load i64, ptr %argsp
  %partsp = getelementptr %call, ptr %call, i32 0, i32 2
  %parts = load i64, ptr %partsp
  %end = add i64 %first, %count
  br label %test
test:
  %part = phi i64 [ %first, %entry ], [ %next, %body ]
  %more = icmp slt i64 %part, %end
  br i1 %more, label %body, label %done
body:
  %status = call i32 %kernel(ptr %ret, ptr %exc, i64 %args, i64 %part, i64 %parts)
  %next = add i64 %part, 1
  br label %test
done:
  ret void
}

define void @run(ptr %kernel, ptr %args, i64 %parts, i32 %threads, ptr %parallel_for) {
  %call = alloca %call
  %arrays = alloca ptr
  %count = alloca i64
  %step = alloca i64
  store ptr %kernel, ptr %call
  %argsp = getelementptr %call, ptr %call, i32 0, i32 1
  store ptr %args, ptr %argsp
  %partsp = getelementptr %call, ptr %call, i32 0, i32 2
  store i64 %parts, ptr %partsp
  store ptr null, ptr %arrays
  store i64 %parts, ptr %count
  store i64 1, ptr %step
  %alone = icmp slt i32 %threads, 2
  br i1 %alone, label %serial, label %parallel
serial:
  call void @share(ptr %arrays, ptr %count, ptr %step, ptr %call)
  ret void
parallel:
  call void %parallel_for(ptr @share, ptr %arrays, ptr %count, ptr %step, ptr %call, i64 0, i64 1, i32 %threads)
  ret void
}
"""


class _State:
    pid = 0  # the process in which the pool was started
    layer = ""  # "tbb", "omp" or "workqueue"; empty where none could be loaded
    size = 1
    parallel_for = 0
    lock: Any = nullcontext()


def cores() -> int:
    """Processors that this process may use, or fewer if `OMP_NUM_THREADS` says so."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    said = os.environ.get("OMP_NUM_THREADS", "")
    return min(available, int(said)) if said.isdecimal() and int(said) > 0 else available


def threads() -> int:
    """How many threads a large call uses: `tour.set_num_threads`, else all cores; one in a forked child, whose pool stayed behind."""
    if not _State.pid:
        _start()
    if _State.pid != os.getpid():
        return 1
    return min(threads_wanted() or _State.size, _State.size)


def layer() -> str:
    """The pool in use."""
    threads()
    return _State.layer or "none"


def run(kernel: int, arguments: bytes, parts: int) -> None:
    """Run all parts of the kernel at an address."""
    count = min(threads(), parts) if parts > 1 else 1
    if count < 2:
        _driver()(kernel, arguments, parts, 1, 0)
        return
    with _State.lock:
        _driver()(kernel, arguments, parts, count, _State.parallel_for)


@cache
def _driver() -> Callable[..., None]:
    from tour.numba import _native, _store

    found = _store.load("_driver")
    if found is None:
        found = _native.assemble(DRIVER), "run"
        _store.save("_driver", *found)
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64, ctypes.c_int32, ctypes.c_void_p)
    return kind(_native.link(*found))  # called without Python's lock


_starting = threading.Lock()


def _start() -> None:
    with _starting:
        if _State.pid:
            return
        wanted = os.environ.get("NUMBA_THREADING_LAYER", "")
        for name in [wanted] if wanted in LAYERS else LAYERS:
            module = _load(name)
            if module is not None:
                _State.size = cores()
                if (
                    name != "tbb"
                ):  # TBB starts its threads when it needs them; launched, it would meddle with forks, and print
                    ctypes.CFUNCTYPE(None, ctypes.c_int)(module.launch_threads)(_State.size)
                _State.parallel_for, _State.layer = module.parallel_for, name
                if name == "workqueue":  # it ends the process when two threads use it at once
                    _State.lock = threading.Lock()
                break
        _State.pid = os.getpid()


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
    """In a forked child: locks that another thread may have held are new."""
    global _starting
    _starting = threading.Lock()
    if _State.layer == "workqueue":
        _State.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
