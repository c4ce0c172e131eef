"""Ufuncs that use all threads: NumPy's results to the last bit, in every layout, and NumPy's own left alone."""

from __future__ import annotations

import threading
import warnings
from functools import cache

import numpy as np
import pytest

import tour
from tour import _activations
from tour.numba import _driver, _pool, _ufuncs

PLAIN = {ufunc.__name__: ufunc for ufunc in (*_ufuncs.LIGHT_ONES, *_ufuncs.HEAVY_ONES)}
LEAST = 256  # elements of a part, here: rows of 512 are shared


@cache
def shared(name: str) -> np.ufunc:
    """A copy of NumPy's ufunc that shares short rows already."""
    assert _pool.threads()  # the pool has started
    made = _ufuncs.threaded(PLAIN[name], LEAST)
    assert made is not None
    return made


def same(a, b):
    assert a.dtype == b.dtype and a.shape == b.shape and a.strides == b.strides
    assert a.tobytes() == b.tobytes()


def both(name, *args, **options):
    with np.errstate(all="ignore"):
        return shared(name)(*args, **options), PLAIN[name](*args, **options)


def numbers(rng, shape, dtype):
    """Numbers of all sizes, and what is none."""
    with np.errstate(over="ignore"):
        a = (rng.standard_normal(shape) * 10.0 ** rng.integers(-5, 3, shape)).astype(dtype)
    a.reshape(-1)[::97] = np.nan
    a.reshape(-1)[5::101] = -np.inf
    a.reshape(-1)[7::103] = 0
    return a


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_ufunc_near_the_borders_of_parts(rng, name, dtype):
    for n in (0, 1, 63, 64, 511, 512, 513, 575, 1023, 1024, 4097, 70_001):
        same(*both(name, *(numbers(rng, n, dtype) for _ in range(PLAIN[name].nin))))


@pytest.mark.parametrize("name", ["add", "divide", "exp", "sin", "power", "less"])
def test_layouts(rng, name):
    a, b = numbers(rng, (6, 50, 700), np.float32), numbers(rng, (6, 50, 700), np.float32)
    views = [
        (a, b), (a, a), (a[0, 0], b[0, 0]), (a[::2, :, ::-3], b[::2, :, ::3]), (a.T, b.T), (a.T, b.transpose(2, 0, 1).swapaxes(1, 2)),
        (a, b[0, 0]), (a, b[:, :, :1]), (a[:, 3], b[0, 3]), (a, np.float32(2)), (a[0, 0, 0], b), (a[:0], b[:0]),
        (np.broadcast_to(a[0, 0, :1], (5000,)), b.reshape(-1)[:5000]), (a.reshape(-1)[1:], b.reshape(-1)[:-1]),
    ]  # fmt: skip
    for operands in views:
        same(*both(name, *operands[: PLAIN[name].nin]))


@pytest.mark.parametrize(
    "dtype", [np.bool_, np.int8, np.int64, np.float16, np.complex64, np.complex128, "datetime64[s]"]
)
def test_other_dtypes_are_numpys(dtype):
    a = np.arange(1, 5001).astype(dtype)
    if a.dtype.kind == "M":
        same(*both("add", a, np.timedelta64(3, "s")))
        return
    same(*both("add", a, a))
    same(*both("add", a, a.astype(np.float64) if a.dtype.kind != "c" else a[::-1]))
    same(*both("multiply", a, 2))


def test_dtypes_that_others_register():
    import ml_dtypes

    a = np.arange(3000).astype(ml_dtypes.bfloat16)
    same(*both("add", a, a))
    same(*both("exp", a))
    assert tour.ones(3, dtype=tour.bfloat16).add(1).dtype is tour.bfloat16


