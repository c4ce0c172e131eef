"""What ranks do together with tensors, under PyTorch's names. Tensors are written in place; gradients do not flow through."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from tour import Tensor
from tour._core import packed, wrote
from tour.distributed import _check, _faults
from tour.distributed._nccl import Nccl
from tour.distributed._work import Work
from tour.distributed.world import ProcessGroup, _member, get_group_rank

__all__ = [
    "P2POp",
    "ReduceOp",
    "all_gather",
    "all_gather_into_tensor",
    "all_reduce",
    "all_to_all",
    "all_to_all_single",
    "barrier",
    "batch_isend_irecv",
    "broadcast",
    "gather",
    "irecv",
    "isend",
    "monitored_barrier",
    "recv",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_tensor",
    "scatter",
    "send",
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
    return _run(
        "all_reduce", group, async_op, lambda g: _in_place(tensor, lambda a: g.transport.all_reduce(a, op)), tensor, op
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
        return _in_place(tensor, lambda a: g.transport.reduce(a, op, _local(g, dst)))

    return _run("reduce", group, async_op, call, tensor, op, dst)


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

    def call(g: ProcessGroup) -> Any:
        return _in_place(tensor, lambda a: g.transport.broadcast(a, _local(g, src)))

    return _run("broadcast", group, async_op, call, tensor, src)


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

    def call(g: ProcessGroup) -> Any:
        out = _stack_like(tensor, g)
        g.transport.all_gather(out, _whole(tensor))
        return _fill(tensor_list, out)

    return _run(
        "all_gather", group, async_op, call, tensor, check=lambda g: _alike("tensor_list", tensor_list, tensor, g)
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

    def call(g: ProcessGroup) -> Any:
        out = _stack_like(input_tensor, g)
        g.transport.all_gather(out, _whole(input_tensor))
        return _put(output_tensor, out.reshape(output_tensor.shape))

    def check(g: ProcessGroup) -> None:
        _sized("output_tensor", output_tensor, input_tensor, input_tensor.numel() * g.size())

    return _run("all_gather_into_tensor", group, async_op, call, input_tensor, check=check)


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

    def call(g: ProcessGroup) -> Any:
        root = _local(g, dst)
        out = _stack_like(tensor, g) if g.rank() == root else None
        g.transport.gather(out, _whole(tensor), root)
        return None if out is None or gather_list is None else _fill(gather_list, out)

    def check(g: ProcessGroup) -> None:
        _only_root("gather_list", gather_list, g.rank() == _local(g, dst), tensor, g)

    return _run("gather", group, async_op, call, tensor, dst, check=check)


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

    def call(g: ProcessGroup) -> Any:
        root = _local(g, src)
        parts = np.stack([t._a for t in scatter_list]) if scatter_list else None
        return _in_place(tensor, lambda a: g.transport.scatter(a, parts if g.rank() == root else None, root))

    def check(g: ProcessGroup) -> None:
        _only_root("scatter_list", scatter_list, g.rank() == _local(g, src), tensor, g)

    return _run("scatter", group, async_op, call, tensor, src, check=check)


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
        return _put(output, parts[g.rank()])

    return _run(
        "reduce_scatter", group, async_op, call, output, op, check=lambda g: _alike("input_list", input_list, output, g)
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
        return _put(output, parts[g.rank()])

    def check(g: ProcessGroup) -> None:
        _sized("input", input, output, output.numel() * g.size())

    return _run("reduce_scatter_tensor", group, async_op, call, output, op, check=check)


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
        return _fill(output_tensor_list, out)

    def check(g: ProcessGroup) -> None:
        for name, tensors in (("output_tensor_list", output_tensor_list), ("input_tensor_list", input_tensor_list)):
            _alike(name, tensors, input_tensor_list[0] if input_tensor_list else None, g)

    return _run("all_to_all", group, async_op, call, *input_tensor_list[:1], check=check)


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

    def call(g: ProcessGroup) -> Any:
        out = np.empty_like(output._a, order="C")
        g.transport.all_to_all(out, _whole(input))
        return _put(output, out)

    def check(g: ProcessGroup) -> None:
        _sized("output", output, input, input.numel())
        if not input.ndim or input.shape[0] % g.size():
            raise ValueError(
                f"the first dimension of shape {list(input.shape)} cannot be divided among {g.size()} ranks"
            )

    return _run("all_to_all_single", group, async_op, call, input, check=check)


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
    return _run("barrier", group, async_op, lambda g: g.transport.barrier())


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


# --- From one rank to another -------------------------------------------------------------------------------------------------


def send(tensor: Tensor, dst: int, group: ProcessGroup | None = None, tag: int = 0) -> None:
    """Send a tensor to rank `dst`, which receives it with the same tag.

    Args:
        tensor: What to send.
        dst: The rank that receives it, as numbered in the world.
        group: The ranks that take part; None for all.
        tag: A number from 0 that marks the message: it is received under the same. NCCL, for tensors of GPUs, goes by
            order instead.

    Raises:
        ValueError: If there is no process group yet, `dst` is outside the group, or this rank is alone.
        TypeError: If `tensor` is not a tensor.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()
        >>> if dist.get_world_size() > 1:
        ...     other = 1 - dist.get_rank()
        ...     dist.send(tour.ones(2), dst=other)
        >>> dist.destroy_process_group()
    """
    _point("send", tensor, group, lambda g: _outgoing(g, tensor, dst, tag))


def recv(tensor: Tensor, src: int | None = None, group: ProcessGroup | None = None, tag: int = 0) -> int:
    """Fill a tensor with what rank `src`, or any, sends; returns which rank it was.

    Args:
        tensor: What to fill, of the shape and dtype that was sent.
        src: The rank that sends, as numbered in the world; None for any, which NCCL cannot do.
        group: The ranks that take part; None for all.
        tag: A number from 0 that marks the message: it is received under the same. NCCL, for tensors of GPUs, goes by
            order instead.

    Returns:
        The number in the world of the rank that sent; -1 on a rank outside the group.

    Raises:
        ValueError: If there is no process group yet, `src` is outside the group, or this rank is alone; or for tensors
            of GPUs, if `src` is None.
        TypeError: If `tensor` is not a tensor.
        RuntimeError: If what comes has another size.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()
        >>> if dist.get_world_size() > 1:
        ...     other = 1 - dist.get_rank()
        ...     dist.recv(tour.zeros(2), src=other)
        >>> dist.destroy_process_group()
    """
    return int(_point("recv", tensor, group, lambda g: _incoming(g, tensor, src, tag)))


def isend(tensor: Tensor, dst: int, group: ProcessGroup | None = None, tag: int = 0) -> Work | None:
    """`send` beside the program; the tensor must not be written until the `Work` has ended.

    Args:
        tensor: What to send.
        dst: The rank that receives it, as numbered in the world.
        group: The ranks that take part; None for all.
        tag: A number from 0 that marks the message: it is received under the same. NCCL, for tensors of GPUs, goes by
            order instead.

    Returns:
        A `Work` to wait for, which raises what else goes wrong; None on a rank outside the group.

    Raises:
        ValueError: If there is no process group yet.
        TypeError: If `tensor` is not a tensor.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()
        >>> if dist.get_world_size() > 1:
        ...     other = 1 - dist.get_rank()
        ...     dist.isend(tour.ones(2), dst=other).wait()
        >>> dist.destroy_process_group()
    """
    return _run_beside("isend", tensor, group, lambda g: _outgoing(g, tensor, dst, tag))


def irecv(tensor: Tensor, src: int | None = None, group: ProcessGroup | None = None, tag: int = 0) -> Work | None:
    """`recv` beside the program.

    Args:
        tensor: What to fill, of the shape and dtype that was sent; not to be used until the `Work` has ended.
        src: The rank that sends, as numbered in the world; None for any, which NCCL cannot do.
        group: The ranks that take part; None for all.
        tag: A number from 0 that marks the message: it is received under the same. NCCL, for tensors of GPUs, goes by
            order instead.

    Returns:
        A `Work` to wait for, which raises what else goes wrong; None on a rank outside the group.

    Raises:
        ValueError: If there is no process group yet.
        TypeError: If `tensor` is not a tensor.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()
        >>> if dist.get_world_size() > 1:
        ...     other = 1 - dist.get_rank()
        ...     dist.irecv(tour.zeros(2), src=other).wait()
        >>> dist.destroy_process_group()
    """
    return _run_beside("irecv", tensor, group, lambda g: _incoming(g, tensor, src, tag))


class P2POp:
    """A send or a receive, for `batch_isend_irecv`.

    Args:
        op: `isend` or `irecv`.
        tensor: What to send, or what to fill.
        peer: The other rank, as numbered in the world.
        group: The ranks that take part; None for all.
        tag: The number that marks the message.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> hello = P2POp(dist.isend, tour.ones(2), peer=1, tag=3)
        >>> hello.peer, hello.tag
        (1, 3)
    """

    def __init__(
        self, op: Callable[..., Work | None], tensor: Tensor, peer: int, group: ProcessGroup | None = None, tag: int = 0
    ) -> None:
        if op not in (isend, irecv):
            raise ValueError(
                "Invalid ``op``. Expected ``op`` to be of type ``tour.distributed.isend`` or ``tour.distributed.irecv``."
            )
        self.op, self.tensor, self.peer, self.group, self.tag = op, tensor, peer, group, tag


def batch_isend_irecv(p2p_op_list: Sequence[P2POp]) -> list[Work | None]:
    """Start several sends and receives at once; returns a `Work` for each.

    Tensors of GPUs that two ranks send to each other must go together like this: NCCL sends nothing before the other receives.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()
        >>> size, rank, received = dist.get_world_size(), dist.get_rank(), tour.zeros(2)
        >>> if size > 1:  # everybody to the next, in a ring
        ...     ring = [P2POp(dist.isend, tour.ones(2), (rank + 1) % size), P2POp(dist.irecv, received, (rank - 1) % size)]
        ...     for work in batch_isend_irecv(ring):
        ...         work.wait()
        >>> dist.destroy_process_group()
    """
    g = _member(p2p_op_list[0].group).moving(p2p_op_list[0].tensor._a) if p2p_op_list else None  # type: ignore[union-attr]
    if g is not None and isinstance(g.transport, Nccl):
        return [g.worker.submit(lambda: _exchange(g, g.transport, p2p_op_list))] * len(p2p_op_list)
    return [p.op(p.tensor, p.peer, p.group, p.tag) for p in p2p_op_list]


def _exchange(g: ProcessGroup, transport: Any, messages: Sequence[P2POp]) -> None:
    """All messages of a list in one call of NCCL."""
    peers = [(_local(g, p.peer), p, packed(p.tensor._a)) for p in messages]
    transport.exchange(
        [(to, a) for to, p, a in peers if p.op is isend], [(source, a) for source, p, a in peers if p.op is irecv]
    )
    for _, p, a in peers:
        if p.op is irecv and a is not p.tensor._a:
            _put(p.tensor, a)
        elif p.op is irecv:
            wrote(p.tensor)


def _outgoing(g: ProcessGroup, tensor: Tensor, dst: int, tag: int) -> Tensor:
    g.transport.send(_whole(tensor), _local(g, dst), tag)
    return tensor


def _incoming(g: ProcessGroup, tensor: Tensor, src: int | None, tag: int) -> int:
    source = 0

    def fill(a: Any) -> None:
        nonlocal source
        source = g.transport.receive(a, None if src is None else _local(g, src), tag)

    _in_place(tensor, fill)
    return g.ranks[source]


def _point(name: str, tensor: Tensor, group: Any, call: Callable[[ProcessGroup], Any]) -> Any:
    g = _member(group)
    if g is None:
        return -1
    g = g.moving(_checked(tensor)._a)
    with _faults.watched(name, g.transport, g.timeout.total_seconds()):
        if isinstance(g.transport, Nccl):
            return g.worker.call(lambda: call(g))
        return call(g)  # not in line with collectives: a message of one pair concerns nobody else


def _run_beside(name: str, tensor: Tensor, group: Any, call: Callable[[ProcessGroup], Any]) -> Work | None:
    """Each message in a thread of its own: a receive that waits must not hold up the send that answers it."""
    import threading

    member = _member(group)
    if member is None:
        return None
    g = member.moving(_checked(tensor)._a)
    if isinstance(g.transport, Nccl):  # takes one call after the other
        return g.worker.submit(lambda: call(g))
    work = Work()
    threading.Thread(target=work.run, args=(lambda: call(g),), name=f"tour.distributed {name}", daemon=True).start()
    return work


# --- What the calls share -----------------------------------------------------------------------------------------------------


def _run(
    name: str,
    group: Any,
    async_op: bool,
    call: Callable[[ProcessGroup], Any],
    *what: Any,
    check: Callable[[ProcessGroup], None] | None = None,
) -> Work | None:
    """Make a collective call, in the group's order, watched; `what` must be the same on every rank."""
    g = _member(group)
    if g is None:
        return None
    if check is not None:
        check(g)
    if _check.enabled():
        _compared(name, g, what)
    tensor = next((x for x in what if isinstance(x, Tensor)), None)
    if tensor is not None:
        g = g.moving(tensor._a)

    def watched() -> Any:
        with _faults.watched(name, g.transport, g.timeout.total_seconds()):
            return call(g)

    if async_op:
        return g.worker.submit(watched)
    g.worker.call(watched)
    return None


