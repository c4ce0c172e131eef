"""Shapes, views, orders: PyTorch's answers; views share memory, copies do not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tour

FAMILY = "shaping"


def test_answers_of_pytorch(expression, answer, agrees):
    agrees(expression, answer)


def steps(data, t):
    """A random view of a view of ... a tensor, and what NumPy calls it."""
    a = t._a
    for _ in range(data.draw(st.integers(0, 5))):
        kinds = ["unsqueeze", "squeeze"]
        if a.ndim:
            kinds += ["slice", "flip", "select" if a.size else "slice", "unfold"]
        if a.ndim > 1:
            kinds += ["transpose", "diagonal"]
        kind = data.draw(st.sampled_from(kinds))
        d = data.draw(st.integers(0, max(a.ndim - 1, 0)))
        if kind == "unsqueeze":
            t, a = t.unsqueeze(d), np.expand_dims(a, d)
        elif kind == "squeeze":
            t, a = t.squeeze(), a.squeeze()
        elif kind == "slice":
            index = (slice(None),) * d + (slice(1, None, 2),)
            t, a = t[index], a[index]
        elif kind == "flip":
            index = (slice(None),) * d + (slice(None, None, -1),)
            t, a = t[index], a[index]
        elif kind == "select":
            t, a = t.select(d, -1), np.take(a, -1, d) if a.shape[d] == 0 else a[(slice(None),) * d + (-1, ...)]
        elif kind == "unfold":
            n = data.draw(st.integers(min(1, a.shape[d]), a.shape[d]))
            if n:
                t, a = t.unfold(d, n, 1), np.moveaxis(np.lib.stride_tricks.sliding_window_view(a, n, d), -1, -1)
        elif kind == "transpose":
            t, a = t.transpose(d, -1), a.swapaxes(d, -1)
        else:
            t, a = t.diagonal(0, 0, 1), np.diagonal(a)
    return t, a


@given(st.data())
def test_views_of_views_show_numpy_s_values_and_share_memory(data):
    shape = data.draw(st.lists(st.integers(1, 4), max_size=4))
    base = tour.arange(int(np.prod(shape))).reshape(shape)
    seen, expected = steps(data, base)
    assert seen.shape == expected.shape
    assert np.array_equal(seen.numpy(), expected)
    base.add_(100)
    assert np.array_equal(seen.numpy(), expected)  # which is a view, too
    if seen.numel():
        assert np.shares_memory(seen.numpy(), base.numpy())


@given(st.data())
def test_a_write_through_a_view_lands_in_the_base(data):
    shape = data.draw(st.lists(st.integers(1, 4), max_size=3))
    base = tour.zeros(shape)
    seen, _ = steps(data, base)
    seen[...] = 1
    assert base.sum() == len(set(_places(base, seen)))


def _places(base, seen):
    numbers = tour.arange(base.numel())
    start = (seen.data_ptr() - base.data_ptr()) // 4
    places = np.full(seen.shape, start)
    for axis, step in enumerate(seen.stride()):
        places = places + (np.arange(seen.shape[axis]) * step).reshape(-1, *[1] * (seen.ndim - axis - 1))
    return numbers._a[places.reshape(-1)].tolist()


def test_views_remember_whose_memory_they_share():
    x = tour.zeros(3, 4)
    for seen in (
        x.t(),
        x.expand(2, 3, 4),
        x.diagonal(),
        x.unfold(1, 2, 1),
        x.as_strided((2,), (5,)),
        x[1:].T,
        x.view(-1),
    ):
        assert seen.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
        before = x._version
        if 0 not in seen.stride():
            seen[..., 0] = 1
            assert x._version == before + 1 == seen._version


def test_as_strided_looks_at_the_whole_storage():
    x = tour.arange(6)
    assert x[4:].as_strided((2,), (1,), 0).tolist() == [0, 1]
    with pytest.raises(RuntimeError, match="out of bounds for storage"):
        x.as_strided((3, 3), (2, 1))


def test_in_place_shape_changes_keep_the_tensor():
    x = tour.arange(6).reshape(1, 2, 3)
    assert x.squeeze_(0) is x and x.t_() is x and x.unsqueeze_(-1) is x
    assert x.shape == (3, 2, 1)
    assert x[0, 1, 0] == 3


def test_what_must_copy_copies():
    x = tour.arange(6).reshape(2, 3)
    for copy in (x.t().reshape(6), x.flip(0), x.roll(1), x.repeat(1, 1), x.tril(), x.clone(), x.t().contiguous()):
        assert not np.shares_memory(copy.numpy(), x.numpy())
    for view in (x.reshape(6), x.flatten(), x.view(3, 2), x.contiguous(), x.ravel(), x.unflatten(1, (3, 1))):
        assert np.shares_memory(view.numpy(), x.numpy())


def test_a_large_transpose_is_copied_right():
    x = tour.arange(300 * 301).reshape(300, 301)
    y = x.t().contiguous()
    assert y.is_contiguous() and y.equal(x.t())
