"""`cupy.cuda` and `cupy.cuda.nccl` as `tour.distributed` uses them, for ranks without GPUs: signatures are CuPy's, MPI does the work.

Addresses and numbers of elements are all that a communicator is given, as with NCCL. What would be an error there is one here: a
stream that did not wait for the device, a message outside of a group.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
import tempfile
import threading
import types
from pathlib import Path

import ml_dtypes
import numpy as np
from mpi4py import MPI

KINDS = {
    "NCCL_INT8": 0, "NCCL_UINT8": 1, "NCCL_INT32": 2, "NCCL_UINT32": 3, "NCCL_INT64": 4, "NCCL_UINT64": 5, "NCCL_FLOAT16": 6,
    "NCCL_FLOAT32": 7, "NCCL_FLOAT64": 8, "NCCL_BFLOAT16": 9,
}  # fmt: skip
REDUCTIONS = {"NCCL_SUM": 0, "NCCL_PROD": 1, "NCCL_MAX": 2, "NCCL_MIN": 3, "NCCL_AVG": 4}
FUNCTIONS = {0: np.add.reduce, 1: np.multiply.reduce, 2: np.maximum.reduce, 3: np.minimum.reduce}
calls: list[str] = []
group = threading.local()  # `messages`: those of an open group


def dtype_of(datatype: int) -> np.dtype:
    name = next(name for name, number in KINDS.items() if number == datatype)[5:].lower()
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def memory(address: int, count: int, datatype: int) -> np.ndarray:
    """The elements at an address."""
    kind = dtype_of(datatype)
    return (
        np.frombuffer((ctypes.c_char * (count * kind.itemsize)).from_address(address), kind)
        if count
        else np.empty(0, kind)
    )


class NcclCommunicator:
    def __init__(self, ndev, commId, rank, config=None):
        assert isinstance(commId, bytes) and len(commId) == 128
        self.comm = MPI.COMM_SELF.Dup() if ndev == 1 else MPI.COMM_WORLD.Split(0, rank)  # groups of one, or of all
        assert set(self.comm.allgather(commId)) == {commId} and (self.comm.size, self.comm.rank) == (ndev, rank)

    def _reduced(self, sendbuf, count, datatype, op, stream):
        check(stream)
        every = np.stack(self.comm.allgather(memory(sendbuf, count, datatype).copy()))
        wide = every.astype(np.float64) if every.dtype.kind in "fV" else every
        made = FUNCTIONS[0](wide) / self.comm.size if op == REDUCTIONS["NCCL_AVG"] else FUNCTIONS[op](wide)
        return made.astype(every.dtype)

    def allReduce(self, sendbuf, recvbuf, count, datatype, op, stream):
        calls.append("allReduce")
        memory(recvbuf, count, datatype)[...] = self._reduced(sendbuf, count, datatype, op, stream)

    def reduce(self, sendbuf, recvbuf, count, datatype, op, root, stream):
        made = self._reduced(sendbuf, count, datatype, op, stream)
        if self.comm.rank == root:
            memory(recvbuf, count, datatype)[...] = made

    def bcast(self, buff, count, datatype, root, stream):
        check(stream)
        memory(buff, count, datatype)[...] = self.comm.bcast(memory(buff, count, datatype).copy(), root)

    def allGather(self, sendbuf, recvbuf, count, datatype, stream):
        check(stream)
        every = self.comm.allgather(memory(sendbuf, count, datatype).copy())
        memory(recvbuf, count * self.comm.size, datatype)[...] = np.concatenate(every)

    def send(self, sendbuf, count, datatype, peer, stream):
        check(stream)
        group.messages.append(self.comm.isend(memory(sendbuf, count, datatype).copy(), peer))

    def recv(self, recvbuf, count, datatype, peer, stream):
        check(stream)

        def receive():
            memory(recvbuf, count, datatype)[...] = self.comm.recv(source=peer)

        group.messages.append(receive)

    def check_async_error(self):
        pass

    def destroy(self):
        self.comm.Free()


def groupStart():
    group.messages = []


def groupEnd():
    for message in group.messages:
        if not isinstance(message, MPI.Request):
            message()
    MPI.Request.waitall([x for x in group.messages if isinstance(x, MPI.Request)])
    del group.messages


class Stream:
    def __init__(self, null=False, non_blocking=False, ptds=False):
        self.waited = False
        self.ptr = id(self)
        streams[self.ptr] = self

    def record(self, event=None):
        return object()

    def wait_event(self, event):
        self.waited = True

    def synchronize(self):
        pass


streams: dict[int, Stream] = {}


def check(stream: int) -> None:
    assert streams[stream].waited, "the call may begin before its data is there"


class Device:
    def __init__(self, device=None):
        self.id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def install() -> None:
    """Put the modules where `import cupy` finds them."""
    cupy, cuda, nccl = (types.ModuleType(name) for name in ("cupy", "cupy.cuda", "cupy.cuda.nccl"))
    cupy.cuda, cuda.nccl = cuda, nccl
    cupy.__path__ = cuda.__path__ = []
    current = Stream()
    vars(cuda).update(Stream=Stream, Device=Device, get_current_stream=lambda: current)
    cuda.runtime = types.SimpleNamespace(getDeviceCount=lambda: 1)
    vars(nccl).update(
        KINDS, **REDUCTIONS, available=True, NcclCommunicator=NcclCommunicator, groupStart=groupStart, groupEnd=groupEnd,
        get_unique_id=lambda: np.random.default_rng().bytes(128),
    )  # fmt: skip
    sys.modules |= {"cupy": cupy, "cupy.cuda": cuda, "cupy.cuda.nccl": nccl}


def plug_in_device() -> None:
    """Let `tour` find the fake device under the name "fake"."""
    path = Path(__file__).with_name("fake_device.py")
    spec = importlib.util.spec_from_file_location("fake_device", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["fake_device"] = module
    spec.loader.exec_module(module)
    folder = Path(tempfile.mkdtemp())
    info = folder / "tour_fake-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tour-fake\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tour.backends]\nfake = fake_device:backend\n")
    sys.path.insert(0, str(folder))
