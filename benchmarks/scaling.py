"""Measure what data-parallel training costs here, and from it predict what it costs on many machines.

    python benchmarks/scaling.py docs/scaling.md

Two processes reduce arrays of many sizes; a line through the times gives latency and bandwidth. The training steps
of three models are timed in one process. The rest is arithmetic, written out in the page.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import tour
from tour import distributed as dist
from tour import nn, optim
from tour.distributed import run
from tour.distributed._reducer import MIB, plan

SIZES = [4, 1 << 10, 1 << 16, MIB, 10_000_000, 25 * MIB]  # bytes
MACHINES = [1, 2, 4, 8, 16, 64, 256, 1024]
NETWORKS = {"10 Gbit/s": (1.25e9, 30e-6), "100 Gbit/s": (12.5e9, 5e-6)}  # bytes per second, seconds per message


def best(call: Callable[[], Any], times: int) -> float:
    """The shortest of several runs, in seconds; all ranks start together."""
    shortest = float("inf")
    for _ in range(times):
        dist.barrier()
        start = time.perf_counter()
        call()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest


# --- What two processes measure ---------------------------------------------------------------------------------------------


def reductions() -> dict[int, tuple[float, float]]:
    """Seconds of an all-reduce by size: tour's, and mpi4py's own, in turns."""
    from mpi4py import MPI

    def pair(t: tour.Tensor, times: int) -> tuple[float, float]:
        a = t.numpy()
        ours = best(lambda: dist.all_reduce(t), times)
        return ours, best(lambda: MPI.COMM_WORLD.Allreduce(MPI.IN_PLACE, a), times)

    found = {}
    for size in SIZES:
        t, times = tour.ones(size // 4), 10 if size > MIB else 100
        ours, theirs = zip(*(pair(t, times) for _ in range(5)), strict=True)
        found[size] = (min(ours), min(theirs))
    return found


def gpt_shapes() -> list[tuple[int, ...]]:
    """The parameters of a GPT of 4 blocks and 512 channels, 14 million numbers."""
    block = [
        (512,),
        (512,),
        (1536, 512),
        (1536,),
        (512, 512),
        (512,),
        (512,),
        (512,),
        (2048, 512),
        (2048,),
        (512, 2048),
        (512,),
    ]
    return [(4096, 512), *block * 4, (512,), (512,)]


def bucketing() -> dict[str, float]:
    """Seconds to reduce a GPT's gradients: one call a tensor, in buckets of 25 MiB, and as one array."""
    parameters = [tour.ones(*shape) for shape in gpt_shapes()]
    buckets = [tour.ones(sum(p.numel() for _, p in bucket)) for bucket in plan(parameters, MIB, 25 * MIB)]
    whole = tour.ones(sum(p.numel() for p in parameters))

    def each(tensors: list[tour.Tensor]) -> Callable[[], Any]:
        return lambda: [dist.all_reduce(t) for t in tensors]

    forms = {
        "one call a tensor": each(parameters),
        "buckets of 25 MiB": each(buckets),
        "one call for all": each([whole]),
    }
    return {name: best(call, 15) for name, call in forms.items()}


def overlap(seconds: float = 0.02) -> dict[str, float]:
    """Seconds of a pass over eight layers on a device that leaves the processor free, with 10 MB of gradients each."""
    gradients = [tour.ones(2_500_000) for _ in range(8)]

    def computing() -> None:
        for _ in gradients:
            time.sleep(seconds)

    def after() -> None:
        computing()
        for g in gradients:
            dist.all_reduce(g)

    def beside() -> None:
        works = []
        for g in gradients:
            time.sleep(seconds)
            works.append(dist.all_reduce(g, async_op=True))
        for work in works:
            assert work is not None
            work.wait()

    return {
        "computing alone": best(computing, 3),
        "reducing afterwards": best(after, 7),
        "reducing meanwhile": best(beside, 7),
    }


def measure(path: str) -> None:
    """Be one of the two processes; rank 0 writes what was measured."""
    dist.init_process_group()
    found = {"reductions": reductions(), "bucketing": bucketing(), "overlap": overlap()}
    if dist.get_rank() == 0:
        Path(path).write_text(json.dumps(found))
    dist.destroy_process_group()


# --- What one process measures ------------------------------------------------------------------------------------------------


