"""Times every workload with tour and with PyTorch, each in a process of its own, in turn, and writes `docs/performance.md`.

    nox -s bench                        # all workloads, and the page
    nox -s bench -- "GPT" "LSTM"        # those whose names contain one of these, printed only
    nox -s bench -- --threads 1         # one thread each, compared by processor time: for a machine that others use too

Unless told otherwise both frameworks run at their default settings. Settings that the environment presets for BLAS and thread pools
are taken away, and printed. Of several rounds the fastest counts, for both: other processes can only slow one down.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from workloads import WORKLOADS

ROOT = Path(__file__).resolve().parent.parent
PRESETS = ("OPENBLAS_", "GOTO_", "OMP_", "MKL_", "KMP_", "NUMBA_", "BLIS_", "VECLIB_")
FRAMEWORKS = ("tour", "torch")

Result = dict[str, dict[str, float]]


def environment(threads: int | None) -> tuple[dict[str, str], list[str]]:
    """The environment without presets of thread pools and BLAS, or with this number of threads; and what was taken away."""
    removed = sorted(name for name in os.environ if name.startswith(PRESETS))
    env = {k: v for k, v in os.environ.items() if k not in removed}
    if threads:
        env |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    return env, [f"{k}={os.environ[k]}" for k in removed]


def measured(name: str, rounds: int, seconds: float, env: dict[str, str]) -> Result:
    """The best of some rounds of a workload, by framework."""
    best: Result = {}
    for _ in range(rounds):
        for framework in FRAMEWORKS:
            command = [sys.executable, str(Path(__file__).parent / "measure.py"), framework, name, str(seconds)]
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{framework} failed in {name!r}:\n{done.stderr}")
            found = json.loads(done.stdout.splitlines()[-1])
            known = best.setdefault(framework, dict(found))
            for key, value in found.items():
                known[key] = max(known[key], value) if key == "others" else min(known[key], value)
    return best


def ratio(result: Result, key: str) -> float:
    """PyTorch's number over tour's."""
    return result["torch"][key] / max(result["tour"][key], 1e-9)


def mean(values: list[float]) -> float:
    """The geometric mean."""
    return math.exp(sum(map(math.log, values)) / len(values))


def machine(removed: list[str]) -> list[str]:
    """What ran, in lines."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    import tour

    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        tour.show_config()
    config = [line.partition(", cache in")[0] for line in text.getvalue().splitlines() if "so far" not in line]
    return [
        f"{model}, {os.cpu_count()} cores; {platform.system()}, Python {platform.python_version()}",
        f"PyTorch {version('torch')}, tour {version('tour-tensor')}, Numba {version('numba')}",
        *config,
        f"presets taken away: {', '.join(removed) or 'none'}",
    ]


def time_text(milliseconds: float) -> str:
    """A time with three digits and a fitting unit."""
    value, unit = (milliseconds * 1e3, "µs") if milliseconds < 1 else (milliseconds, "ms")
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"


