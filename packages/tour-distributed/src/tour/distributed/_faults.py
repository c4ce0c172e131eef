"""One rank's failure is everybody's: MPI would let the others wait for ever.

An exception that nobody catches, in any thread, ends the whole job after its traceback was printed. A call that waits
longer than its group's timeout does the same, with the tracebacks of all threads, so that one sees where it waits.
"""

from __future__ import annotations

import faulthandler
import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

GRACE = 0.3  # seconds for the launcher to pass on what this rank, and others that fail with it, have printed

_before: list[tuple[Any, str, Any]] = []  # the hooks that were replaced


def install(transport: Any) -> None:
    """Let uncaught exceptions end the job."""
    _before.append((sys, "excepthook", sys.excepthook))
    _before.append((threading, "excepthook", threading.excepthook))
    sys.excepthook = _ending(sys.excepthook, transport)
    threading.excepthook = _ending(threading.excepthook, transport)


def uninstall() -> None:
    """Put the hooks of before back."""
    while _before:
        module, name, hook = _before.pop()
        setattr(module, name, hook)


def _ending(hook: Callable[..., Any], transport: Any) -> Callable[..., Any]:
    def ending(*args: Any) -> None:
        hook(*args)
        end(transport, "ended the job because of the exception above")

    return ending


def end(transport: Any, why: str) -> None:
    """End every rank of the job, saying which rank did it and why."""
    print(f"rank {transport.rank} of {transport.size} {why}", file=sys.stderr, flush=True)
    sys.stdout.flush()
    time.sleep(GRACE)
    transport.abort(1)


# --- Calls that wait too long -------------------------------------------------------------------------------------------------


class _Watch:
    """A thread that looks once a second at the calls in progress."""

    def __init__(self) -> None:
        self.calls: dict[int, tuple[float, str, Any, float]] = {}
        self.thread: threading.Thread | None = None
        self.keys = itertools.count()

    def add(self, name: str, transport: Any, seconds: float) -> int:
        if self.thread is None:
            self.thread = threading.Thread(target=self._look, name="tour.distributed watch", daemon=True)
            self.thread.start()
        key = next(self.keys)
        self.calls[key] = (time.monotonic() + seconds, name, transport, seconds)
        return key

    def _look(self) -> None:
        while True:
            time.sleep(0.5)
            now = time.monotonic()
            for deadline, name, transport, seconds in list(self.calls.values()):
                if now > deadline:
                    faulthandler.dump_traceback(all_threads=True)
                    end(transport, f"waited more than {seconds:g} s in {name}: another rank has not made this call")


_watch = _Watch()


@contextmanager
def watched(name: str, transport: Any, seconds: float) -> Iterator[None]:
    """End the job if the block takes longer."""
    if transport.size == 1:
        yield
        return
    key = _watch.add(name, transport, seconds)
    try:
        yield
    finally:
        del _watch.calls[key]