class Attention(nn.Module):
    """A block of a GPT."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.block = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)

    def forward(self, x: tour.Tensor) -> tour.Tensor:
        """Attend to what came before."""
        out: tour.Tensor = self.block(x, nn.Transformer.generate_square_subsequent_mask(x.shape[1]), is_causal=True)
        return out


def models() -> dict[str, tuple[nn.Module, tour.Tensor]]:
    """Networks and a batch of inputs for each."""
    small = [
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
    ]
    return {
        "perceptron 784-512-256-10, batch 64": (
            nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10)),
            tour.randn(64, 784),
        ),
        "convolutions on 32×32, batch 32": (
            nn.Sequential(*small, nn.Flatten(), nn.Linear(64 * 64, 10)),
            tour.randn(32, 3, 32, 32),
        ),
        "GPT, 4 blocks of 256, T=128, batch 8": (
            nn.Sequential(*(Attention(256, 4) for _ in range(4))),
            tour.randn(8, 128, 256),
        ),
    }


def step_seconds(net: nn.Module, x: tour.Tensor) -> float:
    """Seconds of one training step."""
    optimizer = optim.Adam(net.parameters())

    def step() -> None:
        optimizer.zero_grad()
        net(x).square().mean().backward()
        optimizer.step()

    return best(step, 10)


# --- What follows -------------------------------------------------------------------------------------------------------------


def ring(size: float, machines: int, bandwidth: float, latency: float) -> float:
    """Seconds of an all-reduce round a ring: 2 (p - 1) messages of n / p bytes (Patarasuk and Yuan, 2009)."""
    return 2 * (machines - 1) * (latency + size / machines / bandwidth)


def efficiency(seconds: float, size: float, machines: int, bandwidth: float, latency: float) -> float:
    """Share of a step that is not spent waiting for the network, if two thirds of it, the backward pass, can hide traffic."""
    buckets = max(1, round(size / (25 * MIB)))
    traffic = sum(ring(size / buckets, machines, bandwidth, latency) for _ in range(buckets))
    last = ring(min(size, MIB), machines, bandwidth, latency)  # nothing is left to hide the last bucket behind
    return seconds / (seconds / 3 + max(seconds * 2 / 3 + last, traffic)) if machines > 1 else 1.0


def milliseconds(seconds: float) -> str:
    """Three digits, in ms."""
    return f"{seconds * 1e3:.3g}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def page(found: dict[str, Any]) -> str:
    """The page, with all that was measured and what follows from it."""
    times = {int(size): pair for size, pair in found["reductions"].items()}
    slope, start = np.polyfit([s for s in times if s >= MIB], [times[s][0] for s in times if s >= MIB], 1)
    dist.init_process_group()
    steps = {
        name: (step_seconds(net, x), sum(p.numel() * 4 for p in net.parameters()))
        for name, (net, x) in models().items()
    }
    dist.destroy_process_group()
    parts = [
        HEAD.format(cores=os.cpu_count(), machine=platform.machine(), date=time.strftime("%Y-%m-%d")),
        table(
            ["bytes", "tour, ms", "mpi4py, ms", "ratio"],
            [[f"{s:,}", milliseconds(a), milliseconds(b), f"{a / b:.2f}"] for s, (a, b) in times.items()],
        ),
        f"\nA line through the last three: {max(start, 0) * 1e6:.0f} µs, and {1 / slope / 1e9:.1f} GB/s.\n\n## Buckets\n\n",
        table(
            ["a GPT's 14 million gradients", "ms"], [[name, milliseconds(s)] for name, s in found["bucketing"].items()]
        ),
        OVERLAP,
        table(
            ["eight layers, 10 MB of gradients each", "ms"],
            [[name, milliseconds(s)] for name, s in found["overlap"].items()],
        ),
        MODEL,
    ]
    for network, (bandwidth, latency) in NETWORKS.items():
        rows = [
            [name, milliseconds(s), f"{size / 1e6:.1f}"]
            + [f"{efficiency(s, size, p, bandwidth, latency):.0%}" for p in MACHINES[1:]]
            for name, (s, size) in steps.items()
        ]
        head = ["model", "step, ms", "MB", *(f"{p}" for p in MACHINES[1:])]
        parts.append(f"\n### {network}, {latency * 1e6:.0f} µs a message\n\n{table(head, rows)}")
    return "".join(parts)


HEAD = """# Scaling

What data-parallel training costs, measured and predicted by `python benchmarks/scaling.py docs/scaling.md`, which
wrote this page on {date}: {cores} cores ({machine}), two processes with MPICH over shared memory.
Times are the shortest of many.

## All-reduce

`tour.distributed.all_reduce` of float32, beside mpi4py's `Allreduce` on the same memory in the same run.

"""
OVERLAP = """
## Traffic beside computing

A device that computes while the processor is free, acted by sleeping 20 ms for each layer. With the gradients of a
layer sent while the next computes, what is left is the last layer's.

"""
MODEL = """
## Many machines

Not measured: predicted, for a ring in which each of p machines sends 2 (p - 1) messages of n / p bytes, so that an
all-reduce of n bytes takes 2 (p - 1) (latency + n / p / bandwidth). A step of s seconds (measured above, in one
process here) spends two thirds of them in the backward pass, which hides traffic except that of the last bucket.
The batch per machine stays the same. Efficiency is the share of a step that is not spent waiting. Assumed: the
whole bandwidth is there, nobody is late, and no switch is shared; a tree instead of a ring would help the many
messages of 1,024 machines.
"""


def main() -> None:
    """Measure with two processes and alone, and write the page."""
    if len(sys.argv) == 3 and sys.argv[1] == "--measure":
        return measure(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "found.json")
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        line = [run.mpiexec(), "-n", "2", sys.executable, __file__, "--measure", str(result)]
        subprocess.run(line, check=True, env=environment)
        text = page(json.loads(result.read_text()))
    Path(sys.argv[1]).write_text(text, encoding="utf-8") if len(sys.argv) > 1 else print(text)


if __name__ == "__main__":
    main()
