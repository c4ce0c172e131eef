"""What DistributedDataParallel promises beside the loss curve."""

import gc
import sys
from functools import partial

import numpy as np

import tour
from tour import distributed as dist
from tour import nn
from tour.distributed._reducer import Reducer
from tour.nn.parallel import DistributedDataParallel

dist.init_process_group()
rank, size = dist.get_rank(), dist.get_world_size()


def raises(error, call, *words):
    try:
        call()
    except error as raised:
        assert all(word in str(raised) for word in words), raised
    else:
        raise AssertionError(f"no {error.__name__}")


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.common, self.left, self.right, self.never = (nn.Linear(3, 3) for _ in range(4))

    def forward(self, x, left):
        return {"y": (self.left if left else self.right)(self.common(x))}


x = tour.ones(2, 3)
# A branch that no rank took: named at the next forward.
tour.manual_seed(0)
net = DistributedDataParallel(Branches())
net(x, True)["y"].sum().backward()
raises(RuntimeError, partial(net, x, True), "find_unused_parameters=True", "right.weight, right.bias", "never.weight")

# Looked for: what other ranks used is averaged, what nobody used stays without a gradient.
net = DistributedDataParallel(Branches(), find_unused_parameters=True, bucket_cap_mb=1e-5)
for _ in range(3):
    net.zero_grad()
    net(x, rank == 0)["y"].sum().backward()
    assert net.module.left.bias.grad.tolist() == [2 / size] * 3
    assert np.allclose(net.module.right.bias.grad.tolist(), [2 * (size - 1) / size] * 3)
    assert net.module.never.weight.grad is None

# Twice without a forward between; and frozen parameters are not touched.
net = DistributedDataParallel(nn.Sequential(nn.Linear(3, 3).requires_grad_(False), nn.Linear(3, 1)))
loss = net(x).sum()
loss.backward(retain_graph=True)
synced = net.module[1].bias.grad.item()
loss.backward()  # as in PyTorch: without a forward, gradients only accumulate
assert net.module[1].bias.grad.item() == 2 * synced and net.module[0].weight.grad is None
with tour.no_grad():
    net(x)

# Buffers begin each pass as rank 0's, unless told not to.
for sync in (True, False):
    net = nn.BatchNorm1d(3)
    net = DistributedDataParallel(net, broadcast_buffers=sync)
    for _ in range(2):
        net(x * (rank + 1) + tour.arange(2.0).unsqueeze(1))
    means = [None] * size
    dist.all_gather_object(means, net.module.running_mean.tolist())
    net.eval()
    if sync:
        net(x)
        assert net.module.running_mean.tolist() == means[0]
    else:
        assert means[0] != means[-1]

# Different models are named, on every rank.
raises(
    RuntimeError,
    lambda: DistributedDataParallel(nn.Linear(3, 2 + rank)),
    "rank 0 has ('weight', [2, 3]",
    "rank 1 has ('weight', [3, 3]",
)
raises(RuntimeError, lambda: DistributedDataParallel(nn.ReLU()), "any parameter that requires a gradient")
raises(ValueError, lambda: DistributedDataParallel(nn.Linear(1, 1), bucket_cap_mb=0), "bucket_cap_mb")

# Traffic starts before the backward pass ends: the first bucket is on its way when the first layer is reached.
net = DistributedDataParallel(nn.Sequential(*(nn.Linear(50, 50) for _ in range(6))), bucket_cap_mb=0.01)
on_the_way = []
net.module[0].weight.register_hook(lambda g, reducer=net._reducer: on_the_way.append(len(reducer.works)))
net(tour.ones(1, 50)).sum().backward()
assert len(net._reducer.buckets) == 6 and on_the_way[0] >= 4, on_the_way

# Nothing is kept alive.
net = DistributedDataParallel(nn.Linear(2, 2))
net(tour.ones(1, 2)).sum().backward()
gc.disable()
alive = sum(isinstance(o, Reducer) for o in gc.get_objects())
net._reducer.close()
del net
assert sum(isinstance(o, Reducer) for o in gc.get_objects()) == alive - 1

# Synchronised batch normalisation is batch normalisation of the whole batch, gradients included.
whole = tour.from_numpy(np.random.default_rng(1).normal(size=(7, 3, 4)))
weights = tour.from_numpy(np.random.default_rng(2).normal(size=(7, 3, 4)))
for momentum in (0.1, None):
    plain, sync = nn.BatchNorm1d(3, momentum=momentum).double(), nn.SyncBatchNorm(3, momentum=momentum).double()
    for _ in range(2):
        everything = whole.clone().requires_grad_()
        out = plain(everything)
        (out * weights).sum().backward()
        own = whole[rank::size].clone().requires_grad_()
        mine = sync(own)
        (mine * weights[rank::size]).sum().backward()
        assert tour.allclose(mine, out[rank::size]) and tour.allclose(own.grad, everything.grad[rank::size])
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        assert tour.allclose(getattr(sync, name), getattr(plain, name)), name
    total = sync.weight.grad.clone()
    dist.all_reduce(total)
    assert tour.allclose(total, plain.weight.grad)
raises(ValueError, lambda: sync(whole[0, 0]), "at least 2D")
dist.destroy_process_group()
sys.stdout.flush()