def _compared(name: str, g: ProcessGroup, what: tuple[Any, ...]) -> None:
    """Let the ranks compare a call, in the group's order, before anything of it is done."""
    signature = _check.signature(name, what)

    def compare() -> None:
        with _faults.watched(name, g.transport, g.timeout.total_seconds()):
            _check.compare(g, signature)

    g.worker.call(compare)


def _local(g: ProcessGroup, rank: int) -> int:
    return get_group_rank(g, rank)


def _checked(tensor: Any) -> Tensor:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"Invalid function argument. Expected a tensor, got {type(tensor).__name__}")
    return tensor


def _reducible(tensor: Tensor, op: ReduceOp) -> None:
    _checked(tensor)
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


def _whole(tensor: Tensor) -> Any:
    return packed(tensor._a)


def _in_place(tensor: Tensor, change: Callable[[Any], Any]) -> Tensor:
    """Let `change` write into a tensor's memory, or into a contiguous copy of it that is then copied back."""
    a = tensor._a
    if a.flags.c_contiguous and getattr(a.flags, "writeable", True):
        change(a)
        wrote(tensor)
        return tensor
    copy = a.copy()
    change(copy)
    return _put(tensor, copy)


def _put(tensor: Tensor, a: Any) -> Tensor:
    tensor._a[...] = a
    wrote(tensor)
    return tensor


