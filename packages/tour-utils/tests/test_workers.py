"""Worker processes: what they give, and that none of their ends is a hang. Values marked "PyTorch's" are torch 2.13.0's."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import tour
from tour.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

FORKS = "fork" in multiprocessing.get_all_start_methods()
LINUX = sys.platform == "linux"

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning"),
    pytest.mark.skipif(not FORKS, reason="a new process could not import these datasets"),
]


@pytest.fixture(autouse=True)
def fork(monkeypatch):
    """Start workers by fork unless a test says otherwise; and see that none is left."""
    monkeypatch.setattr(
        multiprocessing, "get_context", lambda method="fork", get=multiprocessing.get_context: get(method)
    )
    yield
    gc.collect()
    assert not multiprocessing.active_children()


def values(loader):
    return [batch.tolist() for batch in loader]


class Squares(Dataset):
    def __len__(self):
        return 10

    def __getitem__(self, i):
        return i * i


class Faulty(Dataset):
    """Does something odd at one sample."""

    def __init__(self, deed):
        self.deed = deed

    def __len__(self):
        return 8

    def __getitem__(self, i):
        return self.deed() if i == 5 else i


def test_workers_keep_the_order():
    def run(**options):
        tour.manual_seed(0)
        loader = DataLoader(Squares(), batch_size=3, shuffle=True, **options)
        return [values(loader) for _ in range(3)]

    alone, helped, kept = run(), run(num_workers=2), run(num_workers=2, persistent_workers=True)
    assert helped == alone
    assert kept[0] == alone[0]  # they draw their seed once, as PyTorch's, so later epochs differ
    assert sorted(x for batch in kept[2] for x in batch) == [i * i for i in range(10)]


def test_random_numbers_of_workers_are_pytorchs():
    class Draws(Dataset):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            return [float(tour.rand(())), float(np.random.rand())]

    tour.manual_seed(0)
    (a, b), (c, d) = DataLoader(Draws(), num_workers=2)
    drawn = [t.item() for t in (a, c, b, d)]
    assert drawn == [0.7821398973464966, 0.6938178539276123, 0.8371640508861415, 0.6702704958690073]  # PyTorch's


class Stream(IterableDataset):
    """Worker w gives 10 w, 10 w + 1, ...: as many as its number and one."""

    def __iter__(self):
        start = 10 * get_worker_info().id
        return iter(range(start, start + 1 + start // 10))


def test_streams():
    assert values(DataLoader(Stream(), num_workers=3)) == [[0], [10], [20], [11], [21], [22]]
    assert values(DataLoader(Stream(), batch_size=2, num_workers=3, drop_last=True)) == [[10, 11], [20, 21]]
    assert list(DataLoader(Stream(), batch_size=None, num_workers=2)) == [0, 10, 11]
    kept = DataLoader(Stream(), batch_size=2, num_workers=2, persistent_workers=True)
    assert values(kept) == values(kept) == [[0], [10, 11]]


def test_large_arrays_come_through_shared_memory_and_can_be_written():
    class Large(Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return {"a": np.full((200, 100), i, np.float32), "b": tour.full((3,), i), "c": str(i)}

    batches = list(DataLoader(Large(), batch_size=2, num_workers=2))
    for i, batch in enumerate(batches):
        assert batch["a"].shape == (2, 200, 100)
        assert batch["a"][:, 0, 0].tolist() == [2 * i, 2 * i + 1]
        assert batch["b"].tolist() == [[2 * i] * 3, [2 * i + 1] * 3]
        assert batch["c"] == [str(2 * i), str(2 * i + 1)]
        batch["a"] += 1
    assert batches[0]["a"][0, 0, 0] == 1
    assert not LINUX or "tour-batch" in Path("/proc/self/maps").read_text()


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_memory_of_batches_is_given_back():
    class Large(Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, i):
            return np.zeros(1 << 16)

    descriptors = len(os.listdir("/proc/self/fd"))
    for batch in DataLoader(Large(), num_workers=2):
        assert batch.shape == (1, 1 << 16)
    del batch
    gc.collect()
    assert "tour-batch" not in Path("/proc/self/maps").read_text()
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_spawned_workers():
    options = {"collate_fn": list, "worker_init_fn": abs}  # which a new process finds by name
    loader = DataLoader(list(range(5)), 2, num_workers=1, multiprocessing_context="spawn", **options)
    assert list(loader) == [[0, 1], [2, 3], [4]]


def test_what_a_spawned_worker_cannot_get():
    loader = DataLoader([1], num_workers=1, multiprocessing_context="spawn", collate_fn=lambda batch: batch)
    with pytest.raises(TypeError, match="must be picklable where worker processes start by 'spawn'"):
        iter(loader)


def test_worker_info_and_init():
    class Who(Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            info = get_worker_info()
            return info.id, info.num_workers, info.seed, len(info.dataset)

    started = multiprocessing.get_context("fork").SimpleQueue()
    rows = [[int(x) for x in row] for row in DataLoader(Who(), num_workers=2, worker_init_fn=started.put)]
    assert [row[:2] + row[3:] for row in rows] == [[0, 2, 4], [1, 2, 4]] * 2
    assert rows[1][2] == rows[0][2] + 1
    assert {started.get(), started.get()} == {0, 1}
    assert get_worker_info() is None


def test_workers_end_with_the_loop():
    for _ in DataLoader(Squares(), num_workers=2):
        assert len(multiprocessing.active_children()) == 2
        break
    gc.collect()
    assert not multiprocessing.active_children()
    loader = DataLoader(Squares(), num_workers=2, persistent_workers=True)
    for _ in range(2):
        list(loader)
        assert len(multiprocessing.active_children()) == 2


def test_persistent_workers_after_a_break():
    loader = DataLoader(Squares(), num_workers=2, persistent_workers=True)
    for batch in loader:
        if batch.item() == 4:
            break
    assert values(loader) == [[i * i] for i in range(10)]


def test_batches_as_they_come():
    class Uneven(Squares):
        def __getitem__(self, i):
            time.sleep(0.3 if i == 0 else 0)
            return i

    got = [b.item() for b in DataLoader(Uneven(), num_workers=2, in_order=False)]
    assert sorted(got) == list(range(10))
    assert got[0] != 0


# --- Failures ---------------------------------------------------------------------------------------------------------------


class TwoArgumentsError(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


def raising(error):
    def deed():
        raise error

    return Faulty(deed)


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (ValueError("broken image"), ValueError),
        (KeyError("broken image"), KeyError),
        (StopIteration("broken image"), RuntimeError),
        (TwoArgumentsError("broken image", 2), RuntimeError),
        (type("LocalError", (Exception,), {})("broken image"), RuntimeError),
    ],
)
def test_a_dataset_that_raises(error, raised):
    got = []
    with pytest.raises(raised) as caught:
        for batch in DataLoader(raising(error), num_workers=2):
            got.append(batch.item())
    text = str(caught.value)
    assert got == [0, 1, 2, 3, 4]
    assert "in DataLoader worker process 1" in text
    assert "Faulty" in text
    assert "in deed" in text  # the worker's traceback
    assert "broken image" in text


def test_a_loop_may_go_on_after_a_sample_that_raises():
    got, iterator = [], iter(DataLoader(raising(ValueError("broken")), num_workers=2))
    while len(got) < 8:
        try:
            got.append(next(iterator).item())
        except ValueError:
            got.append(None)
    assert got == [0, 1, 2, 3, 4, None, 6, 7]


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), r"killed by signal: Killed.* \(SIGKILL\)"),
        (lambda: os._exit(3), "exited unexpectedly with exit code 3"),
        (lambda: os._exit(0), "exited unexpectedly with exit code 0"),
        (lambda: sys.exit("enough"), "Caught SystemExit in DataLoader worker process 1"),
        (lambda: threading.Lock(), r"(?s)Caught TypeError.*pickle.*lock"),
    ],
    ids=["SIGKILL", "_exit(3)", "_exit(0)", "sys.exit", "unpicklable"],
)
def test_a_worker_that_dies(deed, says):
    started = time.monotonic()
    got = []
    with pytest.raises((RuntimeError, TypeError), match=says):
        for batch in DataLoader(Faulty(deed), num_workers=2, collate_fn=list):
            got += batch
    assert got == list(range(5))[: len(got)]
    assert time.monotonic() - started < 30


def test_a_worker_that_dies_when_it_starts():
    with pytest.raises(RuntimeError, match="exit code 7"):
        list(DataLoader(Squares(), num_workers=2, worker_init_fn=lambda i: os._exit(7)))

    def init(i):
        raise ValueError("no such camera")

    with pytest.raises(ValueError, match="no such camera"):
        list(DataLoader(Squares(), num_workers=2, worker_init_fn=init))


def test_the_next_loop_has_new_workers():
    class Once(Squares):
        def __getitem__(self, i):
            if i == 2 and not tries:
                os._exit(1)
            return i

    tries = []
    loader = DataLoader(Once(), num_workers=1, persistent_workers=True)
    with pytest.raises(RuntimeError):
        list(loader)
    tries.append(1)
    assert values(loader) == [[i] for i in range(10)]


def test_timeout():
    loader = DataLoader(Faulty(lambda: time.sleep(60)), num_workers=1, timeout=0.5)
    started = time.monotonic()
    with pytest.raises(RuntimeError, match=r"timed out after 0\.5 seconds"):
        list(loader)
    assert time.monotonic() - started < 30


class Trap:
    def __reduce__(self):
        return int, ("no number",)


def test_a_batch_that_cannot_be_unpickled_here():
    loader = DataLoader(Faulty(Trap), num_workers=2, collate_fn=list)
    with pytest.raises(ValueError, match="while unpickling a batch"):
        list(loader)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_workers_do_not_outlive_the_main_process(tmp_path):
    pids = tmp_path / "pids"

    def main():
        iterator = iter(DataLoader(Faulty(lambda: time.sleep(60)), num_workers=2))
        next(iterator)
        pids.write_text(" ".join(str(p.pid) for p in iterator.pool.processes))
        os.kill(os.getpid(), signal.SIGKILL)

    process = multiprocessing.get_context("fork").Process(target=main)
    process.start()
    process.join(30)
    workers = pids.read_text().split()
    assert len(workers) == 2
    deadline = time.monotonic() + 20
    while any(map(is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, workers))
