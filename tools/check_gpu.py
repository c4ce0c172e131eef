"""On a machine with an NVIDIA GPU: the suites, replays against steps run one by one, and times beside PyTorch's.

    nox -s gpu                                    # installs what it needs, then runs this
    python tools/check_gpu.py                     # in a checkout, where CuPy (and PyTorch) are installed
    python tools/check_gpu.py --only times        # or suites, or replays
    python tools/check_gpu.py --short             # tiny sizes: does it run at all?

What it prints last are lines for docs/gpu.md, with the commit, the device and the date. It exits with 1 where a suite fails, a replay
differs, or a time is behind what is asked for.
"""

from __future__ import annotations

import argparse
import datetime
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(map(str, ROOT.glob("packages/*/src")))
sys.path[:0] = [path for path in (str(Path(__file__).parent),) if path not in sys.path]


def plug_in() -> None:
    """Let a checkout that is not installed be found: its sources, and tour-cuda's entry point."""
    try:
        import tour.cuda  # noqa: F401
    except ModuleNotFoundError:
        sys.path[:0] = SOURCES
        os.environ["PYTHONPATH"] = os.pathsep.join([*SOURCES, *filter(None, [os.environ.get("PYTHONPATH")])])
    if not any(entry.name == "cuda" for entry in entry_points(group="tour.backends")):
        folder = Path(tempfile.mkdtemp(prefix="tour-cuda-"))
        info = folder / "tour_cuda_here-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tour-cuda-here\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[tour.backends]\ncuda = tour.cuda:backend\n")
        sys.path.append(str(folder))
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(folder)]))


def suites() -> bool:
    """The tests of tour-cuda, on the device; whether they pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "packages/tour-cuda/tests")]
    return subprocess.run(command, env=os.environ | {"TOUR_TEST_GPU": "1"}, check=False).returncode == 0


# --- Replays ------------------------------------------------------------------------------------------------------------------


def captured(step: Callable[[], Any], warm_up: int = 3) -> tuple[Any, Any]:
    """A graph of a step that has been run some times before, and the loss that it writes.

    The graph holds addresses: whoever replays it must keep the step, and with it the network and the optimizer.
    """
    import tour

    side = tour.cuda.Stream()
    side.wait_stream(tour.cuda.current_stream())
    with tour.cuda.stream(side):
        for _ in range(warm_up):
            step()
    tour.cuda.current_stream().wait_stream(side)
    graph = tour.cuda.CUDAGraph()
    with tour.cuda.graph(graph):
        loss = step()
    return graph, loss


def losses(make: Any, optimizer: Any, sizes: Any, replayed: bool, steps: int) -> list[float]:
    """Of steps of training under a scheduler, run one by one or replayed."""
    import gpu_workloads as work

    import tour

    parts = make(tour, sizes)
    chosen = optimizer(tour, parts)
    step = work.step_of(tour, parts, chosen)
    if replayed:
        graph, loss = captured(step)
    else:
        for _ in range(3):
            step()
    scheduler = tour.optim.lr_scheduler.ExponentialLR(chosen, 0.9)
    found = []
    for _ in range(steps):
        if replayed:
            graph.replay()
        else:
            loss = step()
        found.append(loss.item())
        scheduler.step()
    return found


def compare_replays(sizes: Any, steps: int = 10) -> bool:
    """Hold replayed steps against the same steps run one by one; whether all agree."""
    import gpu_workloads as work

    good = True
    for make, optimizer in ((work.perceptron, work.sgd), (work.resnet, work.sgd), (work.gpt, work.adamw)):
        eager, replayed = (losses(make, optimizer, sizes, way, steps) for way in (False, True))
        away = max(abs(a - b) / max(abs(b), 1e-3) for a, b in zip(replayed, eager, strict=True))
        same = away < 1e-3
        good &= same
        print(
            f"{make.__name__}: {steps} replayed steps {'equal' if same else 'DIFFER FROM'} steps run one by one ({away:.1e})"
        )
    return good


# --- Times --------------------------------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """A measurement: seconds of one piece of work.

    Attributes:
        name: What was done.
        here: By tour.
        replayed: By a graph of it; None where there is none.
        there: By PyTorch; None where it is not at hand.
        wanted: The least ratio of PyTorch's time to tour's best.
    """

    name: str
    here: float
    replayed: float | None
    there: float | None
    wanted: float

    def ratio(self) -> float | None:
        """PyTorch's time over tour's best."""
        return None if self.there is None else self.there / min(self.here, self.replayed or self.here)

    def __str__(self) -> str:
        times = (self.here, self.replayed, self.there)
        cells = [self.name, *("" if s is None else f"{s * 1e6:,.0f}" for s in times)]
        ratio = self.ratio()
        cells += ["", f"{self.wanted}"] if ratio is None else [f"{ratio:.2f}", f"{self.wanted}"]
        return "| " + " | ".join(cells) + " |"


HEAD = """\
| work | tour, µs | replayed, µs | PyTorch, µs | PyTorch / tour | at least |
| --- | --: | --: | --: | --: | --: |"""


def seconds(function: Callable[[], Any], wait: Callable[[], Any], rounds: int) -> float:
    """The least time of a call, of five rounds, the device's work included."""
    for _ in range(min(rounds, 5)):
        function()
    wait()
    best = float("inf")
    for _ in range(5 if rounds > 1 else 1):
        start = time.perf_counter()
        for _ in range(rounds):
            function()
        wait()
        best = min(best, (time.perf_counter() - start) / rounds)
    return best


