"""NumPy's array objects, read where they lie: their address, sizes and strides.

Taking these from an array in Python, and packing them for a kernel, takes as long as the product of two matrices of 30².
"""

from __future__ import annotations

from typing import Any

from tour.numba._driver import HEADER
from tour.numba.kernels.memory import helper, ints, longs

# Fields of PyArrayObject in NumPy's C interface, in 8 bytes: data, number of dimensions (an int), sizes, strides.
DATA = HEADER // 8
NDIM, SIZES, STRIDES = 2 * (DATA + 1), DATA + 2, DATA + 3


@helper
def matrix(array: int) -> Any:
    """Address, rows, columns, and the strides of both, of the last two dimensions of an array object."""
    fields, first = longs(array), ints(array)[NDIM] - 2
    sizes, strides = longs(fields[SIZES]), longs(fields[STRIDES])
    return fields[DATA], sizes[first], sizes[first + 1], strides[first], strides[first + 1]
