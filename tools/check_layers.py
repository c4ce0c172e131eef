"""Fail when a package imports a sibling that its pyproject.toml does not declare, or declares one it never imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {p.name: p for p in sorted((ROOT / "packages").iterdir()) if (p / "pyproject.toml").exists()}


# Each direct child of the shared `tour` package belongs to exactly one distribution.
OWNERS = {
    child.stem: name
    for name, folder in PACKAGES.items()
    for child in (folder / "src" / "tour").iterdir()
    if child.stem != "py"
}


def owner(module: str) -> str | None:
    """Name the distribution that ships ``module``, or None when it is not ours."""
    top, _, rest = module.partition(".")
    return OWNERS.get(rest.partition(".")[0], "tour-tensor") if top == "tour" else None


def imported_modules(path: Path) -> Iterator[tuple[int, str]]:
    """Yield every absolute import in a file, at any depth, skipping ``if TYPE_CHECKING`` bodies."""
    todo: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            todo += node.orelse
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, a.name) for a in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield from ((node.lineno, f"{node.module}.{a.name}") for a in node.names)
        else:
            todo += ast.iter_child_nodes(node)


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    bad = 0
    for name, folder in PACKAGES.items():
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        declared = {re.split(r"[^A-Za-z0-9._-]", d)[0] for d in project["dependencies"]} & set(PACKAGES)
        used: set[str] = set()
        for file in sorted((folder / "src").rglob("*.py")):
            for line, module in imported_modules(file):
                target = owner(module)
                if target is None or target == name:
                    continue
                used.add(target)
                if target not in declared:
                    print(f"{file.relative_to(ROOT)}:{line}: {name} imports {module}, but does not depend on {target}")
                    bad += 1
        for extra in sorted(declared - used):
            print(f"{folder.name}/pyproject.toml: declares {extra}, but never imports it")
            bad += 1
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
