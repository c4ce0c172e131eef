"""Embedding, gather, scatter and their like: the CUDA sources, run on the CPU through their Python callers, against NumPy."""

from __future__ import annotations

import inspect

import ml_dtypes
import numpy as np
import pytest

from tour.cuda import _faults
from tour.cuda.forms import indexing
from tour.nn.kernels import embedding as tables
from tour.ops import filling, gathering, index_writing, scattering

rng = np.random.default_rng(0)


def normal(*shape, dtype=np.float32):
    return rng.standard_normal(shape).astype(dtype)


def same(actual, expected, rtol=1e-6):
    assert actual.shape == expected.shape and actual.dtype == expected.dtype
    np.testing.assert_allclose(actual.astype("f8"), expected.astype("f8"), rtol=rtol, atol=1e-6)


def oracle(kernel):
    return inspect.unwrap(kernel)


@pytest.mark.parametrize("shape", [(7,), (2, 300), (0,), ()])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
def test_embedding_and_its_gradient(simulated, shape, dtype):
    table, index = normal(11, 5, dtype=dtype), rng.integers(0, 11, shape)
    same(np.asarray(indexing.embedding(table, index)), oracle(tables.embedding)(table, index))
    g = normal(*shape, 5, dtype=dtype)
    for padding, by_frequency in ((None, False), (3, False), (None, True)):
        expected = oracle(tables.embedding_grad)(g, index, 11, padding, by_frequency)
        same(
            indexing.embedding_grad(g, index, 11, padding, by_frequency),
            expected,
            1e-3 if dtype == np.float16 else 1e-5,
        )


def test_indices_of_32_bits(simulated):
    table, index = normal(4, 3), np.array([3, 0], np.int32)
    same(indexing.embedding(table, index), table[index])


@pytest.mark.parametrize(
    ("shape", "dim", "index_shape"), [((4, 5), 1, (4, 9)), ((4, 5), 0, (2, 3)), ((3, 6, 2), 1, (2, 4, 2))]
)
@pytest.mark.parametrize("dtype", [np.float32, np.int64, ml_dtypes.bfloat16])
def test_gather_and_scatter(simulated, shape, dim, index_shape, dtype):
    a = (10 * normal(*shape)).astype(dtype)
    index = np.argsort(rng.random((*index_shape[:dim], shape[dim], *index_shape[dim + 1 :])), dim)
    index = np.take(index, range(min(index_shape[dim], shape[dim])), dim)  # no place twice
    same(indexing.gather(a, dim, index), oracle(gathering._gather)(a, dim, index))
    src, expected = (10 * normal(*index.shape)).astype(dtype), a.copy()
    oracle(scattering._scatter)(expected, dim, index, src)
    assert indexing.scatter(a, dim, index, src) is None
    same(a, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_adding_where_places_come_several_times(simulated, dtype):
    index, src = rng.integers(0, 4, (6, 5)), normal(6, 5, dtype=dtype)
    for a in (normal(4, 7, dtype=dtype), normal(7, 4, dtype=dtype).T):  # contiguous, and not
        expected = a.copy()
        oracle(scattering._scatter_add)(expected, 0, index, src)
        assert indexing.scatter_add(a, 0, index, src) is None
        same(a, expected, 1e-5 if dtype == np.float32 else 2e-3)


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_whole_slices(simulated, dim):
    a = normal(4, 5, 6)
    index = rng.integers(0, a.shape[dim], 3)
    src = normal(*a.shape[:dim], 3, *a.shape[dim + 1 :])
    same(indexing.take_slices(a, dim, index), np.take(a, index, dim))
    expected = a.copy()
    oracle(index_writing._index_add)(expected, dim, index, src, 2.0)
    assert indexing.index_add(a, dim, index, src, 2.0) is None
    same(a, expected)
    once = np.array([2, 0, 1])
    expected = a.copy()
    oracle(index_writing._index_write)(expected, dim, once, src)
    assert indexing.index_write(a, dim, once, src) is None
    same(a, expected)


def test_places_counted_over_all_elements(simulated):
    a, index, src = normal(4, 5), np.array([3, -1, 3]), normal(3)
    expected = a.copy()
    oracle(filling._put)(expected, index, src, True)
    indexing.put(a, index, src, True)
    same(a, expected)
    indexing.put(a, index[:2], src[:2], False)
    assert a[0, 3] == src[0] and a[3, 4] == src[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: indexing.embedding(normal(4, 2), np.array([1, 4])),
            r"index 4 is out of range for an embedding table of 4 rows",
        ),
        (
            lambda: indexing.gather(normal(3), 0, np.array([-1])),
            r"index -1 is out of bounds for a dimension of size 3, in gather",
        ),
        (
            lambda: indexing.scatter_add(normal(3), 0, np.array([9]), normal(1)),
            r"index 9 is out of bounds .* size 3, in scatter",
        ),
        (lambda: indexing.index_add(normal(3), 0, np.array([3]), normal(1), 1), r"index 3 is out of bounds"),
        (
            lambda: indexing.put(normal(3), np.array([-4]), normal(1), False),
            r"place -1 is out of bounds for a tensor of 3",
        ),
    ],
)
def test_an_index_out_of_range_is_raised_at_the_next_synchronisation(simulated, call, message):
    call()
    with pytest.raises(IndexError, match=message):
        _faults.check()
    _faults.check()


def test_the_first_fault_is_the_one_that_is_told(simulated):
    indexing.gather(normal(3), 0, np.array([7]))
    indexing.gather(normal(3), 0, np.array([8]))
    with pytest.raises(IndexError, match="index 7"):
        _faults.check()
