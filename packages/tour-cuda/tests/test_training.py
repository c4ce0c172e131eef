"""Networks and optimizers trained on the fake device and on the CPU: the same numbers, and no step waits or transfers."""

from __future__ import annotations

import numpy as np
import pytest

import tour
import tour.nn.functional as F
from tour import nn, optim


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.memory, self.out = nn.Embedding(7, 6), nn.LSTM(6, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x):
        return self.out(self.memory(self.table(x))[0][:, -1])


class Attending(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(7, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        return self.out(self.layer(self.table(x)).mean(1))


NETWORKS = {
    "perceptron": (
        lambda: nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 3)), lambda: tour.randn(5, 6),
    ),
    "convolutions": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)
        ),
        lambda: tour.randn(5, 1, 6, 6),
    ),
    "lstm": (Words, lambda: tour.randint(7, (5, 4))),
    "transformer": (Attending, lambda: tour.randint(7, (5, 4))),
}  # fmt: skip


def train(make, data, device, optimizer=lambda p: optim.SGD(p, lr=0.1, momentum=0.9), steps=4, watch=None):
    tour.manual_seed(0)
    net, x, y = make().double(), data(), tour.randint(3, (5,))
    net, x, y = net.to(device), (x.double() if x.is_floating_point() else x).to(device), y.to(device)
    chosen, losses = optimizer(net.parameters()), []
    for step in range(steps):
        if watch is not None and step == 2:  # the first steps send tables and make state
            watch.clear()
        chosen.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        chosen.step()
        losses.append(loss.detach())
    seen = {k: v for k, v in (watch or {}).items() if k != "launch"}
    return [t.item() for t in losses], seen


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_trains_there_as_here(fake, name):
    here, _ = train(*NETWORKS[name], "cpu")
    there, seen = train(*NETWORKS[name], "cuda", watch=fake.counts)
    np.testing.assert_allclose(there, here, rtol=1e-9)
    assert seen == {}, "a step waited for the device, or copied"


OPTIMIZERS = {
    "Adadelta": {}, "Adagrad": {}, "Adam": {}, "AdamW": {"amsgrad": True}, "Adamax": {}, "ASGD": {}, "NAdam": {}, "RAdam": {},
    "RMSprop": {"centered": True, "momentum": 0.5}, "Rprop": {}, "SGD": {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    "Adafactor": {}, "LBFGS": {},
}  # fmt: skip
WAITING = {"Adafactor", "LBFGS"}  # decide by numbers: by norms of the parameters, or along a line


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_steps_there_as_here(fake, name):
    def steps(device, watch=None):
        values = np.random.default_rng(0).normal(size=(2, 3, 4))
        params = [tour.tensor(v).to(device).requires_grad_() for v in values]
        chosen = getattr(optim, name)(params, lr=0.01, **OPTIMIZERS[name])
        for step in range(4):
            if watch is not None and step == 2:
                watch.clear()

            def closure():
                chosen.zero_grad()
                loss = sum(((p - 1) ** 2).sum() for p in params)
                loss.backward()
                return loss

            closure()
            chosen.step(closure) if name == "LBFGS" else chosen.step()
        seen = {k: v for k, v in (watch or {}).items() if k != "launch"}
        return [p.detach().cpu().numpy() for p in params], seen

    here, _ = steps("cpu")
    there, seen = steps("cuda", fake.counts)
    np.testing.assert_allclose(there, here, rtol=1e-9)
    assert (seen == {}) or name in WAITING
