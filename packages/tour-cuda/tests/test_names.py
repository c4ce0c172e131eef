"""PyTorch's names of `torch.cuda` on the fake device: devices, streams, events, memory, pinned copies, graphs."""

from __future__ import annotations

import os

import numpy as np
import pytest

import tour
from tour import nn


def test_devices_have_numbers_names_and_properties(fake):
    fake.reset(devices=2)
    assert tour.cuda.is_available() and tour.cuda.device_count() == 2
    assert tour.cuda.current_device() == 0
    with tour.cuda.device("cuda:1"):
        assert tour.cuda.current_device() == 1
    assert tour.cuda.current_device() == 0
    tour.cuda.set_device(1)
    assert tour.zeros(2, device="cuda").device == tour.device("cuda", 1)
    assert tour.cuda.get_device_capability() == (9, 0)
    assert tour.cuda.get_device_properties("cuda:0").multi_processor_count == 132
    assert tour.cuda.get_device_name(0) == "Fake H100" and tour.cuda.is_bf16_supported()
    with pytest.raises(ValueError, match="Expected a cuda device"):
        tour.cuda.synchronize("cpu")
    with pytest.raises(RuntimeError, match=r"invalid device ordinal cuda:2; there are 2"):
        tour.cuda.set_device(2)


def test_an_op_runs_where_its_tensors_are(fake):
    fake.reset(devices=2)
    a = tour.ones(3).to("cuda:1").requires_grad_()
    y = (a * 2 + 1).sum()
    y.backward()
    assert y.device.index == a.grad.device.index == 1 and y.item() == 9
    assert a.detach().to("cuda:0").device.index == 0
    with pytest.raises(RuntimeError, match=r"same device.*cuda:1.*cuda:0|same device.*cuda:0.*cuda:1"):
        a + tour.ones(3, device="cuda:0")


def test_work_of_another_stream_is_waited_for_or_it_is_an_error(fake):
    side = tour.cuda.Stream()
    x = tour.ones(4, device="cuda")
    with pytest.raises(fake.OrderError), tour.cuda.stream(side):
        x * 2  # nobody said that `x` was ready
    side.wait_stream(tour.cuda.current_stream())
    with tour.cuda.stream(side):
        assert tour.cuda.current_stream() == side != tour.cuda.default_stream()
        y = x * 2
    with pytest.raises(fake.OrderError):
        y + 1
    event = side.record_event()
    assert not event.query()
    event.wait()
    assert (y + 1).tolist() == [3.0] * 4
    assert event.query() and side.query()


def test_memory_freed_while_another_stream_uses_it(fake):
    def used_elsewhere(keep):
        side = tour.cuda.Stream()
        x = tour.ones(4, device="cuda")
        side.wait_stream(tour.cuda.current_stream())
        with tour.cuda.stream(side):
            x * 2
        if keep:
            x.record_stream(side)
        del x
        tour.zeros(4, device="cuda")  # takes the block again

    with pytest.raises(fake.OrderError):
        used_elsewhere(False)
    tour.cuda.synchronize()
    used_elsewhere(True)


def test_events_measure_time_where_they_are_asked_to(fake):
    a, b = tour.cuda.Event(enable_timing=True), tour.cuda.Event(enable_timing=True)
    a.record()
    tour.ones(2, device="cuda") * 2
    b.record()
    with pytest.raises(RuntimeError, match="NotReady"):
        a.elapsed_time(b)
    b.synchronize()
    assert a.elapsed_time(b) > 0
    assert tour.cuda.Event().query()


def test_pinned_memory_is_copied_beside_the_host(fake):
    x = tour.arange(4.0).pin_memory()
    assert x.is_pinned() and x[1:].is_pinned() and not tour.ones(2).is_pinned() and x.pin_memory() is x
    fake.counts.clear()
    y = x.to("cuda", non_blocking=True)
    assert fake.counts["synchronise"] == 0
    x += 1  # too early
    with pytest.raises(fake.OrderError, match="host memory was written"):
        tour.cuda.synchronize()
    z = x.to("cuda")
    x += 1
    assert z.tolist() == [1.0, 2.0, 3.0, 4.0] and y.shape == (4,)


