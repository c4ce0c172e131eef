"""A run that is stopped and goes on ends with the same weights, to the last bit."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import tour
from tour import nn, optim
from tour.serialization import FileError
from tour.utils import safetensors
from tour.utils.data import DataLoader, TensorDataset
from tour.utils.run import load_run, save_run


class Run:
    """Training that draws from every stream of random numbers, and saves after each step."""

    def __init__(self, path, seed=0):
        tour.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)
        self.path = path
        self.net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))
        groups = [{"params": list(self.net[0].parameters())}, {"params": list(self.net[3].parameters()), "lr": 0.02}]
        self.optimizer = optim.Adam(groups, lr=0.01, amsgrad=True)
        self.scheduler = optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 20)
        same = tour.Generator().manual_seed(1)
        data = TensorDataset(tour.randn(22, 4, generator=same), tour.randint(2, (22,), generator=same))
        self.loader = DataLoader(data, batch_size=4, shuffle=True, drop_last=True)
        self.parts = {k: getattr(self, v) for k, v in (("model", "net"), ("optimizer", "optimizer"),
                      ("scheduler", "scheduler"), ("loader", "loader"))}  # fmt: skip
        self.epoch = self.step = 0

    def save(self):
        save_run(self.path, **self.parts, extra={"epoch": self.epoch, "step": self.step})

    def load(self):
        extra = load_run(self.path, **self.parts)
        self.epoch, self.step = extra["epoch"], extra["step"]

    def train(self, stop=-1, pause=0.0):
        while self.epoch < 3:
            for x, y in self.loader:
                noise = random.random() + np.random.rand()
                loss = nn.functional.cross_entropy(self.net(x * (1 + 0.1 * noise)), y)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                self.scheduler.step()
                self.step += 1
                time.sleep(pause)
                self.save()
                if self.step == stop:
                    return None
            self.epoch += 1
        return {name: t.numpy().tobytes() for name, t in self.net.state_dict().items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return Run(tmp_path_factory.mktemp("whole") / "run.safetensors").train()


@pytest.mark.parametrize("stop", range(1, 16))
def test_stopped_after_any_step_it_ends_the_same(tmp_path, whole, stop):
    path = tmp_path / "run.safetensors"
    Run(path).train(stop)
    again = Run(path, seed=stop)
    again.load()
    assert again.step == stop
    assert again.train() == whole


KILLED = """
import sys
sys.path.insert(0, sys.argv[2])
from test_run import Run
run = Run(sys.argv[1])
try:
    run.load()
except FileNotFoundError:
    pass