def pytorch() -> Any:
    """PyTorch, if it is installed and sees the device."""
    try:
        import torch
    except ModuleNotFoundError:
        return None
    return torch if torch.cuda.is_available() else None


def measure(sizes: Any, other: Any, rounds: int) -> list[Row]:
    """All measurements; `other` is PyTorch or None."""
    import gpu_workloads as work

    import tour

    rows: list[Row] = []

    def single(name: str, make: Callable[[Any], Callable[[], Any]], wanted: float) -> None:
        here = seconds(make(tour), tour.cuda.synchronize, rounds)
        there = None if other is None else seconds(make(other), other.cuda.synchronize, rounds)
        rows.append(Row(name, here, None, there, wanted))
        print(rows[-1], flush=True)

    def training(name: str, network: Any, optimizer: Any, half: bool, wanted: float) -> None:
        def make(t: Any) -> work.Work:
            parts = network(t, sizes)
            return work.step_of(t, parts, optimizer(t, parts), half)

        step = make(tour)
        here = seconds(step, tour.cuda.synchronize, rounds)
        graph, _ = captured(step)
        replayed = seconds(graph.replay, tour.cuda.synchronize, rounds)
        there = None if other is None else seconds(make(other), other.cuda.synchronize, rounds)
        rows.append(Row(name, here, replayed, there, wanted))
        print(rows[-1], flush=True)

    print(HEAD)
    for dtype in ("float32", "float16", "bfloat16"):
        single(f"matrix product, {sizes.matrix}, {dtype}", partial(work.product, sizes=sizes, dtype=dtype), 0.9)
    shape = " x ".join(map(str, sizes.heads))
    for dtype in ("float32", "bfloat16"):
        for backward in (False, True):
            name = f"attention, {shape}, {dtype}{', both ways' if backward else ''}"
            single(name, partial(work.attention, sizes=sizes, dtype=dtype, backward=backward), 0.9)
    training("small network, step", work.perceptron, work.sgd, False, 1.0)
    training("ResNet-18, step, float32", work.resnet, work.sgd, False, 0.8)
    training("ResNet-18, step, bfloat16", work.resnet, work.sgd, True, 0.8)
    training("GPT, step, float32", work.gpt, work.adamw, False, 0.8)
    training("GPT, step, bfloat16", work.gpt, work.adamw, True, 0.8)
    return rows


def heading(other: Any) -> str:
    """Device, commit, date, and versions."""
    import tour
    from tour.cuda import _cupy, _dnn

    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=ROOT
    )  # fmt: skip
    runtime = _cupy.module().cuda.runtime.runtimeGetVersion()
    front = _dnn.frontend()
    parts = [
        tour.cuda.get_device_name(), f"commit {commit.stdout.strip() or 'unknown'}", str(datetime.date.today()),
        f"CUDA {runtime // 1000}.{runtime % 1000 // 10}", f"CuPy {_cupy.module().__version__}",
        "no cuDNN front end" if front is None else f"cuDNN front end {getattr(front, '__version__', '')}",
        "no PyTorch" if other is None else f"PyTorch {other.__version__}",
    ]  # fmt: skip
    return ", ".join(parts)


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; 1 where something falls short."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=["suites", "replays", "times"])
    parser.add_argument("--short", action="store_true", help="tiny sizes, one round")
    options = parser.parse_args(arguments)
    plug_in()
    import gpu_workloads as work

    import tour

    if not tour.cuda.is_available():
        print("no CUDA device can be used")
        return 1
    tour.cuda.init()
    sizes, other = (work.SHORT if options.short else work.FULL), pytorch()
    print(heading(other), flush=True)
    good = True
    if options.only in (None, "suites"):
        good &= suites()
    if options.only in (None, "replays"):
        few = work.FULL._replace(image=(16, 32, 16), text=(2, 128, 128, 4, 2))
        good &= compare_replays(work.SHORT, 2) if options.short else compare_replays(few)
    if options.only in (None, "times"):
        rows = measure(sizes, other, 1 if options.short else 30)
        late = [row.name for row in rows if (ratio := row.ratio()) is not None and ratio < row.wanted]
        print(f"\nFor docs/gpu.md:\n\nMeasured on {heading(other)}. Of five rounds the fastest counts.\n\n{HEAD}")
        print("\n".join(map(str, rows)))
        if late:
            print(f"\nBehind what is asked for: {'; '.join(late)}")
        good &= options.short or not late
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
