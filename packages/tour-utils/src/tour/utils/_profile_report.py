"""What a profile tells: rows of a table, and a timeline for Chrome's trace viewer."""

from __future__ import annotations

import json
import linecache
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Event", "Row"]


@dataclass(slots=True)
class Event:
    """One call of tour from the user's program, one call of a module, or one step of a backward pass.

    Attributes:
        name: The function, the module's class, or the node.
        kind: "call" from the program, "module" if it calls one, "submodule" for a module that another one calls, "node" for a
            step of a backward pass.
        line: `file:line` of the program that called; for a step, of the operation that it differentiates.
        modules: The paths of the modules round it, the outermost first.
        backward: Whether it ran in a backward pass.
        start: When it began, in nanoseconds of `time.perf_counter_ns`.
        duration: How long it took, in nanoseconds.
        own: How long without the events inside it.
        memory: Bytes of new tensors and gradients, without those of the events inside it.
    """

    name: str
    kind: str
    line: str
    modules: tuple[str, ...]
    backward: bool
    start: int
    duration: int = 0
    own: int = 0
    memory: int = 0


Move = tuple[int, int, Event]  # when, how many bytes more or fewer, whose they are


@dataclass
class Row:
    """What all events of a line, a module or an op amount to.

    Attributes:
        name: The line as `file:line`, the module's path, or the op.
        calls: How often it was called.
        forward: Milliseconds outside backward passes.
        backward: Milliseconds of backward passes.
        memory: Bytes of new tensors and gradients, over all calls.
        peak: How many of them were there when most bytes were.
    """

    name: str
    calls: int = 0
    forward: float = 0.0
    backward: float = 0.0
    memory: int = 0
    peak: int = 0

    @property
    def time(self) -> float:
        """Milliseconds in all."""
        return self.forward + self.backward


def _keys(event: Event, by: str) -> tuple[str, ...]:
    match by:
        case "line":
            return (event.line,)
        case "op":
            return (event.name,)
        case "module":
            return event.modules
    raise ValueError(f'a profile can be read by "line", "module" or "op", not by {by!r}')


def rows(events: list[Event], moves: list[Move], by: str) -> list[Row]:
    """Events put together; see `profile.rows`."""
    found: dict[str, Row] = {}
    for event in sorted(events, key=lambda e: e.start):
        keys = _keys(event, by)
        for key in dict.fromkeys(keys):
            row = found.setdefault(key, Row(key))
            if event.backward:
                row.backward += event.own / 1e6
            else:
                row.forward += event.own / 1e6
            row.memory += event.memory
        if keys and event.kind in _CALLS[by]:
            found[keys[-1]].calls += 1
    for event, size in _at_peak(moves)[1].values():
        for key in dict.fromkeys(_keys(event, by)):
            if key in found:
                found[key].peak += size
    return list(found.values()) if by == "module" else sorted(found.values(), key=lambda row: -row.time)


_CALLS = {"line": ("call", "module"), "module": ("module", "submodule"), "op": ("call", "module", "submodule", "node")}


def _at_peak(moves: list[Move]) -> tuple[int, dict[int, tuple[Event, int]]]:
    """The most bytes that were there at once, and which events' they were."""
    here = most = last = 0
    for i, (_, size, _) in enumerate(moves):
        here += size
        if here > most:
            most, last = here, i + 1
    held: dict[int, tuple[Event, int]] = {}
    for _, size, event in moves[:last]:
        held[id(event)] = event, held.get(id(event), (event, 0))[1] + size
    return most, held


# --- The table --------------------------------------------------------------------------------------------------------------


def table(found: list[Row], by: str, limit: int, width: int | None) -> str:
    """Rows as text; see `profile.table`."""
    width = width or min(shutil.get_terminal_size((110, 0)).columns, 160)
    slowest = {id(row) for row in sorted(found, key=lambda row: -row.time)[:limit]}
    shown = [row for row in found if id(row) in slowest]
    whole = max((row.time for row in found), default=0.0) if by == "module" else sum(row.time for row in found)
    unit, size = max((row.memory for row in found), default=0), 1
    while size < 2**30 and unit >= 1024 * size * 10:
        size *= 1024
    prefix = {1: "bytes", 2**10: "KiB", 2**20: "MiB", 2**30: "GiB"}[size]
    digits = ",.1f" if size > 1 else ",.0f"
    lines = [("calls", "forward", "backward", "share", f"new {prefix}", "at peak")]
    for row in shown:
        share = row.time / whole if whole else 0.0
        lines.append((
            f"{row.calls:,}", _shown(row.forward, ",.2f"), _shown(row.backward, ",.2f"), f"{share:.0%}",
            _shown(row.memory / size, digits), _shown(row.peak / size, digits),
        ))  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numbers = ["  ".join(cell.rjust(n) for cell, n in zip(line, widths, strict=True)) for line in lines]
    room = max(width - len(numbers[0]) - 2, 24)
    names = [f"by {by}, in ms", *_labels(shown, by)]
    left = min(room, max(map(len, names)))
    text = [f"{_cut(name, left):{left}}  {row}".rstrip() for name, row in zip(names, numbers, strict=True)]
    text.insert(1, "─" * max(map(len, text)))
    if hidden := len(found) - len(shown):
        rest = sum(row.time for row in found if id(row) not in slowest)
        text.append(f"… and {hidden} more" + (f", {rest:,.2f} ms together" if by != "module" else ""))
    return "\n".join(text)


def _shown(number: float, digits: str) -> str:
    return format(number, digits) if number else ""


def _labels(shown: list[Row], by: str) -> list[str]:
    if by == "module":
        depths = [row.name.count(".") for row in shown]
        return [
            f"{'  ' * depth}{'.' if depth else ''}{row.name.rpartition('.')[2]}"
            for row, depth in zip(shown, depths, strict=True)
        ]
    if by == "op":
        return [row.name for row in shown]
    places = []
    for row in shown:
        file, _, number = row.name.rpartition(":")
        source = linecache.getline(file, int(number)).strip() if number.isdigit() else ""
        places.append((f"{os.path.basename(file)}:{number}" if file else row.name, source))
    across = max((len(place) for place, _ in places), default=0)
    return [f"{place:{across}}  {source}" for place, source in places]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


# --- The timeline -----------------------------------------------------------------------------------------------------------


def write_chrome_trace(path: str | os.PathLike[str], events: list[Event], moves: list[Move], began: int) -> None:
    """Write events as JSON in Chrome's trace format; times are in microseconds since the block was opened."""
    pid = os.getpid()
    made: list[dict[str, object]] = [
        {"ph": "M", "name": "process_name", "pid": pid, "tid": 0, "args": {"name": "tour"}},
    ]
    for e in sorted(events, key=lambda e: (e.start, -e.duration)):
        shown = {"line": e.line, "module": e.modules[-1] if e.modules else "", "new bytes": e.memory}
        made.append({
            "ph": "X", "name": e.modules[-1] if e.kind in ("module", "submodule") else e.name,
            "cat": "backward" if e.backward else "forward", "pid": pid, "tid": 0,
            "ts": (e.start - began) / 1e3, "dur": e.duration / 1e3, "args": shown,
        })  # fmt: skip
    here = 0
    for when, size, _ in moves:
        here += size
        made.append(
            {"ph": "C", "name": "new bytes", "pid": pid, "tid": 0, "ts": (when - began) / 1e3, "args": {"bytes": here}}
        )
    Path(path).write_text(json.dumps({"traceEvents": made, "displayTimeUnit": "ms"}), encoding="utf-8")
