"""The loader: batches of a dataset in some order, read here or by worker processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import Any, Generic, TypeVar

from tour.random import Generator, default_generator
from tour.utils.data.collate import default_collate, default_convert
from tour.utils.data.dataset import IterableDataset
from tour.utils.data.fetch import END, fetcher
from tour.utils.data.pin import pin_memory as pinned
from tour.utils.data.pool import Pool
from tour.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler, drawn_seed
from tour.utils.data.worker import Failure, Job

__all__ = ["DataLoader"]

T_co = TypeVar("T_co", covariant=True)


@dataclass
class Position:
    """Where an epoch stands.

    Attributes:
        generator: The state of the generator when the epoch began.
        drew_seed: Whether this epoch drew the seed of the workers; with persistent workers only the first does.
        base_seed: That seed.
        batches: How many batches were given.
        finished: Whether nothing is left.
    """

    generator: Any
    drew_seed: bool
    base_seed: int
    batches: int = 0
    finished: bool = False


_FIXED = {"batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"}


class DataLoader(Generic[T_co]):
    """Batches of a dataset, in order or shuffled, read in this process or by others.

    From the same seed the order is PyTorch's. The position can be saved in the middle of an epoch with `state_dict`.

    Args:
        dataset: Samples by number, or an `IterableDataset`.
        batch_size: Samples in a batch; None gives samples one by one.
        shuffle: Whether each epoch has a new random order.
        sampler: Numbers of samples, instead of `shuffle`.
        batch_sampler: Lists of numbers, instead of `batch_size`, `shuffle`, `sampler` and `drop_last`.
        num_workers: How many processes read; 0 reads here.
        collate_fn: Makes a batch from a list of samples.
        pin_memory: Whether to call `pin_memory()` on all that has it.
        drop_last: Whether to leave out a last batch that is not full.
        timeout: Seconds to wait for a batch from the workers; 0 waits as long as they live.
        worker_init_fn: Called in each worker with its number, after seeding.
        multiprocessing_context: "fork", "spawn", "forkserver", or such a context.
        generator: Where order and seeds are drawn from; None means the default generator.
        prefetch_factor: Batches that each worker reads ahead; 2 unless given.
        persistent_workers: Whether the workers stay for the next epoch.
        pin_memory_device: Accepted for PyTorch's sake.
        in_order: False gives batches as they come from the workers.

    Raises:
        ValueError: If options contradict each other.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> [batch.tolist() for batch in DataLoader(range(5), batch_size=2, shuffle=True)]
        [[1, 4], [2, 3], [0]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.is_iterable = isinstance(dataset, IterableDataset)
        if self.is_iterable:
            _check_iterable(shuffle, sampler, batch_sampler)
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        self.dataset = dataset
        self.num_workers, self.timeout, self.worker_init_fn = num_workers, timeout, worker_init_fn
        self.prefetch_factor = 2 if prefetch_factor is None and num_workers else prefetch_factor
        self.pin_memory, self.pin_memory_device, self.in_order = pin_memory, pin_memory_device, in_order
        self.generator = generator
        if sampler is None:
            if self.is_iterable:
                sampler = repeat(None)
            else:
                sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size, self.drop_last = batch_size, drop_last
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self.collate_fn = collate_fn or (default_collate if self.batched else default_convert)
        self.persistent_workers = persistent_workers
        self.multiprocessing_context = multiprocessing_context
        self._position: Position | None = None
        self._resume: Position | None = None
        self._kept: _Epoch | None = None  # the epoch whose workers persist
        self._made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and "_made" in self.__dict__:
            raise ValueError(f"{name} attribute should not be set after DataLoader is initialized")
        if name == "multiprocessing_context":
            value = _context(value, self.num_workers)
        super().__setattr__(name, value)

    @property
    def batched(self) -> bool:
        """Whether samples are joined to batches."""
        return self.batch_sampler is not None

    @property
    def index_sampler(self) -> Any:
        """What gives the numbers: lists of them where samples are joined to batches."""
        return self.batch_sampler if self.batched else self.sampler

    def __len__(self) -> int:
        """How many batches an epoch has.

        Raises:
            TypeError: If the dataset or the sampler has no length.
        """
        if not self.is_iterable:
            return len(self.index_sampler)
        n = len(self.dataset)
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[T_co]:
        resume, self._resume = self._resume, None
        if self._kept is not None and self._kept.lives and resume is None:
            epoch = self._kept
            epoch.begin()
        else:
            epoch = self._new_epoch() if resume is None else self._rest_of_epoch(resume)
        self._position = epoch.position
        self._kept = epoch if self.persistent_workers else None
        return epoch

    def _new_epoch(self, resume: Position | None = None) -> _Epoch:
        return (_Parallel if self.num_workers else _Serial)(self, resume)

    def _rest_of_epoch(self, position: Position) -> _Epoch:
        """An epoch from the middle: draw its order once more, and pass over what was given."""
        generator = self.generator or default_generator
        now = generator.get_state()
        generator.set_state(position.generator)
        try:
            return self._new_epoch(position)
        finally:
            if self.generator is None:
                generator.set_state(now)

    # --- Positions ------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands: after how many batches of which epoch, or between epochs.

        Random numbers that samples draw inside workers are not part of it; those of the main process belong to its generator.
        """
        now = self._resume or self._position
        if now is None or now.finished:
            return {"batches": None}
        return {
            "batches": now.batches,
            "generator": now.generator,
            "base_seed": now.base_seed,
            "drew_seed": now.drew_seed,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Let the next iteration go on where `state_dict` was taken: the rest of that epoch, in its order.

        The default generator is left as it is: restore it apart, to have the same numbers in the epochs after this one.

        Raises:
            ValueError: If it is no loader's state.
        """
        state = dict(state_dict)
        if state.get("batches", 0) is None:
            self._resume = None
        elif set(state) == {"batches", "generator", "base_seed", "drew_seed"}:
            self._resume = Position(**state)
        else:
            raise ValueError(f"expected what DataLoader.state_dict() gives, got a dict of {sorted(state)}")
        self._position = self._kept = None


class _Epoch(Iterator[Any]):
    """One pass over the data; with persistent workers it begins anew for the next.

    Attributes:
        position: Where it stands.
    """

    def __init__(self, loader: DataLoader[Any], resume: Position | None) -> None:
        self.loader = loader
        self.generator = loader.generator or default_generator
        began = self.generator.get_state()
        draws = resume is None or resume.drew_seed
        seed = drawn_seed(loader.generator) if resume is None or draws else resume.base_seed
        self.position = Position(began, draws, seed)
        self.indices: Iterator[Any] = iter(loader.index_sampler)
        if resume is not None:
            self.skip(resume.batches)

    def begin(self) -> None:
        """Start another epoch with the same workers."""
        self.position = Position(self.generator.get_state(), False, self.position.base_seed)
        self.indices = iter(self.loader.index_sampler)

    def skip(self, batches: int) -> None:
        """Pass over batches that were given before, and let the sampler draw its order."""
        for _ in range(batches):
            next(self.indices, None)
        if not self.loader.is_iterable:
            first = list(islice(self.indices, 1))
            self.indices = chain(first, self.indices)
        self.position.batches = batches

    @property
    def lives(self) -> bool:
        """Whether another epoch can begin."""
        return True

    def read(self) -> Any:
        """The next batch, or END."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.loader)

    def __next__(self) -> Any:
        batch = END if self.position.finished else self.read()
        if batch is END:
            self.position.finished = True
            raise StopIteration
        self.position.batches += 1
        return pinned(batch) if self.loader.pin_memory else batch


class _Serial(_Epoch):
    """Batches read in this process."""

    def __init__(self, loader: DataLoader[Any], resume: Position | None) -> None:
        super().__init__(loader, resume)
        self.fetch = fetcher(loader.dataset, loader.batched, loader.collate_fn, loader.drop_last)
        if loader.is_iterable:
            for _ in range(self.position.batches):
                self.fetch(next(self.indices))

    def read(self) -> Any:
        for indices in self.indices:
            return self.fetch(indices)
        return END


class _Parallel(_Epoch):
    """Batches read by worker processes: tasks go round, results are given in the order of the tasks."""

    def __init__(self, loader: DataLoader[Any], resume: Position | None) -> None:
        super().__init__(loader, resume)
        jobs = [
            Job(
                i,
                loader.num_workers,
                self.position.base_seed,
                loader.dataset,
                loader.batched,
                loader.collate_fn,
                loader.drop_last,
                loader.worker_init_fn,
            )
            for i in range(loader.num_workers)
        ]
        self.pool = Pool(jobs, loader.multiprocessing_context)
        self._prime(0 if loader.is_iterable else self.position.batches)
        if loader.is_iterable:
            for _ in range(self.position.batches):
                self.read()

    def begin(self) -> None:
        under_way = set(self.tasks) - set(self.results)
        while under_way:  # results of the last epoch that nobody took
            under_way.discard(self.pool.take(None)[0])
        super().begin()
        self._prime(0)

    @property
    def lives(self) -> bool:
        return not self.pool.ended

    def _prime(self, first: int) -> None:
        """Start the round, where it stood after `first` tasks, and hand out as many tasks as may be under way."""
        workers = self.loader.num_workers
        for worker in range(workers):
            self.pool.give(worker, (0, None))
        self.tasks: dict[int, int] = {}  # number of a task that is under way, or whose result waits: its worker
        self.results: dict[int, Any] = {}
        self.sent = self.next_task = first
        self.turn = first % workers
        self.active = [True] * workers
        for _ in range(workers * (self.loader.prefetch_factor or 1)):
            self._hand_out()

    def _hand_out(self) -> None:
        """Give the next task to the worker whose turn it is."""
        if not any(self.active):
            return
        for indices in self.indices:
            while not self.active[self.turn]:
                self.turn = (self.turn + 1) % len(self.active)
            self.tasks[self.sent] = self.turn
            self.pool.give(self.turn, (self.sent, (indices,)))
            self.sent += 1
            self.turn = (self.turn + 1) % len(self.active)
            return

    def read(self) -> Any:
        if not self.lives:
            raise RuntimeError("the workers of this DataLoader are gone; iterate over it anew")
        while self.tasks:
            number, value = self._result()
            worker = self.tasks.pop(number)
            if value is END:
                self.active[worker] = False
                self._hand_out()
                continue
            self._hand_out()
            if isinstance(value, Failure):
                value.reraise()
            return value
        self._release()
        return END

    def _result(self) -> tuple[int, Any]:
        """The next result: that of the oldest task, or of any if the order does not matter."""
        oldest = next(iter(self.tasks))
        while oldest not in self.results:
            try:
                number, value = self.pool.take(self.loader.timeout or None)
            except RuntimeError:
                self.pool.abandon()
                raise
            if not self.loader.in_order:
                return number, value
            self.results[number] = value
        return oldest, self.results.pop(oldest)

    def _release(self) -> None:
        if not self.loader.persistent_workers:
            self.pool.end()


def _context(context: Any, num_workers: int) -> Any:
    """The `multiprocessing` context of a loader.

    Raises:
        ValueError: If there is no such start method, or there are no workers to start.
        TypeError: If it is neither a name nor a context.
    """
    if context is None:
        return multiprocessing.get_context()
    if not num_workers:
        raise ValueError(
            f"multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got {num_workers=}"
        )
    if isinstance(context, str):
        known = multiprocessing.get_all_start_methods()
        if context not in known:
            raise ValueError(f"multiprocessing_context option should specify one of {known}, but got {context!r}")
        return multiprocessing.get_context(context)
    if not hasattr(context, "get_start_method"):
        raise TypeError(
            f"multiprocessing_context option should be a valid context object or a string, but got {context!r}"
        )
    return context


def _check_workers(num_workers: int, timeout: float, prefetch_factor: int | None, persistent: bool) -> None:
    if num_workers < 0:
        raise ValueError(
            f"num_workers option should be non-negative; use num_workers=0 to disable multiprocessing; got {num_workers}"
        )
    if timeout < 0:
        raise ValueError(f"timeout option should be non-negative, got {timeout}")
    if not num_workers and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing; let num_workers > 0 to enable it"
        )
    if prefetch_factor is not None and prefetch_factor < 1:
        raise ValueError(f"prefetch_factor option should be positive, got {prefetch_factor}")
    if persistent and not num_workers:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _check_iterable(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    for name, given in (("shuffle", shuffle or None), ("sampler", sampler), ("batch_sampler", batch_sampler)):
        if given is not None:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={given}"
            )