def test_memory_is_counted(fake):
    before = tour.cuda.memory_allocated()
    tour.cuda.reset_peak_memory_stats()
    x = tour.zeros(1024, device="cuda")
    assert tour.cuda.memory_allocated() - before == 4096
    del x
    assert tour.cuda.memory_allocated() == before and tour.cuda.max_memory_allocated() >= before + 4096
    assert tour.cuda.memory_reserved() >= 4096
    tour.cuda.empty_cache()
    assert tour.cuda.memory_stats()["allocated_bytes.all.peak"] >= 4096 and "reserved" in tour.cuda.memory_summary()
    free, total = tour.cuda.mem_get_info()
    assert 0 < free <= total


def test_out_of_memory_has_sizes_and_harms_nothing(fake):
    fake.reset(memory=1 << 20)
    x = tour.ones(1000, device="cuda")
    with pytest.raises(tour.cuda.OutOfMemoryError, match=r"CUDA out of memory on cuda:0.*1\.00 MiB, of which .* free"):
        tour.zeros(1 << 20, device="cuda")
    with pytest.raises(RuntimeError, match="out of memory"):
        x.expand(1000, 1000) * 1
    assert (x + 1).sum().item() == 2000
    assert tour.cuda.memory_stats()["num_ooms"] >= 2


def test_cached_memory_is_given_back_before_giving_up(fake):
    fake.reset(memory=1 << 20)
    x = tour.zeros(150_000, device="cuda")
    del x  # stays in the cache, in a block of another size
    assert tour.ones(160_000, device="cuda").sum().item() == 160_000


def test_an_index_out_of_range_is_told_at_the_next_synchronisation(fake):
    table = nn.Embedding(3, 2).to("cuda")
    y = table(tour.tensor([0, 1]).to("cuda"))
    tour.cuda.synchronize()
    wrong = tour.ones(3, 2, device="cuda").gather(0, tour.tensor([[0, 1], [3, 0]]).to("cuda"))
    with pytest.raises(IndexError, match=r"gather\(\): an index is out of range.*from 0 to 2.*test_names.py"):
        tour.cuda.synchronize()
    tour.cuda.synchronize()
    assert y.shape == (2, 2) and wrong.shape == (2, 2)


def test_a_forked_child_is_told_what_to_do(fake):
    x = tour.ones(2, device="cuda")
    read, write = os.pipe()
    if not os.fork():
        try:
            x + 1
        except RuntimeError as error:
            os.write(write, str(error).encode())
        os._exit(0)
    os.wait()
    assert "use the 'spawn' start method" in os.read(read, 500).decode()


def test_ranges_and_generator(fake):
    with tour.cuda.nvtx.range("epoch {}", 3):
        assert fake.cuda.ranges == ["epoch 3"]
    assert fake.cuda.ranges == []
    tour.cuda.manual_seed_all(7)
    state = tour.cuda.get_rng_state()
    first = tour.rand(3, device="cuda").tolist()
    tour.cuda.set_rng_state(state)
    assert tour.rand(3).tolist() == first and tour.cuda.initial_seed() == 7


def test_memory_is_shared_by_dlpack(fake):
    x = tour.arange(3.0).to("cuda")
    y = tour.from_dlpack(x._a.array)
    y += 1
    assert x.tolist() == [1.0, 2.0, 3.0] and y.is_cuda


# --- Graphs -----------------------------------------------------------------------------------------------------------------------


def test_a_graph_replays_what_was_captured(fake):
    x = tour.zeros(3, device="cuda")
    graph = tour.cuda.CUDAGraph()
    with pytest.raises(RuntimeError, match="without a preceding successful capture"):
        graph.replay()
    with tour.cuda.graph(graph):
        assert tour.cuda.is_current_stream_capturing()
        y = (x * 2 + 1).exp()
    assert not tour.cuda.is_current_stream_capturing()
    for value in (1.0, 2.0):
        x.fill_(value)
        graph.replay()
        np.testing.assert_allclose(y.cpu().numpy(), np.exp(2 * value + 1), rtol=1e-6)


