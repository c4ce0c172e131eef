"""Each rank says the address of its host; a model trains over all of them."""

import subprocess

import tour
from tour import distributed as dist
from tour import nn

dist.init_process_group()
rank, size = dist.get_rank(), dist.get_world_size()
x = tour.full((4,), float(rank))
dist.all_reduce(x)
assert x.tolist() == [size * (size - 1) / 2] * 4
big = tour.full((1_000_000,), 1.0)  # more than fits into one message
dist.all_reduce(big)
assert big.min() == big.max() == size
tour.manual_seed(rank)
net = nn.parallel.DistributedDataParallel(nn.Linear(3, 1))
net(tour.full((2, 3), float(rank))).sum().backward()
assert net.module.weight.grad.tolist() == [[2 * (size - 1) / 2] * 3]
address = subprocess.run(["ip", "-o", "-4", "addr", "show", "cable"], capture_output=True, text=True, check=True).stdout
print(address.split()[3].partition("/")[0] + "\n", end="", flush=True)  # in one write
dist.destroy_process_group()
