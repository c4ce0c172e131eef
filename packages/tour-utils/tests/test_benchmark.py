"""The timer, by a clock that the tests wind."""

from __future__ import annotations

from tour.utils.benchmark import Measurement, Timer


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def work(self):
        self.now += 0.002


def test_a_statement_is_measured():
    clock = Clock()
    measured = Timer("clock.work()", timer=clock, globals={"clock": clock}).timeit(10)
    assert abs(measured.median - 0.002) < 1e-12
    assert repr(measured) == "clock.work()\n  Median: 2.00 ms\n  1 measurement, 10 runs each"


def test_a_statement_is_measured_for_a_time():
    clock, seen = Clock(), []
    timer = Timer("clock.work()", timer=clock, globals={"clock": clock}, label="work")
    measured = timer.blocked_autorange(lambda number, seconds: seen.append(number), min_run_time=0.4)
    assert sum(measured.raw_times) >= 0.4
    assert len(seen) == len(measured.times)
    assert abs(measured.mean - 0.002) < 1e-12


def test_numbers_of_a_measurement():
    measured = Measurement(2, [2.0, 4.0, 6.0, 8.0, 100.0], "x")
    assert (measured.median, measured.iqr, measured.mean) == (3.0, 2.0, 12.0)
    assert "IQR: 2.00 s" in repr(measured)
