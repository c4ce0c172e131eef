"""The loader in one process: order, options, and positions. Values marked "PyTorch's" are torch 2.13.0's."""

from __future__ import annotations

import multiprocessing

import pytest

import tour
from tour.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    TensorDataset,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")

needs_fork = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="a new process could not import these datasets"
)


def values(loader):
    return [batch.tolist() for batch in loader]


class Squares(Dataset):
    def __len__(self):
        return 10

    def __getitem__(self, i):
        return i * i


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(5))


# --- Order ------------------------------------------------------------------------------------------------------------------


def test_shuffled_order_is_pytorchs():
    tour.manual_seed(0)
    loader = DataLoader(range(6), batch_size=4, shuffle=True)
    assert [values(loader), values(loader)] == [[[0, 4, 3, 5], [2, 1]], [[2, 3, 1, 5], [4, 0]]]  # PyTorch's
    g = tour.Generator().manual_seed(1)
    assert values(DataLoader(range(6), batch_size=4, shuffle=True, generator=g)) == [[0, 4, 5, 1], [2, 3]]  # PyTorch's


def test_batches_of_rows_equal_collated_samples():
    class Slow(TensorDataset):
        def __getitem__(self, i):
            return super().__getitem__(i)

    data = TensorDataset(tour.arange(20.0).reshape(10, 2), tour.arange(10))
    slow = Slow(*data.tensors)
    for fast, plain in ((data, slow), (Subset(data, [3, -1, 5]), Subset(slow, [3, -1, 5]))):
        for a, b in zip(DataLoader(fast, batch_size=2), DataLoader(plain, batch_size=2), strict=True):
            assert type(a) is type(b) is list
            assert [t.tolist() for t in a] == [t.tolist() for t in b]


def test_options():
    assert len(DataLoader(range(10), batch_size=3)) == 4
    assert values(DataLoader(range(5), batch_size=2, drop_last=True)) == [[0, 1], [2, 3]]
    assert list(DataLoader(["a", "b"], batch_size=None)) == ["a", "b"]
    assert values(DataLoader(range(4), batch_sampler=[[3, 0], [1]])) == [[3, 0], [1]]
    assert values(DataLoader(range(9), sampler=[2, 4], batch_size=2)) == [[2, 4]]
    assert list(DataLoader(range(4), batch_size=2, collate_fn=sum)) == [1, 5]
    loader = DataLoader(range(4))
    assert type(loader.sampler) is SequentialSampler
    assert type(DataLoader(range(4), shuffle=True).sampler) is RandomSampler
    assert len(iter(loader)) == 4


def test_everything_that_can_be_pinned_is():
    class Pins(list):
        def pin_memory(self):
            return Pins([*self, "pinned"])

    (batch,) = DataLoader(range(2), batch_size=2, pin_memory=True, collate_fn=lambda b: {"x": (Pins(b), "text")})
    assert batch == {"x": ([0, 1, "pinned"], "text")}
    assert values(DataLoader(range(2), pin_memory=True)) == [[0], [1]]


def test_getitems_is_preferred():
    class Many(Squares):
        def __getitems__(self, indices):
            return [-i for i in indices]

    assert values(DataLoader(Many(), batch_size=5)) == [[0, -1, -2, -3, -4], [-5, -6, -7, -8, -9]]


def test_streams():
    assert values(DataLoader(Stream(), batch_size=2)) == [[0, 1], [2, 3], [4]]
    assert values(DataLoader(Stream(), batch_size=2, drop_last=True)) == [[0, 1], [2, 3]]
    assert list(DataLoader(Stream(), batch_size=None)) == [0, 1, 2, 3, 4]
    with pytest.raises(TypeError):
        len(DataLoader(Stream()))


@pytest.mark.parametrize("error", [ValueError("broken"), StopIteration("broken")])
def test_a_sample_that_cannot_be_read_is_named(error):
    class Faulty(Squares):
        def __getitem__(self, i):
            if i == 5:
                raise error
            return i

    got = []
    with pytest.raises((ValueError, RuntimeError)) as caught:
        for batch in DataLoader(Faulty()):
            got.append(batch.item())
    assert got == [0, 1, 2, 3, 4]
    text = str(caught.value) + "".join(getattr(caught.value, "__notes__", []))
    assert "5" in text
    assert "Faulty" in text