print("ready", flush=True)
run.train(pause=0.02)
print("done", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_killed_again_and_again_it_ends_the_same(tmp_path, whole):
    path, chance = tmp_path / "run.safetensors", random.Random(0)
    for attempt in range(4):
        command = [sys.executable, "-c", KILLED, str(path), os.path.dirname(__file__)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "ready\n"
            if attempt < 3:  # the last time it may finish
                time.sleep(chance.random() * 0.2)
                process.send_signal(signal.SIGKILL)
            if process.stdout.read() == "done\n":
                break
    final = Run(path)
    final.load()
    assert {name: t.numpy().tobytes() for name, t in final.net.state_dict().items()} == whole
    assert not [name for name in os.listdir(tmp_path) if not name.endswith((".safetensors", ".tmp"))]


def small(order=(0, 1)):
    tour.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    parameters = [p for i in order for p in net[i].parameters()]
    return net, optim.SGD(parameters, lr=0.1, momentum=0.9)


def stepped(net, optimizer, count):
    for i in range(count):
        optimizer.zero_grad()
        (net(tour.full((1, 2), float(i))) ** 2).sum().backward()
        optimizer.step()
    return [p.tolist() for p in net.parameters()]


def test_parameters_in_another_order(tmp_path):
    path = tmp_path / "a.safetensors"
    net, optimizer = small()
    stepped(net, optimizer, 2)
    save_run(path, model=net, optimizer=optimizer)
    expected = stepped(net, optimizer, 2)
    other, reordered = small(order=(1, 0))
    load_run(path, model=other, optimizer=reordered)
    assert stepped(other, reordered, 2) == expected


def test_several_optimizers_and_what_else_there_is(tmp_path):
    path = tmp_path / "a.safetensors"
    net, _ = small()
    both = {"first": optim.Adam(net[0].parameters()), "second": optim.SGD(net[1].parameters(), lr=1.0)}
    generator = tour.Generator().manual_seed(3)
    loader = DataLoader(range(10), shuffle=True, generator=generator)
    list(loader)
    extra = {"history": [1.5, float("inf"), float("nan")], 7: (True, None, "ä"), "best": tour.ones(2), "big": 2**80}
    save_run(path, model=net, optimizer=both, loader={"train": loader}, extra=extra)
    order = [b.item() for b in loader]
    got = load_run(path, model=net, optimizer=both, loader={"train": loader})
    assert [b.item() for b in loader] == order
    assert repr({**got, "best": 0}) == repr({**extra, "best": 0})
    assert got["best"].tolist() == [1, 1]


def test_nothing_in_the_file_can_run(tmp_path):
    path = tmp_path / "a.safetensors"
    net, optimizer = small()
    save_run(path, model=net, optimizer=optimizer)
    content = path.read_bytes()
    assert b"\x80\x04" not in content[:8]  # no pickle
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert set(header) >= {"__metadata__", "model.0.weight"}


def other_shape():
    return nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 1))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda p: p.update(model=other_shape(), optimizer=None), "none was given"),
        (
            lambda p: p.update(model=nn.Linear(2, 3), optimizer=optim.SGD([tour.ones(1).requires_grad_()])),
            "has no 'bias'",
        ),
        (lambda p: p["model"].append(nn.Linear(1, 1)), "has no '2.bias'"),
        (lambda p: p.update(optimizer=optim.SGD(p["model"][0].parameters(), lr=1.0)), "groups were"),
        (lambda p: p.update(scheduler=optim.lr_scheduler.StepLR(p["optimizer"], 1)), "for scheduler"),
    ],
)
def test_what_does_not_fit_changes_nothing(tmp_path, change, says):
    path = tmp_path / "a.safetensors"
    net, optimizer = small()
    stepped(net, optimizer, 1)
    save_run(path, model=net, optimizer=optimizer)
    parts = dict(zip(("model", "optimizer"), small(), strict=True))
    change(parts)
    before = [p.tolist() for p in parts["model"].parameters()], tour.get_rng_state().tolist()
    with pytest.raises(ValueError, match=says):
        load_run(path, **parts)
    assert ([p.tolist() for p in parts["model"].parameters()], tour.get_rng_state().tolist()) == before


def test_a_shape_that_does_not_fit(tmp_path):
    path = tmp_path / "a.safetensors"
    save_run(path, model=small()[0])
    with pytest.raises(ValueError, match=r"has the shape \[3"):
        load_run(path, model=other_shape())


def test_what_cannot_be_kept(tmp_path):
    net, optimizer = small()
    with pytest.raises(TypeError, match=r"extra\.what is a set"):
        save_run(tmp_path / "a", model=net, extra={"what": {1}})
    with pytest.raises(TypeError, match="key"):
        save_run(tmp_path / "a", model=net, extra={(1, 2): 3})
    with pytest.raises(ValueError, match="parameter 2 of group 0"):
        save_run(tmp_path / "a", model=net[0], optimizer=optimizer)
    assert not os.listdir(tmp_path)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    net, _ = small()
    safetensors.save_file({"a": tour.ones(1)}, path)
    with pytest.raises(FileError, match="save_run did not write it"):
        load_run(path, model=net)
    safetensors.save_file({}, path, {"tour.run": "2"})
    with pytest.raises(FileError, match="newer"):
        load_run(path, model=net)
    for structure in ("{", "[]", '{"dict": []}', '{"tensor": "a"}'):
        safetensors.save_file({}, path, {"tour.run": "1", "structure": structure})
        with pytest.raises(FileError, match="structure is damaged"):
            load_run(path, model=net)
