"""How uniform numbers and words become others: pure functions of arrays, rounded as PyTorch rounds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tour._random_normals import standard_normals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


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
    part = total - product
    return total + (product - (total - part) + (shift - part) + error)  # Knuth's two-sum


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


def blocks(unit: Array, out: Array, mean: float, std: float) -> None:
    """Into `out`, of every 16 uniforms, 8 cosines and then 8 sines, computed in the uniforms' own precision."""
    plain = (mean, std) == (0, 1) and out.dtype == unit.dtype
    target = out if plain else unit
    if unit.dtype == np.float32:
        standard_normals(unit, target)
    else:
        pairs, made = (a.reshape(-1, 2, 8) for a in (unit, target))
        radius = np.sqrt(-2 * np.log(1 - pairs[:, 0]))
        angle = 2 * math.pi * pairs[:, 1]
        np.multiply(radius, np.cos(angle), out=made[:, 0])
        np.multiply(radius, np.sin(angle), out=made[:, 1])
    if not plain:
        out[...] = affine(unit, std, mean, out.dtype)


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
