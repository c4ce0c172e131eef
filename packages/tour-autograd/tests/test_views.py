"""Writes into tensors with a history, through views and around them: PyTorch's gradients, or its refusals."""

from __future__ import annotations

import pytest

import tour
from tour.autograd import grad, views


@pytest.fixture
def w():
    return tour.tensor([2.0, 3.0], requires_grad=True)


def test_assigning_into_a_buffer_gives_it_a_history(w):
    b = tour.zeros(3)
    b[1] = w[0] * 5
    assert b.requires_grad
    assert grad(b.sum(), w)[0].tolist() == [5.0, 0.0]


def test_a_write_through_a_view_reaches_the_base(w):
    b = tour.zeros(2, 2)
    row = b[0]
    row.copy_(w) if hasattr(row, "copy_") else row.add_(w)
    assert grad((b * b).sum(), w)[0].tolist() == [4.0, 6.0]


def test_a_write_into_the_base_reaches_its_views(w):
    b = w * 1
    view = b[:1]
    b.mul_(10)
    assert grad(view.sum(), w)[0].tolist() == [10.0, 0.0]


def test_a_view_made_before_the_base_had_a_history_gets_one(w):
    b = tour.zeros(2)
    view = b[1:]
    b.add_(w)
    assert view.requires_grad
    assert grad(view.sum(), w)[0].tolist() == [0.0, 1.0]


def test_a_sibling_view_sees_the_write(w):
    b = tour.zeros(2, 2)
    first, second = b[0], b.t()
    first.add_(w)
    assert grad((second * tour.tensor([[1.0, 0.0], [10.0, 0.0]])).sum(), w)[0].tolist() == [1.0, 10.0]


def test_chains_of_views(w):
    b = tour.zeros(4, 2)
    b[1:3].t()[0].mul_(0).add_(w)
    assert b.detach().tolist() == [[0, 0], [2, 0], [3, 0], [0, 0]]
    assert grad((b * b).sum(), w)[0].tolist() == [4.0, 6.0]


def test_a_flat_view_of_a_transposed_base(w):
    b = (tour.zeros(2, 3)).t()
    b[1].add_(w)
    assert grad((b * tour.tensor([[0.0, 0.0], [7.0, 9.0], [0.0, 0.0]])).sum(), w)[0].tolist() == [7.0, 9.0]


def test_a_leaf_refuses_writes(w):
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        w.add_(1)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        w[0].add_(1)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        w[0] = 1
    assert w.tolist() == [2.0, 3.0]
    with tour.no_grad():
        w.add_(1)
    assert w.tolist() == [3.0, 4.0]


def test_a_view_made_under_no_grad_has_no_history(w):
    b = w * 1
    with tour.no_grad():
        view = b[0]
    b.mul_(2)
    assert not view.requires_grad


def test_writing_over_a_value_that_was_not_saved_is_fine(w):
    y = w * 1
    z = (y + y).sum()
    y.mul_(5)
    z.backward()
    assert w.grad.tolist() == [2.0, 2.0]


def test_data_bypasses_the_check(w):
    y = w * 1
    z = (y * y).sum()
    y.data.mul_(2)
    z.backward()
    assert w.grad.tolist() == [8.0, 12.0]


def test_an_optimizer_step_between_forward_and_backward_is_noticed(w):
    z = (w * w).sum()
    with tour.no_grad():
        w.sub_(0.1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


def test_detached_tensors_share_memory_and_its_version(w):
    y = w * 1
    z = (y * y).sum()
    y.detach().mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


def _set(b, w):
    b[0] = w


def _set_masked(b, w):
    b[b == 0] = w[0]


def _add_through_a_row(b, w):
    b[0].add_(w)


def _add_to_a_row(b, w):
    b[0] += w


def _copy_into_a_row(b, w):
    b[:1].copy_(w)


WRITES = [
    _set,
    _set_masked,
    _add_through_a_row,
    _add_to_a_row,
    _copy_into_a_row,
    lambda b, w: b.copy_(w),
    lambda b, w: b.add_(w),
    lambda b, w: b.index_add_(0, tour.tensor([1]), w[None]),
    lambda b, w: b.scatter_add_(0, tour.tensor([[0, 1]]), w[None]),
    lambda b, w: b.masked_scatter_(b == 0, w.expand(2, 2)),
]
BUFFERS = [
    lambda: tour.zeros(2, 2),
    lambda: tour.empty(2, 2).zero_(),
    lambda: tour.zeros(4).view(2, 2),
    lambda: tour.zeros_like(tour.ones(4).reshape(2, 2)),
]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("buffer", BUFFERS)
def test_a_buffer_without_other_views_is_not_searched_for_them(write, buffer, w, monkeypatch):
    searched = []
    monkeypatch.setattr(views, "family", lambda root: searched.append(root) or [])
    b = buffer()
    write(b, w)
    assert b.requires_grad and not searched
    assert grad(b.sum(), w)[0].any()


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("buffer", BUFFERS)
def test_every_view_made_before_a_write_gets_the_history(write, buffer, w):
    b = buffer()
    flat, deep, parts, turned = b.view(4), b[0:][:, 0:], b.split(1), b.T
    write(b, w)
    want = grad(b.sum(), w, retain_graph=True)[0].tolist()
    for view in (flat, deep, turned):
        assert grad(view.sum(), w, retain_graph=True)[0].tolist() == want
    assert grad(parts[0].sum() + parts[1].sum(), w)[0].tolist() == want


def test_the_search_for_views_asks_nothing_of_other_objects(w):
    class Proxy:
        @property
        def __class__(self):
            raise RuntimeError("asked")

    lazy = Proxy()
    b = tour.zeros(2)
    view = b[1:]
    b.add_(w)
    assert view.requires_grad
    del lazy
