"""How uniform numbers and words become others: pure functions of arrays, rounded as PyTorch rounds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tour._compiled import Socket
from tour._random_normals import double_normals, standard_normals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


DOUBLES = 1 << 14  # normals made at a time in float64, so that the steps' arrays stay in a core's cache


def affine(x: Array, factor: float, shift: float, dtype: np.dtype[Any]) -> Any:
    """x · factor + shift, rounded once where `dtype` shows it, as by a fused multiply-add."""
    if shift == 0:
        return x if factor == 1 else x * x.dtype.type(factor)
    if x.dtype == np.float32:  # float64 holds the product exactly
        wide = x.astype(np.float64)
        wide *= float(np.float32(factor))
        wide += float(np.float32(shift))
        return wide.astype(np.float32)
    product = x * factor
    total = product + shift
    if dtype != np.float64 or math.frexp(factor)[0] == 0.5 or not 0 < factor < 1e290:
        return total  # the rest would be lost; or the product is exact already
    high, rest = _split(x)
    factor_high, factor_rest = _split(factor)
    error = high * factor_high - product + high * factor_rest + rest * factor_high + rest * factor_rest  # Dekker 1971
    rest = _lost(product, shift, total)
    low = rest + error
    return total + _to_odd(low, _lost(rest, error, low))


def _lost(a: Any, b: Any, total: Any) -> Any:
    """What a + b, rounded to `total`, lost: exact (Knuth's two-sum)."""
    part = total - a
    return a - (total - part) + (b - part)


def _to_odd(low: Any, lost: Any) -> Any:
    """Rounded sums with their last bit set where something was lost, so that adding them rounds as if once (Boldo, Melquiond 2008)."""
    bits = np.array(low).view(np.int64)
    bits += np.where((lost != 0) & (bits & 1 == 0), np.where((lost > 0) == (low > 0), 1, -1), 0)
    return bits.view(np.float64)


def _split(x: Any) -> tuple[Any, Any]:
    """Two halves of 26 bits, whose products are exact (Veltkamp)."""
    wide = x * 134217729.0
    high = wide - (wide - x)
    return high, x - high


def modulo(words: Array, count: int) -> Any:
    """words % count; a constant divisor makes `//` a multiplication."""
    if count & (count - 1) == 0:
        return words & words.dtype.type(min(count - 1, np.iinfo(words.dtype).max))
    divisor = words.dtype.type(count)
    words -= words // divisor * divisor
    return words


def units(words: Array, out: Array) -> Array:
    """Into `out`, uniforms in [0, 1) of its dtype: a word's low 24 or 53 bits times 2⁻²⁴ or 2⁻⁵³. Uses the words up."""
    bits = 24 if words.dtype.itemsize == 4 else 53
    words &= words.dtype.type(2**bits - 1)
    out[...] = words.view(f"i{words.dtype.itemsize}")
    out *= out.dtype.type(2.0**-bits)
    return out


def spread(words: Array, out: Array, low: float, high: float) -> None:
    """Into float32 `out`, uniforms in [low, high), rounded once: the product with the range is exact in float64. Uses the words up."""
    words &= np.uint32(2**24 - 1)
    wide = words.view(np.int32).astype(np.float64)
    wide *= float(np.float32(high) - np.float32(low)) * 2**-24
    wide += float(np.float32(low))
    out[...] = wide


def blocks(words: Array, out: Array, mean: float, std: float) -> None:
    """Into `out`, of every 16 words, 8 cosines and then 8 sines, computed in the words' precision (Box and Muller 1958).

    The words are first brought together by their place in a block, 16 bytes at a time, because loops over 8 neighbours are slow.
    """
    if _blocks_form.serve(out.size, 16, words, out, mean, std) is not NotImplemented:
        return
    if words.itemsize == 8 and words.size > DOUBLES:
        for start in range(0, words.size, DOUBLES):
            blocks(words[start : start + DOUBLES], out[start : start + DOUBLES], mean, std)
        return
    signed, bits = ("i4", 24) if words.dtype.itemsize == 4 else ("i8", 53)
    real: Any = np.float32 if bits == 24 else np.float64
    one = 1 << bits
    chunks = words.view(np.complex128).reshape(-1, words.dtype.itemsize)
    gathered = np.ascontiguousarray(chunks.T)
    heights, turns = gathered.view(words.dtype).reshape(2, -1)
    heights |= words.dtype.type(np.iinfo(words.dtype).max - (one - 1))  # the unit's integer less 2²⁴ or 2⁵³
    rest: Any = heights.view(signed).astype(real)
    rest *= real(-1 / one)  # 1 - unit, exactly
    turns &= words.dtype.type(one - 1)
    angle: Any = turns.view(signed).astype(real)
    angle *= real(2 * math.pi) * real(1 / one)
    normal: Any = gathered.view(real).reshape(2, -1)
    if real is np.float32:
        standard_normals(rest, angle, normal)
    else:
        double_normals(rest, angle, normal)
    if (mean, std) == (0, 1) and out.dtype == real:
        out.view(np.complex128).reshape(chunks.shape)[...] = gathered.T
    else:
        chunks[...] = gathered.T
        out[...] = affine(words.view(real), std, mean, out.dtype)


_blocks_form = Socket(blocks)


def box_muller(unit: Array) -> Array:
    """Of every two uniforms, angle and radius, a cosine and a sine."""
    angle = 2 * math.pi * unit[::2]
    radius = np.sqrt(-2 * np.log1p(-unit[1::2]))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)


def box_muller_few(unit: Array) -> Array:
    """`box_muller` with the C library's functions, as PyTorch does: equal in the last bit, and faster for a few."""
    out = []
    for turn, height in unit.reshape(-1, 2).tolist():
        angle, radius = 2 * math.pi * turn, math.sqrt(-2 * math.log1p(-height))
        out += [radius * math.cos(angle), radius * math.sin(angle)]
    return np.array(out)
