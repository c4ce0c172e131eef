"""Fail when a package reaches a sibling that its pyproject.toml does not declare, or declares one it never uses.

The pyproject.toml files are the single statement of the layers. This check reads source text only, so it needs
nothing installed; `nox -s tests` proves the same by installing each package with its declared siblings alone.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {path.parent.name: path.parent for path in sorted(ROOT.glob("packages/*/pyproject.toml"))}
GROUND = "tour-tensor"  # ships tour/__init__.py, and so every name that is no subpackage of another


def children(package: Path) -> Iterator[str]:
    """Yield the direct children of the shared `tour` package that a distribution ships."""
    for child in sorted((package / "src" / "tour").iterdir()):
        if child.suffix == ".py" or (child.is_dir() and child.name != "__pycache__"):
            yield child.stem


def owners() -> tuple[dict[str, str], list[str]]:
    """Map each child of `tour` to its one distribution, and list the children that have two."""
    found: dict[str, str] = {}
    shared = []
    for name, folder in PACKAGES.items():
        for child in children(folder):
            if found.setdefault(child, name) != name:
                shared.append(f"tour.{child} is shipped by both {found[child]} and {name}")
    return found, shared


def uses(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and module of every absolute import and `tour.x` attribute, outside ``if TYPE_CHECKING``."""
    todo = [tree]
    while todo:
        node = todo.pop()
        match node:
            case ast.If(test=test) if "TYPE_CHECKING" in ast.unparse(test):
                todo += node.orelse
            case ast.Import():
                yield from ((node.lineno, alias.name) for alias in node.names)
            case ast.ImportFrom(level=0, module=str(module)):
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
            case ast.Attribute(value=ast.Name(id="tour")):
                yield node.lineno, f"tour.{node.attr}"
            case _:
                todo += ast.iter_child_nodes(node)


def declared(package: Path) -> set[str]:
    """Name the siblings that a package requires."""
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {re.split(r"[^A-Za-z0-9-]", requirement)[0] for requirement in project["dependencies"]} & set(PACKAGES)


def problems() -> Iterator[str]:
    """Yield one line for each breach of the layers."""
    owner, shared = owners()
    yield from shared
    for name, folder in PACKAGES.items():
        allowed, used = declared(folder), set()
        for file in sorted((folder / "src").rglob("*.py")):
            for line, module in uses(ast.parse(file.read_text(encoding="utf-8"))):
                top, _, rest = module.partition(".")
                target = owner.get(rest.partition(".")[0], GROUND) if top == "tour" else name
                used.add(target)
                if target not in {*allowed, name}:
                    yield f"{file.relative_to(ROOT)}:{line}: {name} uses {module}, but does not depend on {target}"
        for unused in sorted(allowed - used):
            yield f"{folder.relative_to(ROOT)}/pyproject.toml: declares {unused}, but never uses it"


def main() -> int:
    """Print every problem; the exit code says whether there was one."""
    found = list(problems())
    print("\n".join(found) if found else f"{len(PACKAGES)} packages, every layer in its place")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
