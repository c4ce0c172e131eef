"""Writes into tensors with a history, through views and around them: PyTorch's gradients, or its refusals."""

from __future__ import annotations

import pytest

import tour
from tour.autograd import grad


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
