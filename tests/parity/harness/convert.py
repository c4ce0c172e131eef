"""PyTorch's objects as tour's, and back. Memory is never shared, so that an op that writes into its input is found out."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import torch

import tour

BYTES_ONLY = {  # dtypes that PyTorch's `.numpy()` does not know: read through an integer dtype of the same size
    torch.bfloat16: (torch.int16, np.dtype(ml_dtypes.bfloat16)),
    torch.float8_e4m3fn: (torch.uint8, np.dtype(ml_dtypes.float8_e4m3fn)),
    torch.float8_e4m3fnuz: (torch.uint8, np.dtype(ml_dtypes.float8_e4m3fnuz)),
    torch.float8_e5m2: (torch.uint8, np.dtype(ml_dtypes.float8_e5m2)),
    torch.float8_e5m2fnuz: (torch.uint8, np.dtype(ml_dtypes.float8_e5m2fnuz)),
}
FROM_BYTES = {numpy_dtype: (through, d) for d, (through, numpy_dtype) in BYTES_ONLY.items()}


class OutOfScope(Exception):
    """An argument that tour does not set out to support: a sparse layout, another device, a quantised dtype."""


def array_of(t: torch.Tensor) -> np.ndarray[Any, Any]:
    """A NumPy array with the elements, dtype and strides of a PyTorch tensor, and memory of its own."""
    if t.layout is not torch.strided or t.device.type != "cpu" or t.is_quantized or t.ndim > 64:
        raise OutOfScope(f"{t.layout} on {t.device}")
    if t.dim() > 64:
        raise OutOfScope("more dimensions than a NumPy array can have")
    t = t.detach().resolve_conj().resolve_neg()
    t = t.clone() if t._is_zerotensor() else t
    through, dtype = BYTES_ONLY.get(t.dtype, (t.dtype, None))
    raw = t.view(through).numpy() if t.dtype is not through else t.numpy()
    raw = raw if dtype is None else raw.view(dtype)
    if not raw.size:
        return np.empty_like(raw)
    memory = np.frombuffer(bytearray(bytes(t.untyped_storage())), np.uint8)  # all of it: a view may be looked beyond
    return np.ndarray(raw.shape, raw.dtype, memory, t.storage_offset() * t.element_size(), raw.strides)


def to_tour(x: Any, memo: dict[int, Any] | None = None) -> Any:
    """tour's counterpart of anything that PyTorch's samples hold; `memo` maps ids of PyTorch tensors to tour's."""
    memo = {} if memo is None else memo
    if isinstance(x, torch.Tensor):
        if id(x) not in memo:
            t = tour._core.wrap(array_of(x))
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
        if a.dtype in FROM_BYTES:
            through, d = FROM_BYTES[a.dtype]
            return torch.from_numpy(a.view(np.int16 if through is torch.int16 else np.uint8)).view(d)
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
