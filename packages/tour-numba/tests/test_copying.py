"""Copies in row-major order: every order of dimensions, residues, gaps, negative and zero strides, and what is left to NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tour
from tour import _copying
from tour.numba.forms import copying

LANES = copying.LANES


def same(a):
    """The form's copy is NumPy's."""
    r = copying.dense(a)
    assert r.flags.c_contiguous and r.dtype == a.dtype and not np.shares_memory(r, a)
    np.testing.assert_array_equal(r, a)


@pytest.fixture(params=[1, 2])
def _threads(request, monkeypatch):
    monkeypatch.setattr(copying, "LEAST", 1)
    before = tour.get_num_threads()
    tour.set_num_threads(request.param)
    yield
    tour.set_num_threads(before)


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_planes_of_every_residue(guarded, rng, dtype):
    sizes = [2, 3, LANES - 1, LANES, LANES + 1, 2 * LANES, 3 * LANES + 5]
    for m, n in itertools.product(sizes, sizes):
        a = guarded.input((100 * rng.standard_normal((m, n))).astype(dtype))
        same(a.T)
        same(a.T[:, ::-1])
        same(np.stack([a, a + 1, a + 2]).transpose(2, 0, 1))
        same(np.stack([a, a + 1]).transpose(0, 2, 1))
    guarded.check()


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_every_order_of_dimensions(guarded, rng, dtype):
    for shape in [(2, 3, 4, 5), (3, 1, 17, 6), (5, 18, 2, 33)]:
        a = guarded.input((100 * rng.standard_normal(shape)).astype(dtype))
        wide = (100 * rng.standard_normal([2 * n + 1 for n in shape])).astype(dtype)
        for order in itertools.permutations(range(4)):
            for b in (a, wide[:, ::2], wide[1::-1, :, 2:9], np.broadcast_to(a[:1], shape)):
                if copying.dense(b.transpose(order)) is not NotImplemented:
                    same(b.transpose(order))
        same(a.transpose(2, 0, 1, 3))
        same(wide[:, 1:, :, 1:4])
    guarded.check()


def test_what_is_left_to_numpy(rng):
    a = rng.standard_normal((40, 50))
    assert copying.dense(a) is NotImplemented and copying.dense(a.T) is NotImplemented
    assert copying.dense(a[:, ::2]) is NotImplemented and copying.dense(a[:0, 1:]) is NotImplemented
    assert copying.dense(a.astype(np.float16)[:, 1:]) is NotImplemented
    assert copying.dense(a.astype(object)[:, 1:]) is NotImplemented


def test_reshape_its_gradient_and_contiguous_take_it(monkeypatch, rng):
    calls, form = [], copying.dense
    monkeypatch.setattr(_copying._DENSE, "form", lambda a: calls.append(a.shape) or form(a))
    x = tour.tensor(rng.standard_normal((8, 32, 16, 32), np.float32), requires_grad=True)
    weights = tour.tensor(rng.standard_normal((8, 16, 1024), np.float32))
    y = x.transpose(1, 2).reshape(8, 16, 1024)
    assert calls == [(8, 16, 32, 32)]
    np.testing.assert_array_equal(y.detach(), x.detach().numpy().swapaxes(1, 2).reshape(8, 16, 1024))
    x.detach().permute(3, 0, 1, 2).contiguous()
    assert calls[1:] == [(32, 8, 32, 16)]
    x.reshape(8 * 32, 512).T.sum().backward()
    z = tour.ones(512, 256, requires_grad=True)
    (z.reshape(16, 32, 256).transpose(0, 2) * tour.ones(256, 32, 16)).sum().backward()
    (y * weights).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 1 + weights.numpy().reshape(8, 16, 32, 32).swapaxes(1, 2))
    assert z.grad.shape == (512, 256) and len(calls) > 2
