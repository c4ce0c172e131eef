"""PyTorch's CPU random stream from NumPy's Mersenne Twister: same seed, same numbers.

PyTorch draws 32-bit words from an MT19937 seeded with the low half of its 64-bit seed, which is `numpy.random.RandomState`'s
stream. Everything else is how words become numbers (checked against torch 2.13):

* uniform: the low 24 bits of a word, or for float64 the low 53 bits of two (first word high), times 2⁻²⁴ or 2⁻⁵³;
* one normal at a time (fewer than 16, or memory with gaps): Box-Muller in float64, its second half kept for the next call;
  16 and more: blocks of 16 words give 8 cosines, then 8 sines, and an incomplete last block is drawn anew;
* integers: one word, or two for ranges from 2²⁸, modulo the range; `randperm`: Fisher and Yates, forwards;
* every other distribution: one float64 uniform a number, through the inverse of its distribution function.

float32 results are equal to PyTorch's bit for bit. float64 results that pass through a logarithm, tangent or exponential may differ
in the last place, as two machines' mathematical libraries do.
"""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import chain
from operator import length_hint
from typing import TYPE_CHECKING, Any

import numpy as np

from tour._compiled import Socket
from tour._dtypes import bfloat16, float16, float32, float64
from tour._random_sequential import shuffle, swap_backward
from tour._random_transforms import affine, blocks, box_muller, box_muller_few, modulo, spread, units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tour._random_transforms import Array

DEFAULT_SEED = 67280421310721  # what PyTorch's Generator() starts from
PIECE = 1 << 16  # numbers made at a time: a piece and its words stay in a core's cache
FEW = 64  # words from which compiled code gains, where it is at hand
LONG = (2**32 - 1) // 20  # permutations from here on take two words a number, and the other way round

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
DIGITS = {
    d.numpy: n for d, n in ((float16, 11), (bfloat16, 8), (float32, 24), (float64, 53))
}  # bits of the significand: integers up to 2 ** digits are exact
LARGEST = {
    d: (2 - 2 ** (1 - digits)) * 2.0**exponent
    for (d, digits), exponent in zip(DIGITS.items(), (15, 127, 127, 1023), strict=True)
}


