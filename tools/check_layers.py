"""Fail when a package reaches a sibling that its pyproject.toml does not declare, or declares one it never uses; or when imports
at the top of files lead back to where they began.

The pyproject.toml files are the single statement of the layers. This check reads source text only, so it needs
nothing installed; `nox -s tests` proves the same by installing each package with its declared siblings alone.
"""

from __future__ import annotations

import ast
import graphlib
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


def modules() -> dict[str, ast.Module]:
    """Every module of every package, by its full name."""
    found = {}
    for folder in PACKAGES.values():
        for file in (folder / "src").rglob("*.py"):
            *parents, last = file.relative_to(folder / "src").with_suffix("").parts
            found[".".join(parents if last == "__init__" else [*parents, last])] = ast.parse(
                file.read_text(encoding="utf-8")
            )
    return found


def circle() -> list[str]:
    """Modules whose imports at the top lead back to the first, if there are any; imports below the first definition come later."""
    known = modules()
    graph: dict[str, set[str]] = {}
    for name, tree in known.items():
        graph[name] = set()
        for node in tree.body:
            match node:
                case ast.Import():
                    graph[name] |= {alias.name for alias in node.names}
                case ast.ImportFrom(level=0, module=str(module)):
                    graph[name] |= {full if (full := f"{module}.{a.name}") in known else module for a in node.names}
                case ast.FunctionDef() | ast.ClassDef():
                    break
    try:
        graphlib.TopologicalSorter({name: imports & known.keys() - {name} for name, imports in graph.items()}).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def problems() -> Iterator[str]:
    """Yield one line for each breach of the layers."""
    owner, shared = owners()
    yield from shared
    if found := circle():
        yield f"imports go round in a circle: {' <- '.join(found)}"
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
