"""PyTorch's objects as tour's, and back. Memory is never shared, so that an op that writes into its input is found out."""

from __future__ import annotations

import ctypes
from typing import Any

import ml_dtypes
import numpy as np
import torch

import tour

NUMPY = {torch.bool: np.dtype(np.bool_)} | {
    getattr(torch, name): np.dtype(name)
    for name in "uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64 complex64 complex128".split()
}
BYTES_ONLY = {  # dtypes that PyTorch does not take from NumPy: they go through an integer dtype of the same size
    np.dtype(getattr(ml_dtypes, name)): (through, getattr(torch, name))
    for name, through in (
        ("bfloat16", np.int16),
        ("float8_e4m3fn", np.uint8),
        ("float8_e4m3fnuz", np.uint8),
        ("float8_e5m2", np.uint8),
        ("float8_e5m2fnuz", np.uint8),
    )
}
NUMPY |= {d: numpy_dtype for numpy_dtype, (_, d) in BYTES_ONLY.items()}


class OutOfScope(Exception):
    """An argument that tour does not set out to support: a sparse layout, another device, a quantised dtype."""


def array_of(t: torch.Tensor, memo: dict[Any, Any] | None = None) -> np.ndarray[Any, Any]:
    """A NumPy array with the elements, dtype and strides of a PyTorch tensor, and memory of its own.

    All of the tensor's storage is copied, so that a view may be looked beyond; with a `memo` tensors that share memory do so again.
    """
    if t.layout is not torch.strided or t.device.type != "cpu" or t.is_quantized:
        raise OutOfScope(f"{t.layout} on {t.device}")
    if t.ndim > 64:
        raise OutOfScope("more dimensions than a NumPy array can have")
    if t.dtype not in NUMPY:
        raise OutOfScope(f"{t.dtype}")
    t = t.detach().resolve_conj().resolve_neg()
    t = t.clone() if t._is_zerotensor() else t
    dtype, storage = NUMPY[t.dtype], t.untyped_storage()
    if not t.numel():
        return np.empty(t.shape, dtype)
    memo = {} if memo is None else memo
    key = ("storage", storage.data_ptr())
    if key not in memo:  # not by `t.numpy()`: a tensor that NumPy has seen can no longer grow
        raw = np.frombuffer(bytearray(ctypes.string_at(storage.data_ptr(), storage.nbytes())), np.uint8)
        memo[key] = raw, storage  # kept, so that no other storage comes to lie at this address meanwhile
    strides = [step * dtype.itemsize for step in t.stride()]
    return np.ndarray(tuple(t.shape), dtype, memo[key][0], t.storage_offset() * dtype.itemsize, strides)


def to_tour(x: Any, memo: dict[Any, Any] | None = None) -> Any:
    """tour's counterpart of anything that PyTorch's samples hold; `memo` maps ids of PyTorch tensors to tour's."""
    memo = {} if memo is None else memo
    if isinstance(x, torch.Tensor):
        if id(x) not in memo:
            t = tour._core.wrap(array_of(x, memo))
            memo[id(x)] = t.requires_grad_() if x.requires_grad else t
        return memo[id(x)]
    if isinstance(x, torch.dtype):
        return named(x)
    if isinstance(x, torch.device):
        return tour.device(str(x))
    if isinstance(x, torch.Size):
        return tour.Size(x)
    if isinstance(x, torch.Generator):
        return tour.Generator().manual_seed(x.initial_seed())
    if isinstance(x, (torch.memory_format, torch.layout)):
        return named(x)
    if isinstance(x, torch.nn.Module):
        return getattr(tour.nn, type(x).__name__)()
    if isinstance(x, dict):
        return {k: to_tour(v, memo) for k, v in x.items()}
    if isinstance(x, slice):
        return slice(*(to_tour(v, memo) for v in (x.start, x.stop, x.step)))
    if isinstance(x, (list, tuple)):
        made = [to_tour(v, memo) for v in x]
        return type(x)(*made) if hasattr(x, "_fields") else type(x)(made)
    return x


def named(x: Any) -> Any:
    """The object of the same name: `torch.float32` becomes `tour.float32`."""
    name = str(x).removeprefix("torch.")
    found = getattr(tour, name, None)
    if found is None:
        raise OutOfScope(f"{x}")
    return found


def to_torch(x: Any) -> Any:
    """PyTorch's counterpart of one of tour's results; tensors are copies."""
    if isinstance(x, tour.Tensor):
        a = np.array(x._a, order="C")
        if a.dtype in BYTES_ONLY:
            through, d = BYTES_ONLY[a.dtype]
            return torch.from_numpy(a.view(through)).view(d)
        return torch.from_numpy(a)
    if isinstance(x, dict):
        return {k: to_torch(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return (list if isinstance(x, list) else tuple)(to_torch(v) for v in x)
    return x


def tensors(x: Any, kind: type) -> list[Any]:
    """All tensors of a kind in nested lists, tuples and dictionaries, in order."""
    if isinstance(x, kind):
        return [x]
    if isinstance(x, dict):
        x = list(x.values())
    return [t for y in x for t in tensors(y, kind)] if isinstance(x, (list, tuple)) else []
