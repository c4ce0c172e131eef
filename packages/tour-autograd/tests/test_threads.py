"""Several threads at once: each with its own graphs, grad mode and generators; one default stream, shared without loss."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

import tour


@pytest.fixture
def restless():
    """Threads that change places as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def together(work, count=6):
    """What `work(k)` raises in threads that run side by side."""
    failures = []

    def run(k):
        try:
            work(k)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_threads_do_not_disturb_each_other(restless):
    def work(k):
        same = tour.rand(500, generator=tour.Generator().manual_seed(k))
        for i in range(20):
            assert tour.rand(500, generator=tour.Generator().manual_seed(k)).equal(same)
            w = tour.full((4, 4), float(k + 1), requires_grad=True)
            (w @ w).relu().sum().backward()
            assert w.grad.tolist() == [[8.0 * (k + 1)] * 4] * 4
            with tour.no_grad():
                assert not (w * 2).requires_grad
            z = tour.zeros(5)
            z += i
            z[3] = k
            assert z.tolist() == [i, i, i, k, i]
            assert str(z) and np.sin(z).shape == (5,)

    assert together(work) == []


def test_one_stream_serves_all(restless):
    tour.manual_seed(0)
    expected = tour.rand(6000).sort().values
    tour.manual_seed(0)
    drawn = []
    assert together(lambda k: drawn.extend(tour.rand(100) for _ in range(10))) == []
    assert tour.cat(drawn).sort().values.equal(expected)
