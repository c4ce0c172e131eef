"""What one rank sends to another, under PyTorch's names. Tensors are written in place; gradients do not flow through."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from tour import Tensor
from tour._core import packed, wrote
from tour.distributed import _faults
from tour.distributed._calls import checked, in_place, local, put, whole
from tour.distributed._nccl import Nccl
from tour.distributed._work import Work
from tour.distributed.world import ProcessGroup, _member

__all__ = ["P2POp", "batch_isend_irecv", "irecv", "isend", "recv", "send"]


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
        self.op, self.tensor, self.peer, self.group, self.tag = op, checked(tensor), peer, group, tag


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
    peers = [(local(g, p.peer), p, packed(p.tensor._a)) for p in messages]
    transport.exchange(
        [(to, a) for to, p, a in peers if p.op is isend], [(source, a) for source, p, a in peers if p.op is irecv]
    )
    for _, p, a in peers:
        if p.op is irecv and a is not p.tensor._a:
            put(p.tensor, a)
        elif p.op is irecv:
            wrote(p.tensor)


def _outgoing(g: ProcessGroup, tensor: Tensor, dst: int, tag: int) -> Tensor:
    g.transport.send(whole(tensor), local(g, dst), tag)
    return tensor


def _incoming(g: ProcessGroup, tensor: Tensor, src: int | None, tag: int) -> int:
    source = 0

    def fill(a: Any) -> None:
        nonlocal source
        source = g.transport.receive(a, None if src is None else local(g, src), tag)

    in_place(tensor, fill)
    return g.ranks[source]


def _point(name: str, tensor: Tensor, group: Any, call: Callable[[ProcessGroup], Any]) -> Any:
    g = _member(group)
    if g is None:
        return -1
    g = g.moving(checked(tensor)._a)
    with _faults.watched(name, g.transport, g.timeout.total_seconds()):
        if isinstance(g.transport, Nccl):
            return g.worker.call(lambda: call(g))
        return call(g)  # not in line with collectives: a message of one pair concerns nobody else


def _run_beside(name: str, tensor: Tensor, group: Any, call: Callable[[ProcessGroup], Any]) -> Work | None:
    """Each message in a thread of its own: a receive that waits must not hold up the send that answers it."""
    member = _member(group)
    if member is None:
        return None
    g = member.moving(checked(tensor)._a)
    if isinstance(g.transport, Nccl):  # takes one call after the other
        return g.worker.submit(lambda: call(g))
    work = Work()
    threading.Thread(target=work.run, args=(lambda: call(g),), name=f"tour.distributed {name}", daemon=True).start()
    return work
