"""Networks trained on the fake device with this package's own kernels, which the simulator runs in its memory: as on the CPU."""

from __future__ import annotations

import importlib

import blas
import numpy as np
import pytest

import tour
import tour.nn.functional as F
from tour import _compiled, nn, optim
from tour.cuda import _philox
from tour.cuda.forms import FORMS

pytestmark = pytest.mark.simulator


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(9, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        return self.out(self.layer(self.table(x)).mean(1))


def image():
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.GroupNorm(2, 4), nn.Conv2d(4, 4, 2), nn.GELU(),
        nn.AvgPool2d(2), nn.Flatten(), nn.LayerNorm(4), nn.Linear(4, 3),
    )  # fmt: skip


# Network, data, optimizer, and kernels that must have run.
RUNS = {
    "images": (
        image, lambda: tour.randn(5, 2, 6, 6), lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
        {"im2col", "col2im", "channel_moments", "normalize_channels_grad", "max_pool", "max_pool_grad", "avg_pool_grad", "sgd",
         "normalize_rows_grad", "cross_entropy_grad", "clip", "add_bias"},
    ),
    "words": (
        Words, lambda: tour.randint(9, (5, 4)), lambda p: optim.AdamW(p, lr=0.01),
        {"embedding", "embedding_grad", "attention", "attention_query_grad", "attention_key_value_grad", "normalize_rows", "adam"},
    ),
}  # fmt: skip


def train(make, data, optimizer, device, counts=None):
    tour.manual_seed(0)
    net, x, y = make(), data(), tour.randint(3, (5,))
    net, x, y = net.to(device), x.to(device), y.to(device)
    chosen, losses = optimizer(net.parameters()), []
    for step in range(3):
        if counts is not None and step == 2:  # before, tables are sent and state is made
            counts.clear()
        chosen.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        chosen.step()
        losses.append(loss.detach())
    waited = {k for k in counts or () if k != "launch"}
    return [t.item() for t in losses], waited


@pytest.mark.parametrize("name", RUNS)
def test_a_network_trains_by_kernels_as_by_numpy(fake, kernels, name):
    make, data, optimizer, wanted = RUNS[name]
    here, _ = train(make, data, optimizer, "cpu")
    there, waited = train(make, data, optimizer, "cuda", fake.counts)
    np.testing.assert_allclose(there, here, rtol=2e-5)
    assert not waited, "a step waited for the device, or copied"
    assert wanted <= set(kernels.launched)


@pytest.mark.parametrize("dtype", [tour.float16, tour.bfloat16])
def test_half_precision_is_stored_as_it_is(kernels, dtype):
    x = tour.randn(4, 6).to(dtype)
    found = {}
    for device in ("cpu", "cuda"):
        there = x.clone().to(device).requires_grad_()
        y = F.layer_norm(there, (6,)).softmax(1)
        (y * y).sum().backward()
        found[device] = [t.float().cpu().numpy() for t in (y.detach(), there.grad)]
    for a, e in zip(found["cuda"], found["cpu"], strict=True):
        np.testing.assert_allclose(a, e, rtol=4 * tour.finfo(dtype).eps, atol=tour.finfo(dtype).eps)
    assert "normalize_rows_grad" in kernels.launched


def test_dropout_draws_on_the_device(kernels):
    tour.manual_seed(4)
    x = tour.ones(3, 40, device="cuda", requires_grad=True)
    y = F.dropout(x, 0.25)
    y.sum().backward()
    assert "bernoulli" in kernels.launched
    keep = _philox.units(4, 0, 120) < np.float32(0.75)
    np.testing.assert_allclose(y.detach().cpu().numpy().reshape(-1), keep / np.float32(0.75), rtol=1e-6)
    np.testing.assert_array_equal(x.grad.cpu().numpy(), y.detach().cpu().numpy())


OPS = {
    "gather": lambda x, i: x.gather(1, i),
    "scatter": lambda x, i: x.scatter(1, i, x[:, :2] * 2),
    "scatter_add": lambda x, i: x.scatter_add(1, i, x[:, :2] * 2),
    "index_select": lambda x, i: x.index_select(1, i[0]),
    "index_add": lambda x, i: x.index_add(1, i[0], x[:, :2]),
    "index_copy": lambda x, i: x.index_copy(1, i[0], x[:, :2]),
    "softmax": lambda x, i: x.softmax(0),
    "matmul": lambda x, i: x @ x.mT @ x[:, 0],
    "attention": lambda x, i: F.scaled_dot_product_attention(x[None], x[None], x[None], attn_mask=(x @ x.mT) > 0),
}


