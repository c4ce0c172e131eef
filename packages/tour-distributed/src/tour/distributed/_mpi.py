"""The transport over MPI: collectives on raw arrays, by mpi4py.

MPI is an engine here and nothing more: this file alone imports it, everything above speaks of arrays and ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mpi4py import MPI

Array = np.ndarray[Any, Any]

OPS = {
    "sum": MPI.SUM,
    "avg": MPI.SUM,
    "product": MPI.PROD,
    "min": MPI.MIN,
    "max": MPI.MAX,
    "band": MPI.BAND,
    "bor": MPI.BOR,
    "bxor": MPI.BXOR,
}
LOGICAL = {
    **dict.fromkeys(("sum", "max", "bor"), MPI.LOR),
    **dict.fromkeys(("product", "min", "band"), MPI.LAND),
    "bxor": MPI.LXOR,
}


class Mpi:
    """The ranks of one communicator. Arrays are C-contiguous; those that a method writes are its own to write.

    Attributes:
        rank: This process, from 0.
        size: How many there are.
    """

    def __init__(self, comm: MPI.Intracomm | None = None) -> None:
        self.comm = MPI.COMM_WORLD.Dup() if comm is None else comm
        self.rank = self.comm.rank
        self.size = self.comm.size

    def all_reduce(self, a: Array, op: str) -> None:
        """Reduce over all ranks, in place."""
        wide = _wide(a, op)
        self.comm.Allreduce(MPI.IN_PLACE, wide, _op(op, a))
        self._finish(a, wide, op)

    def reduce(self, a: Array, op: str, root: int) -> None:
        """Reduce over all ranks; only the root's array is changed."""
        wide = _wide(a, op)
        if self.rank == root:
            self.comm.Reduce(MPI.IN_PLACE, wide, _op(op, a), root)
            self._finish(a, wide, op)
        else:
            self.comm.Reduce(wide, None, _op(op, a), root)

    def _finish(self, a: Array, wide: Array, op: str) -> None:
        if op == "avg":
            np.divide(wide, self.size, out=wide)
        if wide is not a:
            a[...] = wide

    def broadcast(self, a: Array, root: int) -> None:
        """Make every rank's array the root's."""
        self.comm.Bcast(_bytes(a), root)

    def all_gather(self, out: Array, a: Array) -> None:
        """Stack every rank's array along a new first axis."""
        self.comm.Allgather(_bytes(a), _bytes(out))

    def gather(self, out: Array | None, a: Array, root: int) -> None:
        """Stack every rank's array along a new first axis, on the root."""
        self.comm.Gather(_bytes(a), None if out is None else _bytes(out), root)

    def scatter(self, out: Array, parts: Array | None, root: int) -> None:
        """Hand out what the root holds stacked."""
        self.comm.Scatter(None if parts is None else _bytes(parts), _bytes(out), root)

    def all_to_all(self, out: Array, parts: Array) -> None:
        """Send part i to rank i, and stack what comes."""
        self.comm.Alltoall(_bytes(parts), _bytes(out))

    def barrier(self) -> None:
        """Wait until every rank is here."""
        self.comm.Barrier()

    def send(self, a: Array, to: int, tag: int) -> None:
        """Send to one rank."""
        self.comm.Send(_bytes(a), to, tag)

    def receive(self, a: Array, source: int | None, tag: int) -> int:
        """Receive from one rank, or from any; returns which."""
        status = MPI.Status()
        self.comm.Recv(_bytes(a), MPI.ANY_SOURCE if source is None else source, tag, status)
        if status.Get_count(MPI.BYTE) != a.nbytes:
            raise RuntimeError(
                f"rank {status.source} sent {status.Get_count(MPI.BYTE)} bytes, but a tensor of shape {list(a.shape)} and dtype "
                f"{a.dtype} holds {a.nbytes}"
            )
        return int(status.source)

    def all_gather_object(self, value: Any) -> list[Any]:
        """Every rank's object, in order of rank."""
        return list(self.comm.allgather(value))

    def gather_object(self, value: Any, root: int) -> list[Any] | None:
        """Every rank's object on the root, None elsewhere."""
        found: list[Any] | None = self.comm.gather(value, root)
        return found

    def broadcast_object(self, value: Any, root: int) -> Any:
        """The root's object."""
        return self.comm.bcast(value, root)

    def scatter_object(self, values: Sequence[Any] | None, root: int) -> Any:
        """This rank's of the root's objects."""
        return self.comm.scatter(values, root)

    def duplicate(self) -> Mpi:
        """The same ranks with traffic of their own: another thread may use it. Every rank must call it."""
        return Mpi(self.comm.Dup())

    def subgroup(self, ranks: Sequence[int]) -> Mpi | None:
        """Some of the ranks, in the order given; None for a rank outside. Every rank must call it."""
        inside = self.rank in ranks
        comm = self.comm.Split(0 if inside else MPI.UNDEFINED, ranks.index(self.rank) if inside else 0)
        return Mpi(comm) if inside else None

    def free(self) -> None:
        """Give the communicator back."""
        self.comm.Free()

    def abort(self, code: int) -> None:
        """End every rank of the whole job at once."""
        MPI.COMM_WORLD.Abort(code)


def _op(op: str, a: Array) -> MPI.Op:
    return LOGICAL[op] if a.dtype == np.bool_ else OPS[op]


def _wide(a: Array, op: str) -> Array:
    """The array, or where MPI would compute it slowly or not at all (16 bits and fewer), its values in float32."""
    kind = a.dtype
    if kind.kind in "biuc" or kind in (np.float32, np.float64):
        return a
    return a.astype(np.float32)


def _bytes(a: Array) -> list[Any]:
    """An array as bytes, which suits every dtype; it is moved, not computed with."""
    return [a.reshape(-1).view(np.uint8), MPI.BYTE]
