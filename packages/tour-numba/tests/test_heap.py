"""Memory that is used again: no two arrays share a block, zeros are zeros, and the blocks outlive threads, forks and modules."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

import tour
from tour.numba import _heap

MEGABYTE = 1 << 18  # float32 numbers


@pytest.fixture(autouse=True)
def heap() -> Iterator[_heap.Heap]:
    """The heap, installed and empty."""
    _heap.install()
    _heap.empty_cache()
    ((found, _),) = _heap._made
    limit = found.limit
    yield found
    found.limit = limit


def address(a: np.ndarray) -> int:
    return int(a.__array_interface__["data"][0])


def test_a_block_is_used_again(heap):
    a = np.ones(MEGABYTE, np.float32)
    first = address(a)
    del a
    assert heap.held >= 4 * MEGABYTE
    b = tour.ones(MEGABYTE)  # a function of tour, a ufunc of NumPy's: all arrays go the same way
    assert address(b.numpy()) == first and first % 64 == 0
    del b
    assert address(np.sqrt(np.broadcast_to(np.float32(4), MEGABYTE))) == first


def test_small_blocks_stay_with_numpy(heap):
    before = heap.made + heap.reused
    for n in range(1, 1 << _heap.SMALLEST, 997):
        np.empty(n, np.uint8)
    assert heap.made + heap.reused == before


def juggle(seed: int, steps: int) -> None:
    """Arrays of all sizes come, change their size and go; each is full of its own number until it goes."""
    rng = np.random.default_rng(seed)
    sizes = [(1 << k) + d for k in range(_heap.SMALLEST - 2, 23) for d in (-1, 0, 1)]
    held: list[tuple[np.ndarray, int]] = []
    for step in range(steps):
        n, number = int(rng.choice(sizes) if step % 2 else rng.integers(1 << 14, 1 << 21)), step % 250 + 1
        if step % 3 == 0:
            a = np.zeros(n, np.uint8)
            assert not a.any()
        else:
            a = np.empty(n, np.uint8)
        a.fill(number)
        held.append((a, number))
        del a
        if len(held) > 8:
            a, number = held.pop(int(rng.integers(len(held))))
            assert (a == number).all()
            if step % 5 == 0:
                old, new = a.size, int(rng.integers(1, 1 << 20))
                a.resize(new, refcheck=False)
                assert (a[:old] == number).all() and not a[old:].any()
                a.fill(number)
                held.append((a, number))
            del a
    for a, number in held:
        assert (a == number).all()


def test_no_two_arrays_share_a_block(heap):
    juggle(1, 600)
    assert heap.reused > 100


def test_when_it_is_full_everything_goes(heap):
    heap.limit = 3 << 20
    juggle(2, 200)
    assert 0 <= heap.held <= heap.limit
    heap.limit = 0
    juggle(3, 50)
    assert heap.held == 0


def test_emptied(heap):
    np.ones(MEGABYTE), np.ones(5 * MEGABYTE)
    assert heap.held > 0
    tour.backends.cpu.empty_cache()
    assert heap.held == 0 and not any(heap.lists)


def test_shape_and_dtype_may_change_in_place(heap):
    a = np.empty((1024, 1024), np.float32)
    a.shape = 1 << 20
    a.dtype = np.uint8
    first = address(a)
    del a
    assert address(np.empty((4, 1024, 1024), np.uint8)) == first


def test_several_threads():
    failed = []

    def work(seed: int) -> None:
        try:
            _heap.install()
            assert np._core.multiarray.get_handler_name() == "tour"
            juggle(seed, 150)
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert not failed


def test_a_thread_gets_it_by_its_first_compiled_kernel():
    names = []

    def work() -> None:
        names.append(np._core.multiarray.get_handler_name())
        tour.linspace(-1, 1, 1 << 17).sigmoid()
        names.append(np._core.multiarray.get_handler_name())

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert names[-1] == "tour"


def test_whoever_does_not_get_the_lock_goes_to_the_library(heap):
    held = heap.held
    heap.lock = 1
    a = np.zeros(MEGABYTE)
    a += 1
    assert a.sum() == MEGABYTE
    del a
    assert heap.held == held
    heap.lock = 0


NAME = "numpy._core.multiarray.get_handler_name()"


def test_it_comes_with_the_first_compiled_kernel(python):
    code = f"import numpy, tour; x = tour.linspace(-1, 1, 1 << 17); print({NAME}); x.sigmoid(); print({NAME})"
    assert python(code) == "default_allocator\ntour"
    assert python(code, TOUR_NUMBA="0") == "default_allocator\ndefault_allocator"


FORK = """
import os, warnings, numpy, tour
warnings.simplefilter("ignore", DeprecationWarning)
x = tour.linspace(-9, 9, 1 << 18)
y = x.sigmoid()
child = os.fork()
if not child:
    for _ in range(20):
        z = x.sigmoid() + numpy.ones(1 << 18, "f")
        assert (z == y + 1).all()
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), (x.sigmoid() == y).all().item())
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork on this system")
def test_a_forked_child(python):
    assert python(FORK) == "0 True"


EXIT = """
import atexit, builtins, gc, sys, numpy, tour
kept = [tour.linspace(-9, 9, 1 << 18).sigmoid()._a for _ in range(3)]
builtins.kept = [numpy.ones(1 << 20) for _ in range(3)]
class Late:
    def __init__(self): self.me, self.array = self, numpy.ones(1 << 19)  # a circle, found at the very end
    def __del__(self): numpy.ones(1 << 19).sum()
late = sys.late = Late()
atexit.register(lambda: kept.append(numpy.ones(1 << 19)))
gc.disable()
print("done")
"""


def test_arrays_that_outlive_the_module(python):
    assert python(EXIT) == "done"


def test_show_config_says_how_much_waits(capsys):
    np.ones(MEGABYTE)
    tour.show_config()
    assert "MiB wait to be used again" in capsys.readouterr().out
