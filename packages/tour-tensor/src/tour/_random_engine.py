"""PyTorch's CPU random stream from NumPy's Mersenne Twister: same seed, same numbers.

PyTorch draws 32-bit words from an MT19937 seeded with the low half of its 64-bit seed, which is `numpy.random.RandomState`'s
stream. Everything else is how words become numbers (checked against torch 2.13):

* uniform: the low 24 bits of a word, or for float64 the low 53 bits of two (first word high), times 2⁻²⁴ or 2⁻⁵³;
* one normal at a time (fewer than 16, or memory with gaps): Box-Muller in float64, its second half kept for the next call;
  16 and more: blocks of 16 words give 8 cosines, then 8 sines, and an incomplete last block is drawn anew;
* integers: one word, or two for ranges from 2²⁸, modulo the range; `randperm`: Fisher and Yates, forwards;
* every other distribution: one float64 uniform a number, through the inverse of its distribution function.

float32 results are equal to PyTorch's bit for bit, except normals in blocks, which PyTorch computes in float32 with the
processor's vector instructions (equal to a few units in the last place). float64 results that pass through a logarithm, tangent
or exponential may differ in the last place, as two machines' mathematical libraries do.
"""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from tour._random_sequential import swap_forward

Array = NDArray[Any]

DEFAULT_SEED = 67280421310721  # what PyTorch's Generator() starts from
PIECE = 1 << 16  # numbers made at a time: a piece and its words stay in a core's cache

_WORDS = 624  # of MT19937's state
_STATE = np.dtype(  # PyTorch's get_rng_state(), 5056 bytes
    [
        ("seed", "<u8"),
        ("left", "<i4"),  # words until the next twist, and one
        ("seeded", "<i4"),
        ("next", "<u8"),  # index of the next word
        ("key", "<u8", _WORDS),  # 32-bit values, stored in 64 bits
        ("unused_x", "<f8"),
        ("next_double", "<f8"),
        ("unused_rho", "<f8"),
        ("has_double", "<i8"),
        ("next_float", "<f4"),
        ("has_float", "<i4"),
    ]
)
DIGITS = {  # bits of the significand: integers up to 2 ** digits are exact
    np.dtype(np.float16): 11,
    np.dtype(ml_dtypes.bfloat16): 8,
    np.dtype(np.float32): 24,
    np.dtype(np.float64): 53,
}

_SHORT = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))


