"""The part of cuBLAS that tour.cuda calls, in NumPy: columns first, on addresses, as its manual describes it."""

from __future__ import annotations

import ctypes
from typing import Any

import ml_dtypes
import numpy as np

# cudaDataType, and what each computes in: CUBLAS_COMPUTE_32F, _64F, _32F_FAST_TF32.
TYPES = {
    0: np.float32, 1: np.float64, 2: np.float16, 4: np.complex64, 5: np.complex128, 14: ml_dtypes.bfloat16,
}  # fmt: skip
COMPUTES = {68: {0, 2, 4, 14}, 70: {1, 5}, 77: {0}}

calls: list[dict[str, Any]] = []


def cublasCreate_v2(handle: Any) -> int:
    handle._obj.value = 1
    return 0


def cublasSetStream_v2(handle: int, stream: int) -> int:
    return 0


def cublasSetWorkspace_v2(handle: int, space: int, size: int) -> int:
    return 0 if space and size else 7


def matrices(
    address: int, kind: int, transposed: int, rows: int, columns: int, pitch: int, step: int, count: int
) -> Any:
    """A batch of (rows, columns) matrices, columns first at `pitch`; where transposed, what lies in memory is the transpose."""
    dtype = np.dtype(TYPES[kind])
    down, across = (columns, rows) if transposed else (rows, columns)
    assert pitch >= max(1, down), "lda is less than the number of rows"
    extent = (count - 1) * step + (across - 1) * pitch + down
    flat = np.frombuffer((ctypes.c_ubyte * (extent * dtype.itemsize)).from_address(address), dtype)
    strides = step * dtype.itemsize, dtype.itemsize, pitch * dtype.itemsize
    found = np.ndarray((count, down, across), dtype, flat, strides=strides)
    return found.swapaxes(1, 2) if transposed else found


def cublasGemmStridedBatchedEx(
    handle, trans_a, trans_b, m, n, k, alpha, a, type_a, lda, step_a, b, type_b, ldb, step_b, beta, c, type_c, ldc, step_c, count,
    computation, algorithm,
) -> int:  # fmt: skip
    assert type_a == type_b == type_c and type_c in COMPUTES[computation] and handle == 1
    dtype = np.dtype(TYPES[type_c])
    number = np.float64 if dtype == np.float64 else dtype if dtype.kind == "c" else np.float32
    for address, value in ((alpha, 1), (beta, 0)):
        held = np.frombuffer((ctypes.c_char * np.dtype(number).itemsize).from_address(address), number)[0]
        assert held == value
    wide = np.float32 if dtype.itemsize == 2 else dtype
    left = matrices(a, type_a, trans_a, m, k, lda, step_a, count).astype(wide)
    right = matrices(b, type_b, trans_b, k, n, ldb, step_b, count).astype(wide)
    out = matrices(c, type_c, 0, m, n, ldc, step_c, count)
    out[...] = (left @ right).astype(dtype)
    calls.append(
        {
            "dtype": dtype.name,
            "count": count,
            "computation": computation,
            "transposed": (trans_a, trans_b),
            "size": (m, n, k),
        }
    )
    return 0
