"""Samplers draw what torch 2.13.0's draw."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tour
from tour.utils.data import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


def test_orders_are_pytorchs():
    tour.manual_seed(0)
    assert list(RandomSampler(range(6))) == [0, 1, 2, 3, 5, 4]
    assert list(RandomSampler(range(6), replacement=True, num_samples=8)) == [0, 3, 3, 2, 3, 3, 3, 1]
    assert list(RandomSampler(range(4), num_samples=6)) == [3, 2, 0, 1, 1, 2]
    assert list(SubsetRandomSampler([5, 7, 9])) == [7, 9, 5]
    assert list(WeightedRandomSampler([1.0, 2.0, 3.0], 5)) == [2, 2, 1, 1, 2]
    assert list(WeightedRandomSampler([1.0, 2.0, 3.0], 3, replacement=False)) == [2, 1, 0]
    assert list(SequentialSampler("abc")) == [0, 1, 2]


def test_a_sampler_that_may_give_more_than_there_are_covers_all():
    numbers = list(RandomSampler(range(10), num_samples=25))
    assert sorted(numbers[:10]) == sorted(numbers[10:20]) == list(range(10))
    assert len(numbers) == 25


def test_batches():
    assert list(BatchSampler("abcde", 2, drop_last=True)) == [["a", "b"], ["c", "d"]]
    for drop_last in (False, True):
        sampler = BatchSampler(range(7), 3, drop_last)
        assert len(sampler) == len(list(sampler))


@given(st.integers(1, 30), st.integers(1, 7), st.booleans(), st.booleans())
def test_processes_share_the_dataset(n, replicas, shuffle, drop_last):
    parts = [list(DistributedSampler(range(n), replicas, r, shuffle, drop_last=drop_last)) for r in range(replicas)]
    assert len({len(part) for part in parts}) == 1
    everything = [i for part in parts for i in part]
    if drop_last:
        assert len(everything) == len(set(everything)) == n // replicas * replicas
    else:
        assert set(everything) == set(range(n))
        assert len(everything) == math.ceil(n / replicas) * replicas


def test_epochs_of_a_distributed_sampler_differ():
    sampler = DistributedSampler(range(50), 2, 0)
    first = list(sampler)
    assert list(sampler) == first
    sampler.set_epoch(1)
    assert list(sampler) != first


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: RandomSampler([]), ValueError),
        (lambda: RandomSampler([1], num_samples=0), ValueError),
        (lambda: RandomSampler([1], replacement=1), TypeError),
        (lambda: WeightedRandomSampler([[1.0]], 1), ValueError),
        (lambda: WeightedRandomSampler([1.0], True), ValueError),
        (lambda: WeightedRandomSampler([1.0], 1, "no"), TypeError),
        (lambda: BatchSampler([1], 0, False), ValueError),
        (lambda: BatchSampler([1], 1, 1), ValueError),
        (lambda: DistributedSampler([1], 2, 2), ValueError),
        (lambda: iter(Sampler()), NotImplementedError),
    ],
)
def test_bad_arguments(make, error):
    with pytest.raises(error):
        make()
