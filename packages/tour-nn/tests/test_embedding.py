"""Embeddings: second derivatives and errors. Their values are held in test_sequence_golden.py."""

from __future__ import annotations

from typing import Any

import pytest

import tour
import tour.nn.functional as F
from tour import nn
from tour.autograd import gradgradcheck

TABLE = [[1.0, 2.0], [3.0, 4.0]]


def test_gradients_of_gradients() -> None:
    w = tour.randn(4, 3, dtype=tour.float64, requires_grad=True)
    index = tour.tensor([[1, 1], [3, 0]])
    assert gradgradcheck(lambda w: F.embedding(index, w) ** 2, (w,))


def test_the_row_of_the_padding_is_zero_and_stays_so() -> None:
    layer = nn.Embedding(3, 2, padding_idx=-1)
    layer(tour.tensor([2, 0])).sum().backward()
    assert layer.weight[2].tolist() == [0, 0]
    assert layer.weight.grad.tolist() == [[1, 1], [0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda i, w: F.embedding(i + 1, w), IndexError),
        (lambda i, w: F.embedding(i - 1, w), IndexError),
        (lambda i, w: F.embedding(i.float(), w), RuntimeError),
        (lambda i, w: F.embedding(i, w, padding_idx=2), AssertionError),
        (lambda i, w: F.embedding(i, w, sparse=True), RuntimeError),
        (lambda i, w: F.embedding(i, w[0]), RuntimeError),
        (lambda i, w: F.embedding_bag(i, w), ValueError),
        (lambda i, w: F.embedding_bag(i, w, tour.tensor([1])), RuntimeError),
        (lambda i, w: F.embedding_bag(i, w, tour.tensor([0]), mode="x"), ValueError),
        (lambda i, w: F.embedding_bag(i, w, tour.tensor([0]), per_sample_weights=w[0]), NotImplementedError),
        (lambda i, w: F.embedding_bag(i + 1, w, tour.tensor([0])), RuntimeError),
        (lambda i, w: F.one_hot(w), RuntimeError),
        (lambda i, w: F.one_hot(i, 1), RuntimeError),
        (lambda i, w: nn.Embedding(2, 3, padding_idx=5), AssertionError),
    ],
)
def test_errors(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call(tour.tensor([0, 1]), tour.tensor(TABLE))
