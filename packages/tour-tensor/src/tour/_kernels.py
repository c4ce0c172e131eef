"""What elementwise kernels have in common: half precision computed in single, and long formulas run block by block."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tour._compiled import Socket, holds
from tour._core import ndarray

Kernel = Callable[..., Any]

_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)

ONE = {
    dtype: np.ones((), dtype) for dtype in (_F32, _F64)
}  # beside an array, in a third of the time that Python's 1 takes

# Elements per block of a formula of several passes: its temporaries stay in the second-level cache, and below the size from which
# malloc asks the system for fresh pages each time. Measured at a million float32: sigmoid 2.0 ms in one piece, 0.9 ms in blocks.
BLOCK = 1 << 14
MANY = 1 << 13  # elements from which a formula is worth looking for its compiled form
FEW = 1 << 7  # elements from which one that is at hand is worth calling


def quiet(kernel: Kernel) -> Kernel:
    """A kernel that stays silent about overflow and the like, also where somebody turned warnings into errors."""

    @functools.wraps(kernel)
    def body(*args: Any) -> Any:
        try:
            return kernel(*args)
        except RuntimeWarning:
            with np.errstate(all="ignore"):
                return kernel(*args)

    return body


def is_half(dtype: Any) -> bool:
    """Whether a NumPy dtype is a floating-point one narrower than float32: float16, bfloat16, float8."""
    return dtype.itemsize <= 2 and dtype.kind in "fV"


def in_single(kernel: Kernel) -> Kernel:
    """A kernel whose half-precision operands are computed in float32 and rounded once, as PyTorch does.

    Operands are those leading arguments that are arrays, all of one dtype; a result may be a tuple. A device that has the kernel in a form
    of its own is asked first: it may store half precision and compute in float32 by itself.
    """
    socket: Socket | None = getattr(kernel, "socket", None)
    silent = quiet(kernel)

    @functools.wraps(kernel)
    def body(a: Any, *others: Any) -> Any:
        dtype = a.dtype
        if dtype is _F32 or dtype is _F64 or not is_half(dtype):
            try:
                return kernel(a, *others)
            except RuntimeWarning:
                return silent(a, *others)
        if (
            socket is not None
            and type(a) is not ndarray
            and (r := socket.on(type(a))(a, *others)) is not NotImplemented
        ):
            return r
        r = silent(a.astype(np.float32), *(widened(x, dtype) for x in others))
        return tuple(narrowed(x, dtype) for x in r) if type(r) is tuple else narrowed(r, dtype)

    return body


def widened(x: Any, dtype: Any) -> Any:
    """An operand of half precision in float32; anything else as it is."""
    return x.astype(np.float32) if getattr(x, "dtype", None) is dtype else x


def narrowed(r: Any, dtype: Any) -> Any:
    """A result in float32 rounded to half precision; a boolean or integer one, or none, as it is."""
    return r if r is None or r.dtype.kind != "f" else r.astype(dtype)


def blocked(formula: Kernel) -> Kernel:
    """A kernel for a formula of several passes over one real floating-point array, and numbers.

    Large arrays are computed by a compiled form or in cache-sized blocks, half precision in float32. The formula gets arrays with at
    least one dimension, and must not write into its input.
    """

    plain, formula = formula, quiet(formula)
    socket = Socket(formula)

    @functools.wraps(formula)
    def body(a: Any, *numbers: Any) -> Any:
        d = a.dtype
        few = a.size < FEW or (a.size < MANY and not socket.at_hand())
        if few and (d is _F32 or d is _F64) and a.ndim and type(a) is ndarray:
            try:
                return plain(a, *numbers)
            except RuntimeWarning:
                return formula(a, *numbers)
        if d is not _F32 and d is not _F64 and is_half(d):
            return body(a.astype(np.float32), *numbers).astype(d)
        if few or type(a) is not ndarray:
            return formula(a, *numbers) if a.ndim else formula(a.reshape(1), *numbers).reshape(())
        if (r := socket.form(a, *numbers)) is not NotImplemented:
            return r
        if a.size <= 2 * BLOCK:
            return formula(a, *numbers)
        out = np.empty_like(a, subok=False)
        if out.strides != a.strides:
            dense = np.empty_like(out)
            dense[...] = a
            a = dense
        flat, result = a.ravel("K"), out.ravel("K")  # views: both are dense, and laid out alike
        for start in range(0, flat.size, BLOCK):
            block = slice(start, start + BLOCK)
            result[block] = formula(flat[block], *numbers)
        return out

    holds(body, "plain", socket.name)
    return body


# --- Bounds -----------------------------------------------------------------------------------------------------------------
# NumPy vectorises maximum and minimum for two arrays only: a million floats take 0.9 ms beside a number, 0.15 ms beside rows of it.


@functools.lru_cache(maxsize=16)
def _row(dtype: Any, number: float) -> tuple[Any, Any]:
    """A number as an array without dimensions, and as a row of `BLOCK`."""
    row = np.full(BLOCK, number, dtype)
    row.setflags(write=False)
    return row[0:1].reshape(()), row


ZEROS = {dtype: _row(dtype, 0) for dtype in (_F32, _F64)}


def bounded(a: Any, low: float | None, high: float | None = None) -> Any:
    """An array kept between two numbers; NaN stays NaN, and `high` wins where the bounds cross."""
    if low is not None and high is not None and a.size >= 256 and type(a) is ndarray and a.dtype.kind == "f":
        return a.clip(a.dtype.type(low), a.dtype.type(high))  # in one pass; beside numbers that one is vectorised
    out = None
    if low is not None:
        out = a = _beside(np.maximum, a, low)
    return a if high is None else _beside(np.minimum, a, high, out)


def _beside(ufunc: np.ufunc, a: Any, number: float, out: Any = None) -> Any:
    if type(a) is not ndarray:
        return ufunc(a, a.dtype.type(number))
    one, row = _row(a.dtype, number)
    n = a.size
    if n < 256 or not a.flags.c_contiguous:
        return ufunc(a, one)
    if n <= BLOCK:
        return ufunc(a, row[:n].reshape(a.shape), out=out)
    if (r := _beside_form.form(ufunc, a, number, out)) is not NotImplemented:
        return r
    if out is None:
        out = np.empty_like(a)
    flat, result, whole = a.reshape(-1), out.reshape(-1), n // BLOCK * BLOCK
    ufunc(flat[:whole].reshape(-1, BLOCK), row, out=result[:whole].reshape(-1, BLOCK))
    ufunc(flat[whole:], row[: n - whole], out=result[whole:])
    return out


_beside_form = Socket(_beside)


# --- Choosing ---------------------------------------------------------------------------------------------------------------
# np.where branches on every element, which costs 5 ns where the condition is unpredictable; these choose by bit masks.

_BITS = {4: np.dtype(np.int32), 8: np.dtype(np.int64)}
_WORTH = 1 << 13  # elements from which masks are faster


def select(mask: Any, a: Any, b: Any) -> Any:
    """Elements of `a` where the mask holds, else of `b`; both of one dtype, broadcasting."""
    if type(a) is not ndarray or a.size < _WORTH or not (a.shape == b.shape == mask.shape) or not _plain(mask, a, b):
        return np.where(mask, a, b)
    out = np.empty_like(a)
    bits: Any = _BITS[a.itemsize]
    flat, x, y, r = mask.view(np.int8).reshape(-1), a.view(bits), b.view(bits), out.view(bits)
    x, y, r = x.reshape(-1), y.reshape(-1), r.reshape(-1)
    for start in range(0, flat.size, BLOCK):
        block = slice(start, start + BLOCK)
        part = np.bitwise_xor(x[block], y[block], out=r[block])
        part &= np.negative(flat[block]).astype(bits)  # True is 1, and -1 has all bits set
        part ^= y[block]
    return out


def keep(a: Any, mask: Any) -> Any:
    """Elements of `a` where the mask holds, else zeros, also where they are not finite."""
    if type(a) is not ndarray or a.size < _WORTH or a.shape != mask.shape or not _plain(mask, a):
        return np.where(mask, a, a.dtype.type(0))
    bits: Any = _BITS[a.itemsize]
    return np.bitwise_and(a.view(bits), np.negative(mask.view(np.int8)), dtype=bits).view(a.dtype)


def _plain(mask: Any, *arrays: Any) -> bool:
    """Whether bit masks serve: a boolean mask, arrays of 4 or 8 bytes an element, everything without gaps."""
    if mask.dtype != np.bool_ or not mask.flags.c_contiguous:
        return False
    dtype = arrays[0].dtype
    return dtype.itemsize in _BITS and all(a.flags.c_contiguous and a.dtype is dtype for a in arrays)
