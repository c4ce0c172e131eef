"""What ranks do together with tensors, under PyTorch's names. Tensors are written in place; gradients do not flow through."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from tour import Tensor
from tour.distributed import _faults
from tour.distributed._calls import (
    alike,
    checked,
    fill_all,
    in_place,
    local,
    only_root,
    put,
    run,
    sized,
    stack_like,
    whole,
)
from tour.distributed._work import Work
from tour.distributed.world import ProcessGroup, _member

__all__ = [
    "ReduceOp",
    "all_gather",
    "all_gather_into_tensor",
    "all_reduce",
    "all_to_all",
    "all_to_all_single",
    "barrier",
    "broadcast",
    "gather",
    "monitored_barrier",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_tensor",
    "scatter",
]


class ReduceOp(enum.StrEnum):
    """How values of several ranks become one; AVG is the sum divided by the number of ranks.

    Examples:
        >>> from tour import distributed as dist
        >>> dist.ReduceOp.MAX
        <ReduceOp.MAX: 'max'>
    """

    SUM = "sum"
    AVG = "avg"
    PRODUCT = "product"
    MIN = "min"
    MAX = "max"
    BAND = "band"
    BOR = "bor"
    BXOR = "bxor"


def _reducible(tensor: Tensor, op: ReduceOp) -> None:
    checked(tensor)
    if op not in set(ReduceOp):
        raise ValueError(f"Invalid reduction {op!r}; there are {', '.join(o.name for o in ReduceOp)}")
    kind = tensor._a.dtype.kind
    bitwise = op in (ReduceOp.BAND, ReduceOp.BOR, ReduceOp.BXOR)
    if (
        (bitwise and kind not in "biu")
        or (op is ReduceOp.AVG and kind in "biu")
        or (kind == "c" and op in (ReduceOp.MIN, ReduceOp.MAX))
    ):
        raise TypeError(f"Cannot use ReduceOp.{ReduceOp(op).name} with tensors of dtype {tensor.dtype}")


def all_reduce(
    tensor: Tensor, op: ReduceOp = ReduceOp.SUM, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Make every rank's tensor the reduction of all.

    Args:
        tensor: Any shape, the same on every rank; written in place.
        op: How to reduce. Numbers of 16 bits and fewer are summed in float32; booleans are reduced logically.
        group: The ranks that take part; None for all.
        async_op: Whether to return at once, with a `Work` to wait for.

    Raises:
        ValueError: If there is no process group yet.
        TypeError: If `op` cannot reduce the dtype.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()
        >>> t = tour.tensor([1.0, 2.0])
        >>> dist.all_reduce(t)                # alone, the sum is the tensor itself
        >>> t
        tensor([1., 2.])
        >>> dist.destroy_process_group()
    """
    _reducible(tensor, op)
    return run(
        "all_reduce", group, async_op, lambda g: in_place(tensor, lambda a: g.transport.all_reduce(a, op)), tensor, op
    )


