"""The same program over `tour.utils.data` and `torch.utils.data` sees the same samples in the same order, also in workers."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
import torch.utils.data

import tour
import tour.utils.data

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]


def plain(x):
    """Tensors as lists, so that results of both frameworks can be compared."""
    if hasattr(x, "tolist"):
        return x.tolist()
    if isinstance(x, dict):
        return {key: plain(value) for key, value in x.items()}
    return [plain(value) for value in x] if isinstance(x, (list, tuple)) else x


def shuffled(fw, data):
    fw.manual_seed(3)
    loader = data.DataLoader(data.TensorDataset(fw.arange(23)), batch_size=4, shuffle=True)
    return [[plain(batch) for batch in loader] for _ in range(3)], fw.rand(2).tolist()


def samplers(fw, data, generator=None):
    weights = [i + 0.1 for i in range(23)]
    made = [
        data.RandomSampler(range(23), generator=generator),
        data.RandomSampler(range(23), True, 50, generator=generator),
        data.RandomSampler(range(23), False, 50, generator=generator),
        data.SubsetRandomSampler(list(range(3, 20)), generator=generator),
        data.WeightedRandomSampler(weights, 40, generator=generator),
        data.WeightedRandomSampler(weights, 20, False, generator=generator),
    ]
    loaders = [data.DataLoader(range(23), batch_size=5, sampler=s, generator=generator) for s in made]
    return [[plain(batch) for batch in loader] for loader in loaders], fw.rand(2, generator=generator).tolist()


def from_the_default_generator(fw, data):
    fw.manual_seed(8)
    return samplers(fw, data)


def from_a_generator(fw, data):
    return samplers(fw, data, fw.Generator().manual_seed(5))


def split(fw, data):
    fw.manual_seed(0)
    found = []
    for lengths in ([3, 20], [0.5, 0.3, 0.2], [1.0], [0.2, 0.8], [23, 0]):
        for generator in ({}, {"generator": fw.Generator().manual_seed(42)}):
            found.append([list(part.indices) for part in data.random_split(range(23), lengths, **generator)])
    return found


def distributed(fw, data):
    found = []
    for n in (2, 7, 9):
        for shuffle in (False, True):
            for drop_last in (False, True):
                for rank in range(3):
                    sampler = data.DistributedSampler(range(n), 3, rank, shuffle, seed=4, drop_last=drop_last)
                    sampler.set_epoch(2)
                    found.append((list(sampler), len(sampler)))
    return found


class Draws:
    def __init__(self, fw):
        self.fw = fw

    def __len__(self):
        return 23

    def __getitem__(self, i):
        return {"a": np.arange(3) * i, "n": np.random.rand(), "p": random.random(), "t": self.fw.rand(2), "i": (i,)}


def workers(fw, data, **options):
    fw.manual_seed(0)
    loader = data.DataLoader(Draws(fw), batch_size=4, shuffle=True, num_workers=2, **options)
    return [[plain(batch) for batch in loader] for _ in range(3)], fw.rand(2).tolist()


def persistent(fw, data):
    return workers(fw, data, persistent_workers=True)


def streams(fw, data):
    class Stream(data.IterableDataset):
        def __iter__(self):
            info = data.get_worker_info()
            n = info.id if info else 9
            return iter(range(n * 100, n * 100 + 3 + 5 * n))

    found = []
    for options in (
        {},
        {"num_workers": 3},
        {"num_workers": 2, "drop_last": True},
        {"num_workers": 2, "batch_size": None},
    ):
        loader = data.DataLoader(Stream(), **{"batch_size": 2, **options})
        found.append([[plain(batch) for batch in loader] for _ in range(2)])
    return found


PROGRAMS = [shuffled, from_the_default_generator, from_a_generator, split, distributed, workers, persistent, streams]


@pytest.mark.parametrize("program", PROGRAMS)
def test_both_see_the_same(program):
    assert program(tour, tour.utils.data) == program(torch, torch.utils.data)


def complaint(call):
    try:
        call()
    except Exception as error:
        return type(error)
    return None


@pytest.mark.parametrize(
    "call",
    [
        lambda d: d.DataLoader([1], num_workers=-1),
        lambda d: d.DataLoader([1], timeout=-1),
        lambda d: d.DataLoader([1], prefetch_factor=2),
        lambda d: d.DataLoader([1], persistent_workers=True),
        lambda d: d.DataLoader([1], sampler=[0], shuffle=True),
        lambda d: d.DataLoader([1], batch_sampler=[[0]], batch_size=2),
        lambda d: d.DataLoader([1], batch_size=None, drop_last=True),
        lambda d: d.DataLoader([1], batch_size=0),
        lambda d: d.DataLoader([], shuffle=True),
        lambda d: d.DataLoader([]),
        lambda d: d.RandomSampler([1], replacement=1),
        lambda d: d.RandomSampler([1], num_samples=0),
        lambda d: d.BatchSampler([1], True, False),
        lambda d: d.WeightedRandomSampler([1.0], -1),
        lambda d: d.random_split([1, 2], [1]),
        lambda d: d.random_split([1, 2], [2.0, -1.0]),
        lambda d: d.ConcatDataset([]),
        lambda d: d.ConcatDataset([[1]])[1:2],
        lambda d: d.StackDataset(),
        lambda d: d.StackDataset([1], [1, 2]),
        lambda d: d.Dataset()[0],
        lambda d: d.DistributedSampler([1], 2, 2),
        lambda d: d.default_collate([object()]),
        lambda d: d.default_collate([[1], [1, 2]]),
        lambda d: d.default_collate([np.array(["a"])]),
    ],
)
def test_both_refuse_the_same(call):
    assert complaint(lambda: call(tour.utils.data)) == complaint(lambda: call(torch.utils.data))
