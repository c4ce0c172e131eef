"""Into how many parts forms cut their work."""

from __future__ import annotations

from tour.numba import _pool

STEAL = 4  # parts for each thread, so that one that is interrupted does not hold up the others


def parts_for(work: int, least: int) -> int:
    """Parts of some work, each of at least `least` units: one, or a few for each thread."""
    count = work // least
    if count < 2:
        return 1
    return min(count, STEAL * _pool.threads())
