"""Averages gradients over the ranks while a backward pass still runs.

Gradients live in flat buckets: `.grad` is a view into one, so that a whole bucket travels in one call and nothing is
copied back. Buckets are filled from the last parameter to the first, roughly the order in which a backward pass ends
with them; the first is small, so that the traffic starts early. A full bucket is handed to a thread of its own, in the
same order on every rank.

Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel Training", VLDB 2020.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np

from tour import Tensor
from tour._core import stamp_array, wrap
from tour.distributed import _faults
from tour.distributed._work import Work
from tour.distributed.world import ProcessGroup

MIB: Final = 1 << 20


class Bucket:
    """Gradients that travel together.

    Attributes:
        flat: Their memory, of one dtype.
        slots: For each of its parameters, the number and the view of its gradient.
        missing: How many of them this backward pass has not reached yet.
    """

    def __init__(self, members: Sequence[tuple[int, Tensor]]) -> None:
        self.flat = np.zeros_like(members[0][1]._a, shape=sum(p.numel() for _, p in members))
        self.slots: dict[int, Any] = {}
        start = 0
        for i, p in members:
            self.slots[i] = self.flat[start : start + p.numel()].reshape(p.shape)
            start += p.numel()
        self.missing = len(members)


def plan(parameters: Sequence[Tensor], first: int, others: int) -> list[list[tuple[int, Tensor]]]:
    """Divide parameters among buckets of one device and dtype, from the last to the first.

    Args:
        parameters: In the order of the model.
        first: Bytes that the first bucket may hold.
        others: Bytes that every other may hold. A larger parameter has a bucket of its own.

    Examples:
        >>> from tour import zeros
        >>> [[i for i, _ in bucket] for bucket in plan([zeros(8), zeros(4), zeros(4), zeros(2)], 16, 32)]
        [[3], [2, 1], [0]]
    """
    done: list[list[tuple[int, Tensor]]] = []
    filling: dict[Any, tuple[int, list[tuple[int, Tensor]]]] = {}  # by device and dtype: bytes, members
    limit = first
    for i in reversed(range(len(parameters))):
        a = parameters[i]._a
        size, members = filling.get((type(a), a.dtype), (0, []))
        if members and size + a.nbytes > limit:
            done.append(members)
            size, members, limit = 0, [], others
        members.append((i, parameters[i]))
        filling[type(a), a.dtype] = (size + a.nbytes, members)
    return done + [members for _, members in filling.values()]


class Reducer:
    """Watches the gradients of named parameters and averages them as they become ready.

    Args:
        named: Names and parameters that train.
        group: The ranks; traffic goes over a duplicate of it.
        bucket_bytes: What the first bucket may hold, and every other.
        find_unused: Whether to look in each graph for parameters that it does not reach.
    """

    def __init__(
        self, named: Iterable[tuple[str, Tensor]], group: ProcessGroup, bucket_bytes: tuple[int, int], find_unused: bool
    ) -> None:
        self.names, self.parameters = map(list, zip(*named, strict=True))
        self.group = group.duplicate()
        self.find_unused = find_unused
        self.buckets = [Bucket(members) for members in plan(self.parameters, *bucket_bytes)]
        self.home = {i: bucket for bucket in self.buckets for i in bucket.slots}
        self.arrived: set[int] = set()
        self.unused: set[int] = set()
        self.works: list[Work] = []
        self.active = False
        for i, p in enumerate(self.parameters):
            p.register_post_accumulate_grad_hook(_hook(weakref.ref(self), i))

    def prepare(self) -> None:
        """Expect the gradients of one backward pass.

        Raises:
            RuntimeError: If the last one has left parameters out; says which.
        """
        if self.active and self.arrived and len(self.arrived) < len(self.parameters):
            raise RuntimeError(self._unfinished())
        self.active = True
        self.arrived.clear()
        self.unused.clear()
        for bucket in self.buckets:
            bucket.missing = len(bucket.slots)

    def _unfinished(self) -> str:
        missing = [name for i, name in enumerate(self.names) if i not in self.arrived]
        return (
            "Expected to have finished reduction in the prior iteration before starting a new one. The last backward pass did "
            f"not reach these parameters on rank {self.group.rank()}: {', '.join(missing)}. If the loss need not depend on all "
            "parameters, pass find_unused_parameters=True to DistributedDataParallel; otherwise let forward() return all that "
            "the loss is computed from"
        )

    def look(self, outputs: Iterable[Tensor]) -> None:
        """Do not wait for parameters that the graph of a forward pass's outputs does not reach."""
        reached = {id(t) for t in _leaves(outputs)}
        self.unused = {i for i, p in enumerate(self.parameters) if id(p) not in reached}
        for i in self.unused:
            self.home[i].slots[i][...] = 0
            self._arrive(i)

    def ready(self, i: int) -> None:
        """Take in the gradient of one parameter, which a backward pass has just accumulated."""
        if not self.active:
            return
        if i in self.arrived:
            raise RuntimeError(
                f"Expected to mark a variable ready only once: {self.names[i]} got a second gradient in one iteration. A "
                "parameter was used in several backward passes, or outside forward(); accumulate under no_sync()"
            )
        p, slot = self.parameters[i], self.home[i].slots[i]
        if p.grad._a is not slot:
            slot[...] = p.grad._a
            p.grad = wrap(slot)
        self._arrive(i)

    def _arrive(self, i: int) -> None:
        self.arrived.add(i)
        self.home[i].missing -= 1
        while len(self.works) < len(self.buckets) and not self.buckets[len(self.works)].missing:
            self.works.append(self._send(self.buckets[len(self.works)]))
        if len(self.works) == len(self.buckets):
            self._finish()

    def _send(self, bucket: Bucket) -> Work:
        group = self.group.moving(bucket.flat)
        transport, seconds = group.transport, group.timeout.total_seconds()

        def call() -> None:
            with _faults.watched("the reduction of gradients", transport, seconds):
                transport.all_reduce(bucket.flat, "avg")

        return group.worker.submit(call)

    def _finish(self) -> None:
        """Wait for the traffic, and let gradients that came from other ranks alone be seen."""
        works, self.works = self.works, []
        for work in works:
            work.wait()
        for bucket in self.buckets:
            stamp_array(bucket.flat)
        self.active = False
        if self.find_unused:
            used = np.array([i not in self.unused for i in range(len(self.parameters))], np.int32)
            self.group.worker.call(lambda: self.group.transport.all_reduce(used, "max"))
            for i in self.unused:
                if used[i]:
                    self.parameters[i].grad = wrap(self.home[i].slots[i])

    def close(self) -> None:
        """End the thread and give the communicator back. Every rank must call it."""
        self.group.close()


def _hook(reducer: weakref.ref[Reducer], i: int) -> Callable[[Tensor], None]:
    def ready(_: Tensor) -> None:
        if (alive := reducer()) is not None:
            alive.ready(i)

    return ready


def _leaves(outputs: Iterable[Tensor]) -> list[Tensor]:
    """The leaves that gradients of some tensors would reach."""
    found = [t for t in outputs if t.requires_grad and t.grad_fn is None]
    todo = [t.grad_fn for t in outputs if t.grad_fn is not None]
    seen = set(todo)
    while todo:
        for node, _ in todo.pop().next_functions:
            if node is None or node in seen:
                continue
            seen.add(node)
            if node.next_functions:
                todo.append(node)
            elif (leaf := getattr(node, "variable", None)) is not None:
                found.append(leaf)
    return found
