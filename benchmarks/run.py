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
import html
import io
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from workloads import AIMS, GROUPS, WORKLOADS

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
    config = [
        line
        for line in text.getvalue().splitlines()
        if not any(x in line for x in ("so far", "memory:", "cache:"))  # these are about this process
    ]
    return [
        f"{model}, {os.cpu_count()} cores; {platform.system()}, Python {platform.python_version()}",
        f"PyTorch {version('torch')}, tour {version('tour-tensor')}, Numba {version('numba')}",
        *config,
        f"presets taken away: {', '.join(removed) or 'none'}",
    ]


def time_text(milliseconds: float) -> str:
    """A time with three digits and a fitting unit, which stay in one line."""
    value, unit = (milliseconds * 1e3, "µs") if milliseconds < 1 else (milliseconds, "ms")
    return f"{value:.3g}\N{NO-BREAK SPACE}{unit}" if value < 1000 else f"{value:.0f}\N{NO-BREAK SPACE}{unit}"


def grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """Names of workloads by group."""
    found: dict[str, list[str]] = {}
    title = ""
    for name in names:
        title = GROUPS.get(name, title)
        found.setdefault(title, []).append(name)
    return found


def page(results: dict[str, Result], about: list[str], key: str, how: str) -> str:
    """The page for the site; `key` is the time by which frameworks are compared."""
    ratios = {name: ratio(r, key) for name, r in results.items()}
    busy = max(max(r[f]["others"] for f in FRAMEWORKS) for r in results.values())
    groups = grouped(results)
    overview = [
        f"| {title} | {len(names)} | {mean([ratios[n] for n in names]):.2f} | {sum(ratios[n] >= 1 for n in names)} |"
        for title, names in groups.items()
    ]
    short = [(name, value, AIMS.get(name, 1)) for name, value in sorted(ratios.items(), key=lambda item: item[1])]
    short = [(name, value, aim) for name, value, aim in short if value < aim]
    lines = [
        "# Performance",
        "",
        "<!-- Written by `nox -s bench`; the notes at the end are `benchmarks/notes.md`. -->",
        "",
        f"tour beside PyTorch {version('torch')} on one CPU, {how}. Of {len(results)} workloads tour is the faster in "
        f"{sum(value >= 1 for value in ratios.values())}; the geometric mean of PyTorch's time over tour's is "
        f"{mean(list(ratios.values())):.2f}. "
        "What falls short is listed below.",
        "",
        "| | workloads | mean ratio | tour is faster in |",
        "| --- | ---: | ---: | ---: |",
        *overview,
        "",
        "{{ docs/assets/performance.svg: How many times as fast as PyTorch: to the right of the line tour is faster, to the left PyTorch. "
        "The scale is logarithmic, and bars end at a sixteenth and at sixteen. }}",
        "",
        "## How it was measured",
        "",
        "Each framework ran each workload in a process of its own, in turn, after warming up. Times are of one step: a quarter of the "
        "repetitions took at most that, in the faster of the rounds. MiB are what the process's memory grew by while the step was "
        "repeated, at its peak. A ratio is PyTorch's time over tour's; that of CPU compares the seconds of all threads together.",
        "",
        *(f"* {line.strip()}" for line in about),
        f"* other processes used up to {busy:.0%} of the machine meanwhile"
        + ("" if busy < 0.2 else ": too much for these numbers to be final"),
        "",
        *(line for title, names in groups.items() for line in table(title, {n: results[n] for n in names}, key)),
        "## What falls short",
        "",
        *[f"* {name}: {value:.2f}, to be {aim:g}" for name, value, aim in short],
        *([] if short and short[0][1] < 1 else ["* Slower than PyTorch: nothing."]),
        "",
        (Path(__file__).parent / "notes.md").read_text(encoding="utf-8").strip(),
        "",
    ]
    return "\n".join(lines)


def table(title: str, results: dict[str, Result], key: str) -> list[str]:
    """The times of one group, in lines."""
    rows = [
        f"| {name} | {time_text(r['tour'][key])} | {time_text(r['torch'][key])} | {ratio(r, key):.2f} "
        f"| {ratio(r, 'cpu'):.2f} | {r['tour']['peak']:.0f} | {r['torch']['peak']:.0f} |"
        for name, r in results.items()
    ]
    head = "| workload | tour | PyTorch | ratio | of CPU | MiB, tour | MiB, PyTorch |"
    return [f"## {title}", "", head, "| --- | ---: | ---: | ---: | ---: | ---: | ---: |", *rows, ""]


# Places in the chart: it is as wide as a phone, so that its words can be read there.
WIDTH, ROW, HEAD, REACH = 400, 30, 34, 4  # REACH: the axis ends at 2 ** -4 and 2 ** 4
UNIT = (WIDTH - 60) / (2 * REACH)


def words(x: float, y: float, text: str, size: int = 12, anchor: str = "start", soft: bool = True) -> str:
    """A line of text in the chart, in a colour of the page."""
    fill = "var(--soft, #555d6b)" if soft else "var(--ink, #20242c); font-weight: 600"
    style = f"font-size: {size}px; text-anchor: {anchor}; fill: {fill}"
    return f'<text x="{x:g}" y="{y:g}" font-family="sans-serif" style="{style}">{html.escape(text)}</text>'


def chart(results: dict[str, Result], path: Path, key: str) -> None:
    """Bars of the ratios from a line at 1, on a logarithmic scale, each under its name; in the colours of the page that holds it."""
    middle, y = WIDTH / 2, 24.0
    rows: list[str] = []
    for title, names in grouped(results).items():
        rows.append(words(0, y + 22, title, 14, soft=False))
        y += HEAD
        for name in names:
            value = ratio(results[name], key)
            length = max(min(math.log2(value), REACH), -REACH) * UNIT
            fill = "var(--c2, #2f7a4b)" if value >= 1 else "var(--c1, #b9500f)"
            bar = f'x="{middle + min(length, 0):.1f}" y="{y + 16:g}" width="{abs(length):.1f}" height="8"'
            rows += [
                words(0, y + 12, name),
                words(WIDTH, y + 12, f"{value:.2f}", anchor="end"),
                f'<rect {bar} style="fill: {fill}"/>',
            ]
            y += ROW
    lines = []
    for power in range(-REACH, REACH + 1, 2):
        x = middle + power * UNIT
        stroke = "var(--soft, #555d6b)" if power == 0 else "var(--line, #c9ced6)"
        lines += [
            f'<path d="M{x:g} 20 V{y:g}" style="stroke: {stroke}"/>',
            words(x, 12, f"{2**power}×" if power >= 0 else f"1/{2**-power}", anchor="middle"),
        ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 8:g}" style="width: 100%; max-width: {1.3 * WIDTH:g}px">'
    path.write_text("\n".join([head, *lines, *rows, "</svg>", ""]), encoding="utf-8")


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
        else f"with {options.threads or 'as many'} threads {'each' if options.threads else 'as each takes by default'}, by the clock"
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
