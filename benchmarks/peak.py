"""The machine's peak and the product of two matrices of 2048², in one run: `python benchmarks/peak.py`.

The peak is what the block of registers that all products are made of reaches where nothing has to come from memory: it multiplies and
adds two cache lines, over and over, in as many threads as products use.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
from numba import njit

import tour
from tour.numba.kernels.lanes import LANES, product
from tour.numba.kernels.products import FLOAT, WIDE

DEPTH, N = 1 << 20, 2048

_six_wide = product(6, WIDE // LANES)


def _block(a: int, b: int, c: int) -> None:
    """DEPTH times the same 6 numbers times the same row of WIDE, added up in registers."""
    _six_wide(a, FLOAT, 0, b, 0, c, FLOAT * WIDE, DEPTH, 0)


block = njit(nogil=True)(_block)


def best(call: Callable[[], object], seconds: float) -> float:
    """The shortest of as many runs as there is time for."""
    shortest, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest


def blocks(threads: int) -> None:
    """The block once in each thread."""
    room = np.zeros((threads, 8, WIDE + 64), np.float32)
    at = [[int(r[i].ctypes.data) for i in (0, 1, 2)] for r in room]
    workers = [threading.Thread(target=block, args=addresses) for addresses in at]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def main() -> None:
    """Print both, in one thread and in all."""
    a, b = tour.randn(N, N), tour.randn(N, N)
    blocks(1)  # compiled
    for threads in sorted({1, tour.get_num_threads()}):
        tour.set_num_threads(threads)
        seconds = [(best(lambda: blocks(threads), 1), best(lambda: a @ b, 3)) for _ in range(3)]  # noqa: B023
        peak = 2 * 6 * WIDE * DEPTH * threads / min(s for s, _ in seconds) / 1e9
        product = 2 * N**3 / min(s for _, s in seconds) / 1e9
        print(f"{threads} threads: peak {peak:.0f} GFLOP/s, {N}² {product:.0f} GFLOP/s, {product / peak:.0%}")


if __name__ == "__main__":
    main()
