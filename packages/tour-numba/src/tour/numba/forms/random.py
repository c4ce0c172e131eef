"""Random numbers: words of NumPy's own Mersenne Twister, and what becomes of them, bit for bit as the NumPy kernels make it."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

import numpy as np

from tour._random_engine import Engine, below
from tour.numba import _memory as memory
from tour.numba._native import Kernel
from tour.numba.forms._sharing import pair, parts_for

Array = Any

PAIRS = 512  # of normals at a time
DRAWN = 512  # numbers that are drawn at a time where they are looked at, as in the kernels

_words, _pairs, _normals = Kernel("random.words"), Kernel("random.pairs"), Kernel("random.normals")
_shuffle, _poisson, _binomial = Kernel("random.shuffle"), Kernel("random.poisson"), Kernel("random.binomial")
_found, _dropout = Kernel("random.found"), pair("random.dropout")
_chances = pair("random.chances") | {np.dtype(np.bool_): Kernel("random.chances_1")}


@cache
def _laid_out_as_known() -> bool:
    """Whether NumPy keeps an MT19937 as kernels read it: 624 words of 32 bits, and the number of the next one."""
    bits = np.random.MT19937(7)
    bits.random_raw(5)
    found = np.frombuffer(ctypes.string_at(bits.ctypes.state_address, 4 * 625), np.uint32)
    state: Any = bits.state["state"]
    return sys.byteorder == "little" and np.array_equal(found[:624], state["key"]) and found[624] == state["pos"]


def draw(bits: np.random.MT19937, n: int, dtype: type) -> Any:
    """The next words of a stream in 32 bits, or pairs of them in 64."""
    if not _laid_out_as_known():
        return NotImplemented
    out: Array = np.empty(n, dtype)
    (_words if out.itemsize == 4 else _pairs)(1, bits.ctypes.state_address, out, out.size)
    return out


def bernoulli(bits: np.random.MT19937, out: Array, limit: int) -> Any:
    """Ones where the low 53 bits of two words are below a limit, zeros elsewhere."""
    kernel = _chances.get(out.dtype)
    if kernel is None or not out.flags.c_contiguous or not _laid_out_as_known():
        return NotImplemented
    kernel(1, bits.ctypes.state_address, out, out.size, limit, _scratch())
    return out


def dropout(engine: Engine, a: Array, keep: float, recorded: bool) -> Any:
    """The product with a mask of zeros and 1 / keep, and the mask if it will be needed."""
    kernel = _dropout.get(a.dtype)
    if kernel is None or not a.flags.c_contiguous or not _laid_out_as_known():
        return NotImplemented
    y = memory.empty(a.shape, a.dtype)
    mask = memory.empty(a.shape if recorded else (DRAWN,), a.dtype)
    value = a.dtype.type(1) / a.dtype.type(keep)
    with engine.lock:
        state = engine.bits.ctypes.state_address
        kernel(1, state, a, y, mask, a.size, below(keep), float(value), _scratch(), 1 if recorded else 0)
    return y, mask if recorded else None


def _scratch() -> Array:
    return np.empty(2 * DRAWN, np.uint32)


def blocks(words: Array, out: Array, mean: float, std: float) -> Any:
    """Normals from words, 8 cosines and 8 sines of every 16."""
    if words.itemsize != 4:
        return NotImplemented
    target = out if out.dtype is memory.F32 else memory.empty(out.shape)
    shift = float(mean) or -0.0  # which leaves a zero its sign
    parts = parts_for(out.size, 1 << 14)
    scratch = np.empty((parts, 2, PAIRS), np.float32)
    _normals(parts, words, target, out.size // 16, float(std), shift, scratch, PAIRS)
    if target is not out:
        out[...] = target
    return out


def shuffle(words: Array) -> Any:
    """The order that n - 1 words shuffle n numbers into."""
    cells = np.empty(words.size + 1, np.int64)
    _shuffle(1, words, cells, cells.size)
    return cells


def poisson(bits: np.random.MT19937, rate: Array, limit: Array) -> Any:
    """A Poisson number for each rate, of which `limit` is exp(-rate)."""
    if not _laid_out_as_known():
        return NotImplemented
    out = np.empty(rate.size, np.int64)
    _poisson(1, bits.ctypes.state_address, rate, limit, out, out.size)
    return out


def binomial(bits: np.random.MT19937, kind: Array, out: Array, constants: Array) -> Any:
    """Binomial numbers for rows of constants."""
    if not _laid_out_as_known():
        return NotImplemented
    _binomial(1, bits.ctypes.state_address, kind, out, constants, out.size)
    return out


def found(rising: Array, wanted: Array) -> Any:
    """Where numbers belong in rising rows."""
    out = np.empty(wanted.shape, np.int64)
    parts = parts_for(wanted.size, 1 << 12)
    _found(parts, memory.dense(rising), memory.dense(wanted), out, *wanted.shape, rising.shape[1])
    return out