def reduce(
    tensor: Tensor,
    dst: int = 0,
    op: ReduceOp = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Make the tensor of rank `dst` (its number in the world) the reduction of all; as `all_reduce` otherwise.

    Args:
        tensor: Any shape and dtype, the same on every rank; written on rank `dst` only.
        dst: The rank that gets the result, as numbered in the world.
        op: How to reduce, as in `all_reduce`.
        group: The ranks that take part; None for all.
        async_op: Whether to return at once, with a `Work` to wait for.

    Returns:
        A `Work` if `async_op`, else None. A rank outside the group returns None at once.

    Raises:
        ValueError: If there is no process group yet, `dst` is outside the group, or `op` is no `ReduceOp`.
        TypeError: If `tensor` is not a tensor, or `op` cannot reduce its dtype.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> t = tour.tensor([1.0, 2.0])
        >>> dist.reduce(t, dst=0)
        >>> t
        tensor([1., 2.])
        >>> dist.destroy_process_group()
    """
    _reducible(tensor, op)

    def call(g: ProcessGroup) -> Any:
        return in_place(tensor, lambda a: g.transport.reduce(a, op, local(g, dst)))

    return run("reduce", group, async_op, call, tensor, op, dst)


def broadcast(tensor: Tensor, src: int, group: ProcessGroup | None = None, async_op: bool = False) -> Work | None:
    """Make every rank's tensor that of rank `src` (its number in the world).

    Args:
        tensor: Any shape and dtype, the same on every rank; read on rank `src`, written on the others.
        src: The rank whose values go out, as numbered in the world.
        group: The ranks that take part; None for all.
        async_op: Whether to return at once, with a `Work` to wait for.

    Returns:
        A `Work` if `async_op`, else None. A rank outside the group returns None at once.

    Raises:
        ValueError: If there is no process group yet, or `src` is outside the group.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> t = tour.tensor([1.0, 2.0])
        >>> dist.broadcast(t, src=0)
        >>> t
        tensor([1., 2.])
        >>> dist.destroy_process_group()
    """

    checked(tensor)

    def call(g: ProcessGroup) -> Any:
        return in_place(tensor, lambda a: g.transport.broadcast(a, local(g, src)))

    return run("broadcast", group, async_op, call, tensor, src)


def all_gather(
    tensor_list: Sequence[Tensor], tensor: Tensor, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Fill a list with the tensors of all ranks, in order of rank.

    Args:
        tensor_list: As many tensors as ranks, each like `tensor`.
        tensor: This rank's.
        group: The ranks that take part; None for all.
        async_op: Whether to return at once, with a `Work` to wait for.

    Raises:
        ValueError: If the list has another length, or tensors of another shape or dtype.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> parts = [tour.zeros(2) for _ in range(dist.get_world_size())]
        >>> dist.all_gather(parts, tour.tensor([1.0, 2.0]))
        >>> parts
        [tensor([1., 2.])]
        >>> dist.destroy_process_group()
    """

    checked(tensor)

    def call(g: ProcessGroup) -> Any:
        out = stack_like(tensor, g)
        g.transport.all_gather(out, whole(tensor))
        return fill_all(tensor_list, out)

    return run(
        "all_gather", group, async_op, call, tensor, check=lambda g: alike("tensor_list", tensor_list, tensor, g)
    )


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Fill one tensor with those of all ranks, joined along or stacked before the first dimension.

    Args:
        output_tensor: Receives the tensors of all ranks, in order of rank: with R ranks and inputs of shape (n, ...),
            its shape is (R n, ...) or (R, n, ...).
        input_tensor: This rank's, of the same shape and dtype on every rank.
        group: The ranks that take part; None for all.
        async_op: Whether to return at once, with a `Work` to wait for.

    Returns:
        A `Work` if `async_op`, else None. A rank outside the group returns None at once.

    Raises:
        ValueError: If there is no process group yet, or the output has not as many elements as all inputs together, or
            another dtype.
        RuntimeError: If the tensors are not on one device.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> out = tour.zeros(2 * dist.get_world_size())
        >>> dist.all_gather_into_tensor(out, tour.tensor([1.0, 2.0]))
        >>> out
        tensor([1., 2.])
        >>> dist.destroy_process_group()
    """

    checked(input_tensor)

    def call(g: ProcessGroup) -> Any:
        out = stack_like(input_tensor, g)
        g.transport.all_gather(out, whole(input_tensor))
        return put(output_tensor, out.reshape(output_tensor.shape))

    def check(g: ProcessGroup) -> None:
        sized("output_tensor", output_tensor, input_tensor, input_tensor.numel() * g.size())

    return run("all_gather_into_tensor", group, async_op, call, input_tensor, check=check)


def gather(
    tensor: Tensor,
    gather_list: Sequence[Tensor] | None = None,
    dst: int = 0,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Fill a list on rank `dst` with the tensors of all ranks; others give no list.

    Args:
        tensor: This rank's, of the same shape and dtype on every rank.
        gather_list: On rank `dst` as many tensors as ranks, each like `tensor`, in order of rank; None on the others.
        dst: The rank that gets the tensors, as numbered in the world.
        group: The ranks that take part; None for all.
        async_op: Whether to return at once, with a `Work` to wait for.

    Returns:
        A `Work` if `async_op`, else None. A rank outside the group returns None at once.

    Raises:
        ValueError: If there is no process group yet, `dst` is outside the group, rank `dst` gives no list that fits, or
            another rank gives one.
        RuntimeError: If the tensors are not on one device.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> parts = [tour.zeros(2) for _ in range(dist.get_world_size())] if dist.get_rank() == 0 else None
        >>> dist.gather(tour.tensor([1.0, 2.0]), parts, dst=0)
        >>> parts
        [tensor([1., 2.])]
        >>> dist.destroy_process_group()
    """

    checked(tensor)

    def call(g: ProcessGroup) -> Any:
        root = local(g, dst)
        out = stack_like(tensor, g) if g.rank() == root else None
        g.transport.gather(out, whole(tensor), root)
        return None if out is None or gather_list is None else fill_all(gather_list, out)

    def check(g: ProcessGroup) -> None:
        only_root("gather_list", gather_list, g.rank() == local(g, dst), tensor, g)

    return run("gather", group, async_op, call, tensor, dst, check=check)


def scatter(
    tensor: Tensor,
    scatter_list: Sequence[Tensor] | None = None,
    src: int = 0,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Make every rank's tensor its own of those that rank `src` has in a list.

    Args:
        tensor: Receives this rank's part; of the same shape and dtype on every rank.
        scatter_list: On rank `src` as many tensors as ranks, each like `tensor`, in order of rank; None on the others.
        src: The rank that has the list, as numbered in the world.
        group: The ranks that take part; None for all.
        async_op: Whether to return at once, with a `Work` to wait for.

    Returns:
        A `Work` if `async_op`, else None. A rank outside the group returns None at once.

    Raises:
        ValueError: If there is no process group yet, `src` is outside the group, rank `src` gives no list that fits, or
            another rank gives one.
        RuntimeError: If the tensors are not on one device.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> parts = [tour.full((2,), float(r)) for r in range(dist.get_world_size())] if dist.get_rank() == 0 else None
        >>> mine = tour.empty(2)
        >>> dist.scatter(mine, parts, src=0)
        >>> mine
        tensor([0., 0.])
        >>> dist.destroy_process_group()
    """

    checked(tensor)

    def call(g: ProcessGroup) -> Any:
        root = local(g, src)
        parts = np.stack([t._a for t in scatter_list]) if scatter_list else None
        return in_place(tensor, lambda a: g.transport.scatter(a, parts if g.rank() == root else None, root))

    def check(g: ProcessGroup) -> None:
        only_root("scatter_list", scatter_list, g.rank() == local(g, src), tensor, g)

    return run("scatter", group, async_op, call, tensor, src, check=check)


def reduce_scatter(
    output: Tensor,
    input_list: Sequence[Tensor],
    op: ReduceOp = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Make rank r's `output` the reduction of every rank's `input_list[r]`.

    Args:
        output: Receives this rank's part; of the same shape and dtype on every rank.
        input_list: As many tensors as ranks, each like `output`; they are only read.
        op: How to reduce, as in `all_reduce`.
        group: The ranks that take part; None for all.
        async_op: Whether to return at once, with a `Work` to wait for.

    Returns:
        A `Work` if `async_op`, else None. A rank outside the group returns None at once.

    Raises:
        ValueError: If there is no process group yet, the list has another length, tensors of another shape or dtype, or
            `op` is no `ReduceOp`.
        TypeError: If `output` is not a tensor, or `op` cannot reduce its dtype.
        RuntimeError: If the tensors are not on one device.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> mine = tour.empty(2)
        >>> dist.reduce_scatter(mine, [tour.full((2,), float(r)) for r in range(dist.get_world_size())])
        >>> mine
        tensor([0., 0.])
        >>> dist.destroy_process_group()
    """
    _reducible(output, op)

    def call(g: ProcessGroup) -> Any:
        parts = np.stack([t._a for t in input_list])
        g.transport.all_reduce(parts, op)
        return put(output, parts[g.rank()])

    return run(
        "reduce_scatter", group, async_op, call, output, op, check=lambda g: alike("input_list", input_list, output, g)
    )


def reduce_scatter_tensor(
    output: Tensor,
    input: Tensor,
    op: ReduceOp = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Reduce `input` over all ranks, and make rank r's `output` its r-th part.

    Args:
        output: Receives this rank's part; of the same shape and dtype on every rank.
        input: The parts of all ranks, in order of rank: with R ranks and an output of shape (n, ...), its shape is
            (R n, ...) or (R, n, ...); only read.
        op: How to reduce, as in `all_reduce`.
        group: The ranks that take part; None for all.
        async_op: Whether to return at once, with a `Work` to wait for.

    Returns:
        A `Work` if `async_op`, else None. A rank outside the group returns None at once.

    Raises:
        ValueError: If there is no process group yet, the input has not R times the output's elements, or another dtype,
            or `op` is no `ReduceOp`.
        TypeError: If `output` is not a tensor, or `op` cannot reduce its dtype.
        RuntimeError: If the tensors are not on one device.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> mine = tour.empty(2)
        >>> dist.reduce_scatter_tensor(mine, tour.arange(2.0 * dist.get_world_size()))
        >>> mine
        tensor([0., 1.])
        >>> dist.destroy_process_group()
    """
    _reducible(output, op)

    def call(g: ProcessGroup) -> Any:
        parts = input._a.reshape(g.size(), *output.shape).copy()
        g.transport.all_reduce(parts, op)
        return put(output, parts[g.rank()])

    def check(g: ProcessGroup) -> None:
        sized("input", input, output, output.numel() * g.size())

    return run("reduce_scatter_tensor", group, async_op, call, output, op, check=check)


def all_to_all(
    output_tensor_list: Sequence[Tensor],
    input_tensor_list: Sequence[Tensor],
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Send the r-th tensor of a list to rank r, and fill another list with what every rank sent; all of one shape.

    Args:
        output_tensor_list: As many tensors as ranks; the r-th receives what rank r sent here.
        input_tensor_list: As many tensors as ranks; the r-th goes to rank r.
        group: The ranks that take part; None for all.
        async_op: Whether to return at once, with a `Work` to wait for.

    Returns:
        A `Work` if `async_op`, else None. A rank outside the group returns None at once.

    Raises:
        ValueError: If there is no process group yet, a list has another length, or the tensors differ in shape or
            dtype.
        RuntimeError: If the tensors are not on one device.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> out = [tour.empty(1) for _ in range(dist.get_world_size())]
        >>> dist.all_to_all(out, [tour.tensor([float(r)]) for r in range(dist.get_world_size())])
        >>> out
        [tensor([0.])]
        >>> dist.destroy_process_group()
    """

    def call(g: ProcessGroup) -> Any:
        parts = np.stack([t._a for t in input_tensor_list])
        out = np.empty_like(parts)
        g.transport.all_to_all(out, parts)
        return fill_all(output_tensor_list, out)

    def check(g: ProcessGroup) -> None:
        like = checked(input_tensor_list[0]) if input_tensor_list else None
        for name, tensors in (("output_tensor_list", output_tensor_list), ("input_tensor_list", input_tensor_list)):
            alike(name, tensors, like, g)

    return run("all_to_all", group, async_op, call, *input_tensor_list[:1], check=check)


def all_to_all_single(
    output: Tensor, input: Tensor, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Send the r-th of equal parts of a tensor's first dimension to rank r, and join what every rank sent.

    Args:
        output: Receives the parts in order of rank; of the input's shape and dtype.
        input: The parts for all ranks in order of rank, of the same shape on every rank; the number of ranks divides
            its first dimension.
        group: The ranks that take part; None for all.
        async_op: Whether to return at once, with a `Work` to wait for.

    Returns:
        A `Work` if `async_op`, else None. A rank outside the group returns None at once.

    Raises:
        ValueError: If there is no process group yet, the output has another number of elements or another dtype, or the
            first dimension cannot be divided.
        RuntimeError: If the tensors are not on one device.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> out = tour.empty(dist.get_world_size())
        >>> dist.all_to_all_single(out, tour.arange(float(dist.get_world_size())))
        >>> out
        tensor([0.])
        >>> dist.destroy_process_group()
    """

    checked(input)

    def call(g: ProcessGroup) -> Any:
        out = np.empty_like(output._a, order="C")
        g.transport.all_to_all(out, whole(input))
        return put(output, out)

    def check(g: ProcessGroup) -> None:
        sized("output", output, input, input.numel())
        if not input.ndim or input.shape[0] % g.size():
            raise ValueError(
                f"the first dimension of shape {list(input.shape)} cannot be divided among {g.size()} ranks"
            )

    return run("all_to_all_single", group, async_op, call, input, check=check)


def barrier(group: ProcessGroup | None = None, async_op: bool = False, device_ids: Any = None) -> Work | None:
    """Wait until every rank is here.

    Args:
        group: The ranks that take part; None for all.
        async_op: Whether to return at once, with a `Work` to wait for.
        device_ids: Accepted for PyTorch's sake.

    Returns:
        A `Work` if `async_op`, else None. A rank outside the group returns None at once.

    Raises:
        ValueError: If there is no process group yet.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> dist.barrier()  # alone there is nobody to wait for
        >>> dist.destroy_process_group()
    """
    return run("barrier", group, async_op, lambda g: g.transport.barrier())


def monitored_barrier(
    group: ProcessGroup | None = None, timeout: timedelta | None = None, wait_all_ranks: bool = False
) -> None:
    """Wait until every rank is here, but no longer than `timeout`; then the job is ended, with the traceback of this rank.

    Args:
        group: The ranks that take part; None for all.
        timeout: How long to wait, a `timedelta`; None for the group's own timeout.
        wait_all_ranks: Accepted for PyTorch's sake.

    Raises:
        ValueError: If there is no process group yet.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> from datetime import timedelta
        >>> dist.monitored_barrier(timeout=timedelta(seconds=5))
        >>> dist.destroy_process_group()
    """
    g = _member(group)
    if g is not None:
        seconds = (timeout or g.timeout).total_seconds()
        with _faults.watched("monitored_barrier", g.transport, seconds):
            g.worker.call(g.transport.barrier)
