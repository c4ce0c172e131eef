"""On a machine with an NVIDIA GPU: hold a replayed graph against the same steps run one by one, and time tour against PyTorch.

    python tools/check_gpu.py            # `nox -s gpu` runs this after the suites

Prints one line a measurement: what, seconds here, seconds by PyTorch (where it is installed and sees the GPU), their ratio. The lines go
into docs/gpu.md, with the commit, the device and the date that are printed first.
"""

from __future__ import annotations

import datetime
import subprocess
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import tour
import tour.nn.functional as F
from tour import nn, optim


def step_of(net: Any, x: Any, y: Any, optimizer: Any) -> Callable[[], Any]:
    """One step of training, as a function without arguments."""

    def step() -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def perceptron() -> tuple[Any, Any, Any]:
    """A small network with a batch, drawn from a fixed seed, on the GPU."""
    tour.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    x, y = tour.randn(32, 64), tour.randint(10, (32,))
    return net.to("cuda"), x.to("cuda"), y.to("cuda")


def captured(step: Callable[[], Any]) -> tuple[Any, Any]:
    """A graph of a step that has been run three times before, and the loss that it writes.

    The graph holds addresses: whoever replays it must keep the step, and with it the network and the optimizer.
    """
    side = tour.cuda.Stream()
    side.wait_stream(tour.cuda.current_stream())
    with tour.cuda.stream(side):
        for _ in range(3):
            step()
    tour.cuda.current_stream().wait_stream(side)
    graph = tour.cuda.CUDAGraph()
    with tour.cuda.graph(graph):
        loss = step()
    return graph, loss


def compare_replay() -> None:
    """Ten steps replayed and ten steps run, from the same start.

    Raises:
        AssertionError: If the losses differ by more than rounding.
    """
    net, x, y = perceptron()
    step = step_of(net, x, y, optim.SGD(net.parameters(), lr=0.1))
    eager = [step().item() for _ in range(13)][3:]
    net, x, y = perceptron()
    step = step_of(net, x, y, optim.SGD(net.parameters(), lr=0.1))
    graph, loss = captured(step)
    replayed = []
    for _ in range(10):
        graph.replay()
        replayed.append(loss.item())
    np.testing.assert_allclose(replayed, eager, rtol=1e-5)
    print("ten replayed steps equal ten steps run one by one")


def seconds(function: Callable[[], Any], wait: Callable[[], Any], rounds: int = 50) -> float:
    """The least time of a call, of five rounds, the device's work included."""
    for _ in range(5):
        function()
    wait()
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(rounds):
            function()
        wait()
        best = min(best, (time.perf_counter() - start) / rounds)
    return best


def measure() -> None:
    """Matrix products, attention and a small network's step, beside PyTorch."""
    try:
        import torch

        other: Any = torch if torch.cuda.is_available() else None
    except ModuleNotFoundError:
        other = None
    works: dict[str, Callable[[Any, Any], Callable[[], Any]]] = {
        "matrix product, 2048, float32": lambda t, f: (lambda a: lambda: a @ a)(t.ones(2048, 2048, device="cuda")),
        "matrix product, 2048, bfloat16": lambda t, f: (lambda a: lambda: a @ a)(
            t.ones(2048, 2048, device="cuda").to(t.bfloat16)
        ),
        "attention, 16 x 1024 x 64, float32": lambda t, f: (lambda q: lambda: f.scaled_dot_product_attention(q, q, q))(
            t.ones(1, 16, 1024, 64, device="cuda")
        ),
    }
    for name, make in works.items():
        report(name, seconds(make(tour, F), tour.cuda.synchronize), other, make)
    net, x, y = perceptron()
    step = step_of(net, x, y, optim.SGD(net.parameters(), lr=0.1))
    graph, _ = captured(step)
    here = seconds(graph.replay, tour.cuda.synchronize)

    def pytorch(t: Any, f: Any) -> Callable[[], Any]:
        net = t.nn.Sequential(t.nn.Linear(64, 64), t.nn.ReLU(), t.nn.Linear(64, 10)).cuda()
        x, y = t.randn(32, 64, device="cuda"), t.randint(10, (32,), device="cuda")
        chosen = t.optim.SGD(net.parameters(), lr=0.1)

        def step() -> Any:
            chosen.zero_grad()
            f.cross_entropy(net(x), y).backward()
            chosen.step()

        return step

    report("small network, step (captured; PyTorch eager)", here, other, pytorch)


def report(name: str, here: float, other: Any, make: Callable[[Any, Any], Callable[[], Any]]) -> None:
    """Print one line."""
    line = f"{name:<50}{here * 1e6:>12.1f} us"
    if other is not None:
        there = seconds(make(other, other.nn.functional), other.cuda.synchronize)
        line += f"{there * 1e6:>12.1f} us{here / there:>8.2f}"
    print(line)


def main() -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    print(tour.cuda.get_device_name(), commit.strip(), datetime.date.today())
    compare_replay()
    measure()


if __name__ == "__main__":
    main()
