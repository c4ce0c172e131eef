"""Moves between devices: the order of memory is kept, copies beside the host, what PyTorch's names of devices and graphs say."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour import nn

VIEWS = {
    "channels last": lambda: tour.randn(2, 3, 4, 5).contiguous(memory_format=tour.channels_last),
    "transposed": lambda: tour.randn(3, 4).T,
    "permuted": lambda: tour.randn(2, 3, 4, 5).permute(3, 2, 1, 0),
    "permuted with gaps": lambda: tour.randn(2, 3, 4, 5).permute(3, 2, 1, 0)[:, 1:],
    "every second": lambda: tour.randn(4, 6)[:, ::2],
    "expanded": lambda: tour.randn(3, 1).expand(3, 4),
    "no dimension": lambda: tour.randn(()),
}
# What torch.empty_like(x).stride() is, and x.to(another device).stride().
STRIDES = {
    "channels last": (60, 1, 15, 3), "transposed": (1, 4), "permuted": (1, 5, 20, 60), "permuted with gaps": (1, 5, 15, 45),
    "every second": (3, 1), "expanded": (4, 1), "no dimension": (),
}  # fmt: skip


@pytest.mark.parametrize("name", VIEWS)
def test_the_order_of_memory_is_kept(fake, name):
    x = VIEWS[name]()
    there = x.cuda()
    assert there.stride() == STRIDES[name] and there.to("cuda") is there
    assert there.cpu().stride() == there.double().stride() == tour.zeros_like(there).stride() == STRIDES[name]
    assert there.clone().stride() == (there * 2).stride() == STRIDES[name]
    np.testing.assert_array_equal(there.cpu().numpy(), x.numpy())


def test_the_order_of_memory_is_kept_from_one_device_to_another(fake):
    fake.reset(devices=2)
    x = VIEWS["channels last"]()
    there = x.to("cuda:0").to("cuda:1")
    assert there.stride() == (60, 1, 15, 3) and there.device.index == 1
    np.testing.assert_array_equal(there.cpu().numpy(), x.numpy())


def test_memory_that_another_device_reads_is_not_given_away(fake):
    fake.reset(devices=2)
    x = tour.tensor([1.0, 2.0]).to("cuda:1")
    y = x.to("cuda:0")
    del x
    tour.zeros(2, device="cuda:1")  # takes the block again
    assert y.tolist() == [1.0, 2.0]


def test_values_are_copied_from_one_device_to_another(fake):
    fake.reset(devices=2)
    x, y = tour.arange(3.0).to("cuda:0"), tour.zeros(3, device="cuda:1")
    assert y.copy_(x).tolist() == [0.0, 1.0, 2.0] and y.device.index == 1


def test_a_copy_to_the_host_need_not_be_waited_for(fake):
    x = tour.arange(4.0).cuda()
    fake.counts.clear()
    y, target = x.to("cpu", non_blocking=True), tour.zeros(4).pin_memory()
    target.copy_(x, non_blocking=True)
    assert y.is_pinned() and fake.counts["synchronise"] == 0 and fake.counts["to_host"] == 2
    tour.cuda.synchronize()
    assert y.tolist() == target.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_a_copy_into_other_memory_is_waited_for(fake):
    x, y = tour.arange(4.0).cuda(), tour.zeros(4)
    y.copy_(x, non_blocking=True)
    assert y.tolist() == [0.0, 1.0, 2.0, 3.0]
    wide = tour.zeros(4, dtype=tour.float64).pin_memory()
    assert wide.copy_(x, non_blocking=True).tolist() == [0.0, 1.0, 2.0, 3.0]
    assert x.T.to("cpu", non_blocking=False).tolist() == [0.0, 1.0, 2.0, 3.0]


def test_pinned_memory_lives_until_its_copy_is_over(fake):
    x = tour.ones(1000).pin_memory()
    y = x.cuda(non_blocking=True)
    fake.counts.clear()
    del x
    tour.cuda.current_stream().synchronize()
    assert y.sum().item() == 1000


def test_a_stream_of_another_library(fake):
    theirs = fake.cuda.Stream(non_blocking=True)
    stream = tour.cuda.ExternalStream(theirs.ptr)
    assert stream.cuda_stream == theirs.ptr and stream.device == tour.device("cuda", 0)
    x = tour.ones(3, device="cuda")
    stream.wait_stream(tour.cuda.current_stream())
    with tour.cuda.stream(stream):
        assert tour.cuda.current_stream() == stream
        y = x + 1
    stream.synchronize()
    assert stream.query() and y.tolist() == [2.0] * 3


def test_a_process_may_be_held_to_a_part_of_the_memory(fake):
    fake.reset(memory=1 << 20)
    tour.cuda.set_per_process_memory_fraction(0.5)
    with pytest.raises(tour.cuda.OutOfMemoryError, match="out of memory"):
        tour.zeros(150_000, device="cuda")
    tour.cuda.set_per_process_memory_fraction(1.0)
    assert tour.zeros(150_000, device="cuda").shape == (150_000,)
    with pytest.raises(ValueError, match=r"Invalid fraction value: 1\.5"):
        tour.cuda.set_per_process_memory_fraction(1.5)


def test_devices_that_read_each_other_and_the_device_of_a_tensor(fake):
    fake.reset(devices=2)
    assert tour.cuda.can_device_access_peer(0, 1)
    with tour.cuda.device_of(tour.ones(1).to("cuda:1")):
        assert tour.cuda.current_device() == 1
    with tour.cuda.device_of(tour.ones(1)):
        assert tour.cuda.current_device() == 0


def test_the_states_of_all_generators(fake):
    fake.reset(devices=2)
    tour.cuda.manual_seed_all(3)
    states = tour.cuda.get_rng_state_all()
    first = tour.rand(3, device="cuda").tolist()
    tour.cuda.set_rng_state_all(states)
    assert len(states) == 2 and tour.rand(3, device="cuda:1").tolist() == first


def test_a_module_becomes_two_graphs(fake, monkeypatch):
    monkeypatch.setattr(fake.arrays, "LIBRARIES", set())  # products that can be captured, as those of tour-cuda can
    tour.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double().cuda()
    x = tour.randn(5, 3).double().cuda()
    plain = [g.cpu().numpy() for g in tour.autograd.grad(net(x).square().sum(), list(net.parameters()))]
    expected = net(x).detach().cpu().numpy()
    assert tour.cuda.make_graphed_callables(net, (tour.zeros(5, 3).double().cuda(),)) is net
    fake.counts.clear()
    y = net(x)
    y.square().sum().backward()
    assert fake.counts["graph"] == 2
    np.testing.assert_allclose(y.detach().cpu().numpy(), expected, rtol=1e-12)
    for p, g in zip(net.parameters(), plain, strict=True):
        np.testing.assert_allclose(p.grad.cpu().numpy(), g, rtol=1e-12)
    net.eval()
    fake.counts.clear()
    net(x)
    assert fake.counts["graph"] == 0  # what was captured is the training mode


def test_a_tuple_of_callables_shares_memory(fake):
    x = tour.tensor([0.5, 1.0]).cuda().requires_grad_()
    sample = (x.detach().clone().requires_grad_(),)
    first, second = tour.cuda.make_graphed_callables((lambda t: t * t, lambda t: t.exp()), (sample, sample))
    y = second(first(x))
    y.sum().backward()
    v = np.array([0.5, 1.0])
    np.testing.assert_allclose(y.detach().cpu().numpy(), np.exp(v * v), rtol=1e-6)
    np.testing.assert_allclose(x.grad.cpu().numpy(), 2 * v * np.exp(v * v), rtol=1e-6)
