"""Arithmetic that a dtype is too narrow for: half precision is added up in float32, booleans and integers in int64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

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


_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)


def double(a: Any) -> Any:
    """float32 arrays of the host in float64, others as they are: PyTorch's scans and variances are that exact."""
    return a.astype(_F64) if a.dtype is _F32 and type(a) is ndarray else a


BLOCK = 16  # numbers that are added one after another, where there are more than twice as many


def add_up(a: Any, axis: Any, keepdims: bool = False) -> Any:
    """The sum of floating-point numbers over an axis, or several; rounded like a short sum also where many are added up.

    NumPy adds numbers that lie side by side in pairs, others one after another: the error of 20000 is 50 times PyTorch's. Here they are
    added in blocks, and the sums of blocks again.
    """
    if type(a) is not ndarray or type(axis) is not int or not a.flags.c_contiguous:
        if type(a) is ndarray and a.flags.f_contiguous and type(axis) is int and a.ndim > 1:
            return add_up(a.T, a.ndim - 1 - axis, keepdims).T
        return reduce_add(a, axis, None, None, keepdims)
    n = a.shape[axis]
    if n <= 2 * BLOCK or axis == a.ndim - 1:
        return reduce_add(a, axis, None, None, keepdims)
    shape = (*a.shape[:axis], *([1] if keepdims else []), *a.shape[axis + 1 :])
    outer, width = math.prod(a.shape[:axis]), math.prod(a.shape[axis + 1 :])
    a, left = a.reshape(outer, n, width), []
    while n > 2 * BLOCK:
        n //= BLOCK
        if n * BLOCK < a.shape[1]:
            left.append(reduce_add(a[:, n * BLOCK :], 1))
        a = reduce_add(a[:, : n * BLOCK].reshape(outer, BLOCK, n * width), 1).reshape(outer, n, width)
    total = reduce_add(a, 1)
    for rest in left:
        total += rest
    return total.reshape(shape)


# Reductions of raw arrays; NumPy's hints know `keepdims` only where it is spelled True or False.
reduce_add: Any = np.add.reduce
reduce_multiply: Any = np.multiply.reduce
reduce_maximum: Any = np.maximum.reduce
reduce_minimum: Any = np.minimum.reduce
