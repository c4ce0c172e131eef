"""Random numbers of a step that is captured: drawn by the device at each replay, where the host's could only be drawn once.

While a graph is captured, `tour.random.recorders` holds a `Recorder`. It stands for the host's engine: host arrays are filled by that as
always; what is to be filled on the device is filled by kernels from Philox counters. The distributions are those of the host, the
numbers are not.
"""

from __future__ import annotations

from math import log1p, pi
from typing import Any

import numpy as np

from tour.cuda import _random
from tour.cuda._launch import Array, empty

Engine = Any  # of tour._random_engine

EXACT = 1 << 53  # whole numbers that a float64 tells apart


class Recorder:
    """The engine of a generator, while a graph is captured.

    Args:
        engine: The host's.
        named: Whether somebody has named the generator, rather than taken the default one.
    """

    def __init__(self, engine: Engine, named: bool) -> None:
        self.engine, self.named = engine, named

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def _floats(self, out: Array) -> Array:
        """Memory for numbers that a device draws, in `out` itself where they may be drawn there."""
        if self.named:
            raise RuntimeError(
                "a generator lives on the host, where a captured graph cannot draw from it; leave generator=None while capturing, which "
                "draws from the device's own"
            )
        if out.dtype.name in ("float32", "float64", "float16", "bfloat16") and out.flags.c_contiguous:
            return out
        return empty(out.shape, np.float64, out)

    def _units(self, out: Array) -> Array:
        """Numbers of [0, 1) in float64, shaped like `out`."""
        self._floats(out)
        return _random.uniform(empty(out.shape, np.float64, out))

    def uniform(self, out: Array, low: float = 0.0, high: float = 1.0) -> Array:
        """Numbers of [low, high)."""
        if type(out) is np.ndarray:
            return self.engine.uniform(out, low, high)
        return _put(out, _random.uniform(self._floats(out), low, high))

    def normal(self, out: Array, mean: float = 0.0, std: float = 1.0, contiguous: bool = True) -> Array:
        """Normal numbers."""
        if type(out) is np.ndarray:
            return self.engine.normal(out, mean, std, contiguous)
        return _put(out, _random.normal(self._floats(out), mean, std))

    def log_normal(self, out: Array, mean: float = 1.0, std: float = 2.0) -> Array:
        """exp of normal numbers."""
        if type(out) is np.ndarray:
            return self.engine.log_normal(out, mean, std)
        return _put(out, np.exp(_random.normal(self._floats(out), mean, std)))

    def exponential(self, out: Array, lambd: float = 1.0) -> Array:
        """-log(1 - u) / lambd."""
        if type(out) is np.ndarray:
            return self.engine.exponential(out, lambd)
        return _put(out, np.log1p(-self._units(out)) * (-1 / lambd))

    def cauchy(self, out: Array, median: float = 0.0, sigma: float = 1.0) -> Array:
        """median + sigma tan(pi (u - 1/2))."""
        if type(out) is np.ndarray:
            return self.engine.cauchy(out, median, sigma)
        return _put(out, np.tan((self._units(out) - 0.5) * pi) * sigma + median)

    def geometric(self, out: Array, p: float) -> Array:
        """ceil(log(1 - u) / log(1 - p)), at least 1."""
        if type(out) is np.ndarray:
            return self.engine.geometric(out, p)
        return _put(out, np.maximum(np.ceil(np.log1p(-self._units(out)) / log1p(-p)), 1.0))

    def bernoulli(self, out: Array, p: Any = 0.5) -> Array:
        """Ones where u < p; p may be an array."""
        if type(out) is np.ndarray:
            return self.engine.bernoulli(out, p)
        return _put(out, self._units(out) < p)

    def integers(self, out: Array, low: int, high: int) -> Array:
        """low + floor(u (high - low)).

        Raises:
            RuntimeError: If there are more of them than u tells apart.
        """
        if type(out) is np.ndarray:
            return self.engine.integers(out, low, high)
        if high - low > EXACT:
            raise RuntimeError(
                f"while a graph is captured integers are drawn from at most 2 ** 53 numbers, but here from {low} to {high - 1}; name bounds"
            )
        numbers = np.floor(self._units(out) * float(high - low))
        return _put(out, numbers.astype(np.int64) + low if out.dtype.kind in "iu" else numbers + low)

    def random(self, out: Array) -> Array:
        """Whole numbers up to the largest that the dtype holds exactly."""
        if type(out) is np.ndarray:
            return self.engine.random(out)
        from tour._random_engine import DIGITS

        kind = out.dtype.kind
        top = 1 << DIGITS[out.dtype] if out.dtype in DIGITS else 1 if kind == "b" else int(np.iinfo(out.dtype).max)
        return self.integers(out, 0, top + 1)

    def permutation(self, n: int) -> Any:
        """One of the host's: it is shuffled step by step, which a device does not do."""
        return self.engine.permutation(n)


def _put(out: Array, numbers: Array) -> Array:
    """The numbers, in `out`."""
    if numbers is not out:
        out[...] = numbers.astype(out.dtype)
    return out
