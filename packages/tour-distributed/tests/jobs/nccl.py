"""Collectives and data-parallel training of tensors on the fake device, over the fake NCCL."""

import sys
from pathlib import Path

import numpy as np

import tour
from tour import distributed as dist
from tour import nn

sys.path.insert(0, str(Path(__file__).parents[1]))
fake_cupy = __import__("fake_cupy")
fake_cupy.install()
fake_cupy.plug_in_device()

dist.init_process_group("nccl")
rank, size = dist.get_rank(), dist.get_world_size()
assert dist.is_nccl_available() and dist.get_backend() == "cpu:mpi,cuda:nccl"


def mine(*shape, dtype=tour.float32, of=None):
    """Whole numbers that each rank has for itself, on the device."""
    values = np.random.default_rng(rank if of is None else of).integers(0, 4, shape)
    return tour.as_tensor(values).to(dtype).to("fake")


def every(*shape, dtype=tour.float32):
    return [mine(*shape, dtype=dtype, of=r).cpu() for r in range(size)]


def same(t, want):
    assert t.device.type == "fake"
    np.testing.assert_array_equal(t.cpu().to(tour.complex64).numpy(), tour.as_tensor(want).to(tour.complex64).numpy())


R = dist.ReduceOp
if "mismatch" in sys.argv:
    dist.all_reduce(mine(3) if rank else mine(3).cpu())
for dtype in (
    tour.float32,
    tour.float64,
    tour.float16,
    tour.bfloat16,
    tour.int8,
    tour.int64,
    tour.complex64,
    tour.bool,
):
    for shape in ((), (3,), (2, 3), (0,)):
        want = sum(t.to(tour.complex64) for t in every(*shape, dtype=dtype))
        t = mine(*shape, dtype=dtype)
        dist.all_reduce(t)
        same(t, want.abs() > 0 if dtype is tour.bool else want)
        t = mine(*shape, dtype=dtype)
        dist.broadcast(t, size - 1)
        same(t, every(*shape, dtype=dtype)[-1])
for op, function in ((R.MAX, tour.amax), (R.MIN, tour.amin), (R.PRODUCT, tour.prod), (R.AVG, tour.mean)):
    t = mine(3)
    dist.all_reduce(t, op)
    same(t, function(tour.stack(every(3)), 0).to(tour.float32))
for dtype, op in ((tour.int16, R.SUM), (tour.int32, R.BXOR), (tour.complex64, R.PRODUCT)):
    try:
        dist.all_reduce(mine(2, dtype=dtype), op)
    except TypeError as error:
        assert "NCCL cannot reduce" in str(error)
    else:
        raise AssertionError(f"{op} of {dtype} was not refused")

t = mine(2, 3).T
dist.reduce(t, 0)
if rank == 0:
    same(t, sum(every(2, 3)).T)
out = [mine(2, of=99) for _ in range(size)]
dist.all_gather(out, mine(2))
for got, want in zip(out, every(2), strict=True):
    same(got, want)
whole = mine(2 * size, of=99)
dist.all_gather_into_tensor(whole, mine(2))
same(whole, tour.cat(every(2)))
dist.gather(mine(2), out if rank == 0 else None)
t = mine(2, of=99)
dist.scatter(t, [mine(2, of=10 + r) for r in range(size)] if rank == 0 else None)
same(t, mine(2, of=10 + rank).cpu())
dist.reduce_scatter(t, [mine(2, of=r) for r in range(size)])
same(t, size * mine(2, of=rank).cpu())
received = mine(2 * size, of=99)
dist.all_to_all_single(received, mine(2 * size))
same(received, tour.cat([t[2 * rank : 2 * rank + 2] for t in every(2 * size)]))
if size > 1:
    t, wide = mine(3, of=99), mine(3, 2, of=99)
    ahead, behind = (rank + 1) % size, (rank - 1) % size
    messages = [
        (dist.isend, mine(3), ahead),
        (dist.irecv, t, behind),
        (dist.irecv, wide[:, 1], behind),
        (dist.isend, mine(3), ahead),
    ]
    for work in dist.batch_isend_irecv([dist.P2POp(*message) for message in messages]):
        work.wait()
    same(t, mine(3, of=behind).cpu())
    same(wide[:, 1], mine(3, of=behind).cpu())
    if rank == 0:
        dist.send(mine(3), 1)
    elif rank == 1:
        assert dist.recv(t, 0) == 0
        same(t, mine(3, of=0).cpu())
    try:
        dist.recv(t)
    except ValueError as error:
        assert "must name the rank" in str(error)
work = dist.all_reduce(t := mine(4), async_op=True)
work.wait()
same(t, sum(every(4)))
part = dist.new_group([0])
dist.all_reduce(t := mine(2), group=part)
same(t, mine(2).cpu())
try:
    dist.all_gather([tour.zeros(2) for _ in range(size)], mine(2))
except RuntimeError as error:
    assert "on one device" in str(error)
else:
    raise AssertionError("tensors of two devices were taken")
dist.all_reduce(t := tour.ones(2))  # those of the CPU go over MPI as ever
assert t.tolist() == [size, size]

tour.manual_seed(rank)
net = nn.parallel.DistributedDataParallel(nn.Linear(3, 2).to("fake"), bucket_cap_mb=1e-5)
x = tour.as_tensor(np.random.default_rng(5).normal(size=(size * 2, 3))).float()
fake_cupy.calls.clear()
net(x[rank::size].to("fake")).square().mean().backward()
assert len(fake_cupy.calls) == (2 if size > 1 else 0)  # a bucket for the bias, one for the weight
alone = nn.Linear(3, 2)
alone.load_state_dict({name.removeprefix("module."): t.cpu() for name, t in net.state_dict().items()})
alone(x).square().mean().backward()
for p, q in zip(net.parameters(), alone.parameters(), strict=True):
    assert p.device.type == p.grad.device.type == "fake" and tour.allclose(p.grad.cpu(), q.grad, atol=1e-6)
dist.destroy_process_group()
