"""The part of cuDNN's Python front end that tour.cuda calls, in NumPy on addresses: its parameters, what it refuses and what it computes.

The parameters are those of nvidia-cudnn-frontend 1.28; `test_dnn.py` compares them with the package where it is installed.
"""

from __future__ import annotations

import ctypes
import enum
import types
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np


class data_type(enum.Enum):
    FLOAT, DOUBLE, HALF, BFLOAT16, INT64 = np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.int64


heur_mode = types.SimpleNamespace(A=0, FALLBACK=1)
numerical_note = types.SimpleNamespace(DOWN_CONVERT_INPUTS=0, NONDETERMINISTIC=1)


class cudnnGraphNotSupportedError(RuntimeError):
    pass


streams: dict[int, int] = {}
built: list[pygraph] = []  # plans
executed: list[str] = []  # names of operations
refused: set[str] = set()  # operations for which there is no plan


def start(act: Callable[[], None]) -> None:
    """Start work: now, or when a graph of the fake device is replayed."""
    import sys

    on_fake = sys.modules.get("on_fake")
    act() if on_fake is None else on_fake.start(act)


def create_handle() -> int:
    return 7


def set_stream(handle: int, stream: int) -> None:
    streams[handle] = stream


class Tensor:
    def __init__(self, name: str, dim: Any = None, stride: Any = None, kind: Any = None, virtual: bool = False) -> None:
        self.name, self.dim, self.stride, self.kind, self.virtual = name, dim, stride, kind, virtual

    def set_output(self, value: bool) -> Tensor:
        self.virtual = not value
        return self

    def set_dim(self, dim: list[int]) -> Tensor:
        self.dim = list(dim)
        return self

    def set_stride(self, stride: list[int]) -> Tensor:
        self.stride = list(stride)
        return self

    def set_data_type(self, kind: data_type) -> Tensor:
        self.kind = kind
        return self

    def at(self, address: int) -> np.ndarray:
        """The array at an address."""
        dtype = np.dtype(self.kind.value)
        assert address % 16 == 0 or (len(self.dim) == 4 and np.prod(self.dim) == 1), f"{self.name} is not aligned"
        extent = sum((n - 1) * step for n, step in zip(self.dim, self.stride, strict=True)) + 1
        flat = np.frombuffer((ctypes.c_ubyte * (extent * dtype.itemsize)).from_address(address), dtype)
        return np.ndarray(self.dim, dtype, flat, strides=[step * dtype.itemsize for step in self.stride])


class pygraph:
    def __init__(
        self, name: str = "", io_data_type: Any = None, intermediate_data_type: Any = None, compute_data_type: Any = None,
        handle: Any = None, sm_count: Any = None, sm_version: Any = None,
    ) -> None:  # fmt: skip
        assert None not in (io_data_type, intermediate_data_type, compute_data_type) and handle == 7
        self.io, self.tensors, self.act, self.steps = io_data_type, [], None, []

    def tensor(
        self, dim: Any, stride: Any = None, data_type: Any = None, is_virtual: bool = False, is_pass_by_value: bool = False,
        ragged_offset: Any = None, reordering_type: Any = None, name: str = "",
    ) -> Tensor:  # fmt: skip
        assert all(type(n) is int for n in (*dim, *stride)) and len(dim) == len(stride)
        self.tensors.append(Tensor(name, dim, stride, data_type))
        return self.tensors[-1]

    def _results(self, *names: str) -> list[Tensor]:
        made = [Tensor(name, virtual=True) for name in names]
        self.tensors += made
        return made

    # -- operations
    def sdpa(
        self, q: Tensor, k: Tensor, v: Tensor, is_inference: Any = None, attn_scale: Any = None, bias: Any = None,
        use_causal_mask: bool = False, dropout: Any = None, name: str = "", generate_stats: Any = None,
    ) -> list[Tensor]:  # fmt: skip
        out = self._results("o", "stats")
        self._attention(name, q, k, v, bias, dropout)
        given = q, k, v, bias, dropout, use_causal_mask, attn_scale
        self.act = lambda arrays: _forward(arrays, *given, *out)
        return out

    def sdpa_backward(
        self, q: Tensor, k: Tensor, v: Tensor, o: Tensor, dO: Tensor, stats: Tensor, attn_scale: Any = None, bias: Any = None,
        dBias: Any = None, use_causal_mask: bool = False, dropout: Any = None, use_deterministic_algorithm: bool = False,
        name: str = "",
    ) -> list[Tensor]:  # fmt: skip
        out = self._results("dQ", "dK", "dV")
        self._attention(name, q, k, v, bias, dropout)
        given = q, k, v, bias, dropout, use_causal_mask, attn_scale
        self.act = lambda arrays: _backward(arrays, *given, o, dO, stats, *out)
        return out

    def _attention(self, name: str, q: Tensor, k: Tensor, v: Tensor, bias: Any, dropout: Any) -> None:
        self.name = name

        def check() -> None:
            for t in (q, k, v, *([bias] if bias else [])):
                assert len(t.dim) == 4 and t.stride[3] == 1, f"{t.name}: numbers of a row do not lie together"
            assert q.dim[1] % k.dim[1] == q.dim[1] % v.dim[1] == 0 and q.dim[3] % 8 == v.dim[3] % 8 == 0
            assert self.io in (data_type.HALF, data_type.BFLOAT16)
            if bias:
                whole = (q.dim[0], q.dim[1], q.dim[2], k.dim[2])
                assert all(n in (1, m) for n, m in zip(bias.dim, whole, strict=True)) and bias.kind is self.io
            if dropout:
                p, seed, offset = dropout
                assert 0 < p < 1 and seed.kind is offset.kind is data_type.INT64 and seed.dim == [1, 1, 1, 1]

        self.check = check

    def conv_fprop(self, image: Tensor, weight: Tensor, padding: Any, stride: Any, dilation: Any) -> Tensor:
        return self._convolution("fprop", image, weight, None, padding, stride, dilation)

    def conv_dgrad(self, loss: Tensor, filter: Tensor, padding: Any, stride: Any, dilation: Any) -> Tensor:
        return self._convolution("dgrad", None, filter, loss, padding, stride, dilation)

    def conv_wgrad(self, image: Tensor, loss: Tensor, padding: Any, stride: Any, dilation: Any) -> Tensor:
        return self._convolution("wgrad", image, None, loss, padding, stride, dilation)

    def _convolution(self, name: str, x: Any, w: Any, y: Any, padding: Any, stride: Any, dilation: Any) -> Tensor:
        (made,) = self._results(name)
        self.name, self.check = name, lambda: None
        sizes = tuple(stride), tuple(padding), tuple(dilation)
        self.act = lambda arrays: _convolve(arrays, name, x, w, y, sizes, made)
        return made

    # -- building
    def validate(self) -> None:
        self.check()
        for t in self.tensors:
            assert t.dim and t.stride and t.kind, f"{t.name} lacks sizes, strides or a dtype"
        self.steps.append("validate")

    def build_operation_graph(self) -> None:
        self.steps.append("build_operation_graph")

    def create_execution_plans(self, heuristics: list[int]) -> None:
        self.steps.append("create_execution_plans")

    def deselect_numeric_notes(self, notes: list[int]) -> None:
        assert self.steps[-1] == "create_execution_plans"

    def check_support(self) -> None:
        if self.name in refused:
            raise cudnnGraphNotSupportedError("No valid engine configs")

    def build_plans(self) -> None:
        assert self.steps == ["validate", "build_operation_graph", "create_execution_plans"]
        built.append(self)

    def get_workspace_size(self) -> int:
        return 96

    def execute(self, tensor_dict: dict[Tensor, int], workspace: int, handle: int) -> None:
        assert workspace and handle == 7
        missing = [t.name for t in self.tensors if not t.virtual and t not in tensor_dict]
        assert not missing, missing
        pointers = dict(tensor_dict)

        def act() -> None:
            executed.append(self.name)
            (ctypes.c_ubyte * 96).from_address(workspace)[:] = bytes(96)
            self.act({t: t.at(address) for t, address in pointers.items()})

        start(act)


