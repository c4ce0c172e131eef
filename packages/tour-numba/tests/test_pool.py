"""Threads: as many as asked for, from several Python threads, in forked children, and on every pool that loads here."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

import tour
from tour.numba import _pool
from tour.numba.forms import elementwise


def test_as_many_threads_as_asked_for():
    before = tour.get_num_threads()
    try:
        tour.set_num_threads(1)
        assert _pool.threads() == 1
        tour.set_num_threads(10_000)
        assert 1 <= _pool.threads() <= 10_000  # no more than there are
    finally:
        tour.set_num_threads(before)


def test_results_do_not_depend_on_the_number_of_threads():
    x = np.linspace(-9, 9, 1_000_003, dtype=np.float32)
    before, many = tour.get_num_threads(), elementwise.silu(x)
    try:
        tour.set_num_threads(1)
        assert np.array_equal(many, elementwise.silu(x))
    finally:
        tour.set_num_threads(before)


def test_several_python_threads():
    x = np.linspace(-9, 9, 200_000, dtype=np.float32)
    wanted, wrong = elementwise.silu(x), []

    def work() -> None:
        for _ in range(30):
            if not np.array_equal(elementwise.silu(x), wanted):
                wrong.append(1)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert not wrong


FORK = """
import os, threading, warnings
import tour
from tour.numba import _pool
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks while threads run
x = tour.linspace(-9, 9, 1 << 18)
y = x.sigmoid()
def work():
    for _ in range(20): assert (x.sigmoid() == y).all()
workers = [threading.Thread(target=work) for _ in range(2)]
for w in workers: w.start()
for w in workers: w.join()
child = os.fork()
if not child:
    os._exit(0 if (x.sigmoid() == y).all() and (x.relu() >= 0).all() else 1)
print(_pool.layer(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork on this system")
@pytest.mark.parametrize("layer", _pool.LAYERS)
def test_threads_and_a_forked_child_on_every_pool(python, layer):
    found = python(FORK, NUMBA_THREADING_LAYER=layer, OMP_NUM_THREADS="2")
    assert found in (f"{layer} 0", "none 0")  # "none" where this machine lacks the pool's library


FIRST = """
import os, signal, threading, time, warnings
import tour
from tour.numba import _store
warnings.simplefilter("ignore", DeprecationWarning)
x, load = tour.ones(300, 300), _store.load
def slow(name):
    time.sleep(0.2)
    return load(name)
_store.load = slow
calls = [x.sigmoid, lambda: x.softmax(1), lambda: x.cumsum(0)]
threads = [threading.Thread(target=call, daemon=True) for call in calls]
for thread in threads:
    thread.start()
    time.sleep(0.3)
child = os.fork() if hasattr(os, "fork") else None
if child == 0:
    signal.alarm(60)
    os._exit(0 if abs(float(x.log_softmax(1).exp().sum()) - 300) < 0.1 else 1)
for thread in threads: thread.join(60)
alive = sum(thread.is_alive() for thread in threads)
print(alive, 0 if child is None else os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
os._exit(0)
"""


def test_threads_and_a_fork_at_the_first_calls_do_not_wait_for_each_other_for_ever(python):
    assert python(FIRST) == "0 0"


SWITCHED = """
import threading, time, tour
a, b = tour.rand(300, 200), tour.rand(200, 250)
right, stop, wrong = (a @ b).numpy().copy(), [], []
def switch():
    while not stop:
        for n in 1, 2, 3: tour.set_num_threads(n); time.sleep(1e-4)
def work():
    for _ in range(300):
        if abs((a @ b).numpy() - right).max() > 1e-4: wrong.append(1)
threads = [threading.Thread(target=f) for f in (work, work, switch)]
for thread in threads: thread.start()
for thread in threads[:2]: thread.join()
stop.append(1)
threads[2].join()
print(wrong)
"""


def test_the_number_of_threads_may_change_while_others_compute(python):
    assert python(SWITCHED) == "[]"


MANY = """
import os, threading, numpy as np, tour
os.sched_getaffinity = lambda pid: range(4)
from tour.numba import _pool
from tour.numba.forms import matrices
matrices.TINY, rng = 0, np.random.default_rng(0)
inputs = [(rng.standard_normal((n, n), np.float32), rng.standard_normal((n, n), np.float32)) for n in (84, 90, 101)]
tour.set_num_threads(1)
right = [matrices.product(a, b) for a, b in inputs]
tour.set_num_threads(4)
wrong = []
def work():
    for i in range(400):
        (a, b), c = inputs[i % 3], right[i % 3]
        if not np.array_equal(matrices.product(a, b), c):
            wrong.append(i)
workers = [threading.Thread(target=work) for _ in range(3)]
for w in workers: w.start()
for w in workers: w.join()
work()
print(_pool.threads(), len(wrong))
"""


@pytest.mark.parametrize("layer", _pool.LAYERS)
def test_every_part_of_many_short_calls_is_done_before_a_call_returns(python, layer):
    """With more threads than processors, which come late, sleep in between, and meet several callers."""
    found = python(MANY, NUMBA_THREADING_LAYER=layer, OMP_NUM_THREADS="4")
    assert found in ("4 0", "1 0")  # one thread where this machine lacks the pool's library


def test_tbb_is_handed_work_by_its_own_interface(python):
    code = "import tour; from tour.numba import _pool, _tbb; x = tour.ones(300, 300); x @ x; print(_pool.layer(), _tbb.start() != 0)"
    assert python(code) == "tbb True" or sys.platform != "linux"
