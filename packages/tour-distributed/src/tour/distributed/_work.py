"""Calls that run beside the program: one thread for each group takes them in order."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

__all__ = ["Work", "Worker"]


class Work:
    """A call that may still be running.

    Examples:
        >>> from tour import distributed, ones
        >>> distributed.init_process_group()
        >>> t = ones(2)
        >>> work = distributed.all_reduce(t, async_op=True)
        >>> work.wait(), work.is_completed()
        (True, True)
        >>> distributed.destroy_process_group()
    """

    def __init__(self) -> None:
        self._done = threading.Event()
        self._error: BaseException | None = None
        self._result: Any = None

    def wait(self, timeout: timedelta | None = None) -> bool:
        """Wait for the call to end.

        Raises:
            RuntimeError: If it takes longer than `timeout`.
            Exception: What the call itself raised.
        """
        if not self._done.wait(None if timeout is None else timeout.total_seconds()):
            raise RuntimeError(f"the call is still running after {timeout}")
        if self._error is not None:
            raise self._error
        return True

    def is_completed(self) -> bool:
        """Whether the call has ended, well or not."""
        return self._done.is_set()

    def is_success(self) -> bool:
        """Whether the call has ended well."""
        return self._done.is_set() and self._error is None

    def exception(self) -> BaseException | None:
        """What the call raised, if it has."""
        return self._error

    def result(self) -> Any:
        """What the call gave: the tensor it wrote, or the tensors."""
        self.wait()
        return self._result

    def run(self, call: Callable[[], Any]) -> Work:
        """Make the call, here and now; what it raises is kept for `wait`."""
        try:
            self._result = call()
        except BaseException as error:
            self._error = error
        self._done.set()
        return self


class Worker:
    """Runs calls in the order in which they were handed over: in its thread, or in the caller's while nothing is waiting.

    MPI allows one collective at a time on a communicator, in the same order on every rank; so do the calls of a worker.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[tuple[Work, Callable[[], Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._last: Work | None = None

    def submit(self, call: Callable[[], Any]) -> Work:
        """Run a call in the thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
            self._thread.start()
        work = self._last = Work()
        self._calls.put((work, call))
        return work

    def call(self, call: Callable[[], Any]) -> Any:
        """Run a call after those that wait, and return what it gives."""
        if self._last is not None and not self._last.is_completed():
            return self.submit(call).result()
        return call()

    def stop(self) -> None:
        """Let waiting calls end, then the thread."""
        if self._thread is not None:
            self._calls.put(None)
            self._thread.join()
            self._thread = None

    def _loop(self) -> None:
        while (item := self._calls.get()) is not None:
            work, call = item
            work.run(call)