@pytest.mark.parametrize(
    "options",
    [
        {"num_workers": -1},
        {"timeout": -1},
        {"prefetch_factor": 2},
        {"prefetch_factor": 0, "num_workers": 1},
        {"persistent_workers": True},
        {"sampler": [0], "shuffle": True},
        {"batch_sampler": [[0]], "batch_size": 2},
        {"batch_sampler": [[0]], "shuffle": True},
        {"batch_size": None, "drop_last": True},
        {"batch_size": 0},
        {"batch_size": 1.5},
        {"drop_last": 1},
        {"multiprocessing_context": "fork"},
        {"multiprocessing_context": "thread", "num_workers": 1},
        {"dataset": Stream(), "shuffle": True},
        {"dataset": Stream(), "sampler": [1]},
        {"dataset": Stream(), "batch_sampler": [[1]]},
        {"dataset": [], "shuffle": True},
    ],
)
def test_options_that_contradict(options):
    with pytest.raises(ValueError):
        DataLoader(**{"dataset": [1, 2], **options})


def test_an_option_is_not_changed_later():
    loader = DataLoader([1, 2])
    with pytest.raises(ValueError, match="batch_size attribute should not be set"):
        loader.batch_size = 2
    loader.collate_fn = list
    assert list(loader) == [[1], [2]]
    with pytest.raises(TypeError, match="context"):
        DataLoader([1], num_workers=1, multiprocessing_context=3)


# --- Positions --------------------------------------------------------------------------------------------------------------


class Training:
    """Three epochs that draw numbers beside the loader's, and may save where they stand or go on from there."""

    def __init__(self, own_generator, options):
        tour.manual_seed(3)
        self.generator = tour.Generator().manual_seed(4) if own_generator else None
        self.loader = DataLoader(Squares(), batch_size=3, shuffle=True, generator=self.generator, **options)
        self.epoch, self.steps, self.saved = 0, [], None

    def run(self, stop=-1):
        while self.epoch < 3:
            for batch in self.loader:
                self.steps.append([*batch.tolist(), *tour.rand(2).tolist()])
                if len(self.steps) == stop:
                    self.save()
            self.epoch += 1
        return self.steps

    def save(self):
        own = self.generator and self.generator.get_state()
        self.saved = self.epoch, self.loader.state_dict(), tour.get_rng_state(), own

    def restore(self, saved):
        self.epoch, position, state, own = saved
        self.loader.load_state_dict(position)
        tour.set_rng_state(state)
        if self.generator:
            self.generator.set_state(own)


@needs_fork
@pytest.mark.parametrize("stop", [0, 1, 3, 4, 6])
@pytest.mark.parametrize("own_generator", [False, True])
@pytest.mark.parametrize(
    "options",
    [{}, {"num_workers": 2}, {"num_workers": 2, "persistent_workers": True}],
    ids=["here", "workers", "persistent"],
)
def test_training_goes_on_where_it_was(stop, own_generator, options):
    first = Training(own_generator, options)
    if stop == 0:
        first.save()
    whole = first.run(stop)
    assert len(whole) == 12
    second = Training(own_generator, options)
    tour.manual_seed(99)
    second.restore(first.saved)
    if stop:
        assert second.loader.state_dict() == first.saved[1]
    assert second.run() == whole[stop:]


@needs_fork
@pytest.mark.parametrize("workers", [0, 2])
def test_position_in_a_stream(workers):
    loader = DataLoader(Stream(), batch_size=2, num_workers=workers)
    whole, states = [], []
    for batch in loader:
        whole.append(batch.tolist())
        states.append(loader.state_dict())
    for i, state in enumerate(states):
        again = DataLoader(Stream(), batch_size=2, num_workers=workers)
        again.load_state_dict(state)
        assert values(again) == whole[i + 1 :]


def test_position_after_a_break():
    loader = DataLoader(Squares(), batch_size=4)
    for _ in loader:
        break
    assert loader.state_dict()["batches"] == 1
    loader.load_state_dict(loader.state_dict())
    assert values(loader) == [[16, 25, 36, 49], [64, 81]]


def test_between_epochs_there_is_no_position():
    loader = DataLoader(range(3))
    assert loader.state_dict() == {"batches": None}
    list(loader)
    assert loader.state_dict() == {"batches": None}
    loader.load_state_dict({"batches": None})
    assert len(list(loader)) == 3


@pytest.mark.parametrize("state", [{}, {"batches": 3}, {"param_groups": []}])
def test_what_is_no_position(state):
    with pytest.raises(ValueError, match=r"DataLoader\.state_dict"):
        DataLoader(range(3)).load_state_dict(state)
