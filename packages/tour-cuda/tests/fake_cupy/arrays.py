"""CuPy's array and functions over NumPy's, as strict as on a GPU: what CuPy refuses, lacks or waits for is the same here."""

from __future__ import annotations

import json
import operator
import weakref
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from . import runtime
from .runtime import counts

OFFERS = json.loads(Path(__file__).with_name("names.json").read_text())
CHARS = {"E": np.dtype(ml_dtypes.bfloat16)}  # CuPy's letter

# What the host must wait for, because the shape of the result or a decision depends on values.
WAITS = {"nonzero", "flatnonzero", "argwhere", "unique", "extract", "bincount", "array_equal", "allclose", "compress", "setdiff1d",
         "cholesky", "solve", "inv", "lstsq", "matrix_rank", "histogram"}  # fmt: skip
# What goes through cuBLAS or cuSOLVER, which CuPy does not let be captured.
LIBRARIES = {"matmul", "dot", "vdot", "inner", "tensordot", "einsum", "outer", "kron", "cholesky", "qr", "svd", "eigh", "eigvalsh",
             "solve", "inv", "pinv", "lstsq", "det", "slogdet", "norm", "matrix_power", "eig", "eigvals"}  # fmt: skip
WRITES = {"copyto", "put", "putmask", "place", "fill_diagonal", "put_along_axis", "fill", "sort", "partition"}


class MemoryPointer:
    """What CuPy offers as `array.data`."""

    def __init__(self, array: ndarray, offset: int = 0) -> None:
        self.array, self.mem, self.device_id, self.offset = array, array.memory, array.memory.device, offset
        self.ptr = array.host.__array_interface__["data"][0] + offset

    def __add__(self, offset: int) -> MemoryPointer:
        return MemoryPointer(self.array, self.offset + offset)


class Device:
    def __init__(self, device: int | None = None) -> None:
        self.id = runtime.world.state.device if device is None else device
        self.before: list[int] = []

    def __enter__(self) -> Device:
        self.before.append(runtime.world.state.device)
        runtime.world.state.device = self.id
        return self

    def __exit__(self, *_: object) -> None:
        runtime.world.state.device = self.before.pop()


class Flags:
    """CuPy's flags: there is none for writing."""

    def __init__(self, host: np.ndarray, owns: bool) -> None:
        self.c_contiguous, self.f_contiguous = host.flags.c_contiguous, host.flags.f_contiguous
        self.forc, self.fnc, self.owndata = host.flags.forc, host.flags.fnc, owns


