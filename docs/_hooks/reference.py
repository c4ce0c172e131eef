"""MkDocs hook: a reference page for every public module, found in the sources, so that none can be forgotten.

A module is public if it has an `__all__` and no part of its name starts with an underscore. Pages are grouped by the
package that holds the module; each group begins with the package's own page.
"""

from __future__ import annotations

import ast
from itertools import groupby
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent.parent

# Groups in the order of the menu; a package that is not named here comes last, under its own name.
TITLES = {
    "tour": "Tensors",
    "tour.ops": "Functions of tensors",
    "tour.autograd": "Gradients",
    "tour.nn": "Networks",
    "tour.nn.modules": "Layers and losses",
    "tour.nn.functional": "Layers and losses as functions",
    "tour.nn.utils": "Tools for networks",
    "tour.optim": "Optimizers",
    "tour.optim.lr_scheduler": "Learning-rate schedules",
    "tour.utils": "Tools around training",
    "tour.utils.data": "Data",
    "tour.cuda": "CUDA",
    "tour.numba": "Compiled kernels",
}


class Module:
    """A source file and what its page needs of it."""

    def __init__(self, path: Path) -> None:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        parts = path.relative_to(next(p for p in path.parents if p.name == "src")).with_suffix("").parts
        self.is_package = parts[-1] == "__init__"
        self.name = ".".join(parts[:-1] if self.is_package else parts)
        self.package = self.name if self.is_package else self.name.rpartition(".")[0]
        self.summary = (ast.get_docstring(tree) or "").split("\n")[0]
        self.is_public = not any(part.startswith("_") for part in self.name.split(".")) and (
            self.is_package
            or any(isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__" for n in tree.body)
        )
        self.title = self.name.rpartition(".")[2].replace("_", " ").capitalize()
        self.uri = f"reference/{self.package}/{'index' if self.is_package else self.title.lower().replace(' ', '-')}.md"


def groups() -> dict[str, list[Module]]:
    """Public modules by package, the package itself first; packages without a public module of their own are left out."""
    found = [module for path in ROOT.glob("packages/*/src/tour/**/*.py") if (module := Module(path)).is_public]
    found.sort(key=lambda module: (module.package, not module.is_package, module.name))
    grouped = {package: list(modules) for package, modules in groupby(found, key=lambda module: module.package)}
    order = [*TITLES, *sorted(set(grouped) - set(TITLES))]
    return {name: grouped[name] for name in order if name in TITLES or len(grouped[name]) > 1}


def page(module: Module, others: list[Module]) -> str:
    """A page: the module's own members, and for a package a table of its modules."""
    title = TITLES.get(module.name, module.name) if module.is_package else module.title
    text = f"# {title}\n\n::: {module.name}\n    options: {{ show_root_heading: false, show_root_toc_entry: false }}\n"
    if others:
        rows = "".join(f"| [{other.title}]({Path(other.uri).name}) | {other.summary} |\n" for other in others)
        text += f"\n| | |\n| --- | --- |\n{rows}"
    return text


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the groups under "Reference" in the menu."""
    menu: list[Any] = []
    for package, modules in groups().items():
        menu.append({TITLES.get(package, package): [m.uri if m.is_package else {m.title: m.uri} for m in modules]})
    for entry in config.nav or []:
        if "Reference" in entry:
            entry["Reference"] = [*entry["Reference"], *menu]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for modules in groups().values():
        for module in modules:
            others = modules[1:] if module.is_package else []
            files.append(File.generated(config, module.uri, content=page(module, others)))
    return files
