"""Matrix products through cuBLAS, called directly.

CuPy's own products cannot be captured in a graph, compute batches of float16 in float32 and copy transposed operands. Here each
(device, stream) has its workspace, which makes calls capturable; operands with either unit stride are taken as they lie; float32 runs in
TF32 where `tour.backends.cuda.matmul.allow_tf32` says so, and half precision is summed in float32.
"""

from __future__ import annotations

import ctypes
from functools import cache, partial
from importlib import import_module
from math import prod
from typing import Any, NamedTuple

import numpy as np

from tour import backends
from tour.cuda._launch import Array, alike, captures, dense, empty, runner

WORKSPACE = 32 << 20  # bytes; what cuBLAS asks for on Hopper
_LIMIT = 2**31

# cudaDataType, cublasComputeType_t, and the C type of alpha and beta; float32 has a second computation, in TF32.
_KINDS: dict[str, tuple[int, int, Any]] = {
    "float32": (0, 68, ctypes.c_float), "float64": (1, 70, ctypes.c_double), "float16": (2, 68, ctypes.c_float),
    "bfloat16": (14, 68, ctypes.c_float), "complex64": (4, 68, ctypes.c_float * 2), "complex128": (5, 70, ctypes.c_double * 2),
}  # fmt: skip
_TF32 = 77  # CUBLAS_COMPUTE_32F_FAST_TF32
_NUMBERS = {kind: (kind(1), kind(0)) for _, _, kind in _KINDS.values()}  # alpha and beta

_STATUS = {
    1: "not initialized",
    3: "out of memory",
    7: "invalid value",
    8: "not supported on this GPU",
    13: "execution failed",
}


class Matrix(NamedTuple):
    """How a batch of matrices lies in memory, as cuBLAS sees it (columns first).

    Attributes:
        array: What holds it.
        transposed: Whether its columns lie together. Then cuBLAS has to transpose; rows that lie together are what it is asked for.
        pitch: From one row (or column) to the next, in elements.
        step: From one matrix to the next; 0 where all are the same.
    """

    array: Array
    transposed: bool
    pitch: int
    step: int


@cache
def library() -> Any:
    """cuBLAS.

    Raises:
        RuntimeError: If it is not found.
    """
    found = _open()
    pointer, integer, long = ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong
    found.cublasCreate_v2.argtypes = [ctypes.POINTER(pointer)]
    found.cublasSetStream_v2.argtypes = [pointer, pointer]
    found.cublasSetWorkspace_v2.argtypes = [pointer, pointer, ctypes.c_size_t]
    operand = [pointer, integer, integer, long]
    found.cublasGemmStridedBatchedEx.argtypes = [
        pointer, *[integer] * 5, pointer, *operand, *operand, pointer, *operand, integer, integer, integer,
    ]  # fmt: skip
    return found


def _open() -> Any:
    try:  # comes with CuPy, and knows the wheels and the toolkit
        return ctypes.CDLL(import_module("cuda.pathfinder").load_nvidia_dynamic_lib("cublas").abs_path)
    except (ImportError, OSError, RuntimeError):
        pass
    for name in ("libcublas.so.13", "libcublas.so.12"):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise RuntimeError(
        "matrix products on CUDA need cuBLAS, which is not found; install the CUDA toolkit or nvidia-cublas"
    )


class Handle:
    """A cuBLAS handle of one device, and its workspaces by stream; a graph has one of its own, as it may run on any stream."""

    def __init__(self) -> None:
        handle = ctypes.c_void_p()
        check(library().cublasCreate_v2(ctypes.byref(handle)))
        self.handle = handle.value
        self.used: tuple[Any, Any] = None, None  # the stream, and where its workspace is kept
        self.workspaces: dict[Any, Array] = {}

    def on(self, stream: int, like: Array) -> Any:
        """cuBLAS' product of matrices on a stream."""
        kept = captures[-1].kept if captures and runner(like).capturing() else self.workspaces
        if self.used[0] != stream or self.used[1] is not kept:
            space = kept.get((self.handle, stream))
            if space is None:
                space = kept[self.handle, stream] = empty((WORKSPACE,), np.uint8, like)
            check(library().cublasSetStream_v2(self.handle, stream))  # takes the workspace away
            check(library().cublasSetWorkspace_v2(self.handle, runner(like).address(space), WORKSPACE))
            self.used = stream, kept
        return partial(library().cublasGemmStridedBatchedEx, self.handle)