class Engine:
    """One random stream. Samplers fill the flat array they are given, in its dtype, and return it.

    Examples:
        >>> engine = Engine(0)
        >>> engine.uniform(np.empty(3, np.float32))
        array([0.49625659, 0.76822180, 0.08847743], dtype=float32)
    """

    __slots__ = ("_bits", "_legacy", "_seed", "lock", "next_double", "next_float")

    _bits: np.random.MT19937
    _legacy: np.random.RandomState | None  # made at the first draw: numpy.random takes 20 ms to import

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        self.lock = threading.RLock()
        self._legacy = None
        self.manual_seed(seed)

    # ---- state ----------------------------------------------------------------------------------------------------

    def manual_seed(self, seed: int) -> None:
        """Start anew from `seed`, 64 bits, of which MT19937 takes the low 32."""
        with self.lock:
            self._seed = seed & 0xFFFF_FFFF_FFFF_FFFF
            self.next_double: float | None = None
            self.next_float: float | None = None
            if self._legacy is not None:
                self._legacy.seed(self._seed & 0xFFFF_FFFF)

    def seed(self) -> int:
        """Start anew from 53 bits of the operating system's entropy, and return them."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little") >> 11)
        return self._seed

    def initial_seed(self) -> int:
        """The seed this stream last started from."""
        return self._seed

    def _twister(self) -> np.random.RandomState:
        if self._legacy is None:
            self._bits = np.random.MT19937(0)
            self._legacy = np.random.RandomState(self._bits)
            self._legacy.seed(self._seed & 0xFFFF_FFFF)
        return self._legacy

    def get_state(self) -> NDArray[np.uint8]:
        """The state as PyTorch's 5056 bytes: its `set_rng_state` takes them."""
        with self.lock:
            self._twister()
            twister: Any = self._bits.state["state"]
            state = np.zeros((), _STATE)
            state["seed"], state["seeded"] = self._seed, 1
            state["key"], state["next"] = twister["key"], twister["pos"]
            state["left"] = _WORDS + 1 - twister["pos"]
            if twister["pos"] == _WORDS and self._unused(twister["key"]):
                state["next"] = 0
            if self.next_double is not None:
                state["next_double"], state["has_double"] = self.next_double, 1
            if self.next_float is not None:
                state["next_float"], state["has_float"] = self.next_float, 1
            return state.reshape(1).view(np.uint8)

    def _unused(self, key: Array) -> bool:
        """Whether `key` is as seeding left it; PyTorch writes such a state's position as 0, not 624."""
        fresh: Any = np.random.RandomState(self._seed & 0xFFFF_FFFF).get_state(legacy=False)
        return np.array_equal(fresh["state"]["key"], key)

    def set_state(self, state: NDArray[np.uint8]) -> None:
        """Continue from `get_state()`'s bytes, PyTorch's or ours.

        Raises:
            RuntimeError: not 5056 bytes, or not a state that MT19937 can be in.
        """
        if state.dtype != np.uint8 or state.size != _STATE.itemsize:
            raise RuntimeError(
                f"Expected an RNG state of {_STATE.itemsize} bytes (uint8), but got {state.size} of {state.dtype}: "
                "give what get_rng_state() returned"
            )
        fields = np.ascontiguousarray(state).reshape(-1).view(_STATE)[0]
        left, position = int(fields["left"]), int(fields["next"])
        if fields["seeded"] != 1 or not 1 <= left <= _WORDS or (left > 1 and position != _WORDS + 1 - left):
            raise RuntimeError(f"Invalid mt19937 state: seeded={fields['seeded']}, left={left}, next={position}")
        with self.lock:
            self._twister()
            key = fields["key"].astype(np.uint32)
            self._bits.state = {
                "bit_generator": "MT19937",
                "state": {"key": key, "pos": _WORDS if left == 1 else position},
            }
            self._seed = int(fields["seed"])
            self.next_double = float(fields["next_double"]) if fields["has_double"] & 0xFF else None
            self.next_float = float(fields["next_float"]) if fields["has_float"] & 0xFF else None

    # ---- words and unit uniforms ------------------------------------------------------------------------------------

    def pairs(self, n: int) -> NDArray[np.uint64]:
        """`n` times two words, the first one in the high half."""
        twister = self._twister()
        if n > 2048:  # one call of C makes both words, but costs 4 µs to enter
            return twister.randint(0, 1 << 64, n, dtype=np.uint64)
        words = self._bits.random_raw(2 * n)
        return words[::2] << np.uint64(32) | words[1::2]

    def words(self, n: int) -> NDArray[np.uint32]:
        """The next `n` words."""
        if n <= 4096:
            self._twister()
            return self._bits.random_raw(n).astype(np.uint32)
        pairs = self.pairs(n >> 1)
        if sys.byteorder == "little":
            low = pairs << np.uint64(32)
            pairs >>= np.uint64(32)
            pairs |= low
        words: NDArray[np.uint32] = pairs.view(np.uint32)
        return np.append(words, self.words(1)) if n & 1 else words

    def _unit32(self, n: int) -> NDArray[np.float32]:
        words = self.words(n)
        words &= np.uint32(0xFF_FFFF)
        out = words.view(np.int32).astype(np.float32)
        out *= np.float32(2**-24)
        return out

    def _unit64(self, n: int) -> NDArray[np.float64]:
        pairs = self.pairs(n)
        pairs &= np.uint64(2**53 - 1)
        out = pairs.view(np.int64).astype(np.float64)
        out *= 2**-53
        return out

    def _fill(self, out: Array, make: Callable[[int], Array]) -> Array:
        """Fill `out` with what `make(count)` gives next, a piece at a time."""
        with self.lock, np.errstate(all="ignore"):  # infinities are answers: log(0), float16's overflow
            for start in range(0, out.size, PIECE):
                piece = out[start : start + PIECE]
                values = make(piece.size)
                if out.dtype in _SHORT and values.dtype == np.float64:
                    values = values.astype(np.float32)  # rounded twice, as in PyTorch
                piece[...] = values
        return out

    # ---- continuous distributions -----------------------------------------------------------------------------------

    def uniform(self, out: Array, low: float = 0.0, high: float = 1.0) -> Array:
        """Uniform in [low, high), rounded once; what rounds up to `high` becomes `low`."""
        double = out.dtype == np.float64
        if (low, high) == (0, 1):
            self._fill(out, self._unit64 if double else self._unit32)
        elif double:
            self._fill(out, lambda n: _scaled(self._unit64(n), high - low, low))
        else:
            start, stop = np.float32(low), np.float32(high)
            self._fill(out, lambda n: _scaled32(self._unit32(n), stop - start, start))
        if out.dtype.itemsize == 2 or (low, high) != (0, 1):
            out[out == out.dtype.type(high)] = low
        return out

    def normal(self, out: Array, mean: float = 0.0, std: float = 1.0, contiguous: bool = True) -> Array:
        """Normal numbers; in blocks of 16 where there are as many and the tensor behind `out` is contiguous."""
        if out.size < 16 or not contiguous:
            return self._fill(out, lambda n: _scaled(self._singles(n), std, mean))
        tail = out.size % 16
        block = self._blocks64 if out.dtype == np.float64 else self._blocks32
        scale = _scaled if out.dtype == np.float64 else _scaled32
        with self.lock:
            self._fill(out[: out.size - tail], lambda n: scale(block(n), std, mean))
            if tail:
                if out.dtype.itemsize > 2:  # drawn for the rest of the array, then drawn anew
                    self.words(tail * out.dtype.itemsize // 4)
                self._fill(out[-16:], lambda n: scale(block(n), std, mean))
        return out

    def _blocks32(self, n: int) -> NDArray[np.float32]:
        return _box_muller_blocks(self._unit32(n), np.float32(2 * math.pi))

    def _blocks64(self, n: int) -> NDArray[np.float64]:
        return _box_muller_blocks(self._unit64(n), np.float64(2 * math.pi))

    def _singles(self, n: int) -> NDArray[np.float64]:
        """Standard normals one at a time; the last one's partner waits in `next_double`."""
        kept = [] if self.next_double is None else [self.next_double]
        fresh = n - len(kept) + 1 >> 1 if n else 0
        unit = self._unit64(2 * fresh)
        pairs = _box_muller_few(unit) if fresh < 32 else _box_muller(unit)
        out = np.concatenate([kept, pairs]) if kept else pairs
        if n:
            self.next_double = float(out[-1]) if len(out) > n else None
        return out[:n]

    def log_normal(self, out: Array, mean: float = 1.0, std: float = 2.0) -> Array:
        """exp of normals with `mean` and `std`."""
        return self._fill(out, lambda n: np.exp(_scaled(self._singles(n), std, mean)))

    def exponential(self, out: Array, lambd: float = 1.0) -> Array:
        """Exponential with rate `lambd`: -log(1 - u) / lambd."""
        return self._fill(out, lambda n: np.log1p(-self._unit64(n)) * (-1.0 / lambd))

    def cauchy(self, out: Array, median: float = 0.0, sigma: float = 1.0) -> Array:
        """Cauchy: median + sigma · tan(π (u - 1/2))."""
        return self._fill(out, lambda n: _scaled(np.tan(math.pi * (self._unit64(n) - 0.5)), sigma, median))

    # ---- discrete distributions -------------------------------------------------------------------------------------

    def geometric(self, out: Array, p: float) -> Array:
        """Trials up to the first success of probability `p`: ceil(log u / log(1 - p))."""
        return self._fill(out, lambda n: np.ceil(np.log(self._unit64(n)) / math.log(1 - p)))

    def bernoulli(self, out: Array, p: float | Array = 0.5) -> Array:
        """Ones with probability `p`: one number, compared in float64, or as many as `out`, compared in float64 or float32."""
        if isinstance(p, np.ndarray):
            with self.lock:
                out[...] = (self._unit64 if p.dtype == np.float64 else self._unit32)(out.size) < p
            return out
        limit = np.uint64(math.ceil(p * 2**53))  # u < p, in integers
        return self._fill(out, lambda n: self.pairs(n) & np.uint64(2**53 - 1) < limit)

    def random(self, out: Array) -> Array:
        """Integers over all that `out`'s dtype has from 0 up; for floating-point dtypes 0 … 2 ** digits."""
        dtype = out.dtype
        if dtype == np.bool_:
            return self.integers(out, 0, 2)
        if dtype in DIGITS:
            count, draw = (1 << DIGITS[dtype]) + 1, self.pairs if dtype == np.float64 else self.words
        else:
            count, draw = int(np.iinfo(dtype).max) + 1, self.pairs if dtype.itemsize == 8 else self.words
        return self._fill(out, lambda n: _modulo(draw(n), count))

    def integers(self, out: Array, low: int, high: int) -> Array:
        """Integers in [low, high), a range of at most 2 ** 64."""
        count = high - low
        if count == 1 << 64:
            return self._fill(out, lambda n: self.pairs(n).view(np.int64))
        draw = self.words if count < 1 << 28 else self.pairs
        return self._fill(out, lambda n: _modulo(draw(n), count).astype(np.int64) + np.int64(low))

    def permutation(self, n: int) -> NDArray[np.int64]:
        """A random order of 0 … n-1."""
        with self.lock:
            draws: Array = self.words(max(n - 1, 0)) if n < (2**32 - 1) // 20 else self.pairs(n - 1)
        draws %= np.arange(n, 1, -1, dtype=draws.dtype)  # cell i changes places with one of the n - i from i on
        partner = draws.astype(np.intp)
        partner += np.arange(partner.size)
        return swap_forward(partner)[:n]

    def one_by_one(self) -> Iterator[float]:
        """Unit float64s for samplers that cannot know how many they need; closing gives the unused ones back."""
        while True:
            self._twister()
            before = self._bits.state
            for used, unit in enumerate(self._unit64(256).tolist(), 1):
                try:
                    yield unit
                except GeneratorExit:
                    self._bits.state = before
                    self.pairs(used)
                    raise


def _scaled(x: Array, factor: float, shift: float) -> Array:
    """x · factor + shift in float64, rounded once, as by a fused multiply-add."""
    product = x * factor
    if shift == 0:
        return product
    if math.frexp(factor)[0] in (0.5, -0.5):  # a power of two: the product is exact
        return product + shift
    high, rest = _split(x)
    factor_high, factor_rest = _split(factor)
    error = high * factor_high - product + high * factor_rest + rest * factor_high + rest * factor_rest  # Dekker 1971
    total = product + shift
    part = total - product
    return total + (product - (total - part) + (shift - part) + error)  # Knuth's two-sum


def _split(x: Any) -> tuple[Any, Any]:
    """Two halves of 26 bits, whose products are exact (Veltkamp)."""
    wide = x * 134217729.0
    high = wide - (wide - x)
    return high, x - high


def _scaled32(x: NDArray[np.float32], factor: float, shift: float) -> Array:
    """x · factor + shift for float32, rounded once: float64 holds the product exactly."""
    if shift == 0:
        return x if factor == 1 else x * np.float32(factor)
    return (x.astype(np.float64) * float(np.float32(factor)) + float(np.float32(shift))).astype(np.float32)


def _modulo(words: Array, count: int) -> Array:
    """words % count; a constant divisor makes `//` a multiplication."""
    if count & (count - 1) == 0:
        return words & words.dtype.type(min(count - 1, np.iinfo(words.dtype).max))
    divisor = words.dtype.type(count)
    words -= words // divisor * divisor
    return words


def _box_muller_blocks(unit: Array, two_pi: Any) -> Array:
    """Of every 16 uniforms, 8 cosines and then 8 sines, in the uniforms' own precision."""
    blocks = unit.reshape(-1, 2, 8)
    radius = 1 - blocks[:, 0]
    np.log(radius, out=radius)
    radius *= -2
    np.sqrt(radius, out=radius)
    angle = two_pi * blocks[:, 1]
    np.multiply(radius, np.cos(angle), out=blocks[:, 0])
    np.multiply(radius, np.sin(angle, out=angle), out=blocks[:, 1])
    return unit


def _box_muller(unit: Array) -> Array:
    """Of every two uniforms, angle and radius, a cosine and a sine."""
    angle = 2 * math.pi * unit[::2]
    radius = np.sqrt(-2 * np.log1p(-unit[1::2]))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)


def _box_muller_few(unit: Array) -> Array:
    """`_box_muller` with the C library's functions, as PyTorch does: equal in the last bit, and faster for a few."""
    out = []
    for turn, height in unit.reshape(-1, 2).tolist():
        angle, radius = 2 * math.pi * turn, math.sqrt(-2 * math.log1p(-height))
        out += [radius * math.cos(angle), radius * math.sin(angle)]
    return np.array(out)

