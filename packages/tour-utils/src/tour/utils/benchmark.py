"""How long a statement takes: run often enough to tell, and reported by its median."""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable
from typing import Any

__all__ = ["Measurement", "Timer"]


class Measurement:
    """Times of one statement, in seconds for each run.

    Attributes:
        number_per_run: How many runs each time is the mean of.
        times: The times.
        label: What was measured.

    Examples:
        >>> import tour
        >>> measured = tour.utils.benchmark.Measurement(100, [0.2, 0.4, 0.3], "x + x")  # seconds of a hundred runs each
        >>> measured
        x + x
          Median: 3.00 ms
          IQR: 1.00 ms
          3 measurements, 100 runs each
    """

    def __init__(self, number_per_run: int, raw_times: list[float], label: str) -> None:
        self.number_per_run, self.raw_times, self.label = number_per_run, raw_times, label

    @property
    def times(self) -> list[float]:
        """Seconds for one run, measured again and again."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def mean(self) -> float:
        """The mean of the times."""
        return statistics.fmean(self.times)

    @property
    def median(self) -> float:
        """The median of the times, which a few interruptions do not move."""
        return statistics.median(self.times)

    @property
    def iqr(self) -> float:
        """How far apart the quartiles are: what the times vary by. 0 for fewer than two times."""
        if len(self.times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
        return high - low

    def __repr__(self) -> str:
        scale, unit = next(
            ((s, u) for s, u in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")) if self.median >= s), (1e-9, "ns")
        )
        spread = f"  IQR: {self.iqr / scale:.2f} {unit}\n" if len(self.times) > 1 else ""
        count = f"{len(self.times)} measurement{'s' if len(self.times) > 1 else ''}, {self.number_per_run} runs each"
        return f"{self.label}\n  Median: {self.median / scale:.2f} {unit}\n{spread}  {count}"


class Timer:
    """Measures a statement.

    Args:
        stmt: The statement.
        setup: Run once before each measurement.
        timer: A clock, in seconds.
        globals: The names that the statement may use.
        label: What to call it; the statement itself unless given.

    Examples:
        >>> import tour
        >>> timer = Timer("x + x", globals={"x": tour.ones(100)})
        >>> timer.timeit(100).median < 1
        True
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        timer: Callable[[], float] = timeit.default_timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
    ) -> None:
        self._timer = timeit.Timer(stmt, setup, timer, globals)
        self._label = label or stmt

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """One measurement of `number` runs, after some to warm up."""
        self._timer.timeit(max(number // 100, 2))
        return Measurement(number, [self._timer.timeit(number)], self._label)

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Measurements until `min_run_time` seconds have passed, each of so many runs that the clock does not matter.

        Args:
            callback: Called with the number of runs and the seconds of each measurement.
            min_run_time: Seconds.
        """
        number, seconds = 1, self._timer.timeit(1)
        while seconds < min_run_time / 100:
            number *= 10 if seconds < min_run_time / 1000 else 2
            seconds = self._timer.timeit(number)
        raw: list[float] = []
        while not raw or sum(raw) < min_run_time:
            raw.append(self._timer.timeit(number))
            if callback is not None:
                callback(number, raw[-1])
        return Measurement(number, raw, self._label)
