"""Arithmetic that a dtype is too narrow for: half precision is added up in float32, booleans and integers in int64."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour._dtypes import FLOATING, FROM_NUMPY
from tour._kernels import is_half


def single(a: Any) -> Any:
    """Half-precision and float8 arrays in float32, others as they are: NumPy sorts and multiplies those slowly or not at all."""
    return a.astype(np.float32) if is_half(a.dtype) else a


def sum_dtype(dtype: Any) -> Any:
    """The dtype in which many numbers of a NumPy dtype are added up."""
    if FROM_NUMPY[dtype].rank < FLOATING:
        return np.dtype(np.int64)
    return np.dtype(np.float32) if is_half(dtype) else dtype


# Reductions of raw arrays; NumPy's hints know `keepdims` only where it is spelled True or False.
reduce_add: Any = np.add.reduce
reduce_multiply: Any = np.multiply.reduce
reduce_maximum: Any = np.maximum.reduce
reduce_minimum: Any = np.minimum.reduce
