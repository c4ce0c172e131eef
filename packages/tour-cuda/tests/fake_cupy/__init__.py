"""A module that behaves as CuPy 14 does on a machine with NVIDIA GPUs, over NumPy and without one.

The tests put it into `sys.modules` as `cupy`, so that tour-cuda's own code runs on it. It offers what `names.json` lists, which was
read off CuPy itself (`tools/cupy_names.py`), with CuPy's parameters and its ufuncs' types; nothing else is there.
"""

from __future__ import annotations

import sys
import types
from typing import Any

import ml_dtypes
import numpy as np

from . import arrays, runtime
from .arrays import OFFERS, fresh, launch, ndarray, open_
from .runtime import CUDARuntimeError, OrderError, OutOfMemoryError, counts, reset

__version__ = OFFERS["version"]
__all__ = ["CUDARuntimeError", "OrderError", "OutOfMemoryError", "counts", "ndarray", "reset"]

HOMES = {"": np, "linalg": np.linalg, "fft": np.fft, "lib.stride_tricks": np.lib.stride_tricks}
KNOWN = (
    np.float16, np.float32, np.float64, np.complex64, np.complex128, np.bool_, np.int8, np.int16, np.int32, np.int64,
    np.uint8, np.uint16, np.uint32, np.uint64, ml_dtypes.bfloat16,
)  # fmt: skip
float32, float64, int64, bool_, int32, uint8 = np.float32, np.float64, np.int64, np.bool_, np.int32, np.uint8


