"""MkDocs hook: a line `{{ packages }}` becomes a table of the packages, and `{{ layers }}` a drawing of who stands on whom.

Both are read from the `pyproject.toml` of each package, so neither can forget one.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
TABLES: dict[str, dict[str, Any]] = {
    path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    for path in sorted(ROOT.glob("packages/*/pyproject.toml"))
}
WIDE, HIGH, GAP = 172, 54, 20


def needs(name: str) -> list[str]:
    """The distributions that a package declares; `name [extra]` for those of an extra."""
    project = TABLES[name]
    found = [re.match(r"[\w.-]+", requirement) for requirement in project.get("dependencies", [])]
    extras = sorted({extra.split("-")[0] for extra in project.get("optional-dependencies", {})})
    return [match[0] for match in found if match] + [f"`[{extra}]`" for extra in extras]


def siblings(name: str) -> list[str]:
    """The packages of this repository that a package stands on."""
    return [below for below in needs(name) if below in TABLES]


def height(name: str) -> int:
    """How many packages stand below a package, one on the other."""
    return max((height(below) + 1 for below in siblings(name)), default=0)


def ordered() -> list[str]:
    """The packages, lowest first."""
    return sorted(TABLES, key=lambda name: (height(name), name))


def table() -> str:
    """A row for each package: what it brings, and what it needs."""
    rows = [f"| `{name}` | {TABLES[name]['description']} | {', '.join(needs(name))} |" for name in ordered()]
    return "\n".join(["| package | brings | needs |", "| --- | --- | --- |", *rows])


def drawing() -> str:
    """The packages as boxes, each above those it stands on, with a line to the highest of them."""
    rows: dict[int, list[str]] = {}
    for name in ordered():
        rows.setdefault(height(name), []).append(name)
    columns = max(map(len, rows.values()))
    width, depth = columns * (WIDE + GAP), len(rows)
    places = {
        name: ((i + 0.5) * width / len(row), (depth - 1 - level) * (HIGH + 2 * GAP) + 8)
        for level, row in rows.items()
        for i, name in enumerate(row)
    }
    parts = []
    for name, (x, y) in places.items():
        below = siblings(name)
        for other in below:
            if not any(other in siblings(between) for between in below):
                x2, y2 = places[other]
                parts.append(f'<path d="M{x:g} {y + HIGH:g} L{x2:g} {y2:g}" class="d-line"/>')
    for name, (x, y) in places.items():
        parts.append(
            f'<rect x="{x - WIDE / 2:g}" y="{y:g}" width="{WIDE}" height="{HIGH}" rx="4" class="d-{height(name)}"/>'
            f'<text x="{x:g}" y="{y + 23:g}" class="d-m d-c">{name}</text>'
            f'<text x="{x:g}" y="{y + 42:g}" class="d-s d-c">{owns(name)}</text>'
        )
    size = f'viewBox="0 0 {width} {depth * (HIGH + 2 * GAP) - 2 * GAP + 16}" style="max-width: {width}px"'
    words = "The packages, each above those that it stands on"
    return (
        f'<figure data-search-exclude>\n<svg {size} role="img" aria-label="{words}">\n'
        + "\n".join(parts)
        + f"\n</svg>\n<figcaption>{words}: drawn from their pyproject.toml files.</figcaption>\n</figure>"
    )


def owns(name: str) -> str:
    """The folders inside `tour/` that a package owns."""
    if height(name) == 0:
        return "tour"
    folders = sorted(path.name for path in (ROOT / "packages" / name / "src/tour").iterdir() if path.is_dir())
    return ", ".join(f"tour.{folder}" for folder in folders if not folder.startswith("_"))


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the table and the drawing."""
    return markdown.replace("\n{{ packages }}\n", f"\n{table()}\n").replace("\n{{ layers }}\n", f"\n{drawing()}\n")
