"""What all calls between ranks share: making them in the group's order, watched, and looking at their tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tour import Tensor
from tour._core import packed, wrote
from tour.distributed import _check, _faults
from tour.distributed._work import Work
from tour.distributed.world import ProcessGroup, _member, get_group_rank


def run(
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
        compared(name, g, what)
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


def compared(name: str, g: ProcessGroup, what: tuple[Any, ...]) -> None:
    """Let the ranks compare a call, in the group's order, before anything of it is done."""
    signature = _check.signature(name, what)

    def compare() -> None:
        with _faults.watched(name, g.transport, g.timeout.total_seconds()):
            _check.compare(g, signature)

    g.worker.call(compare)


def local(g: ProcessGroup, rank: int) -> int:
    """The number in the group of a rank of the world."""
    return get_group_rank(g, rank)


def checked(tensor: Any) -> Tensor:
    """A tensor, or a refusal of anything else."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"Invalid function argument. Expected a tensor, got {type(tensor).__name__}")
    return tensor


def whole(tensor: Tensor) -> Any:
    """The elements of a tensor, one after the other in memory."""
    return packed(tensor._a)


def in_place(tensor: Tensor, change: Callable[[Any], Any]) -> Tensor:
    """Let `change` write into a tensor's memory, or into a contiguous copy of it that is then copied back."""
    a = tensor._a
    if a.flags.c_contiguous and getattr(a.flags, "writeable", True):
        change(a)
        wrote(tensor)
        return tensor
    copy = a.copy()
    change(copy)
    return put(tensor, copy)


def put(tensor: Tensor, a: Any) -> Tensor:
    """Write an array into a tensor."""
    tensor._a[...] = a
    wrote(tensor)
    return tensor


def fill_all(tensors: Sequence[Tensor], stacked: Any) -> Sequence[Tensor]:
    """Write the parts of a stacked array into tensors."""
    for t, a in zip(tensors, stacked, strict=True):
        put(t, a)
    return tensors


def stack_like(tensor: Tensor, g: ProcessGroup) -> Any:
    """Room for a tensor of each rank."""
    return np.empty_like(tensor._a, shape=(g.size(), *tensor.shape), order="C")


def alike(name: str, tensors: Sequence[Tensor], like: Tensor | None, g: ProcessGroup) -> None:
    """Refuse a list that has not one tensor of the same shape, dtype and device for each rank."""
    if len(tensors) != g.size():
        raise ValueError(f"{name} must hold one tensor for each of the {g.size()} ranks, got {len(tensors)}")
    for t in tensors:
        checked(t)
        if like is not None and (t.shape != like.shape or t.dtype is not like.dtype):
            raise ValueError(
                f"the tensors of {name} must be of shape {list(like.shape)} and dtype {like.dtype}, got {list(t.shape)} and {t.dtype}"
            )
        beside(name, t, like)


def only_root(name: str, tensors: Sequence[Tensor] | None, root: bool, like: Tensor, g: ProcessGroup) -> None:
    """Refuse a list where only one rank has one, if it is missing there or given elsewhere."""
    if root and tensors is None:
        raise ValueError(f"Argument ``{name}`` must be specified on the rank that has the list.")
    if not root and tensors:
        raise ValueError(f"Argument ``{name}`` must NOT be specified on a rank that has no list.")
    if root and tensors is not None:
        alike(name, tensors, like, g)


def sized(name: str, tensor: Tensor, other: Tensor, count: int) -> None:
    """Refuse a tensor of another number of elements, dtype or device."""
    beside(name, checked(tensor), other)
    if tensor.numel() != count or tensor.dtype is not other.dtype:
        raise ValueError(
            f"{name} must hold {count} elements of {other.dtype}, got {tensor.numel()} of {tensor.dtype} in shape {list(tensor.shape)}"
        )


def beside(name: str, tensor: Tensor, other: Tensor | None) -> None:
    """Refuse a tensor on another device than the other."""
    if other is not None and type(tensor._a) is not type(other._a):
        raise RuntimeError(
            f"the tensors of a call must be on one device, but {name} is on {tensor.device}, not {other.device}"
        )
