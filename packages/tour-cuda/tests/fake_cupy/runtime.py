"""What runs on the fake device, and in which order: devices, memory, streams, events, captured graphs.

Work is done at once, but accounted for as a GPU would do it. Every stream and the host have a clock of what has certainly happened
before (a vector clock, as race detectors keep); memory remembers who last wrote and read it. Touching memory whose last use has
not certainly ended is an `OrderError`, whatever the lucky order of this run. Memory that is freed goes back to its stream's pool
with its history, so a block that is used again too early is found as well.
"""

from __future__ import annotations

import collections
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

counts: collections.Counter[str] = collections.Counter()
Clock = dict[int, int]  # for each stream, how much of its work


class CUDARuntimeError(RuntimeError):
    """What CuPy raises when the runtime refuses."""


class OutOfMemoryError(MemoryError):
    """What CuPy raises when no memory is left."""

    def __init__(self, size: int, total: int, limit: int = 0) -> None:
        super().__init__(f"Out of memory allocating {size:,} bytes (allocated so far: {total:,} bytes).")


class OrderError(AssertionError):
    """Memory was touched while another stream, or the host, may still have been using it."""


class State(threading.local):
    """What each thread has of its own."""

    def __init__(self) -> None:
        self.device = 0
        self.streams: list[Any] = []
        self.allocators: list[Any] = []


class World:
    """All there is on the fake machine; `reset` makes a new one."""

    def __init__(self, devices: int = 1, memory: int = 1 << 34) -> None:
        self.memory, self.state, self.host = memory, State(), {}
        self.streams: list[Any] = []
        self.null = [Stream(device=i, world=self) for i in range(devices)]
        self.pools = [Pool(self) for _ in range(devices)]
        self.used = [0] * devices
        self.pending: list[tuple[int, int, Callable[[], None]]] = []
        self.memories: weakref.WeakValueDictionary[int, Memory] = weakref.WeakValueDictionary()  # by their address
        self.faults: list[str] = []


world: World


def reset(devices: int = 1, memory: int = 1 << 34) -> None:
    """A fresh machine, with so many devices of so many bytes."""
    global world, _names
    _names = 0
    counts.clear()
    world = World.__new__(World)
    world.__init__(devices, memory)  # streams look for `world` while it is made


def merge(into: Clock, other: Clock) -> None:
    for key, tick in other.items():
        into[key] = max(into.get(key, 0), tick)


def host_waits(clock: Clock, why: str) -> None:
    """The host waits until this has happened."""
    refuse_in_capture(why)
    counts["synchronise"] += 1
    merge(world.host, clock)
    due = [p for p in world.pending if world.host.get(p[0], 0) >= p[1]]
    world.pending = [p for p in world.pending if p not in due]
    for _, _, act in due:
        act()
    if world.faults:
        raise CUDARuntimeError(f"cudaErrorAssert: {world.faults.pop()}")


def refuse_in_capture(why: str) -> None:
    if current_stream().graph is not None:
        raise CUDARuntimeError(f"cudaErrorStreamCaptureUnsupported: {why} while the current stream is capturing")


_names = 0


