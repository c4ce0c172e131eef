"""An endless stream: IterableDataset, chained; nested samples collated; statistics as they come."""

import itertools
import math
from collections import namedtuple

import torch
import torch.nn as nn
from torch.utils.data import (
    ChainDataset,
    DataLoader,
    IterableDataset,
    StackDataset,
    TensorDataset,
    default_collate,
    get_worker_info,
)

Sample = namedtuple("Sample", ["features", "info"])


class Stream(IterableDataset):
    def __init__(self, seed, n):
        self.seed, self.n = seed, n

    def __iter__(self):
        assert get_worker_info() is None
        g = torch.Generator()
        g.manual_seed(self.seed)
        for i in range(self.n):
            x = torch.normal(float(self.seed), 2.0, (5,), generator=g)
            yield Sample(x, {"label": math.sin(x.sum().item()), "id": i, "name": f"s{i}", "flags": [i % 2 == 0, 3]})


class Welford:
    def __init__(self, d):
        self.n, self.mean, self.m2 = 0, torch.zeros(d), torch.zeros(d)

    def update(self, x):
        for row in x:
            self.n += 1
            delta = row - self.mean
            self.mean += delta / self.n
            self.m2.addcmul_(delta, row - self.mean)


torch.manual_seed(57)
stream = ChainDataset([Stream(0, 21), Stream(1, 14)])
loader = DataLoader(stream, batch_size=8, drop_last=True)
stats = Welford(5)
net = nn.Sequential(nn.Linear(5, 10), nn.LogSigmoid(), nn.Linear(10, 1))
opt = torch.optim.ASGD(net.parameters(), lr=0.02, t0=5, lambd=1e-3)
ids = 0
for batch in itertools.chain.from_iterable(itertools.repeat(loader, 4)):
    x, info = batch
    assert isinstance(batch, Sample) and isinstance(info["name"], list)
    stats.update(x)
    x = (x - stats.mean) / (stats.m2 / stats.n + 1e-5).sqrt()
    loss = nn.functional.mse_loss(net(x).squeeze(1), info["label"].float())
    opt.zero_grad()
    loss.backward()
    opt.step()
    ids += info["id"].sum().item() + info["flags"][0].sum().item()
averaged = [opt.state[p]["ax"] for p in net.parameters()]
pairs = StackDataset(a=TensorDataset(torch.arange(6.0)), b=list(range(6)))
stacked = next(iter(DataLoader(pairs, batch_size=4, shuffle=True)))
got = default_collate([{"u": torch.ones(2), "v": (1, 2.5)}, {"u": torch.zeros(2), "v": (3, 0.5)}])
final = (
    loss.item() + ids / 100 + sum(a.sum().item() for a in averaged) + stacked["a"][0][0].item() * stacked["b"][1].item()
)
final += got["v"][1].sum().item() + stats.m2.sum().item() / 100