class ndarray:
    """An array on the fake device. `host` is its memory, which only this package may touch."""

    __slots__ = ("__weakref__", "base", "host", "memory")
    __array_priority__ = 100

    def __init__(
        self, shape: Any, dtype: Any = float, memptr: Any = None, strides: Any = None, order: str = "C"
    ) -> None:
        owner = memptr.array.host
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        flat = owner.reshape(-1, order="A").view(np.uint8)
        start = memptr.ptr - owner.__array_interface__["data"][0]
        self.host = np.ndarray(shape, dtype, flat, start, strides)
        self.memory, self.base = memptr.mem, None

    @classmethod
    def over(cls, host: np.ndarray, memory: runtime.Memory, base: ndarray | None = None) -> ndarray:
        """An array round memory of this package."""
        made = object.__new__(cls)
        made.host, made.memory, made.base = host, memory, base
        return made

    data = property(MemoryPointer)
    device = property(lambda self: Device(self.memory.device))
    flags = property(lambda self: Flags(self.host, self.base is None))
    dtype = property(lambda self: self.host.dtype)
    shape = property(lambda self: self.host.shape)
    strides = property(lambda self: self.host.strides)
    ndim = property(lambda self: self.host.ndim)
    size = property(lambda self: self.host.size)
    itemsize = property(lambda self: self.host.itemsize)
    nbytes = property(lambda self: self.host.nbytes)
    T = property(lambda self: close(self.host.T, [self]))
    mT = property(lambda self: close(self.host.mT, [self]))
    real = property(lambda self: close(self.host.real, [self]))
    imag = property(lambda self: close(self.host.imag, [self]))

    def get(self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True) -> np.ndarray:
        stream = runtime.current_stream() if stream is None else stream
        if stream.graph is not None:
            raise RuntimeError("the current stream is capturing, so D2H transfers are disallowed")
        counts["to_host"] += 1
        stream.use_memory([self.memory], [], "get")
        value = self.host.copy()
        if out is None:
            runtime.host_waits(stream.clock, "get()")
            return value
        stream.queue(lambda: np.copyto(out, value))
        if blocking:
            runtime.host_waits(stream.clock, "get()")
        return out

    def set(self, arr: np.ndarray, stream: Any = None) -> None:
        stream = runtime.current_stream() if stream is None else stream
        if stream.graph is not None:
            raise RuntimeError("the current stream is capturing, so H2D transfers are disallowed")
        counts["to_device"] += 1
        stream.use_memory([], [self.memory], "set")
        self.host[...] = arr
        before = arr.copy()

        def unchanged() -> None:
            if before.tobytes() != arr.tobytes():
                raise runtime.OrderError("host memory was written while a copy from it was still queued")

        if is_pinned(arr):
            stream.queue(unchanged)

    def item(self, *args: Any) -> Any:
        return self.get().item(*args)

    def tolist(self) -> Any:
        return self.get().tolist()

    def copy(self, order: str = "C") -> ndarray:
        """A copy on the current device, which need not be the array's."""
        if self.memory.device == runtime.world.state.device:
            return launch("copy", lambda a: a.copy(order), (self,))
        runtime.current_stream().use_memory([self.memory], [], "copy between devices")
        return fresh(self.host.copy())

    def __bool__(self) -> bool:
        return bool(self.get())

    def __int__(self) -> int:
        return int(self.get())

    def __float__(self) -> float:
        return float(self.get())

    def __complex__(self) -> complex:
        return complex(self.get())

    def __len__(self) -> int:
        return len(self.host)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array."
        )

    def __array_ufunc__(self, ufunc: np.ufunc, *_: Any, **__: Any) -> Any:
        raise TypeError(f"np.{ufunc.__name__} was given an array of CuPy")

    def __array_function__(self, function: Any, *_: Any) -> Any:
        raise TypeError(f"np.{function.__name__} was given an array of CuPy")

    def __getitem__(self, index: Any) -> Any:
        wait_for_mask(index)
        return launch("getitem", lambda a, *i: a[wrapped(a, rebuilt(index, i))], (self, *arrays_in(index)))

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, tuple):  # a mask alone needs no numbers on the host
            wait_for_mask(index)
        if isinstance(value, np.ndarray) and value.ndim:
            raise TypeError("CuPy arrays take NumPy arrays only through set()")

        def write(a: Any, *rest: Any) -> None:
            *i, v = rest
            a[wrapped(a, rebuilt(index, i))] = v

        launch("setitem", write, (self, *arrays_in(index), value), writes=[self])

    def __getattr__(self, name: str) -> Any:
        if name not in OFFERS["ndarray"] or name.startswith("_"):
            raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}")
        if not hasattr(np.ndarray, name):
            raise AttributeError(f"the fake device does not know cupy.ndarray.{name}")

        def method(*args: Any, **kwargs: Any) -> Any:
            act = lambda a, *rest, **named: getattr(a, name)(*rest, **named)  # noqa: E731
            return launch(name, act, (self, *args), kwargs, writes=[self] if name in WRITES else [])

        return method

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.host.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, self.memory.device)


def _operators() -> None:
    for name in "add sub mul truediv floordiv mod pow and or xor lshift rshift lt le gt ge eq ne matmul".split():
        act = getattr(operator, {"and": "and_", "or": "or_"}.get(name, name))
        setattr(ndarray, f"__{name}__", lambda a, b, act=act, name=name: launch(name, act, (a, b)))
        if name not in "lt le gt ge eq ne".split():
            setattr(ndarray, f"__r{name}__", lambda a, b, act=act, name=name: launch(name, act, (b, a)))
    for name in "add sub mul truediv floordiv mod pow and or xor".split():
        act = getattr(operator, f"i{name}")
        setattr(ndarray, f"__i{name}__", lambda a, b, act=act, name=name: _in_place(name, act, a, b))
    for name, act in (("neg", operator.neg), ("pos", operator.pos), ("invert", operator.inv), ("abs", abs)):
        setattr(ndarray, f"__{name}__", lambda a, act=act, name=name: launch(name, act, (a,)))


def _in_place(name: str, act: Any, a: ndarray, b: Any) -> ndarray:
    launch(name, lambda x, y: [act(x, y)] and None, (a, b), writes=[a])
    return a


_operators()

# --- Indices ----------------------------------------------------------------------------------------------------------------


def arrays_in(index: Any) -> list[Any]:
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(p, np.ndarray) and p.ndim for p in parts):
        raise IndexError("CuPy arrays are not indexed by NumPy arrays")
    if any(isinstance(p, list) for p in parts):
        runtime.counts["to_device"] += 1
    return [p for p in parts if isinstance(p, ndarray)]


def rebuilt(index: Any, hosts: Any) -> Any:
    """The index with the memory of its arrays; CuPy wraps integers that are out of range."""
    hosts = iter(hosts)
    parts = index if isinstance(index, tuple) else (index,)
    found = tuple(next(hosts) if isinstance(p, ndarray) else p for p in parts)
    return found if isinstance(index, tuple) else found[0]


