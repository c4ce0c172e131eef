"""One model trained by any number of ranks gives one loss curve, here printed as JSON by rank 0."""

import json
import sys

import numpy as np

import tour
from tour import distributed as dist
from tour import nn, optim
from tour.nn.parallel import DistributedDataParallel

bucket, accumulate = float(sys.argv[1]), int(sys.argv[2])
dist.init_process_group()
rank, size = dist.get_rank(), dist.get_world_size()
tour.manual_seed(rank)  # the weights are those of rank 0 all the same
random = np.random.default_rng(0)
images, labels = tour.from_numpy(random.normal(size=(45, 1, 6, 6))), tour.from_numpy(random.integers(0, 4, 45))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3)
        self.norm = nn.BatchNorm2d(6)
        self.norm = nn.SyncBatchNorm.convert_sync_batchnorm(self.norm) if size > 1 else self.norm
        self.out = nn.Linear(6 * 16, 4)

    def forward(self, x):
        return self.out(tour.tanh(self.norm(self.conv(x))).flatten(1))


net = DistributedDataParallel(Net().double(), bucket_cap_mb=bucket)
optimizer = optim.Adam(net.parameters(), lr=1e-2)
losses = []
for _ in range(4):
    for start in range(0, 45, 16):  # the last batch has 13: uneven for two, three and four ranks
        batch = range(start, min(start + 16, 45))
        optimizer.zero_grad()
        total = tour.zeros((), dtype=tour.float64)
        for part in range(accumulate):
            own = list(batch)[rank::size]
            mine = images[own], labels[own]
            loss = nn.functional.cross_entropy(net(mine[0]), mine[1], reduction="sum") * size / len(batch) / accumulate
            if part < accumulate - 1:
                with net.no_sync():
                    loss.backward()
            else:
                loss.backward()
            total += loss.detach() / size
        optimizer.step()
        dist.all_reduce(total)
        losses.append(total.item())

reducer = net._reducer
for p in net.parameters():
    assert any(np.shares_memory(p.grad.numpy(), bucket.flat) for bucket in reducer.buckets)
weights = [None] * size
dist.all_gather_object(weights, [p.tolist() for p in net.parameters()])
assert all(w == weights[0] for w in weights)
if rank == 0:
    state = {name: t.tolist() for name, t in net.module.state_dict().items() if "running" in name}
    print(json.dumps({"losses": losses, "state": state, "buckets": len(reducer.buckets)}))
dist.destroy_process_group()
