"""Datasets and what is made of them; values marked "PyTorch's" are torch 2.13.0's."""

from __future__ import annotations

import re

import pytest

import tour
from tour.utils.data import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)


class Stream(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.n


def test_a_dataset_without_getitem_says_whose_fault_it_is():
    class Empty(Dataset):
        pass

    with pytest.raises(NotImplementedError, match="Empty"):
        Empty()[0]


def test_tensor_dataset():
    data = TensorDataset(tour.arange(6).reshape(3, 2), tour.tensor([5.0, 6.0, 7.0]))
    assert len(data) == 3
    x, y = data[1]
    assert (x.tolist(), y.item()) == ([2, 3], 6.0)
    with pytest.raises(AssertionError, match=re.escape("[3], [4]")):
        TensorDataset(tour.zeros(3), tour.zeros(4))
    for bad in ((), (tour.tensor(1.0),)):
        with pytest.raises(ValueError, match="at least one dimension"):
            TensorDataset(*bad)


def test_stack_dataset():
    assert StackDataset([1, 2], "ab")[1] == (2, "b")
    assert len(StackDataset(x=[1, 2])) == 2
    for args, kwargs in (((), {}), (([1],), {"x": [1]}), (([1], [1, 2]), {})):
        with pytest.raises(ValueError):
            StackDataset(*args, **kwargs)


def test_concat_dataset_finds_its_samples():
    data = Subset([1, 2, 3], [0, 2]) + Subset("ab", [1])
    assert [data[i] for i in range(-3, 3)] == [1, 3, "b"] * 2
    assert data.cumulative_sizes == [2, 3]
    with pytest.raises(IndexError, match="3 samples"):
        data[3]
    with pytest.raises(AssertionError, match="empty"):
        ConcatDataset([])
    with pytest.raises(AssertionError, match="ChainDataset"):
        ConcatDataset([Stream(2)])


def test_concat_dataset_skips_empty_parts():
    assert [ConcatDataset([[], [1], [], [2]])[i] for i in (0, 1)] == [1, 2]


def test_chain_dataset():
    data = Stream(2) + Stream(1)
    assert (list(data), len(data)) == ([0, 1, 0], 3)
    with pytest.raises(AssertionError, match="list"):
        list(ChainDataset([[1]]))


def test_subset_of_a_subset():
    data = Subset(Subset("abcd", [3, 2, 1]), [2, 0])
    assert [data[0], data[1], len(data)] == ["b", "d", 2]
    assert data.__getitems__([1, 0]) == ["d", "b"]


def test_random_split_is_pytorchs():
    tour.manual_seed(0)
    parts = random_split(range(10), [3, 7])
    assert [list(p.indices) for p in parts] == [[4, 1, 7], [5, 3, 9, 0, 8, 6, 2]]  # PyTorch's
    assert [len(p) for p in random_split(range(10), [0.35, 0.35, 0.3])] == [4, 3, 3]
    assert [len(p) for p in random_split(range(7), [0.5, 0.5])] == [4, 3]


@pytest.mark.parametrize("lengths", [[3, 8], [0.5, 0.4], [1.5, -0.5], []])
def test_random_split_refuses_lengths_that_do_not_fit(lengths):
    with pytest.raises(ValueError, match=r"Sum of input lengths|Fraction at index 0"):
        random_split(range(10), lengths)