def test_out_where_and_casts(rng):
    a, b = numbers(rng, 5000, np.float32), numbers(rng, 5000, np.float32)
    for options in (
        {"where": a > 0}, {"dtype": np.float64}, {"casting": "unsafe", "dtype": np.float16}, {"order": "F"},
    ):  # fmt: skip
        outs = [np.full(5000, 7, options.get("dtype", np.float32)) for _ in range(2)]
        with np.errstate(all="ignore"):
            assert shared("add")(a, b, out=outs[0], **options) is outs[0]
            np.add(a, b, out=outs[1], **options)
        same(*outs)


def test_what_is_written_may_be_what_is_read(rng):
    for target, *sources in ((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 1), (0, 0, 0)):
        results = []
        for ufunc in (shared("add"), np.add):
            buffer = rng.__class__(np.random.PCG64(3)).standard_normal(20_001).astype(np.float32)
            parts = buffer[:-1], buffer[1:]  # one element apart: neither may run ahead of the other
            ufunc(*(parts[i] for i in sources), out=parts[target])
            results.append(buffer)
        same(*results)
    buffer = np.arange(10_000, dtype=np.float32)
    same(shared("add")(buffer, buffer[::-1], out=buffer), np.full(10_000, 9999, np.float32))


@pytest.mark.parametrize("method", ["reduce", "accumulate"])
def test_reductions_are_not_shared(rng, method):
    for a in (rng.standard_normal(50_000), rng.standard_normal((3000, 4)), rng.standard_normal((4, 3000))):
        same(np.asarray(getattr(shared("add"), method)(a)), np.asarray(getattr(np.add, method)(a)))


def test_refusals_are_numpys():
    for call in (lambda f: f(np.ones(3), np.ones(4)), lambda f: f(np.ones(3), "a"), lambda f: f(np.ones(3))):
        texts = []
        for ufunc in (shared("add"), np.add):
            with pytest.raises((ValueError, TypeError)) as caught:
                call(ufunc)
            texts.append(str(caught.value))
        assert texts[0] == texts[1]


def test_other_arrays_answer():
    class Other:
        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            return ufunc.__name__, method

    assert shared("add")(np.ones(3), Other()) == ("add", "__call__")


def test_with_one_thread(rng):
    a, before = numbers(rng, 300_000, np.float32), tour.get_num_threads()
    try:
        tour.set_num_threads(1)
        assert _driver.linked().pool.threads == 1
        same(*both("exp", a))
    finally:
        tour.set_num_threads(before)


def test_several_python_threads(rng):
    a = numbers(rng, 200_000, np.float32)
    with np.errstate(all="ignore"):
        wanted, wrong = np.exp(a).tobytes(), []

    def work() -> None:
        with np.errstate(all="ignore"):
            wrong.extend(1 for _ in range(30) if shared("exp")(a).tobytes() != wanted)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert not wrong


def test_warnings_as_errors():
    x = tour.zeros(1 << 18)
    x.sigmoid()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (1 / x).isinf().all() and (x / x).isnan().all() and x.log().isinf().all()


