"""Steps of optimizers in a graph: each replay is the next step, with the count, the learning rate and the state of that step."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour import nn, optim

OPTIMIZERS = {
    "Adam": {"weight_decay": 0.1}, "Adam amsgrad": {"amsgrad": True}, "AdamW": {}, "NAdam": {"decoupled_weight_decay": True},
    "Adamax": {}, "RAdam": {}, "Adadelta": {}, "Adagrad": {"lr_decay": 0.1}, "ASGD": {}, "Rprop": {}, "SGD": {},
    "SGD momentum": {"momentum": 0.9, "dampening": 0.5, "nesterov": False}, "RMSprop": {"centered": True, "momentum": 0.5},
}  # fmt: skip
WARM, REPLAYS = 6, 4  # RAdam changes its way at the sixth step


def train(name, options, device, dtype=tour.float32, lr=0.05):
    """Steps under a scheduler: all run, or the last of them replayed."""
    tour.manual_seed(0)
    net = nn.Linear(3, 2).to(dtype).to(device)
    batches = [tour.randn(5, 3).to(dtype) for _ in range(WARM + REPLAYS)]
    x = batches[0].to(device).clone()
    chosen = getattr(optim, name.split()[0])(net.parameters(), lr=lr, **options)
    scheduler = optim.lr_scheduler.ExponentialLR(chosen, 0.8)

    def step():
        chosen.zero_grad()
        loss = ((net(x) - 1) ** 2).mean()
        loss.backward()
        chosen.step()
        return loss.detach()

    losses, graph, loss = [], None, None
    for i, batch in enumerate(batches):
        x.copy_(batch)
        if device == "cuda" and i == WARM:
            graph = tour.cuda.CUDAGraph()
            with tour.cuda.graph(graph):
                loss = step()
        if graph is None:
            losses.append(step().item())
        else:
            graph.replay()
            losses.append(loss.item())
        scheduler.step()
    counts = [s["step"].item() for s in chosen.state.values() if "step" in s]
    return losses, [p.detach().cpu().double().numpy() for p in net.parameters()], counts


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_replays_are_the_next_steps(kernels, name):
    options = OPTIMIZERS[name]
    losses, weights, counts = train(name, options, "cpu")
    found, found_weights, found_counts = train(name, options, "cuda")
    np.testing.assert_allclose(found, losses, rtol=2e-4)
    for a, e in zip(found_weights, weights, strict=True):
        np.testing.assert_allclose(a, e, rtol=2e-4, atol=1e-5)
    assert counts == found_counts and (not counts or counts == [WARM + REPLAYS] * 2)


def test_half_precision_steps_too(kernels):
    for name in ("AdamW", "Adamax"):
        (losses, *_), (found, *_) = (train(name, {}, device, tour.float16) for device in ("cpu", "cuda"))
        np.testing.assert_allclose(found, losses, rtol=2e-2)


def test_a_learning_rate_in_a_tensor(kernels):
    losses = train("AdamW", {}, "cpu", lr=0.05)[0]
    for where in ("cpu", "cuda"):
        found = train("AdamW", {"capturable": True}, "cuda", lr=tour.tensor(0.05, device=where))[0]
        np.testing.assert_allclose(found, losses, rtol=2e-4)


def ready(chosen, w):
    chosen.zero_grad()
    w.square().sum().backward()


def test_the_first_step_is_not_captured(kernels):
    w = tour.ones(3, device="cuda", requires_grad=True)
    chosen = optim.Adam([w], lr=0.5)
    ready(chosen, w)
    with pytest.raises(RuntimeError, match="the first step of Adam cannot be captured"):
        with tour.cuda.graph(tour.cuda.CUDAGraph()):
            chosen.step()
    assert not chosen.state
    chosen.step()
    assert w.tolist() == pytest.approx([0.5] * 3)


def test_what_may_not_change_says_so(kernels):
    w, v = (tour.ones(3, device="cuda", requires_grad=True) for _ in range(2))
    chosen = optim.RMSprop([{"params": [v]}, {"params": [w]}], lr=0.25, momentum=0.5)
    (w.square().sum() + v.square().sum()).backward()
    chosen.step()
    graph = tour.cuda.CUDAGraph()
    with tour.cuda.graph(graph):
        chosen.step()
    chosen.param_groups[1]["momentum"] = 0.9
    before = w.tolist(), v.tolist(), chosen.state[v]["step"].item()
    with pytest.raises(RuntimeError, match=r"momentum of RMSprop was 0\.5 when its step was captured, and is 0\.9 now"):
        graph.replay()
    assert (w.tolist(), v.tolist(), chosen.state[v]["step"].item()) == before  # nothing is half done
    chosen.param_groups[1]["momentum"] = 0.5
    graph.replay()
    assert chosen.state[v]["step"].item() == before[2] + 1


def test_an_optimizer_of_whole_parameters_refuses(kernels):
    w = tour.ones(3, 4, device="cuda", requires_grad=True)
    chosen = optim.Muon([w])
    ready(chosen, w)
    chosen.step()
    with pytest.raises(RuntimeError, match="a step of Muon cannot be captured"):
        with tour.cuda.graph(tour.cuda.CUDAGraph()):
            chosen.step()