@pytest.mark.parametrize("wait", [lambda x: x.item(), lambda x: x.cpu(), lambda x: bool(x > 0), lambda x: x[x > 0]])
def test_waiting_while_capturing_is_refused(fake, wait):
    x = tour.ones((), device="cuda")
    graph = tour.cuda.CUDAGraph()
    with pytest.raises(RuntimeError, match="captur"), tour.cuda.graph(graph):
        wait(x)
    assert x.item() == 1 and not tour.cuda.is_current_stream_capturing()


def test_a_graph_over_freed_memory_is_noticed(fake):
    x = tour.ones(3, device="cuda")
    graph = tour.cuda.CUDAGraph()
    with tour.cuda.graph(graph):
        y = x * 2
    del x
    with pytest.raises(fake.OrderError, match="freed"):
        graph.replay()
    assert y.shape == (3,)


def test_a_training_step_is_replayed(fake):
    def step(w, x):
        w.grad = None
        loss = ((w * x - 1) ** 2).mean()
        loss.backward()
        with tour.no_grad():
            w -= 0.1 * w.grad
        return loss

    start, batches = np.linspace(0.1, 1, 4), np.random.default_rng(0).normal(size=(5, 4))
    eager = tour.tensor(start).to("cuda").requires_grad_()
    expected = [step(eager, tour.tensor(b).to("cuda")).item() for b in batches]
    w, x = tour.tensor(start).to("cuda").requires_grad_(), tour.zeros(4, dtype=tour.float64, device="cuda")
    graph = tour.cuda.CUDAGraph()
    with tour.cuda.graph(graph):
        loss = step(w, x)
    found = []
    for b in batches:
        x.copy_(tour.tensor(b))
        graph.replay()
        found.append(loss.item())
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_function_becomes_two_graphs(fake):
    x = tour.tensor([0.5, 1.0]).to("cuda").requires_grad_()
    graphed = tour.cuda.make_graphed_callables(lambda t: (t * t).exp(), (x.detach().clone().requires_grad_(),))
    for value in ([0.5, 1.0], [0.1, 0.2]):
        x = tour.tensor(value).to("cuda").requires_grad_()
        fake.counts.clear()
        y = graphed(x)
        y.sum().backward()
        assert fake.counts["graph"] == 2
        v = np.array(value)
        np.testing.assert_allclose(y.detach().cpu().numpy(), np.exp(v * v), rtol=1e-6)
        np.testing.assert_allclose(x.grad.cpu().numpy(), 2 * v * np.exp(v * v), rtol=1e-6)


# --- Mixed precision -----------------------------------------------------------------------------------------------------------------


def test_ops_run_in_the_precision_that_suits_them(fake):
    a = tour.rand(2, 3).to("cuda")
    with tour.autocast("cuda"):
        assert (
            (a @ a.T).dtype is tour.float16
            and a.sum().dtype is tour.float32
            and a.half().softmax(0).dtype is tour.float32
        )
        assert (a.half() + 1).dtype is tour.float16 and (tour.ones(2, 2) @ tour.ones(2, 2)).dtype is tour.float32
        with pytest.raises(RuntimeError, match="unsafe to autocast"):
            nn.functional.binary_cross_entropy(a, a)
    with tour.cuda.amp.autocast(dtype=tour.bfloat16):
        assert (a @ a.T).dtype is tour.bfloat16 and tour.is_autocast_enabled()


def test_a_scaler_steps_on_the_device(fake):
    w = tour.ones(2, device="cuda", requires_grad=True)
    chosen, scaler = tour.optim.SGD([w], lr=0.5), tour.cuda.amp.GradScaler(init_scale=4.0)
    for factor, expected in ((1.0, 0.5), (float("inf"), 0.5)):
        chosen.zero_grad()
        scaler.scale((w * factor).sum()).backward()
        scaler.step(chosen)
        scaler.update()
        assert w.tolist() == [expected] * 2
    assert scaler.get_scale() == 2.0
