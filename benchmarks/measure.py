"""Times one workload with one framework, in this process alone: `python benchmarks/measure.py tour "LeNet, 28 × 28, batch 64" 2`."""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path

LEAST = 7  # repetitions


def others() -> float:
    """Processor seconds that everybody has used since the machine started."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, irq, soft, *_ = map(int, file.readline().split()[1:])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def memory() -> float:
    """The largest memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print wall and processor milliseconds of one step, the peak of memory, and how busy other processes kept the machine."""
    framework, name, seconds = sys.argv[1:]
    start = time.perf_counter()
    torch = importlib.import_module(framework)
    imported = time.perf_counter() - start
    torch.manual_seed(0)
    sys.path.insert(0, str(Path(__file__).parent))
    step = importlib.import_module("workloads").WORKLOADS[name](torch)
    before = memory()
    begun = time.perf_counter()
    step()
    first = time.perf_counter() - begun
    for _ in range(3):
        step()
    walls: list[float] = []
    processor: list[float] = []
    begun = time.perf_counter()
    step()
    repeat = max(
        1, int(2e-4 / max(time.perf_counter() - begun, 1e-7))
    )  # at least 0.2 ms between two looks at the clock
    everybody, mine, begun = others(), time.process_time(), time.perf_counter()
    while len(walls) < LEAST or time.perf_counter() - begun < float(seconds):
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(repeat):
            step()
        walls.append((time.perf_counter() - wall) / repeat)
        processor.append((time.process_time() - cpu) / repeat)
    elapsed = time.perf_counter() - begun
    busy = others() - everybody - (time.process_time() - mine)
    walls.sort()
    print(
        json.dumps(
            {
                "wall": 1e3 * walls[len(walls) // 4],  # a quarter of the repetitions were at most this long
                "cpu": 1e3 * sorted(processor)[len(processor) // 4],
                "first": 1e3 * first,
                "import": 1e3 * imported,
                "peak": memory() - before,
                "others": max(0.0, busy / elapsed / (os.cpu_count() or 1)),
            }
        )
    )


if __name__ == "__main__":
    main()
