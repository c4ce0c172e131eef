"""The transport over NCCL: collectives on the arrays of GPUs, by `cupy.cuda.nccl`; MPI carries its identifier, and objects.

This file alone speaks to NCCL. Its methods are those of `tour.distributed._mpi.Mpi`; a call has a stream of its own, which begins
after what the calling thread has asked of its device, and returns when the call has ended. Data that is moved and not computed
with travels as bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tour.distributed._mpi import Mpi

Array = Any  # an array of CuPy's

OPS = {"sum": "NCCL_SUM", "avg": "NCCL_AVG", "product": "NCCL_PROD", "min": "NCCL_MIN", "max": "NCCL_MAX"}
LOGICAL = {"sum": "max", "max": "max", "product": "min", "min": "min", "bor": "max", "band": "min"}  # of bytes 0 and 1
DTYPES = {
    "int8": "NCCL_INT8", "uint8": "NCCL_UINT8", "int32": "NCCL_INT32", "uint32": "NCCL_UINT32", "int64": "NCCL_INT64",
    "uint64": "NCCL_UINT64", "float16": "NCCL_FLOAT16", "float32": "NCCL_FLOAT32", "float64": "NCCL_FLOAT64",
    "bfloat16": "NCCL_BFLOAT16",
}  # fmt: skip
HALVES = {"complex64": "float32", "complex128": "float64"}  # what the two parts of a number are


def missing() -> str | None:
    """Why NCCL cannot be used here; None if it can."""
    try:
        cupy, nccl = import_module("cupy"), import_module("cupy.cuda.nccl")
    except ImportError as error:
        return (
            f"it needs CuPy with NCCL ({error}); run `pip install 'tour-cuda[cuda13x]' nvidia-nccl-cu13`, for CUDA 12 "
            "`'tour-cuda[cuda12x]' nvidia-nccl-cu12`"
        )
    if not getattr(nccl, "available", False):
        return "this CuPy finds no NCCL library; run `pip install nvidia-nccl-cu13`, or `nvidia-nccl-cu12` for CUDA 12"
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:  # CuPy raises its own error classes, which cannot be named without it
        return f"no CUDA device can be used ({error}); check with `nvidia-smi`"
    return None if count else "no CUDA device was found; check with `nvidia-smi`"


class Nccl:
    """The ranks of a communicator, each with the GPU that is its current one. Every rank must make it at the same place.

    Args:
        host: The same ranks over MPI.

    Attributes:
        rank: This process, from 0.
        size: How many there are.

    Raises:
        RuntimeError: If NCCL cannot be used; says why.
    """

    def __init__(self, host: Mpi) -> None:
        why = missing()
        every = host.all_gather_object(why)  # so that no rank waits for one that has no GPU
        if any(every):
            first = next(i for i, w in enumerate(every) if w)
            raise RuntimeError(f"NCCL cannot be used on rank {first}: {every[first]}")
        self.host, self.rank, self.size = host, host.rank, host.size
        self.cuda: Any = import_module("cupy").cuda
        self.nccl: Any = import_module("cupy.cuda.nccl")
        name = host.broadcast_object(self.nccl.get_unique_id() if self.rank == 0 else None, 0)
        self.comm = self.nccl.NcclCommunicator(self.size, name, self.rank)
        self.device = self.cuda.Device()
        self.stream = self.cuda.Stream(non_blocking=True)

    def follow(self) -> None:
        """Let calls begin after what this thread has asked of its device so far."""
        self.stream.wait_event(self.cuda.get_current_stream().record())

    def _run(self, call: Callable[[int], Any]) -> None:
        """Make a call on the stream, and wait for its end."""
        with self.device:
            self.follow()
            call(self.stream.ptr)
            self.stream.synchronize()
        self.comm.check_async_error()

    def all_reduce(self, a: Array, op: str) -> None:
        """Reduce over all ranks, in place."""
        count, kind, how = self._reduction(a, op)
        self._run(lambda stream: self.comm.allReduce(a.data.ptr, a.data.ptr, count, kind, how, stream))

    def reduce(self, a: Array, op: str, root: int) -> None:
        """Reduce over all ranks; only the root's array is changed."""
        count, kind, how = self._reduction(a, op)
        self._run(lambda stream: self.comm.reduce(a.data.ptr, a.data.ptr, count, kind, how, root, stream))

    def _reduction(self, a: Array, op: str) -> tuple[int, int, int]:
        """Number and kind of an array's elements, and how NCCL reduces them.

        Raises:
            TypeError: If it cannot.
        """
        name, count = a.dtype.name, a.size
        if name == "bool" and op in LOGICAL:
            name, op = "uint8", LOGICAL[op]
        elif name in HALVES and op in ("sum", "avg"):
            name, count = HALVES[name], 2 * count
        if op not in OPS or name not in DTYPES:
            raise TypeError(
                f"NCCL cannot reduce {a.dtype.name} by {op.upper()}; use tensors of the CPU, or another dtype"
            )
        return count, getattr(self.nccl, DTYPES[name]), getattr(self.nccl, OPS[op])

    def broadcast(self, a: Array, root: int) -> None:
        """Make every rank's array the root's."""
        self._run(lambda stream: self.comm.bcast(a.data.ptr, a.nbytes, self.nccl.NCCL_UINT8, root, stream))

    def all_gather(self, out: Array, a: Array) -> None:
        """Stack every rank's array along a new first axis."""
        byte = self.nccl.NCCL_UINT8
        self._run(lambda stream: self.comm.allGather(a.data.ptr, out.data.ptr, a.nbytes, byte, stream))

    def gather(self, out: Array | None, a: Array, root: int) -> None:
        """Stack every rank's array along a new first axis, on the root."""
        self.exchange([(root, a)], [] if out is None else list(enumerate(self._parts(out))))

    def scatter(self, out: Array, parts: Array | None, root: int) -> None:
        """Hand out what the root holds stacked."""
        self.exchange([] if parts is None else list(enumerate(self._parts(parts))), [(root, out)])

    def all_to_all(self, out: Array, parts: Array) -> None:
        """Send part i to rank i, and stack what comes."""
        self.exchange(list(enumerate(self._parts(parts))), list(enumerate(self._parts(out))))

    def _parts(self, stacked: Array) -> Array:
        """Each rank's part of an array."""
        return stacked.reshape(self.size, -1)

    def exchange(self, sends: Sequence[tuple[int, Array]], receives: Sequence[tuple[int, Array]]) -> None:
        """Several messages at once: pairs of the other rank and an array."""
        byte = self.nccl.NCCL_UINT8

        def call(stream: int) -> None:
            self.nccl.groupStart()
            for to, a in sends:
                self.comm.send(a.data.ptr, a.nbytes, byte, to, stream)
            for source, a in receives:
                self.comm.recv(a.data.ptr, a.nbytes, byte, source, stream)
            self.nccl.groupEnd()

        self._run(call)

    def barrier(self) -> None:
        """Wait until every rank is here."""
        self.host.barrier()

    def send(self, a: Array, to: int, tag: int) -> None:
        """Send to one rank; NCCL matches messages of a pair by their order, so the tag says nothing."""
        self.exchange([(to, a)], [])

    def receive(self, a: Array, source: int | None, tag: int) -> int:
        """Receive from one rank; returns which.

        Raises:
            ValueError: If no rank is named: NCCL must know.
        """
        if source is None:
            raise ValueError("over NCCL a receive must name the rank that sends: recv(tensor, src=...)")
        self.exchange([], [(source, a)])
        return source

    def all_gather_object(self, value: Any) -> list[Any]:
        """Every rank's object, over MPI."""
        return self.host.all_gather_object(value)

    def gather_object(self, value: Any, root: int) -> list[Any] | None:
        """Every rank's object on the root, over MPI."""
        return self.host.gather_object(value, root)

    def broadcast_object(self, value: Any, root: int) -> Any:
        """The root's object, over MPI."""
        return self.host.broadcast_object(value, root)

    def scatter_object(self, values: Sequence[Any] | None, root: int) -> Any:
        """This rank's of the root's objects, over MPI."""
        return self.host.scatter_object(values, root)

    def free(self) -> None:
        """Give the communicator back; that of MPI belongs to the group of the CPU."""
        self.comm.destroy()

    def abort(self, code: int) -> None:
        """End every rank of the whole job at once."""
        self.host.abort(code)


def is_host(array: Any) -> bool:
    """Whether an array lies in the memory of the CPU."""
    return type(array) is np.ndarray