class Engine:
    """One random stream. Samplers fill the flat array they are given, in its dtype, and return it.

    Examples:
        >>> engine = Engine(0)
        >>> engine.uniform(np.empty(3, np.float32))
        array([0.4962566 , 0.7682218 , 0.08847743], dtype=float32)
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
        """Start anew from 64 bits of the operating system's entropy, and return them."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little"))
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

    @property
    def bits(self) -> np.random.MT19937:
        """NumPy's generator of words."""
        self._twister()
        return self._bits

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
        if (r := _words_form.serve(n, FEW, self._bits, n, np.uint64)) is not NotImplemented:
            return r  # type: ignore[no-any-return]
        if n > 2048:  # one call of C makes both words, but costs 4 µs to enter
            return twister.randint(0, 1 << 64, n, dtype=np.uint64)
        words = self._bits.random_raw(2 * n)
        return words[::2] << np.uint64(32) | words[1::2]

    def words(self, n: int) -> NDArray[np.uint32]:
        """The next `n` words."""
        self._twister()
        if (r := _words_form.serve(n, FEW, self._bits, n, np.uint32)) is not NotImplemented:
            return r  # type: ignore[no-any-return]
        if n <= 4096:
            return self._bits.random_raw(n).astype(np.uint32)
        pairs = self.pairs(n >> 1)
        if sys.byteorder == "little":
            low = pairs << np.uint64(32)
            pairs >>= np.uint64(32)
            pairs |= low
        words: NDArray[np.uint32] = pairs.view(np.uint32)
        return np.append(words, self.words(1)) if n & 1 else words

    def _unit32(self, n: int) -> NDArray[np.float32]:
        return units(self.words(n), np.empty(n, np.float32))

    def _unit64(self, n: int) -> NDArray[np.float64]:
        return units(self.pairs(n), np.empty(n))

    def _fill(self, out: Array, make: Callable[[Array], Any]) -> Array:
        """Let `make` fill `out`, piece by piece."""
        with self.lock:
            if out.size <= PIECE:
                make(out)
            else:
                for start in range(0, out.size, PIECE):
                    make(out[start : start + PIECE])
        return out

    def _fill_cast(self, out: Array, make: Callable[[int], Array]) -> Array:
        """Fill `out` with what `make` gives for a count, rounded to `out`'s dtype."""

        def cast(piece: Array) -> None:
            values = make(piece.size)
            if piece.dtype.itemsize == 2 and values.dtype == np.float64:
                values = values.astype(np.float32)  # PyTorch's way to 16 bits: rounded twice
            piece[...] = values

        return self._fill(out, cast)

    def _fill_wide(self, out: Array, make: Callable[[int], Array]) -> Array:
        """`_fill_cast` of numbers without bounds: infinity is an answer."""
        with np.errstate(all="ignore"):
            return self._fill_cast(out, make)

    # ---- continuous distributions -----------------------------------------------------------------------------------

    def uniform(self, out: Array, low: float = 0.0, high: float = 1.0) -> Array:
        """Uniform in [low, high), rounded once; what rounds up to `high` becomes `low`."""
        double = out.dtype == np.float64
        draw = self.pairs if double else self.words
        if (low, high) == (0, 1) and out.dtype.itemsize > 2:
            return self._fill(out, lambda piece: units(draw(piece.size), piece))
        span = high - low if double else float(np.float32(high) - np.float32(low))
        end = out.dtype.type(high)

        def ranged(piece: Array) -> None:
            words = draw(piece.size)
            if out.dtype == np.float32:
                spread(words, piece, low, high)
            else:
                unit = units(words, np.empty(piece.size, np.float64 if double else np.float32))
                piece[...] = affine(unit, span, low, out.dtype)
            highest = piece == end
            if highest.any():
                piece[highest] = low

        return self._fill(out, ranged)

    def normal(self, out: Array, mean: float = 0.0, std: float = 1.0, contiguous: bool = True) -> Array:
        """Normal numbers; in blocks of 16 where there are as many and the tensor behind `out` is contiguous."""
        if out.size < 16 or not contiguous:
            return self._fill_wide(out, lambda n: affine(self._singles(n), std, mean, out.dtype))
        draw = self.pairs if out.dtype == np.float64 else self.words
        tail = out.size % 16
        whole = out.size // PIECE * PIECE if tail else out.size
        with self.lock, np.errstate(over="ignore"):
            self._fill(out[:whole], lambda piece: blocks(draw(piece.size), piece, mean, std))
            if tail:  # the last 16 numbers come of 16 words of their own, whatever was drawn for them
                body = out.size - whole - tail
                words = draw(body + (tail if out.dtype.itemsize > 2 else 0) + 16)
                last = np.empty(body + 16, out.dtype)
                blocks(np.concatenate([words[:body], words[-16:]]), last, mean, std)
                out[whole : whole + body], out[-16:] = last[:body], last[body:]
        return out

    def _singles(self, n: int) -> NDArray[np.float64]:
        """Standard normals one at a time; the last one's partner waits in `next_double`."""
        kept = [] if self.next_double is None else [self.next_double]
        missing = max(n - len(kept), 0)
        unit = self._unit64(missing + (missing & 1))
        pairs = box_muller_few(unit) if n < 64 else box_muller(unit)
        out = np.concatenate([kept, pairs]) if kept else pairs
        if n:
            self.next_double = float(out[-1]) if missing & 1 else None
        return out[:n]

    def log_normal(self, out: Array, mean: float = 1.0, std: float = 2.0) -> Array:
        """exp of normals with `mean` and `std`."""
        return self._fill_wide(out, lambda n: np.exp(affine(self._singles(n), std, mean, out.dtype)))

    def exponential(self, out: Array, lambd: float = 1.0) -> Array:
        """Exponential with rate `lambd`: -log(1 - u) / lambd."""
        return self._fill_wide(out, lambda n: np.log1p(-self._unit64(n)) * (-1.0 / lambd))

    def cauchy(self, out: Array, median: float = 0.0, sigma: float = 1.0) -> Array:
        """Cauchy: median + sigma · tan(π (u - 1/2))."""
        return self._fill_wide(
            out, lambda n: affine(np.tan(math.pi * (self._unit64(n) - 0.5)), sigma, median, out.dtype)
        )

    # ---- discrete distributions -------------------------------------------------------------------------------------

    def geometric(self, out: Array, p: float) -> Array:
        """Trials up to the first success of probability `p`: ceil(log u / log(1 - p))."""
        return self._fill_wide(out, lambda n: np.ceil(np.log(self._unit64(n)) / math.log(1 - p)))

    def bernoulli(self, out: Array, p: float | Array = 0.5) -> Array:
        """Ones with probability `p`: one number, compared in float64, or as many as `out`, in float64 if they are or float32."""
        if isinstance(p, np.ndarray):
            with self.lock:
                out[...] = (self._unit64 if p.dtype == np.float64 else self._unit32)(out.size) < p
            return out
        limit = below(p)
        with self.lock:
            if _bernoulli_form.serve(out.size, FEW, self.bits, out, limit) is not NotImplemented:
                return out
        return self._fill_cast(out, lambda n: self.pairs(n) & np.uint64(2**53 - 1) < np.uint64(limit))

    def dropout(self, out: Array, p: float) -> Array:
        """Dropout's mask: 0 with probability `p`, elsewhere 1 / (1 - p)."""
        precise = np.float64 if out.dtype == np.float64 else np.float32
        self.bernoulli(out, 1 - p)
        out *= out.dtype.type(precise(1) / precise(1 - p))
        return out

    def random(self, out: Array) -> Array:
        """Integers over all that `out`'s dtype has from 0 up; for floating-point dtypes 0 … 2 ** digits."""
        dtype = out.dtype
        if dtype == np.bool_:
            return self.integers(out, 0, 2)
        count = (1 << DIGITS[dtype]) + 1 if dtype in DIGITS else int(np.iinfo(dtype).max) + 1
        draw = self.pairs if dtype.itemsize == 8 else self.words
        return self._fill_cast(out, lambda n: modulo(draw(n), count))

    def integers(self, out: Array, low: int, high: int) -> Array:
        """Integers in [low, high), a range of at most 2 ** 64."""
        count = high - low
        if count == 1 << 64:
            return self._fill_cast(out, lambda n: self.pairs(n).view(np.int64))
        draw = self.words if count < 1 << 28 else self.pairs
        if low == 0 and count < 1 << 63:
            return self._fill_cast(out, lambda n: modulo(draw(n), count))
        return self._fill_cast(out, lambda n: modulo(draw(n), count).astype(np.int64) + np.int64(low))

    def permutation(self, n: int) -> NDArray[np.int64]:
        """A random order of 0 … n-1."""
        with self.lock:
            if n >= LONG:
                return swap_backward((self.pairs(n) % np.arange(1, n + 1, dtype=np.uint64)).view(np.int64))
            return shuffle(self.words(max(n - 1, 0)))[:n]

    @contextmanager
    def one_by_one(self) -> Generator[Callable[[], float]]:
        """A function that gives the next unit float64, for samplers that cannot know how many they need; what is drawn ahead of
        them is given back at the end."""
        self._twister()
        before, drawn, waiting = self._bits.state, 0, iter([0.0][:0])

        def lists() -> Generator[Iterator[float]]:
            nonlocal before, drawn, waiting
            while True:
                before, drawn = self._bits.state, min(max(2 * drawn, 32), 1 << 14)
                waiting = iter(self._unit64(drawn).tolist())
                yield waiting

        try:
            yield chain.from_iterable(lists()).__next__
        finally:
            if left := length_hint(waiting):
                self._bits.state = before
                self.pairs(drawn - left)


def below(p: float) -> int:
    """The integer below which the low 53 bits of two words make a uniform number below `p`."""
    return math.ceil(p * 2**53)


_words_form, _bernoulli_form = Socket(Engine.words), Socket(Engine.bernoulli)