class Stream:
    """A queue of work."""

    def __init__(self, null: bool = False, non_blocking: bool = False, ptds: bool = False, priority: int | None = None, *,
                 device: int | None = None, world: World | None = None) -> None:  # fmt: skip
        global _names
        _names += 1
        home = globals()["world"] if world is None else world
        self.name, self.ptr = _names, _names
        self.device_id = home.state.device if device is None else device
        self.is_non_blocking, self.priority = non_blocking, priority or 0
        self.clock: Clock = {self.name: 0}
        self.graph: Graph | None = None
        home.streams.append(self)

    # -- what CuPy offers
    def use(self) -> Stream:
        world.state.streams[:] = [self]
        return self

    def __enter__(self) -> Stream:
        world.state.streams.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        world.state.streams.pop()

    def synchronize(self) -> None:
        host_waits(self.clock, "a stream was waited for")

    @property
    def done(self) -> bool:
        return world.host.get(self.name, 0) >= self.clock[self.name]

    def record(self, event: Event | None = None) -> Event:
        event = Event() if event is None else event
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        if event.graph is not None:
            self.graph = event.graph
        merge(self.clock, event.clock)

    def is_capturing(self) -> bool:
        return self.graph is not None

    def begin_capture(self, mode: Any = None) -> None:
        if self in world.null:
            raise CUDARuntimeError("cudaErrorStreamCaptureUnsupported: the legacy default stream cannot capture")
        self.graph = Graph()

    def end_capture(self) -> Graph:
        graph, self.graph = self.graph, None
        assert graph is not None
        for stream in world.streams:
            if stream.graph is graph:
                stream.graph = None
        return graph

    def launch_host_func(self, function: Any, argument: Any) -> None:
        self.queue(lambda: function(argument))

    # -- bookkeeping
    def queue(self, act: Callable[[], None]) -> None:
        """Something that becomes visible to the host when the host has waited."""
        self.clock[self.name] += 1
        world.pending.append((self.name, self.clock[self.name], act))

    def use_memory(self, reads: list[Memory], writes: list[Memory], what: str) -> None:
        """Account for one piece of work."""
        merge(self.clock, world.host)
        if not self.is_non_blocking:  # the legacy default stream and those that block wait for each other
            for other in world.streams:
                if not other.is_non_blocking and other.device_id == self.device_id:
                    merge(self.clock, other.clock)
        self.clock[self.name] += 1
        now = (self.name, self.clock[self.name])
        for memory in reads:
            memory.check(self.clock, what)
            memory.reads[now[0]] = now[1]
        for memory in writes:
            memory.check(self.clock, what, reads=True)
            memory.written, memory.reads = now, {}


class Event:
    """A mark in a stream."""

    def __init__(self, block: bool = False, disable_timing: bool = False, interprocess: bool = False) -> None:
        self.disable_timing, self.clock, self.graph = disable_timing, {}, None

    def record(self, stream: Stream | None = None) -> None:
        stream = current_stream() if stream is None else stream
        self.clock, self.graph = dict(stream.clock), stream.graph

    def synchronize(self) -> None:
        host_waits(self.clock, "an event was waited for")

    @property
    def done(self) -> bool:
        return all(world.host.get(k, 0) >= t for k, t in self.clock.items())


class Graph:
    """Captured work. It holds memory as a GPU graph does: by address, not by reference."""

    def __init__(self) -> None:
        self.work: list[tuple[str, Callable[[], None], list[Any], list[Any]]] = []

    def launch(self, stream: Stream | None = None) -> None:
        stream = current_stream() if stream is None else stream
        counts["graph"] += 1
        for what, act, reads, writes in self.work:
            found = [m() for m in (*reads, *writes)]
            if None in found:
                raise OrderError(f"{what}: replayed a graph over memory that has been freed")
            stream.use_memory(found[: len(reads)], found[len(reads) :], what)
            act()

    def upload(self, stream: Stream | None = None) -> None:
        pass


class Memory:
    """One allocation: whose it is, and who last used it."""

    def __init__(self, size: int, device: int, pool: Pool) -> None:
        self.pool, self.stream, self.size, self.device = pool, current_stream(), size, device
        self.written: tuple[int, int] | None = None
        self.reads: Clock = {}
        self.span: tuple[int, int] = (0, 0)
        self.owner: np.ndarray | None = None

    def lies_at(self, host: np.ndarray) -> None:
        """Note the addresses."""
        self.span = np.lib.array_utils.byte_bounds(host)
        self.owner = (
            host if self.pool not in world.pools else None
        )  # what a graph's own pool gave stays as long as the graph
        world.memories[self.span[0]] = self

    def check(self, clock: Clock, what: str, reads: bool = False) -> None:
        uses = [self.written] if self.written is not None else []
        for name, tick in [*uses, *(self.reads.items() if reads else ())]:
            if clock.get(name, 0) < tick:
                raise OrderError(
                    f"{what}: memory of stream {name} is used without waiting for it (it may still be busy)"
                )

    def __del__(self) -> None:
        self.pool.take_back(self)


