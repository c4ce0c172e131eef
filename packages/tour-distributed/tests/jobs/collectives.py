"""Every collective against what NumPy says of all ranks' tensors."""

import numpy as np

import tour
from tour import distributed as dist

dist.init_process_group()
rank, size = dist.get_rank(), dist.get_world_size()
OPS = {
    "SUM": np.sum, "AVG": np.mean, "PRODUCT": np.prod, "MIN": np.min, "MAX": np.max,
    "BAND": np.bitwise_and.reduce, "BOR": np.bitwise_or.reduce, "BXOR": np.bitwise_xor.reduce,
}  # fmt: skip
DTYPES = [
    tour.float32,
    tour.float64,
    tour.float16,
    tour.bfloat16,
    tour.int8,
    tour.uint8,
    tour.int32,
    tour.int64,
    tour.bool,
    tour.complex64,
]


def everybody(shape, dtype):
    """What each rank has: small whole numbers, so that every dtype holds every result."""
    values = np.random.default_rng(3).integers(0, 3, (size, *shape))
    return [tour.as_tensor(v).to(dtype) for v in values]


def equal(t, want):
    """Whether values are right: means to one rounding, all else exactly."""
    got = t.numpy() if t.dtype.is_complex else t.double().numpy()
    rounding = float(tour.finfo(t.dtype).eps) if t.dtype.is_floating_point or t.dtype.is_complex else 0
    assert got.shape == np.shape(want) and np.allclose(got, want, rounding, 0), (got, want)


for dtype in DTYPES:
    for shape in [(), (0,), (3,), (2, 5), (1, 2, 3)]:
        all_of = everybody(shape, dtype)
        wide = np.stack([t.numpy() if dtype is tour.complex64 else t.double().numpy() for t in all_of])
        for name, function in OPS.items():
            op = dist.ReduceOp[name]
            bits = name in ("BAND", "BOR", "BXOR")
            whole = not (dtype.is_floating_point or dtype.is_complex)
            if (bits and not whole) or (name == "AVG" and whole) or (dtype.is_complex and name in ("MIN", "MAX")):
                try:
                    dist.all_reduce(all_of[rank].clone(), op)
                except TypeError as error:
                    assert name in str(error)
                else:
                    raise AssertionError(f"{name} of {dtype} was not refused")
                continue
            stack = wide.astype(np.int64) if bits else wide
            want = function(stack, 0)
            want = want.astype(bool) if dtype is tour.bool else want
            t = all_of[rank].clone()
            dist.all_reduce(t, op)
            equal(t, want)
            t = all_of[rank].clone()
            dist.reduce(t, size - 1, op)
            equal(t, want if rank == size - 1 else wide[rank])
            if shape:
                rows = [all_of[(rank + i) % size].clone() for i in range(size)]
                out = tour.empty_like(rows[0])
                dist.reduce_scatter(out, rows, op)
                mine = np.stack([stack[(other + rank) % size] for other in range(size)])
                equal(out, function(mine, 0).astype(bool) if dtype is tour.bool else function(mine, 0))
        t = all_of[rank].clone()
        dist.broadcast(t, size - 1)
        equal(t, wide[-1])
        parts = [tour.empty_like(t) for _ in range(size)]
        dist.all_gather(parts, all_of[rank])
        for part, want in zip(parts, wide, strict=True):
            equal(part, want)
        into = tour.empty(size, *shape, dtype=dtype)
        dist.all_gather_into_tensor(into, all_of[rank])
        equal(into, wide)
        parts = [tour.empty_like(t) for _ in range(size)] if rank == 0 else None
        dist.gather(all_of[rank], parts)
        for part, want in zip(parts or (), wide, strict=False):
            equal(part, want)
        out = tour.empty_like(t)
        dist.scatter(out, [x.clone() for x in all_of] if rank == 0 else None)
        equal(out, wide[rank])
        outs = [tour.empty_like(t) for _ in range(size)]
        dist.all_to_all(outs, [(all_of[rank] * (i + 1)).to(dtype) for i in range(size)])
        for other, out in enumerate(outs):
            equal(
                out,
                (all_of[other] * (rank + 1)).to(dtype).double().numpy()
                if not dtype.is_complex
                else wide[other] * (rank + 1),
            )

