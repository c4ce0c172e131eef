"""MkDocs hook: what the last parity run found, as tables.

`{{ parity: modules }}`, `{{ parity: checks }}`, `{{ parity: differences }}`, `{{ parity: programs }}` and `{{ parity: names }}` come
from docs/data/parity.json, which `nox -s parity -- --parity-json docs/data/parity.json` writes; the reasons from
tests/parity/expected.py; the names from docs/data/pytorch_names.json, compared with tour as it is now.
"""

from __future__ import annotations

import ast
import functools
import html
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
LINE = re.compile(r"\{\{ parity: (\w+) \}\}")


def load(name: str) -> Any:
    """A file of data."""
    return json.loads((ROOT / "docs/data" / name).read_text(encoding="utf-8"))


def reasons() -> dict[str, str]:
    """Why an operator, or `operator/check`, is expected to differ."""
    spec = importlib.util.spec_from_file_location("expected", ROOT / "tests/parity/expected.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    expected: dict[str, str] = module.EXPECTED
    return expected


def rows(head: str, lines: Iterator[str]) -> str:
    """A table."""
    return "\n".join([head, re.sub(r"[^|]+", " --- ", head), *lines])


def modules() -> str:
    """For each module: operators, how many pass everything, and their names."""
    run = load("parity.json")
    summary = run["summary"].items()
    good, all_of = (sum(row[i] for _, row in summary) for i in (0, 1))
    table = rows(
        "| module | operators | pass every check |",
        (f"| `{name}` | {row[1]} | {row[0]} |" for name, row in sorted(summary, key=lambda item: -item[1][1])),
    )
    return (
        f"Of {all_of} operators, {good} pass every check ({good / all_of:.1%}): tour against PyTorch {run['torch']} on a CPU, "
        f"with NumPy {run['numpy']}, on {run['date']}.\n\n{table}\n\n{passing(run['operators'])}"
    )


def passing(operators: dict[str, Any]) -> str:
    """The names that pass, folded away by module."""
    found: dict[str, list[str]] = {}
    for name, entry in operators.items():
        if not entry["other"]:
            found.setdefault(entry["module"], []).append(name.removeprefix(entry["module"] + "."))
    return "\n\n".join(
        folded(f"The {len(names)} of {module} that pass", names) for module, names in sorted(found.items())
    )


def folded(title: str, names: list[str]) -> str:
    """Names behind a line that unfolds them."""
    words = " ".join(f"<code>{html.escape(name)}</code>" for name in names)
    return f'<details class="code names"><summary>{title}</summary>\n<p>{words}</p>\n</details>'


def checks() -> str:
    """For each kind of check, how many operators it applies to and how many pass."""
    counts = {name: row for name, row in load("parity.json")["checks"].items() if row[1] > 10}
    return rows(
        "| check | operators | pass |",
        (f"| {name} | {row[1]} | {row[0]} |" for name, row in sorted(counts.items(), key=lambda item: -item[1][1])),
    )


def differences() -> str:
    """Every operator that does not pass everything: where, and why."""
    why = reasons()

    def row(name: str, entry: dict[str, Any]) -> str:
        said = [why[key] for key in [name, *(f"{name}/{check}" for check in entry["other"])] if key in why]
        reason = "; ".join(dict.fromkeys(said)) or "not explained yet: a fault of tour until shown otherwise"
        failed = len(entry["other"])
        where = f": {', '.join(entry['other'])}" if failed <= 3 else ""
        return f"| `{name}` | {failed} of {failed + entry['passed']}{where} | {reason} |"

    found = {name: entry for name, entry in load("parity.json")["operators"].items() if entry["other"]}
    return rows("| operator | checks that differ | why |", (row(name, entry) for name, entry in sorted(found.items())))


def names() -> str:
    """For each module of PyTorch: how many of its names tour has, and which it lacks."""
    import tour

    lines, lacking = [], []
    for module, wanted in load("pytorch_names.json")["names"].items():
        try:
            found: Any = functools.reduce(getattr, module.split(".") if module != "torch" else [], tour)
        except (AttributeError, ImportError):
            found = None
        missing = [name for name in wanted if not hasattr(found, name)]
        lines.append(
            f"| `{module if module in ('torch', 'Tensor') else f'torch.{module}'}` | {len(wanted)} | {len(wanted) - len(missing)} |"
        )
        if missing:
            lacking.append(folded(f"Not in {module}: {len(missing)}", missing))
    return rows("| module of PyTorch | names | in tour |", iter(lines)) + "\n\n" + "\n\n".join(lacking)


def programs() -> str:
    """For each whole program: what it is, the figure it ends with under both frameworks, and by how much they differ."""
    found = load("parity.json")["programs"]

    def row(name: str, theirs: float, ours: float) -> str:
        source = (ROOT / f"tests/parity/programs/{name}.py").read_text(encoding="utf-8")
        what = " ".join((ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0].split()).rstrip(".")
        gap = abs(ours - theirs) / max(1.0, abs(theirs))
        return f"| {what} | `{name}.py` | {theirs:.7g} | {ours:.7g} | {f'{gap:.0e}' if gap else 'none'} |"

    close = sum(abs(ours - theirs) <= 1e-4 * max(1.0, abs(theirs)) for theirs, ours in found.values())
    table = rows(
        "| program | file | PyTorch ends with | tour ends with | difference |",
        (row(name, *pair) for name, pair in sorted(found.items())),
    )
    return f"Of {len(found)} programs, {close} end with the same figure to within 1e-4.\n\n{table}"


TABLES = {"modules": modules, "checks": checks, "differences": differences, "names": names, "programs": programs}


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the tables that a page asks for."""
    return LINE.sub(lambda match: TABLES[match[1]](), markdown)