class ufunc:
    """A ufunc with CuPy's loops, and no keywords but `out`, `dtype` and `casting`."""

    def __init__(self, name: str) -> None:
        self.__name__, self.types = name, OFFERS["ufuncs"][name]
        self.function: Any = getattr(np, name, None)
        if not isinstance(self.function, np.ufunc):
            self.function = getattr(np, {"fix": "trunc"}.get(name, name))

    def __call__(self, *args: Any, out: Any = None, dtype: Any = None, casting: str = "same_kind") -> Any:
        if not any(isinstance(x, ndarray) for x in (*args, out)):
            raise TypeError(f"cupy.{self.__name__} needs an array of CuPy, got {[type(x).__name__ for x in args]}")
        self._check([x for x in args if isinstance(x, (ndarray, np.generic))])
        named = {} if dtype is None else {"dtype": dtype}
        return launch(self.__name__, self.function, args, named, out)

    def _check(self, operands: Any) -> None:
        """Whether a loop of CuPy takes these dtypes."""
        given = [np.dtype(x.dtype) for x in operands]
        for loop in self.types:
            wanted = [arrays.CHARS.get(c) or np.dtype(c) for c in loop.split("->")[0]]
            if any(all(np.can_cast(d, w) or d == w for d in given) for w in wanted):
                return
        raise TypeError(f"Unsupported dtypes {given} for cupy.{self.__name__}; it has {self.types}")

    def at(self, a: Any, indices: Any, b: Any = None) -> None:
        if self.__name__ not in ("add", "subtract", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor"):
            raise NotImplementedError(f"`{self.__name__}.at` is not supported yet")
        if self.__name__ == "add" and a.dtype.char not in "iIlLqQefd":
            raise TypeError(f"Only int32, float16, float32, float64, uint32, uint64, are supported, got {a.dtype}")
        arrays.wait_for_mask(indices)
        parts = arrays.arrays_in(indices)

        def act(x: Any, *rest: Any) -> None:
            *i, values = rest
            self.function.at(x, arrays.wrapped(x, arrays.rebuilt(indices, i)), values)

        launch(f"{self.__name__}.at", act, (a, *parts, b), writes=[a])

    def reduce(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        if self.__name__ not in ("add", "multiply"):
            raise NotImplementedError(f"`{self.__name__}.reduce` is not supported yet")
        return launch(
            "reduce", self.function.reduce, (array,), {"axis": axis, "dtype": dtype, "keepdims": keepdims}, out
        )


def checked(home: str, name: str, function: Any) -> Any:
    """NumPy's function with CuPy's parameters."""
    rule = OFFERS["functions"][home][name]

    def call(*args: Any, **kwargs: Any) -> Any:
        if rule is not None:
            unknown = [k for k in kwargs if k not in rule["names"]] if not rule["kwargs"] else []
            if unknown or (len(args) > rule["positional"] and not rule["args"]):
                raise TypeError(f"cupy.{name}() does not take {unknown or f'{len(args)} positional arguments'}")
        out = kwargs.pop("out", None)
        _refuse_tables(name, args)
        if not arrays.found_in((*args, *kwargs.values(), out)):
            raise TypeError(f"cupy.{name} needs an array of CuPy, got {[type(x).__name__ for x in args]}")
        if name == "take":
            kwargs["mode"] = "wrap"  # what is out of range: nothing is said of it
        given = arrays.found_in((*args, *kwargs.values()))
        if any(a.dtype.type not in KNOWN for a in given):
            raise TypeError(f"cupy.{name}: CuPy has no such dtype: {[a.dtype for a in given]}")
        writes = given[:1] if name in arrays.WRITES and name not in ("sort", "partition") else []
        return launch(name, function, args, kwargs, out, writes)

    call.__name__ = name
    return call


def _refuse_tables(name: str, args: Any) -> None:
    if name == "repeat" and isinstance(args[1], ndarray):
        raise ValueError("cupy.repeat takes its numbers from the host")
    if name == "take" and len(args) > 1 and isinstance(args[1], np.ndarray):
        raise TypeError("Unsupported type numpy.ndarray")


# --- Making arrays ----------------------------------------------------------------------------------------------------------


def asarray(a: Any, dtype: Any = None, order: Any = None, *, blocking: bool = False) -> Any:
    if isinstance(a, ndarray):
        return a if dtype is None or a.dtype == dtype else a.astype(dtype)
    host = np.array(a, dtype)
    if host.dtype.type not in KNOWN:
        raise ValueError(f"Unsupported dtype {host.dtype}")
    made = empty(host.shape, host.dtype)
    made.set(host if not isinstance(a, np.ndarray) or not arrays.is_pinned(a) else a)
    return made


def array(obj: Any, dtype: Any = None, copy: bool = True, order: Any = "K", subok: bool = False, ndmin: int = 0) -> Any:
    return obj.astype(dtype or obj.dtype, copy=copy) if isinstance(obj, ndarray) else asarray(obj, dtype)


def empty(shape: Any, dtype: Any = float, order: str = "C") -> Any:
    host = np.empty(shape, dtype, order)
    runtime.poison(host) if host.size else None
    return fresh(host)


def _filled(name: str) -> Any:
    def make(shape: Any, dtype: Any = float, order: str = "C") -> Any:
        return filled_with(getattr(np, name), shape, dtype, order)

    return make


def filled_with(make: Any, *args: Any, **kwargs: Any) -> Any:
    """A new array that a kernel fills: the kernel is captured, the numbers are not there before the replay."""
    host = make(*map(open_, args), **{k: open_(v) for k, v in kwargs.items()})
    made = fresh(np.empty_like(host))
    launch(make.__name__, lambda a: np.copyto(a, host), (made,), writes=[made])
    return made


def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C") -> Any:
    if isinstance(fill_value, ndarray):
        made = empty(shape, dtype or fill_value.dtype)
        made[...] = fill_value
        return made
    return filled_with(np.full, shape, fill_value, dtype, order)


def _by_numbers(name: str) -> Any:
    function = getattr(np, name)
    return lambda *args, **kwargs: filled_with(function, *args, **kwargs)


def _like(name: str) -> Any:
    def plain(a: Any, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None) -> Any:
        return make(a, int(name == "ones_like"), dtype, order, subok, shape)

    def make(a: Any, fill: Any, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None) -> Any:
        if not isinstance(a, ndarray):
            raise TypeError(f"cupy.{name}: Unsupported type {type(a)}")
        host = np.empty_like(a.host, dtype=dtype, order=order, shape=shape)
        runtime.poison(host) if host.size else None
        made = fresh(host)
        if name != "empty_like":
            made[...] = fill
        return made

    return make if name == "full_like" else plain


zeros, ones = _filled("zeros"), _filled("ones")
arange, eye, identity, linspace, tri = map(_by_numbers, ("arange", "eye", "identity", "linspace", "tri"))
empty_like, zeros_like, ones_like, full_like = map(_like, ("empty_like", "zeros_like", "ones_like", "full_like"))


def asnumpy(a: Any, stream: Any = None, order: str = "C", out: Any = None, *, blocking: bool = True) -> Any:
    return a.get(stream, order, out, blocking) if isinstance(a, ndarray) else np.asarray(a)


def from_dlpack(a: Any, *_: Any, **__: Any) -> Any:
    if a.__dlpack_device__()[0] != 2:
        raise TypeError("CuPy takes memory of CUDA devices only")
    a = getattr(getattr(a, "_a", a), "array", a)  # what the capsule would say: whose memory it is
    if isinstance(a, ndarray):
        return ndarray.over(a.host.view(), a.memory, a)
    return fresh(np.from_dlpack(a))


class ElementwiseKernel:
    """The kernels that tour-cuda writes in CuPy's own form, by their names."""

    def __init__(self, in_params: str, out_params: str, operation: str, name: str = "kernel", **_: Any) -> None:
        self.name = name

    def __call__(self, *args: Any, size: int = 0) -> None:
        assert self.name == "tour_within"
        index, low, high, place, flag = args

        def act(i: Any, f: Any) -> None:
            if ((i < low) | (i >= high)).any():
                f[0] = place

        launch(self.name, act, (index, flag), writes=[flag])


def get_default_memory_pool() -> Any:
    return runtime.world.pools[runtime.world.state.device]


def is_available() -> bool:
    return True


_made: dict[str, Any] = {}  # not into the globals, where `any` and `all` would hide Python's


def __getattr__(name: str) -> Any:
    if name not in _made:
        if name in OFFERS["ufuncs"]:
            _made[name] = ufunc(name)
        elif name in OFFERS["functions"][""] and hasattr(np, name):
            _made[name] = checked("", name, getattr(np, name))
        else:
            raise AttributeError(f"module 'cupy' has no attribute {name!r}")
    return _made[name]


def _module(home: str) -> Any:
    module = types.ModuleType(f"cupy.{home}")
    for name in OFFERS["functions"][home]:
        if hasattr(HOMES[home], name):
            setattr(module, name, checked(home, name, getattr(HOMES[home], name)))
    return module


linalg, fft = _module("linalg"), _module("fft")
linalg.LinAlgError = np.linalg.LinAlgError
lib = types.ModuleType("cupy.lib")
lib.stride_tricks = _module("lib.stride_tricks")


def _special() -> Any:
    """`cupyx.scipy.special`: the functions that CuPy has and tour computes on the host."""
    module = types.ModuleType("cupyx.scipy.special")

    def make(name: str) -> Any:
        def call(*args: Any, out: Any = None) -> Any:
            from . import special

            return launch(name, special.kernel(name), args, None, out)

        return call

    for name in OFFERS["special"]:
        setattr(module, name, make(name))
    return module


def modules(as_name: str = "cupy") -> dict[str, Any]:
    """What goes into `sys.modules` so that `import cupy` finds this."""
    from . import cuda

    cupyx, scipy = types.ModuleType("cupyx"), types.ModuleType("cupyx.scipy")
    cupyx.scipy, scipy.special = scipy, _special()
    cupyx.empty_pinned, cupyx.zeros_pinned = cuda.empty_pinned, cuda.empty_pinned
    names = {"cupyx": cupyx, "cupyx.scipy": scipy, "cupyx.scipy.special": scipy.special}
    return {
        as_name: sys.modules[__name__], f"{as_name}.cuda": cuda, f"{as_name}.linalg": linalg, f"{as_name}.fft": fft,
        f"{as_name}.lib": lib, f"{as_name}.lib.stride_tricks": lib.stride_tricks, **names,
    }  # fmt: skip


reset()