def page(results: dict[str, Result], about: list[str], key: str, how: str) -> str:
    """The page for the site; `key` is the time by which frameworks are compared."""
    ratios = {name: ratio(r, key) for name, r in results.items()}
    busy = [max(r[f]["others"] for f in FRAMEWORKS) for r in results.values()]
    rows = [
        f"| {name} | {time_text(r['tour'][key])} | {time_text(r['torch'][key])} | {ratios[name]:.2f} "
        f"| {r['tour']['peak']:.0f} | {r['torch']['peak']:.0f} |"
        for name, r in results.items()
    ]
    short = sorted((value, name) for name, value in ratios.items() if value < 1)
    lines = [
        "# Performance",
        "",
        "<!-- Written by `nox -s bench`; the notes at the end are `benchmarks/notes.md`. -->",
        "",
        f"Time of PyTorch over time of tour, {how}; each workload in a process of its own. Above 1 tour is faster. Geometric mean of "
        f"{len(results)} workloads: {mean(list(ratios.values())):.2f}.",
        "",
        "![Time of PyTorch over time of tour](assets/performance.svg)",
        "",
        *(f"* {line.strip()}" for line in about),
        f"* other processes used {min(busy):.0%} to {max(busy):.0%} of the machine meanwhile",
        "",
        "| workload | tour | PyTorch | ratio | MiB, tour | MiB, PyTorch |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *rows,
        "",
        "Times are of one step after warming up: a quarter of the repetitions took at most that, in the faster of the rounds. MiB are what "
        "the process's memory grew by while the step was repeated, at its peak.",
        "",
        "## What falls short",
        "",
        *([f"* {name}: {value:.2f}" for value, name in short] or ["Nothing: no workload is below 1."]),
        "",
        (Path(__file__).parent / "notes.md").read_text(encoding="utf-8").strip(),
        "",
    ]
    return "\n".join(lines)


def chart(results: dict[str, Result], path: Path, key: str) -> None:
    """Bars of the ratios, on a logarithmic scale round 1."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    names, values = list(results), [ratio(r, key) for r in results.values()]
    with pyplot.rc_context({"svg.hashsalt": "tour", "font.size": 9}):
        figure, axes = pyplot.subplots(figsize=(8, 0.24 * len(names) + 1), layout="constrained")
        colors = ["#2a7f62" if v >= 1 else "#b3541e" for v in values]
        axes.barh(names, [v - 1 for v in values], left=1, color=colors)
        axes.set_xscale("log", base=2)
        axes.axvline(1, color="black", linewidth=0.8)
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}×")
        axes.set_xlabel("time of PyTorch / time of tour")
        axes.invert_yaxis()
        axes.margins(y=0.01)
        figure.savefig(path, metadata={"Date": None})


def main(argv: list[str] | None = None) -> int:
    """Run, print, and write the page if everything was run."""
    parser = argparse.ArgumentParser(description="Compare tour with PyTorch.")
    parser.add_argument("parts", nargs="*", help="parts of names of workloads; all if none is given")
    parser.add_argument("--rounds", type=int, default=2, help="how often each framework runs each workload")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long a workload is repeated in a round")
    parser.add_argument("--page", type=Path, help="where to write the page; docs/performance.md if all workloads run")
    parser.add_argument(
        "--threads", type=int, help="threads of both frameworks; with 1 they are compared by processor time"
    )
    options = parser.parse_args(argv)
    env, removed = environment(options.threads)
    os.environ |= env
    about = machine(removed)
    key = "cpu" if options.threads == 1 else "wall"
    how = (
        "one thread each, by processor time"
        if key == "cpu"
        else f"{options.threads or 'as many as default'} threads, by the clock"
    )
    print("\n".join([*about, how]), flush=True)
    results: dict[str, Result] = {}
    for name in WORKLOADS:
        if not options.parts or any(part in name for part in options.parts):
            r = results[name] = measured(name, options.rounds, options.seconds, env)
            print(
                f"{name:55} tour {time_text(r['tour'][key]):>9}  PyTorch {time_text(r['torch'][key]):>9}  {ratio(r, key):5.2f}  "
                f"others {max(x['others'] for x in r.values()):.0%}",
                flush=True,
            )
    ratios = [ratio(r, key) for r in results.values()]
    print(f"geometric mean {mean(ratios):.2f}, least {min(ratios):.2f}")
    target = options.page or (None if options.parts else ROOT / "docs" / "performance.md")
    if target:
        (target.parent / "assets").mkdir(exist_ok=True)
        chart(results, target.parent / "assets" / "performance.svg", key)
        start = ", ".join(f"{f} {min(r[f]['import'] for r in results.values()):.0f} ms" for f in FRAMEWORKS)
        target.write_text(page(results, [*about, f"import, by the clock: {start}"], key, how), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