@pytest.mark.parametrize("name", _ufuncs.CHAINS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_chains_are_numpys_to_the_last_bit(rng, name, dtype):
    def plain(a):
        return np.maximum(a, np.zeros_like(a)) if name == "relu" else getattr(_activations, name).__wrapped__(a)

    chain = _ufuncs.chain(name)
    assert chain is not None
    with np.errstate(all="ignore"):
        for n in (1, 15, 16, 17, 1023, 1024, 1025, 5000, 200_001):
            a = numbers(rng, n, dtype)
            same(chain(a), plain(a))
            b = a.copy()
            assert chain(b, out=b) is b
            same(b, plain(a))
        a = numbers(rng, (5, 40, 60), dtype)
        for view in (a[::2, :, ::-3], a.transpose(2, 0, 1), a[:, 3], a[:0], a[0, 0, :1]):
            same(chain(view), plain(view))
        same(np.asarray(chain(a[0, 0, 1])), plain(a[0, 0, 1:2]).reshape(()))


OFTEN = """
import sys, numpy, tour
from tour import _activations, _compiled
_activations.OFTEN = 100
x = tour.tensor([[-1.5, 2.0, float("nan")]])
def results(): return [f(x.clone()).numpy().tobytes() for f in (tour.sigmoid, tour.relu, tour.nn.functional.silu)]
first = results()
for _ in range(97): tour.sigmoid(x)
print("llvmlite" in sys.modules, end=" ")
tour.sigmoid(x)
print("llvmlite" in sys.modules, results() == first, tour.numba.compiled(), _compiled.in_use(), end=" ")
ones = tour.ones(2)
for y in (tour.tensor(0.5), ones.int(), ones.half(), ones.bfloat16(), ones.requires_grad_()):
    assert type(y.relu()) is tour.Tensor and y.relu().equal(y) and y.relu().dtype is y.dtype
    assert abs(y.sigmoid() - 1 / (1 + (-y.double()).exp())).max() < 1e-2
    if y.requires_grad: y.sigmoid().sum().backward(); assert (y.grad > 0).all()
assert tour.func.vmap(tour.relu)(x).isnan().sum() == 1
"""


def test_often_called_functions_of_few_numbers_become_one_ufunc(python):
    assert python(OFTEN) == "False True True [] False"
    assert python(OFTEN, TOUR_NUMBA="0") == "False False True [] False"


IN_USE = """
import numpy, tour
a = numpy.random.default_rng(0).standard_normal(1 << 18).astype("f")
x, plain = tour.from_numpy(a), numpy.add.types
functions = tour.mul, tour.Tensor.__add__, tour.exp, tour.Tensor.exp_
held = lambda: [c.cell_contents for f in functions for c in f.__closure__ if isinstance(c.cell_contents, numpy.ufunc)]
before = held()
x.sigmoid()
after = held()
print(all(u is getattr(numpy, u.__name__) for u in before), any(u is getattr(numpy, u.__name__) for u in after))
same = lambda t, b: t.numpy().tobytes() == b.tobytes()
print(same(x + x, a + a), same(x.exp(), numpy.exp(a)), same(x.clone().exp_().add_(x), numpy.exp(a) + a))
print(type(numpy.add(x, x)).__name__, numpy.add(x, x).equal(x + x), numpy.add.types == plain)
"""


def test_they_come_with_the_first_compiled_kernel(python):
    assert python(IN_USE).split() == "True False True True True Tensor True True".split()
    assert python(IN_USE, TOUR_NUMBA="0").split() == "True True True True True Tensor True True".split()


FORK = """
import os, threading, warnings, numpy, tour
from tour.numba import _pool
warnings.simplefilter("ignore", DeprecationWarning)
x = tour.linspace(-9, 9, 1 << 18)
x.sigmoid()
y = x.exp()
def work():
    for _ in range(30): assert (x.exp() == y).all() and x.sigmoid().isfinite().all()
workers = [threading.Thread(target=work) for _ in range(3)]
for w in workers: w.start()
child = os.fork()
if not child:
    tour.set_num_threads(2)
    os._exit(0 if _pool.threads() == 1 and (x.exp() == y).all() and (x + x == 2 * x).all() else 1)
for w in workers: w.join()
print(_pool.layer(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork on this system")
@pytest.mark.parametrize("layer", ["tbb", "omp", "workqueue"])
def test_threads_and_a_forked_child_on_every_pool(python, layer):
    assert python(FORK, NUMBA_THREADING_LAYER=layer, OMP_NUM_THREADS="2") in (f"{layer} 0", "none 0")


def test_functions_of_samples(rng):
    x = tour.randn(4, 1 << 17)
    x.sigmoid()
    assert tour.func.vmap(lambda a: a.exp() + a * 2)(x).equal(x.exp() + x * 2)


def test_ufuncs_of_an_unknown_layout_are_left_alone(monkeypatch):
    monkeypatch.setattr(_ufuncs, "inside", lambda ufunc: None)
    assert _ufuncs.threaded(np.add, 100) is None and _ufuncs.chain.__wrapped__("sigmoid") is None
