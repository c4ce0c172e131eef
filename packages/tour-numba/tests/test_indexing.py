"""Elements and rows by number in compiled form, against NumPy's kernels: every width, duplicates, and indices out of range."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour.nn.kernels import embedding
from tour.numba.forms import indexing as forms
from tour.ops import gathering, index_writing, scattering

EPS = np.finfo(np.float32).eps
SHAPES = [(1, 1), (3, 5), (5, 3), (17, 16), (2, 65), (64, 33), (7, 2, 3), (2, 9, 130), (40,)]
DTYPES = [np.float32, np.float64, np.int64, np.int32]


def plain(kernel):
    """The NumPy kernel behind a socket."""
    return getattr(kernel, "__wrapped__", kernel)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_gather(fenced, rng, shape, dtype):
    fenced(forms)
    a = (rng.standard_normal(shape) * 99).astype(dtype)
    for dim in range(a.ndim):
        for m in (1, 2, shape[dim], 40):
            index = rng.integers(0, shape[dim], (*shape[:dim], m, *shape[dim + 1 :]))
            assert np.array_equal(forms.gather(a, dim, index), gathering._gather(a, dim, index))
            for wrong in (-1, shape[dim], 1 << 62, -(1 << 63)):
                bad = index.copy()
                bad.reshape(-1)[-1] = wrong
                assert forms.gather(a, dim, bad) is NotImplemented


def test_gather_leaves_the_rest_to_numpy(rng):
    a, i = rng.standard_normal((6, 8)).astype(np.float32), np.zeros((6, 8), np.int64)
    assert forms.gather(a.T, 0, i.T) is NotImplemented and forms.gather(a, 1, i[:3]) is NotImplemented
    assert forms.gather(a.astype(np.float16), 1, i) is NotImplemented
    assert forms.gather(a, 1, i.astype(np.int32)) is NotImplemented


def test_large_indices_out_of_range_are_refused_as_ever():
    x, i = tour.ones(300, 100), tour.zeros(300, 100, dtype=tour.int64)
    for wrong in (-1, 100):
        i[-1, -1] = wrong
        with pytest.raises(RuntimeError, match=f"index {wrong} is out of bounds for dimension 1 with size 100"):
            tour.gather(x, 1, i)
        before = x.clone()
        with pytest.raises(RuntimeError, match=f"index {wrong} is out of bounds"):
            x.scatter_add_(1, i, tour.ones(300, 100))
        assert x.equal(before)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 63, 64, 65, 1000, 100_003])
def test_bounds(n, rng):
    index = rng.integers(-(1 << 40), 1 << 40, n)
    assert forms.bounds(index) == (index.min(), index.max())
    assert forms.bounds(index[::2]) == (NotImplemented if n > 2 else (index[0], index[0]))


def close(got, wanted, terms):
    """As close as sums of so many numbers in single precision are: PyTorch adds them in the same order."""
    assert got.dtype == wanted.dtype
    scale = np.finfo(got.dtype).eps * max(1, terms) * max(1, np.abs(wanted).max(initial=0))
    assert np.abs(got - wanted).max(initial=0) <= scale


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_scatter_add(guarded, rng, shape, dtype):
    for dim in range(len(shape)):
        for m in (1, 3, 70):
            whole = (*shape[:dim], m, *shape[dim + 1 :])
            index, src = rng.integers(0, shape[dim], whole), rng.standard_normal(whole).astype(dtype)
            start = rng.standard_normal(shape).astype(dtype)
            got = guarded.input(start) if dtype is np.float32 else start.copy()
            assert forms.scatter_add(got, dim, index, src) is None
            wanted = start.copy()
            plain(scattering._scatter_add)(wanted, dim, index, src)
            close(got, wanted, m)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_index_add(guarded, rng, shape, dtype):
    for dim in range(len(shape)):
        for m in (0, 1, 3, 70):
            index = rng.integers(0, shape[dim], m)
            source = rng.standard_normal((*shape[:dim], m, *shape[dim + 1 :])).astype(dtype)
            start = rng.standard_normal(shape).astype(dtype)
            got = guarded.input(start) if dtype is np.float32 else start.copy()
            assert forms.index_add(got, dim, index, source) is None
            wanted = start.copy()
            plain(index_writing._add_slices)(wanted, dim, index, source)
            close(got, wanted, m)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_scatter(guarded, rng, shape, dtype):
    for dim in range(len(shape)):
        for m in (1, 3, 70):
            whole = (*shape[:dim], m, *shape[dim + 1 :])
            index, src = rng.integers(0, shape[dim], whole), (rng.standard_normal(whole) * 99).astype(dtype)
            start = (rng.standard_normal(shape) * 99).astype(dtype)
            for given in (src, src.reshape(-1)[0]):
                got = guarded.input(start) if dtype is np.float32 else start.copy()
                assert forms.scatter(got, dim, index, given) is None
                wanted = start.copy()
                plain(scattering._scatter)(wanted, dim, index, given)
                assert np.array_equal(got, wanted)


def test_what_overlaps_or_has_gaps_is_left_to_numpy(rng):
    a, i = np.ones((8, 8), np.float32), np.zeros((8, 8), np.int64)
    assert forms.scatter_add(a, 0, i, a) is NotImplemented and forms.scatter_add(a.T, 0, i, a + 1) is NotImplemented
    assert forms.scatter_add(a, 0, i, np.float32(1)) is NotImplemented
    assert forms.scatter(a, 0, i, a) is NotImplemented and forms.scatter(a.T, 0, i, a + 1) is NotImplemented
    assert forms.scatter(a, 0, i, np.float64(1)) is NotImplemented
    assert forms.index_add(a, 0, i[0], a) is NotImplemented and forms.index_add(a.T, 0, i[0], a + 1) is NotImplemented
    assert forms.index_add(a, 0, i[0], a[0] + 1) is NotImplemented


@pytest.mark.parametrize("dtype", [*DTYPES, np.complex128, np.float16])
@pytest.mark.parametrize("shape", SHAPES)
def test_select(fenced, rng, monkeypatch, shape, dtype):
    fenced(forms)
    monkeypatch.setattr(forms, "_shared", lambda size: True)
    a = (rng.standard_normal(shape) * 99).astype(dtype)
    for dim in range(a.ndim):
        for m in (1, 2, 9, 40):
            index = rng.integers(0, shape[dim], m)
            for i in (index, index.astype(np.int32), index.repeat(2)[::2]):
                got = forms.select(a, dim, i)
                if dtype is np.float16 and got is NotImplemented:
                    assert np.prod(shape[dim + 1 :]) % 2
                else:
                    assert got.dtype == a.dtype and np.array_equal(got, a.take(index, dim))
            for wrong in (-1, shape[dim], 1 << 62):
                assert forms.select(a, dim, np.append(index, wrong)) is NotImplemented


def test_selecting_the_rest_is_left_to_numpy(rng, monkeypatch):
    monkeypatch.setattr(forms, "_shared", lambda size: True)
    a, i = rng.standard_normal((6, 8)).astype(np.float32), np.zeros(3, np.int64)
    assert forms.select(a.T, 0, i) is NotImplemented and forms.select(a[:, :0], 0, i) is NotImplemented
    assert forms.select(a, 0, i[:0]) is NotImplemented and forms.embedding(a[0], i) is NotImplemented
    assert np.array_equal(forms.embedding(a, np.array([[1, 5], [0, 1]])), a[[[1, 5], [0, 1]]])


def test_large_selections_refuse_what_is_out_of_range():
    x = tour.ones(300, 100)
    for dim, size in ((0, 300), (1, 100)):
        index = tour.zeros(400, dtype=tour.int64)
        assert x.index_select(dim, index).equal(tour.ones(*((400, 100) if dim == 0 else (300, 400))))
        for wrong in (-1, size):
            index[-1] = wrong
            with pytest.raises(IndexError, match="index out of range in self"):
                x.index_select(dim, index)
    index[-1] = 300
    with pytest.raises(IndexError):
        tour.nn.functional.embedding(index, x)


@pytest.mark.parametrize("padding", [None, 2, -7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_embedding_grad(fenced, rng, monkeypatch, dtype, padding):
    fenced(forms)
    for threads in (1, 2, 3, 20):
        monkeypatch.setattr(forms._pool, "threads", lambda threads=threads: threads)
        monkeypatch.setattr(forms, "LEAST", 1)
        for width in (1, 16, 65, 256):
            g, index = rng.standard_normal((50, 7, width)).astype(dtype), rng.integers(0, 9, (50, 7))
            for i in (index, index.astype(np.int32)):
                close(forms.embedding_grad(g, i, 9, padding), plain(embedding.embedding_grad)(g, i, 9, padding), 50)
        for empty in (g[:0], g[..., :0]):
            got = forms.embedding_grad(empty, index[: len(empty)], 9, padding)
            assert got.shape == (9, empty.shape[-1]) and not got.any()
    assert forms.embedding_grad(g, index, 9, padding, True) is NotImplemented
    assert forms.embedding_grad(g.astype(np.float16), index, 9, padding) is NotImplemented


def test_gradients_flow_through_them(rng):
    x = tour.tensor(rng.standard_normal((200, 100)).astype(np.float32), requires_grad=True)
    index = tour.tensor(rng.integers(0, 100, (200, 100)))
    tour.gather(x, 1, index).sum().backward()
    wanted = np.zeros((200, 100), np.float32)
    np.add.at(wanted, (np.arange(200)[:, None], index.numpy()), 1)
    assert np.array_equal(x.grad.numpy(), wanted)