_handles: dict[Any, Handle] = {}


def check(status: int) -> None:
    """Raise RuntimeError for a status of cuBLAS that is not success."""
    if status:
        raise RuntimeError(f"cuBLAS error {status}: {_STATUS.get(status, 'see cublasStatus_t')}")


def matmul(a: Array, b: Array) -> Any:
    """The matrix product, as `numpy.matmul` shapes it; NotImplemented for dtypes that cuBLAS does not know."""
    alike(a, b)
    if a.dtype != b.dtype or a.dtype.name not in _KINDS:
        return NotImplemented
    if not a.ndim or not b.ndim or a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        return NotImplemented  # NumPy's function says what is wrong
    left, right = a.reshape(1, -1) if a.ndim == 1 else a, b.reshape(-1, 1) if b.ndim == 1 else b
    shape = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    m, k, n = left.shape[-2], left.shape[-1], right.shape[-1]
    if right.ndim == 2 and left.ndim > 2 and left.flags.c_contiguous:  # one large product instead of many
        out = _product(left.reshape(-1, k), right, ())
    else:
        out = _product(left, right, shape)
    last = (*(() if a.ndim == 1 else (m,)), *(() if b.ndim == 1 else (n,)))
    return out.reshape((*shape, *last))


def _product(a: Array, b: Array, batch: tuple[int, ...]) -> Array:
    m, k, n = a.shape[-2], a.shape[-1], b.shape[-1]
    out = empty((*batch, m, n), a.dtype, a)
    if not out.size:
        return out
    if not k:
        out.fill(0)
        return out
    if max(m, n, k, prod(batch)) >= _LIMIT:
        raise RuntimeError(f"cuBLAS takes sizes below 2 ** 31, but this product is ({m}, {k}) @ ({k}, {n})")
    first, second = laid_out(a, batch), laid_out(b, batch)
    served = runner(a)
    kind, computation, number = _KINDS[a.dtype.name]
    if a.dtype == np.float32 and backends.matmul.allow_tf32:
        computation = _TF32
    key = served, served.device(a)
    handle = _handles.get(key) or _handles.setdefault(key, Handle())
    alpha, beta = map(ctypes.addressof, _NUMBERS[number])
    # Rows first is columns first of the transpose: out.T = b.T @ a.T.
    with served.on(a):
        multiply = handle.on(served.stream(a), a)
        left = served.address(second.array), kind, second.pitch, second.step
        right = served.address(first.array), kind, first.pitch, first.step
        target = served.address(out), kind, n, m * n
        flags = int(second.transposed), int(first.transposed)
        check(multiply(*flags, n, m, k, alpha, *left, *right, beta, *target, prod(batch), computation, -1))
    return out


def laid_out(x: Array, batch: tuple[int, ...]) -> Matrix:
    """How an operand lies in memory; a copy of it where neither rows nor columns lie together."""
    size, (rows, columns) = x.dtype.itemsize, x.shape[-2:]
    if prod(x.shape[:-2]) == 1:
        x = x.reshape(1, rows, columns)
    else:
        x = (x if x.shape[:-2] == batch else np.broadcast_to(x, (*batch, rows, columns))).reshape(-1, rows, columns)
    down, right = (step // size for step in x.strides[1:])
    by_rows, by_columns = (right == 1 or columns == 1, down), (down == 1 or rows == 1, right)
    for transposed, ((fits, pitch), length, count) in enumerate(
        ((by_rows, columns, rows), (by_columns, rows, columns))
    ):
        if fits and (max(length, 1) <= pitch < _LIMIT or count == 1) and x.strides[0] >= 0:
            step = 0 if len(x) == 1 else x.strides[0] // size
            return Matrix(x, bool(transposed), max(pitch, length) if count > 1 else max(length, 1), step)
    x = dense(x.copy())
    return Matrix(x, False, columns, 0 if len(x) == 1 else rows * columns)