@pytest.mark.parametrize("name", OPS)
def test_an_op_and_its_gradient(kernels, name):
    values, index = (
        np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32),
        np.array([[1, 0], [3, 1], [2, 3]]),
    )
    found = {}
    for device in ("cpu", "cuda"):
        x = tour.tensor(values, device=device, requires_grad=True)
        y = OPS[name](x, tour.tensor(index, device=device))
        (y * y).sum().backward()
        found[device] = y.detach().cpu().numpy(), x.grad.cpu().numpy()
    for a, e in zip(found["cuda"], found["cpu"], strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-5, atol=1e-6)


def test_an_index_out_of_range_is_raised_when_somebody_waits(kernels):
    table = tour.ones(4, 2, device="cuda")
    rows = F.embedding(tour.tensor([1, 7], device="cuda"), table)
    with pytest.raises(IndexError, match="out of range"):
        rows.cpu()
    rows.cpu()  # said once


def test_a_captured_step_replays_the_whole_training_iteration(kernels):
    """Forward and backward passes, clipping and the optimizer's step: three replays are three steps, on new data."""

    def steps(device):
        tour.manual_seed(0)
        net = nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 3))
        data = [(tour.randn(5, 6), tour.randint(3, (5,))) for _ in range(6)]
        net = net.to(device)
        x, y = data[0][0].to(device).clone(), data[0][1].to(device).clone()
        chosen = optim.AdamW(net.parameters(), lr=0.05, capturable=True)

        def step():
            chosen.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            chosen.step()
            return loss.detach()

        losses = []
        for a, b in data[:3]:
            x.copy_(a.to(device)), y.copy_(b.to(device))
            losses.append(step().item())
        if device == "cuda":
            chosen.zero_grad()
            graph = tour.cuda.CUDAGraph()
            with tour.cuda.graph(graph):
                loss = step()
        for a, b in data[3:]:
            x.copy_(a.to(device)), y.copy_(b.to(device))
            if device == "cuda":
                graph.replay()
                losses.append(loss.item())
            else:
                losses.append(step().item())
        return losses, [p.detach().cpu().numpy() for p in net.parameters()]

    (here, weights), (there, found) = steps("cpu"), steps("cuda")
    np.testing.assert_allclose(there, here, rtol=1e-5)
    for a, e in zip(found, weights, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_recurrent_layers_are_captured(kernels, kind):
    """All products go through cuBLAS with a workspace; a replay gives the gradients of new data."""
    tour.manual_seed(0)
    net = kind(3, 4, 2, bidirectional=True)
    batches = [tour.randn(5, 2, 3) for _ in range(2)]

    def gradients(net, x):
        y, _ = net(x)
        return tour.autograd.grad((y * y).mean(), list(net.parameters()))

    expected = [[g.numpy() for g in gradients(net, x)] for x in batches]
    net, x = net.to("cuda"), batches[0].to("cuda").clone()
    gradients(net, x)
    graph = tour.cuda.CUDAGraph()
    with tour.cuda.graph(graph):
        found = gradients(net, x)
    for batch, wanted in zip(batches, expected, strict=True):
        x.copy_(batch)
        graph.replay()
        for g, e in zip(found, wanted, strict=True):
            np.testing.assert_allclose(g.cpu().numpy(), e, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", [tour.float16, tour.bfloat16])
def test_products_of_half_precision_are_cublas_own(kernels, dtype):
    """Not products of copies in float32, which would pass by the tensor cores."""
    a = tour.randn(4, 6).to(dtype).cuda().requires_grad_()
    layer = nn.Linear(6, 3).to(dtype).cuda()
    blas.calls.clear()
    (a @ a.mT).sum().backward()
    layer(a).sum().backward()
    assert {c["dtype"] for c in blas.calls} == {dtype.name} and len(blas.calls) >= 5


def test_each_replay_of_a_dropout_has_another_mask(kernels):
    tour.manual_seed(3)
    x = tour.ones(200, device="cuda")
    F.dropout(x, 0.5)
    graph = tour.cuda.CUDAGraph()
    with tour.cuda.graph(graph):
        y = F.dropout(x, 0.5)
    for replay in (1, 2):
        graph.replay()
        keep = _philox.units(3, 50 * replay, 200) < np.float32(0.5)
        np.testing.assert_array_equal(y.cpu().numpy(), 2 * keep)


def test_every_form_has_a_socket():
    for name in FORMS:
        module = name.rpartition(".")[0]
        importlib.import_module(module.rpartition(".")[0] if module.rpartition(".")[2][0].isupper() else module)
    assert set(FORMS) <= set(_compiled.SOCKETS)
