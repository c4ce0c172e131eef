"""Products of matrices on the host: NumPy's, and a compiled form's where they are large."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour._compiled import Socket
from tour._core import as_array, ndarray
from tour._kernels import is_half

Array = Any

# Products of numbers. From here on OpenBLAS wakes its threads, which would wait in the way of compiled kernels.
LARGE = 1 << 18
MIDDLE = 3 << 16  # where only the second factor is transposed, for which OpenBLAS has no kernel that copies nothing
SMALL = 1 << 8  # numbers in the second factor below which nobody counts products

_F32 = np.dtype(np.float32)


def product(a: Array, b: Array) -> Array:
    """The product of two arrays of one dtype: of matrices, stacks of matrices, or vectors."""
    if (d := a.dtype) is not _F32 and is_half(d) and type(a) is ndarray:  # devices multiply half precision as it is
        return as_array(product(a.astype(np.float32), b.astype(np.float32))).astype(d)
    if a.ndim == 2 and b.ndim == 2:
        if (
            (n := b.size) > SMALL
            and (n := n * len(a)) > MIDDLE
            and (n > LARGE or b.strides[1] != b.itemsize != a.strides[0])
        ):
            if type(a) is type(b) is ndarray and (r := _PRODUCT.form(a, b)) is not NotImplemented:
                return r
        return a.dot(b)  # a third of the time of `matmul` where they are small
    if b.size > SMALL and a.ndim > 1 < b.ndim and a.size * b.shape[-1] > LARGE and type(a) is type(b) is ndarray:
        r = _PRODUCT.form(a, b)
        if r is not NotImplemented:
            return r
    return np.matmul(a, b)


def affine(x: Array, weight: Array, bias: Array | None) -> Array:
    """`x @ weight.T + bias` for matrices."""
    if (
        weight.size > SMALL
        and len(x) * weight.size > MIDDLE
        and type(x) is type(weight) is ndarray
        and (r := _AFFINE.form(x, weight, bias)) is not NotImplemented
    ):
        return r
    y = x.dot(weight.T)
    if bias is not None:
        y += bias
    return y


_PRODUCT, _AFFINE = Socket(product), Socket(affine)
