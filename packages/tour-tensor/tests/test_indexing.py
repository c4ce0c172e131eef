"""Reading and writing by index: NumPy's values and aliasing; PyTorch's answers where the two disagree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tour

FAMILY = "indexing"


def test_answers_of_pytorch(expression, answer, agrees):
    agrees(expression, answer)


shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


@st.composite
def basic(draw):
    """A shape, and integers, slices with steps of both signs, None and `...` to index it."""
    shape = draw(shapes)
    return shape, draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))


@st.composite
def advanced(draw):
    """A shape, and index arrays beside slices; or a mask."""
    shape = draw(shapes)
    if draw(st.booleans()):
        return shape, draw(hnp.arrays(bool, shape[: draw(st.integers(1, len(shape)))]))
    common = draw(st.lists(st.integers(1, 3), max_size=2).map(tuple))
    items = []
    for n in shape:
        if draw(st.booleans()):
            items.append(draw(hnp.arrays(np.int64, common or (1,), elements=st.integers(-n, n - 1))))
        else:
            items.append(draw(st.slices(n)))
    return shape, tuple(items)


def numbered(shape):
    return tour.arange(int(np.prod(shape))).reshape(shape)


@given(basic())
def test_basic_indices_give_numpy_s_views(case):
    shape, index = case
    x = numbered(shape)
    a = x.numpy().copy()
    seen = x[index]
    assert np.array_equal(seen.numpy(), a[index])
    if seen.numel():
        assert np.shares_memory(seen.numpy(), x.numpy())
        assert seen.stride() == tuple(s // 8 for s in np.asarray(a[index]).strides) or 1 in seen.shape


@given(basic(), st.booleans())
def test_assignments_by_basic_indices_are_numpy_s(case, number):
    shape, index = case
    x = numbered(shape)
    a = x.numpy().copy()
    part = np.asarray(a[index])
    value = np.asarray(-1 if number else -1 - np.arange(part.size).reshape(part.shape))
    x[index] = -1 if number else tour.from_numpy(value)
    a[index] = value
    assert np.array_equal(x.numpy(), a)


@given(advanced())
def test_index_arrays_and_masks_give_numpy_s_copies(case):
    shape, index = case
    x = numbered(shape)
    a = x.numpy().copy()
    seen = x[index]
    assert np.array_equal(seen.numpy(), a[index])
    as_tensors = tuple(map(_tensor, index)) if isinstance(index, tuple) else _tensor(index)
    assert x[as_tensors].equal(seen)
    seen.zero_()
    if any(isinstance(i, np.ndarray) for i in (index if isinstance(index, tuple) else (index,))):
        assert np.array_equal(x.numpy(), a)


def _tensor(i):
    return tour.from_numpy(i) if isinstance(i, np.ndarray) else i


@given(advanced())
def test_assignments_by_index_arrays_and_masks_are_numpy_s(case):
    shape, index = case
    x = numbered(shape)
    a = x.numpy().copy()
    x[index] = -1
    a[index] = -1
    assert np.array_equal(x.numpy(), a)


@given(advanced())
def test_putting_with_accumulation_counts_every_place(case):
    shape, index = case
    got = tour.zeros(shape).index_put(
        index if isinstance(index, tuple) else (index,), tour.tensor(1.0), accumulate=True
    )
    expected = np.zeros(shape)
    np.add.at(expected, index, 1)
    assert np.array_equal(got.numpy(), expected)


@given(shapes, st.data())
def test_gather_and_scatter_undo_each_other(shape, data):
    x = numbered(shape).double()
    dim = data.draw(st.integers(0, len(shape) - 1))
    index = x.double().neg().argsort(dim)
    assert tour.zeros_like(x).scatter(dim, index, x.gather(dim, index)).equal(x)
    assert tour.zeros_like(x).scatter_add(dim, index, x.gather(dim, index)).equal(x)
    assert np.array_equal(x.gather(dim, index).numpy(), np.take_along_axis(x.numpy(), index.numpy(), dim))


def test_a_refused_write_leaves_its_tensor_untouched():
    x = tour.zeros(3)
    for write in (
        lambda: x.__setitem__(slice(2), tour.ones(3)),
        lambda: x.__setitem__(5, 1),
        lambda: x.index_add_(0, tour.tensor([0, 7]), tour.ones(2)),
        lambda: x.scatter_(0, tour.tensor([1, -1]), 5.0),
        lambda: x.index_copy_(0, tour.tensor([0, 1]), tour.ones(3)),
        lambda: x.masked_scatter_(tour.tensor([True, True, True]), tour.ones(2)),
        lambda: x.put_(tour.tensor([0, 9]), tour.ones(2)),
        lambda: x.copy_(tour.ones(2, 2)),
        lambda: x.fill_(1j),
        lambda: x.index_put_((tour.tensor([0, 3]),), tour.tensor(1.0)),
    ):
        with pytest.raises((IndexError, RuntimeError)):
            write()
        assert x.tolist() == [0.0, 0.0, 0.0]


def test_memory_that_must_not_be_written():
    a = np.zeros(2)
    a.flags.writeable = False
    t = tour.from_numpy(a)
    for write in (lambda: t.zero_(), lambda: t.fill_(1), lambda: t.copy_(tour.ones(2)), lambda: t.__setitem__(0, 1.0)):
        with pytest.raises(RuntimeError, match="read-only"):
            write()
    with pytest.raises(RuntimeError, match="single memory location"):
        tour.zeros(1).expand(3).fill_(1)


def test_sequences_of_tensors_and_strange_integers_index():
    x = tour.arange(12).reshape(3, 4)
    assert x[[tour.tensor(0), tour.tensor(2)]] == 2  # a list of tensors stands for a tuple, as in PyTorch
    assert x[np.int64(1), np.uint8(2)] == 6
    assert x[tour.tensor(1)].shape == (4,)
    assert x[tour.tensor(1) : tour.tensor(3)].shape == (2, 4)
    assert x[range(2)].shape == (2, 4)
    assert x[tour.tensor([1, 0, 1], dtype=tour.uint8)].shape == (2, 4)  # a mask, as in PyTorch


@pytest.mark.parametrize("shape", [(300,), (20, 30), (7, 9, 11), (2, 1, 200), (300, 0), (5, 3)])
def test_nonzero_gives_the_places_in_order(shape):
    rng = np.random.default_rng(0)
    for dtype in (np.bool_, np.float32, np.int64):
        a = (rng.random(shape) < 0.3).astype(dtype)
        for view in (a, np.asfortranarray(a), a[::2]):
            got = tour.nonzero(tour.from_numpy(view))
            assert got.dtype is tour.int64 and np.array_equal(got.numpy(), np.argwhere(view))
