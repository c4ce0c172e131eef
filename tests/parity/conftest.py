"""Puts the harness on the path, takes the options, and writes the summary."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_addoption(parser: Any) -> None:
    parser.addoption("--samples", type=int, default=8, help="samples per operator and dtype (8)")
    parser.addoption(
        "--parity-json", default=None, help="where to write the results; docs/data/parity.json is what the site shows"
    )


ROWS: list[tuple[dict[str, Any], Any]] = []
PROGRAMS: dict[str, list[float]] = {}  # the final figure of each program: PyTorch's, tour's


def pytest_runtest_logreport(report: Any) -> None:
    properties = dict(report.user_properties)
    if "program" in properties and report.when == "call":
        PROGRAMS[properties["program"]] = properties["final"]
    if "operator" in properties and (report.when == "call" or report.failed):
        ROWS.append((properties, report))


def stale(rows: list[Any]) -> list[str]:
    """Operators that are listed as different as a whole, although every check of theirs has run and passed."""
    from expected import EXPECTED
    from harness.checks import checks_of
    from harness.database import OPERATORS

    found = gather(rows)
    return [
        name
        for name in EXPECTED
        if name in found
        and found[name]["checks"].keys() == checks_of(OPERATORS[name]).keys()
        and set(found[name]["checks"].values()) == {"pass"}
    ]


def pytest_sessionfinish(session: Any) -> None:
    if ROWS and stale(ROWS):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    path = config.getoption("--parity-json")
    if path and PROGRAMS:
        write(path, {"programs": PROGRAMS})
    if not ROWS:
        return
    for name in stale(ROWS):
        terminalreporter.write_line(
            f"{name} is listed as different but passes every check: take it off the list", red=True
        )
    operators = gather(ROWS)
    summary = summarise(operators)
    terminalreporter.section("parity with PyTorch")
    for module, (good, applicable, listed) in sorted(summary.items()):
        terminalreporter.write_line(
            f"{module:16} {good:4} of {applicable:4} operators pass, {listed} listed with a reason"
        )
    good, applicable = (sum(row[i] for row in summary.values()) for i in (0, 1))
    terminalreporter.write_line(f"{'all':16} {good:4} of {applicable:4} ({good / max(applicable, 1):.1%})")
    if path:
        with_what = {name: version(name) for name in ("torch", "numpy")}
        made = {"date": f"{date.today()}", **with_what, "summary": summary, "checks": by_check(operators)}
        made["operators"] = {name: briefly(entry) for name, entry in operators.items()}
        write(path, made)


def write(path: str, made: dict[str, Any]) -> None:
    """Put results into a file; what other tests found stays there."""
    file = Path(path)
    there = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    file.write_text(json.dumps(there | made, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def gather(rows: list[Any]) -> dict[str, Any]:
    """For each operator its module and what became of each check."""
    found: dict[str, Any] = defaultdict(lambda: {"checks": {}})
    for properties, report in rows:
        entry = found[properties["operator"]]
        entry["module"] = properties["module"]
        entry["checks"][properties["check"]] = properties.get("found", "error" if report.failed else "pass")
    return dict(found)


def briefly(entry: dict[str, Any]) -> dict[str, Any]:
    """An operator's module, how many checks it passes, and what became of the others."""
    checks = entry["checks"]
    other = {check: found for check, found in checks.items() if found != "pass"}
    return {"module": entry["module"], "passed": len(checks) - len(other), "other": other}


def summarise(operators: dict[str, Any]) -> dict[str, list[int]]:
    """For each module: operators that pass every check, operators, and operators that are listed as different."""
    summary: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for entry in operators.values():
        outcomes = set(entry["checks"].values())
        row = summary[entry["module"]]
        row[0] += outcomes == {"pass"}
        row[1] += 1
        row[2] += any(o.startswith("listed") for o in outcomes)
    return dict(summary)


def by_check(operators: dict[str, Any]) -> dict[str, list[int]]:
    """For each check: how many operators pass it, of how many."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for entry in operators.values():
        for check, found in entry["checks"].items():
            counts[check][0] += found == "pass"
            counts[check][1] += 1
    return dict(counts)


@pytest.fixture
def limit(request: Any) -> int:
    """Samples per operator and dtype."""
    return int(request.config.getoption("--samples"))
