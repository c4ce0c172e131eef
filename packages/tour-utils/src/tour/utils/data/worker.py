"""What a worker process does: read batches that it is asked for, and send them, or why it could not."""

from __future__ import annotations

import os
import pickle
import random
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

import tour
from tour.utils.data import fetch, transfer

__all__ = ["get_worker_info"]


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker process may know about itself.

    Attributes:
        id: Its number, from 0.
        num_workers: How many workers there are.
        seed: What its random numbers started from: the loader's seed and `id`.
        dataset: Its copy of the dataset.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Which worker process this is, or None in the main process.

    Examples:
        >>> get_worker_info() is None
        True
    """
    return _info


@dataclass
class Job:
    """What a worker is given when it starts."""

    id: int
    num_workers: int
    base_seed: int
    dataset: Any
    batched: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool
    init: Callable[[int], Any] | None


class Failure:
    """An exception of a worker as the main process raises it: of the same type, with the worker's traceback in its message."""

    def __init__(self, error: BaseException, where: str) -> None:
        text = "".join(traceback.format_exception(error))
        self.message = f"Caught {type(error).__name__} {where}.\nOriginal {text}"
        self.kind: type[BaseException] = type(error) if isinstance(error, Exception) else RuntimeError
        try:
            pickle.dumps(self.kind)
        except Exception:  # a class of its own process
            self.kind = RuntimeError

    def reraise(self) -> None:
        """Raise it; as RuntimeError if its type cannot be made from a message."""
        message: Any = _Verbatim(self.message) if issubclass(self.kind, KeyError) else self.message
        try:
            error = self.kind(message)
        except Exception:
            error = RuntimeError(self.message)
        raise error


class _Verbatim(str):
    """KeyError prints the repr of its message; this one's is the message."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def work(job: Job, connection: Connection[Any, Any], inherited: list[Connection[Any, Any]]) -> None:
    """The main function of a worker process."""
    global _info
    for other in inherited:  # ends that belong to the main process: while a copy is open, its death goes unnoticed
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the main process ends its workers
    tasks: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(connection, tasks), daemon=True).start()
    where = f"in DataLoader worker process {job.id}"
    _info = WorkerInfo(job.id, job.num_workers, job.base_seed + job.id, job.dataset)
    failed: Failure | None = None
    try:
        _seed(job)
        if job.init is not None:
            job.init(job.id)
    except BaseException as error:
        failed = Failure(error, where)
    fetch_batch: Any = None
    while (task := tasks.get()) is not None:
        number, indices = task
        try:
            if indices is None:  # a new epoch
                if failed is None:
                    fetch_batch = fetch.fetcher(job.dataset, job.batched, job.collate_fn, job.drop_last)
                continue
            packed = transfer.pack(failed or fetch_batch(indices[0]))
        except BaseException as error:
            failure = Failure(error, where)
            if indices is None:
                failed = failure
                continue
            packed = transfer.pack(failure)
        try:
            transfer.send(connection, number, packed)
        except OSError:  # the main process wants no more
            return


def _listen(connection: Connection[Any, Any], tasks: SimpleQueue[Any]) -> None:
    """Take tasks as they come, so that the main process never waits to hand one over; end with the main process."""
    try:
        while True:
            task = connection.recv()
            tasks.put(task)
            if task is None:
                return
    except (EOFError, OSError):
        os._exit(1)


def _seed(job: Job) -> None:
    """Start each of the random streams as PyTorch does."""
    import numpy as np

    seed = job.base_seed + job.id
    random.seed(seed)
    tour.manual_seed(seed)
    words = [job.id, job.base_seed & 0xFFFF_FFFF, job.base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(words).generate_state(4))