def memory_at(place: int) -> Memory:
    """What lies at an address.

    Raises:
        CUDARuntimeError: If nothing does, of which a GPU would make an illegal access.
    """
    if (found := world.memories.get(place)) is not None:
        return found
    for memory in list(world.memories.values()):
        if memory.span[0] <= place < max(memory.span[1], memory.span[0] + 1):
            return memory
    raise CUDARuntimeError(f"cudaErrorIllegalAddress: {place:#x} is no memory of a device")


hooks: list[Any] = []


class MemoryHook:
    """What is told of every allocation while it is entered."""

    def __enter__(self) -> MemoryHook:
        hooks.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        hooks.remove(self)


class Pool:
    """A pool of memory: each stream gets back what it gave, with its history."""

    def __init__(self, home: World | None = None) -> None:
        self.home = world if home is None else home
        self.free: dict[tuple[int, int], list[tuple[Any, Any]]] = collections.defaultdict(list)
        self.used = self.total = self.limit = 0

    def allocate(self, size: int) -> Memory:
        size = -(-size // 512) * 512
        stream, device = current_stream(), world.state.device
        known = self.free[stream.name, size]
        if not known:
            if self.limit and self.total + size > self.limit:
                raise OutOfMemoryError(size, self.total, self.limit)
            if world.used[device] + size > world.memory:
                raise OutOfMemoryError(size, self.total)
            self.total += size
            world.used[device] += size
        memory = Memory(size, device, self)
        if known:
            memory.written, memory.reads = known.pop()
        self.used += size
        for hook in hooks:
            hook.malloc_postprocess(device_id=device, size=size, mem_size=size, mem_ptr=0, pmem_id=0)
        return memory

    def take_back(self, memory: Memory) -> None:
        self.used -= memory.size
        self.free[memory.stream.name, memory.size].append((memory.written, memory.reads))

    # -- what CuPy offers
    def used_bytes(self) -> int:
        return self.used

    def total_bytes(self) -> int:
        return self.total

    def free_bytes(self) -> int:
        return self.total - self.used

    def n_free_blocks(self) -> int:
        return sum(map(len, self.free.values()))

    def set_limit(self, size: int | None = None, fraction: float | None = None) -> None:
        self.limit = int(world.memory * fraction) if size is None and fraction is not None else size or 0

    def get_limit(self) -> int:
        return self.limit

    def free_all_blocks(self, stream: Any = None) -> None:
        refuse_in_capture("memory was given back")
        for (_, size), blocks in self.free.items():
            self.total -= size * len(blocks)
            world.used[world.state.device] -= size * len(blocks)
        self.free.clear()

    def malloc(self, size: int) -> Memory:
        return self.allocate(size)


def current_stream() -> Stream:
    state = world.state
    return state.streams[-1] if state.streams else world.null[state.device]


def allocate(size: int) -> Memory:
    """Memory from the pool in use."""
    state = world.state
    if state.allocators and state.allocators[-1] is not None:
        return state.allocators[-1](size)
    return world.pools[state.device].allocate(size)


@contextmanager
def using_allocator(allocator: Any = None) -> Iterator[None]:
    world.state.allocators.append(allocator)
    try:
        yield
    finally:
        world.state.allocators.pop()


def poison(host: np.ndarray) -> None:
    """Fresh memory holds anything: NaN, or every bit set."""
    host.reshape(-1).view(np.uint8)[...] = 0xFF if host.dtype != np.bool_ else 1
