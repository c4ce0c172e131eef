"""The same model on every rank, each with its share of the batch, kept equal by averaging gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tour import Tensor
from tour._core import packed, stamp_array
from tour.autograd import is_grad_enabled
from tour.distributed._reducer import MIB, Reducer
from tour.distributed.world import ProcessGroup, _member
from tour.nn.modules.module import Module

__all__ = ["DistributedDataParallel"]


class DistributedDataParallel(Module):
    """A module that trains on several ranks at once.

    When it is made, every rank takes over the parameters and buffers of rank 0. In each backward pass gradients are
    averaged over the ranks, in buckets, while the pass still runs; after it `.grad` is the same everywhere, so that the
    same optimizer step keeps the models equal. If each rank's loss is the mean over as many samples, that average is
    the gradient of the mean over all of them; if ranks have different numbers of samples, let each loss be
    `world_size * sum(own losses) / number of samples on all ranks`.

    Args:
        module: The model, with at least one parameter that requires a gradient.
        device_ids: None, or PyTorch's list of one device; ignored.
        output_device: Ignored.
        dim: Ignored.
        broadcast_buffers: Whether every forward pass begins with the buffers of rank 0.
        process_group: The ranks that take part; None for all.
        bucket_cap_mb: Mebibytes of gradients that travel in one call; the first call has at most one.
        find_unused_parameters: Whether a loss need not depend on every parameter. Looks at the graph in each pass.
        check_reduction: Ignored.
        gradient_as_bucket_view: Ignored: gradients always are views into buckets.
        static_graph: Ignored.

    Raises:
        ValueError: If there is no process group yet, or `bucket_cap_mb` is not positive.
        RuntimeError: If no parameter requires a gradient, or the ranks have different models; says where they part.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()
        >>> net = DistributedDataParallel(tour.nn.Linear(2, 1))
        >>> net(tour.ones(3, 2)).sum().backward()
        >>> net.module.bias.grad
        tensor([3.])
        >>> dist.destroy_process_group()
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        process_group: ProcessGroup | None = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = True,
        static_graph: bool = False,
    ) -> None:
        super().__init__()
        group = _member(process_group)
        if group is None:
            raise ValueError("this rank is not in the process group of DistributedDataParallel")
        cap = 25.0 if bucket_cap_mb is None else bucket_cap_mb
        if cap <= 0:
            raise ValueError(f"bucket_cap_mb must be positive, got {bucket_cap_mb}")
        named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
        if not named:
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameter that requires a gradient."
            )
        self.module = module
        self.process_group = group
        self.broadcast_buffers = broadcast_buffers
        self.require_backward_grad_sync = True
        _same_models(module, group)
        _take_over([t for t in (*module.parameters(), *module.buffers())], group)
        largest = int(cap * MIB)
        self._reducer = Reducer(named, group, (min(MIB, largest), largest), find_unused_parameters)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Call the module; a backward pass from what it gives averages the gradients."""
        synchronise = self.require_backward_grad_sync and is_grad_enabled()
        if synchronise:
            self._reducer.prepare()
        if self.broadcast_buffers and self.require_backward_grad_sync:
            _take_over(list(self.module.buffers()), self.process_group)
        output = self.module(*inputs, **kwargs)
        if synchronise and self._reducer.find_unused:
            self._reducer.look(list(_tensors(output)))
        return output

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Let backward passes only accumulate, without traffic; the next one outside averages the sum.

        Examples:
            >>> import tour
            >>> from tour import distributed as dist
            >>> dist.init_process_group()
            >>> net = DistributedDataParallel(tour.nn.Linear(2, 1))
            >>> with net.no_sync():
            ...     net(tour.ones(1, 2)).sum().backward()
            >>> net(tour.ones(1, 2)).sum().backward()
            >>> net.module.bias.grad
            tensor([2.])
            >>> dist.destroy_process_group()
        """
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        self._reducer.active = False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before


def _tensors(output: Any) -> Iterator[Tensor]:
    """The tensors in what a forward pass gave."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, Mapping):
        for value in output.values():
            yield from _tensors(value)
    elif isinstance(output, (list, tuple)):
        for value in output:
            yield from _tensors(value)


def _same_models(module: Module, group: ProcessGroup) -> None:
    mine = [(name, list(t.shape), str(t.dtype)) for name, t in (*module.named_parameters(), *module.named_buffers())]
    every = group.worker.call(lambda: group.transport.all_gather_object(mine))
    for rank, theirs in zip(group.ranks, every, strict=True):
        if theirs != every[0]:
            pairs = [pair for pair in zip(every[0], theirs, strict=False) if pair[0] != pair[1]]
            where = pairs[0] if pairs else (f"{len(every[0])} tensors", f"{len(theirs)}")
            raise RuntimeError(
                f"DistributedDataParallel expects the same model on every rank, but rank {group.ranks[0]} has {where[0]} where rank "
                f"{rank} has {where[1]}"
            )


def _take_over(tensors: list[Tensor], group: ProcessGroup) -> None:
    """Make tensors those of the group's first rank, some mebibytes at a time."""
    if group.size() == 1 or not tensors:
        return
    part: list[Any] = []
    for t in sorted(tensors, key=lambda t: type(t._a) is not np.ndarray):  # those of the CPU first
        if part and type(t._a) is not type(part[0]):
            _broadcast(part, group)
            part = []
        part.append(t._a)
        stamp_array(t._a)
        if sum(a.nbytes for a in part) > 25 * MIB:
            _broadcast(part, group)
            part = []
    _broadcast(part, group)


def _broadcast(arrays: list[Any], group: ProcessGroup) -> None:
    if not arrays:
        return
    flat = np.concatenate([packed(a).reshape(-1).view(np.uint8) for a in arrays])
    moving = group.moving(flat)
    moving.worker.call(lambda: moving.transport.broadcast(flat, 0))
    start = 0
    for a in arrays:
        a[...] = flat[start : start + a.nbytes].view(a.dtype).reshape(a.shape)
        start += a.nbytes