def _fill(tensors: Sequence[Tensor], stacked: Any) -> Sequence[Tensor]:
    for t, a in zip(tensors, stacked, strict=True):
        _put(t, a)
    return tensors


def _stack_like(tensor: Tensor, g: ProcessGroup) -> Any:
    return np.empty_like(tensor._a, shape=(g.size(), *tensor.shape), order="C")


def _alike(name: str, tensors: Sequence[Tensor], like: Tensor | None, g: ProcessGroup) -> None:
    if len(tensors) != g.size():
        raise ValueError(f"{name} must hold one tensor for each of the {g.size()} ranks, got {len(tensors)}")
    for t in tensors:
        _checked(t)
        if like is not None and (t.shape != like.shape or t.dtype is not like.dtype):
            raise ValueError(
                f"the tensors of {name} must be of shape {list(like.shape)} and dtype {like.dtype}, got {list(t.shape)} and {t.dtype}"
            )
        _beside(name, t, like)


def _only_root(name: str, tensors: Sequence[Tensor] | None, root: bool, like: Tensor, g: ProcessGroup) -> None:
    if root and tensors is None:
        raise ValueError(f"Argument ``{name}`` must be specified on the rank that has the list.")
    if not root and tensors:
        raise ValueError(f"Argument ``{name}`` must NOT be specified on a rank that has no list.")
    if root and tensors is not None:
        _alike(name, tensors, like, g)


def _sized(name: str, tensor: Tensor, other: Tensor, count: int) -> None:
    _beside(name, _checked(tensor), other)
    if tensor.numel() != count or tensor.dtype is not other.dtype:
        raise ValueError(
            f"{name} must hold {count} elements of {other.dtype}, got {tensor.numel()} of {tensor.dtype} in shape {list(tensor.shape)}"
        )


def _beside(name: str, tensor: Tensor, other: Tensor | None) -> None:
    if other is not None and type(tensor._a) is not type(other._a):
        raise RuntimeError(
            f"the tensors of a call must be on one device, but {name} is on {tensor.device}, not {other.device}"
        )