def wrapped(a: np.ndarray, index: Any) -> Any:
    """The index with whole numbers brought into range, as CuPy's kernels do; nothing is said of those that are not."""
    parts, axis, made = index if isinstance(index, tuple) else (index,), 0, []
    taken = sum(
        1 if not isinstance(p, np.ndarray) or p.dtype != np.bool_ else p.ndim
        for p in parts
        if p is not None and p is not ...
    )
    for p in parts:
        whole = isinstance(p, np.ndarray) and p.dtype.kind in "iu"
        made.append(p % a.shape[axis] if whole and axis < a.ndim and a.shape[axis] else p)
        axis += (
            a.ndim - taken
            if p is ...
            else 0
            if p is None
            else p.ndim
            if isinstance(p, np.ndarray) and p.dtype == np.bool_
            else 1
        )
    return tuple(made) if isinstance(index, tuple) else made[0]


def wait_for_mask(index: Any) -> None:
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(p, ndarray) and p.dtype == np.bool_ for p in parts):
        runtime.host_waits(runtime.current_stream().clock, "an index by a mask")


# --- Launching --------------------------------------------------------------------------------------------------------------


def open_(x: Any) -> Any:
    """The memory of a device array; arrays of the host are refused as CuPy refuses them."""
    if isinstance(x, ndarray):
        return x.host
    if isinstance(x, np.ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    if isinstance(x, (list, tuple)):
        return type(x)(map(open_, x))
    return x


def found_in(args: Any) -> list[ndarray]:
    return [
        y
        for x in args
        for y in (found_in(x) if isinstance(x, (list, tuple)) else [x] if isinstance(x, ndarray) else [])
    ]


def launch(what: str, act: Any, args: Any, kwargs: Any = None, out: Any = None, writes: Any = ()) -> Any:
    """Run a function on the memory of its arguments, as one kernel on the current stream."""
    kwargs = kwargs or {}
    operands = found_in((*args, *kwargs.values()))
    writes = [*writes, *found_in([out])]
    here, stream = runtime.world.state.device, runtime.current_stream()
    for a in (*operands, *writes):
        if a.memory.device != here:
            raise ValueError(
                f"Array device must be same as the current device: array device = {a.memory.device} while current = {here}"
            )
    if stream.graph is not None and what in LIBRARIES:
        raise NotImplementedError("calling cuBLAS API during stream capture is currently unsupported")
    counts["launch"] += 1
    if what in WAITS:
        runtime.host_waits(stream.clock, f"{what}()")
    if stream.graph is None:  # what is captured is accounted for when it is replayed
        stream.use_memory([a.memory for a in operands], [a.memory for a in writes], what)
    named = {k: open_(v) for k, v in kwargs.items()}
    if out is not None:
        named["out"] = open_(out)

    hosts = list(map(open_, args))  # addresses, as a kernel is given: nothing of it keeps memory alive

    def run() -> Any:
        with np.errstate(all="ignore"):
            return act(*hosts, **named)

    if stream.graph is not None and writes:
        found = None
    else:
        found = run()
    results = close(found, operands) if out is None else out
    fresh = [a for a in found_in([results]) if a.base is None and out is None and not any(a is o for o in operands)]
    if fresh and stream.graph is None:
        stream.use_memory([], [a.memory for a in fresh], what)
    if stream.graph is not None and (fresh or writes):
        capture(stream.graph, what, run, operands, fresh, writes)
    return results


def capture(graph: runtime.Graph, what: str, run: Any, operands: Any, fresh: Any, writes: Any) -> None:
    """Note one kernel in a graph, by address; what it would compute is not there yet."""
    targets = [a.host for a in fresh]

    def act() -> None:
        found = run()
        for target, value in zip(targets, found if isinstance(found, tuple) else (found,), strict=False):
            np.copyto(target, value)

    refs = [[address(a.memory) for a in group] for group in (operands, [*fresh, *writes])]
    graph.work.append((what, act, *refs))
    for a in fresh:
        runtime.poison(a.host)


def address(memory: runtime.Memory) -> Any:
    """How a graph holds memory: weakly, unless it came from a pool of the graph's own."""
    return weakref.ref(memory) if memory.pool in runtime.world.pools else (lambda: memory)


def close(x: Any, operands: Any) -> Any:
    """A device array for a result, which knows whose memory it looks into."""
    if isinstance(x, np.generic):
        x = np.asarray(x)
    if isinstance(x, np.ndarray):
        for o in operands:
            if x is o.host:
                return o
            if x.base is not None and x.size and np.may_share_memory(x, o.host) and o.size:
                return ndarray.over(x, o.memory, o if o.base is None else o.base)
        return noted(ndarray.over(x, runtime.allocate(x.nbytes)))
    if type(x) is tuple or type(x) is list or (isinstance(x, tuple) and hasattr(x, "_fields")):
        parts = [close(y, operands) for y in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return x


def noted(a: ndarray) -> ndarray:
    """The array, whose memory knows where it lies."""
    a.memory.lies_at(a.host)
    return a


def fresh(host: np.ndarray) -> ndarray:
    a = noted(ndarray.over(host, runtime.allocate(host.nbytes)))
    if runtime.current_stream().graph is None:
        runtime.current_stream().use_memory([], [a.memory], "allocate")
    return a


pinned: set[int] = set()  # addresses of pinned memory


def is_pinned(array: np.ndarray) -> bool:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return id(array) in pinned
