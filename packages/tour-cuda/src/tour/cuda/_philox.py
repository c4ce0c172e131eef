"""The random numbers of `kernels/random.cu` in NumPy: what a device draws from a seed can be computed anywhere.

Philox4x32-10, from Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]

_LOW = np.uint64(0xFFFFFFFF)
_FACTORS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_32 = np.uint64(32)


def philox(counter: tuple[Any, Any, Any, Any], key: tuple[int, int]) -> Words:
    """Four words for each counter of four words.

    Examples:
        >>> [hex(word) for word in philox((0, 0, 0, 0), (0, 0))]
        ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    c = [np.asarray(word, np.uint64) for word in counter]
    k = [np.uint64(word) for word in key]
    for _ in range(10):
        first, second = c[0] * _FACTORS[0], c[2] * _FACTORS[1]
        c = [(second >> _32) ^ c[1] ^ k[0], second & _LOW, (first >> _32) ^ c[3] ^ k[1], first & _LOW]
        k = [(word + step) & _LOW for word, step in zip(k, _WEYL, strict=True)]
    return np.stack(np.broadcast_arrays(*c), -1).astype(np.uint32)


def words(seed: int, offset: int, n: int) -> Words:
    """The first n words from a seed, after `offset` blocks of four."""
    blocks = np.arange(-(-n // 4), dtype=np.uint64) + np.uint64(offset)
    return philox((blocks & _LOW, blocks >> _32, 0, 0), (seed & 0xFFFFFFFF, seed >> 32)).reshape(-1)[:n]


def units(seed: int, offset: int, n: int, dtype: Any = np.float32) -> NDArray[Any]:
    """n numbers of [0, 1): the high 24 bits of a word, or for float64 53 of two."""
    if np.dtype(dtype) == np.float64:
        pairs = words(seed, offset, 2 * n).astype(np.uint64).reshape(-1, 2)
        return ((pairs[:, 0] << _32 | pairs[:, 1]) >> np.uint64(11)) * 2.0**-53
    return (words(seed, offset, n) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def normals(seed: int, offset: int, n: int) -> NDArray[Any]:
    """n normal numbers of float32, by Box and Muller, computed in double precision."""
    u = units(seed, offset, -(-n // 2) * 2).astype(np.float64).reshape(-1, 2)
    radius, angle = np.sqrt(-2 * np.log(1 - u[:, 0])), 2 * np.pi * u[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)[:n]
