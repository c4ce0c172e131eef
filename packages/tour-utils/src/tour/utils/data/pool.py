"""The worker processes as the main process sees them: given tasks, asked for results, watched, and ended."""

from __future__ import annotations

import os
import pickle
import signal
import time
import weakref
from multiprocessing.connection import Connection, wait
from typing import Any

from tour.utils.data import transfer
from tour.utils.data.worker import Failure, Job, work

PATIENCE = 5.0  # seconds for a worker to finish the sample it is at, when the loader is done


class Pool:
    """Worker processes with a connection each.

    Args:
        jobs: What each is to do.
        context: The `multiprocessing` context that starts them.

    Raises:
        TypeError: If something that a new process would need cannot be pickled.
    """

    def __init__(self, jobs: list[Job], context: Any) -> None:
        self.processes: list[Any] = []
        self.connections: list[Connection[Any, Any]] = []
        self._end = weakref.finalize(self, _end, self.processes, self.connections, os.getpid())
        forks = context.get_start_method() == "fork"
        for job in jobs:
            ours, theirs = context.Pipe(duplex=True)
            inherited = [*self.connections, ours] if forks else []
            process = context.Process(target=work, args=(job, theirs, inherited), daemon=True)
            try:
                process.start()
            except (pickle.PicklingError, AttributeError, TypeError) as error:
                self.end()
                raise TypeError(
                    f"the dataset ({type(job.dataset).__name__}), collate_fn and worker_init_fn must be picklable where worker "
                    f"processes start by {context.get_start_method()!r}: {error}; define them at the top of a module, or use "
                    "multiprocessing_context='fork'"
                ) from error
            finally:
                theirs.close()
            self.processes.append(process)
            self.connections.append(ours)

    def give(self, worker: int, task: Any) -> None:
        """Hand a task to a worker.

        Raises:
            RuntimeError: If it is gone.
        """
        try:
            self.connections[worker].send(task)
        except OSError:
            raise self._dead(worker) from None

    def take(self, timeout: float | None) -> tuple[int, Any]:
        """The next result of any worker: the number of its task, and what came of it.

        Raises:
            RuntimeError: If none comes in time, or a worker is gone.
        """
        sentinels = [process.sentinel for process in self.processes]
        ready = wait([*self.connections, *sentinels], timeout)
        if not ready:
            raise RuntimeError(f"DataLoader timed out after {timeout:g} seconds")
        for worker, connection in enumerate(self.connections):
            if connection in ready:
                try:
                    number, pickled, memory = transfer.receive(connection)
                except (EOFError, OSError):
                    raise self._dead(worker) from None
                try:
                    return number, pickle.loads(pickled, buffers=memory)
                except Exception as error:
                    return number, Failure(error, f"while unpickling a batch of DataLoader worker process {worker}")
        raise self._dead(next(i for i, s in enumerate(sentinels) if s in ready))

    def _dead(self, worker: int) -> RuntimeError:
        """End the others, and say how this one ended."""
        process = self.processes[worker]
        process.join(PATIENCE)
        code = process.exitcode
        self.abandon()
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            how = f"is killed by signal: {signal.strsignal(-code)} ({name})."
            if name == "SIGKILL":
                how += " The system kills when memory runs out: try fewer workers or smaller batches."
        else:
            how = f"exited unexpectedly with exit code {code}."
        return RuntimeError(f"DataLoader worker {worker} (pid {process.pid}) {how}")

    @property
    def ended(self) -> bool:
        """Whether the workers were ended."""
        return not self._end.alive

    def end(self) -> None:
        """End the workers: each when it is done with the sample it is at, or after some seconds."""
        self._end()

    def abandon(self) -> None:
        """End the workers at once, wherever they are."""
        for process in self.processes:
            if process.is_alive():
                process.terminate()
        self._end()


def _end(processes: list[Any], connections: list[Connection[Any, Any]], owner: int) -> None:
    """Ask the workers to end, empty what they still send, and at last make them."""
    if os.getpid() != owner:  # a copy of the pool in a forked process
        return
    for connection in connections:
        try:
            connection.send(None)
        except OSError:
            pass
    _drain(processes, connections)
    for force in ("terminate", "kill"):
        for process in processes:
            if process.is_alive():
                getattr(process, force)()
        for process in processes:
            process.join(1)
    for connection in connections:
        connection.close()


def _drain(processes: list[Any], connections: list[Connection[Any, Any]]) -> None:
    """Read what is still sent, so that no worker waits for a reader, until all have ended or patience has."""
    deadline = time.monotonic() + PATIENCE
    waiting = {process.sentinel: process for process in processes}
    open_connections = list(connections)
    while waiting and (left := deadline - time.monotonic()) > 0:
        for ready in wait([*waiting, *open_connections], left):
            if isinstance(ready, int):
                del waiting[ready]
                continue
            try:
                _skip(ready)
            except (EOFError, OSError):
                open_connections.remove(ready)  # type: ignore[arg-type]


def _skip(connection: Any) -> None:
    """Read and forget; passed memory would not fit a connection's messages, so take bytes as they come."""
    if not transfer.PASSES_MEMORY:
        connection.recv_bytes()
    elif not os.read(connection.fileno(), 1 << 20):
        raise EOFError