# --- What is computed ---------------------------------------------------------------------------------------------------------


def factors(seed: int, offset: int, p: float, shape: Any) -> np.ndarray:
    """The mask of a dropout: here any that seed and offset determine."""
    return (np.random.default_rng([seed, offset]).random(shape) >= p) / (1 - p)


def _weights(arrays: Any, q: Any, k: Any, bias: Any, dropout: Any, causal: bool, scale: float) -> Any:
    wide = [arrays[t].astype("f8") for t in (q, k)]
    group = q.dim[1] // k.dim[1]
    s = wide[0] @ np.repeat(wide[1], group, 1).swapaxes(2, 3) * scale
    if bias is not None:
        s = s + arrays[bias].astype("f8")
    if causal:
        s = np.where(np.tri(*s.shape[2:], dtype=bool), s, -np.inf)
    keep = 1.0
    if dropout is not None:
        keep = factors(int(arrays[dropout[1]][0, 0, 0, 0]), int(arrays[dropout[2]][0, 0, 0, 0]), dropout[0], s.shape)
    return s, keep, group


def _forward(arrays, q, k, v, bias, dropout, causal, scale, o, stats) -> None:
    s, keep, group = _weights(arrays, q, k, bias, dropout, causal, scale)
    top = s.max(3, keepdims=True)
    total = np.exp(s - top).sum(3, keepdims=True)
    arrays[o][...] = (np.exp(s - top) / total * keep) @ np.repeat(arrays[v].astype("f8"), group, 1)
    arrays[stats][...] = top + np.log(total)


def _backward(arrays, q, k, v, bias, dropout, causal, scale, o, dO, stats, dQ, dK, dV) -> None:
    s, keep, group = _weights(arrays, q, k, bias, dropout, causal, scale)
    p, g = np.exp(s - arrays[stats].astype("f8")), arrays[dO].astype("f8")
    wide_k, wide_v = (np.repeat(arrays[t].astype("f8"), group, 1) for t in (k, v))
    inner = (g * arrays[o].astype("f8")).sum(3, keepdims=True)
    slope = p * (keep * (g @ wide_v.swapaxes(2, 3)) - inner) * scale
    shared = lambda x, t: x.reshape(t.dim[0], t.dim[1], group, *x.shape[2:]).sum(2)  # noqa: E731
    arrays[dQ][...] = slope @ wide_k
    arrays[dK][...] = shared(slope.swapaxes(2, 3) @ arrays[q].astype("f8"), k)
    arrays[dV][...] = shared((p * keep).swapaxes(2, 3) @ g, v)


def _convolve(arrays, name, x, w, y, sizes, made) -> None:
    import inspect

    from tour.nn.kernels import convolution as kernels

    wide = {t: a.astype("f8") for t, a in arrays.items()}
    plain = inspect.unwrap
    if name == "fprop":
        found = plain(kernels.conv)(wide[x], wide[w], None, *sizes, x.dim[1] // w.dim[1])
    elif name == "dgrad":
        found = plain(kernels.conv_input_grad)(wide[y], wide[w], tuple(made.dim), *sizes, made.dim[1] // w.dim[1])
    else:
        found = plain(kernels.conv_weight_grad)(wide[y], wide[x], tuple(made.dim), *sizes, x.dim[1] // made.dim[1])
    arrays[made][...] = found