# Strided, shared and read from another layout: the values arrive in the memory the tensor has.
base = tour.zeros(4, 6)
view = base.t()[::2, 1:]
view += rank + 1
dist.all_reduce(view)
total = size * (size + 1) / 2
assert (view == total).all() and base.sum() == total * view.numel()

flat = tour.arange(2.0 * size) + rank
out = tour.empty(2)
dist.reduce_scatter_tensor(out, flat)
assert out.tolist() == [size * (2 * rank + i) + size * (size - 1) / 2 for i in range(2)]
single = tour.empty(2 * size)
dist.all_to_all_single(single, flat)
assert single.tolist() == [2.0 * rank + i + other for other in range(size) for i in range(2)]

# Calls beside the program end in order, and mix with others.
big = tour.ones(200_000)
works = [dist.all_reduce(big, async_op=True) for _ in range(5)]
small = tour.ones(1)
dist.all_reduce(small)
assert all(work.wait() for work in works)
assert works[-1].is_success() and works[-1].result() is big and works[0].exception() is None
assert (big == float(size) ** 5).all() and small.item() == size

# Writes are noticed.
x = tour.ones(2, requires_grad=True)
y = x * 1
z = (y * y).sum()
dist.all_reduce(y.detach())
try:
    z.backward()
except RuntimeError as error:
    assert "modified by an inplace operation" in str(error)
else:
    raise AssertionError("a saved value was overwritten unnoticed")

# Objects.
found = [None] * size
dist.all_gather_object(found, {"rank": rank})
assert found == [{"rank": r} for r in range(size)]
found = [None] * size if rank == 1 % size else None
dist.gather_object(rank * 10, found, 1 % size)
assert found is None or found == [r * 10 for r in range(size)]
names = ["a", {"b": 1}] if rank == 0 else [None, None]
dist.broadcast_object_list(names)
assert names == ["a", {"b": 1}]
mine = [None]
dist.scatter_object_list(mine, [f"for {r}" for r in range(size)] if rank == 0 else None)
assert mine == [f"for {rank}"]

# From one to another, round the ring, also at once.
if size > 1:
    right, left = (rank + 1) % size, (rank - 1) % size
    got = tour.empty(3)
    work = dist.irecv(got, left, tag=7)
    dist.send(tour.full((3,), float(rank)), right, tag=7)
    work.wait()
    assert (got == left).all()
    ops = [dist.P2POp(dist.isend, tour.full((2,), float(rank)), right), dist.P2POp(dist.irecv, got[:2], left)]
    for work in dist.batch_isend_irecv(ops):
        work.wait()
    assert got[:2].tolist() == [left, left]
    if rank == 0:
        senders = {dist.recv(tour.empty(1)) for _ in range(size - 1)}
        assert senders == set(range(1, size))
    else:
        dist.send(tour.ones(1), 0)
    dist.barrier()
    if rank == 0:
        dist.send(tour.ones(2), 1)
    if rank == 1:
        try:
            dist.recv(tour.empty(3), 0)
        except RuntimeError as error:
            assert "8 bytes" in str(error)
        else:
            raise AssertionError("a message of another size was taken")

# Groups.
even = dist.new_group(range(0, size, 2))
t = tour.ones(1)
dist.all_reduce(t, group=even)
inside = rank % 2 == 0
assert t.item() == ((size + 1) // 2 if inside else 1)
assert dist.get_rank(even) == (rank // 2 if inside else -1)
if inside:
    dist.broadcast(t.fill_(rank), max(even.ranks), group=even)
    assert t.item() == max(even.ranks)
    assert dist.get_global_rank(even, dist.get_group_rank(even, rank)) == rank
    dist.destroy_process_group(even)
dist.monitored_barrier()
dist.destroy_process_group()
assert not dist.is_initialized()
