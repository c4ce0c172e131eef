"""MkDocs hook: a reference page for every public module, found in the sources, so that none can be forgotten.

A module is public if it has an `__all__` and no part of its name starts with an underscore. Pages are grouped by the
package that holds the module; each group begins with the package's own page, on which stands too what the package
offers from private modules. A public name without a docstring fails the build.
"""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
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
    "tour.linalg": "Linear algebra",
    "tour.signal": "Signals",
    "tour.func": "Function transforms",
    "tour.cuda": "CUDA",
    "tour.distributed": "Several processes",
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
        self.own = [
            node.name
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        ]
        self.title = self.name.rpartition(".")[2].replace("_", " ").capitalize()
        self.uri = f"reference/{self.package}/{'index' if self.is_package else self.title.lower().replace(' ', '-')}.md"


def groups() -> dict[str, list[Module]]:
    """Public modules by package, the package itself first; packages without a public module of their own are left out."""
    found = [module for path in ROOT.glob("packages/*/src/tour/**/*.py") if (module := Module(path)).is_public]
    found.sort(key=lambda module: (module.package, not module.is_package, module.name))
    grouped = {package: list(modules) for package, modules in groupby(found, key=lambda module: module.package)}
    order = [*TITLES, *sorted(set(grouped) - set(TITLES))]
    return {name: grouped[name] for name in order if name in grouped and (len(grouped[name]) > 1 or offered(name))}


def offered(package: str) -> dict[str, Any]:
    """The functions and classes that a package offers, by the name under which they are defined."""
    module = import_module(package)
    names = getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
    found = [getattr(module, name) for name in names]
    found = [x for x in found if callable(x) and str(getattr(x, "__module__", "")).startswith("tour")]
    return {f"{x.__module__}.{getattr(x, '__qualname__', '')}": x for x in found if not inspect.ismodule(x)}


def adopted() -> dict[str, list[str]]:
    """For each package, what is offered and defined in a private module of it, and so has no page otherwise."""
    packages = groups()
    pages = {module.name for modules in packages.values() for module in modules}
    written = re.findall(r"^::: (\S+)", (ROOT / "docs/reference/tensor.md").read_text(encoding="utf-8"), re.MULTILINE)
    found: dict[str, set[str]] = {}
    for package in packages:
        for name, x in offered(package).items():
            if x.__module__ not in pages and name not in written:
                home = next(home for home in parents(name) if home in packages)
                found.setdefault(home, set()).add(name)
    return {
        package: sorted(names, key=lambda name: name.rpartition(".")[2].lower()) for package, names in found.items()
    }


def parents(name: str) -> list[str]:
    """The packages that a dotted name may be in, the innermost first."""
    parts = name.split(".")
    return [".".join(parts[:i]) for i in range(len(parts) - 1, 0, -1)]


def undocumented() -> list[str]:
    """Public functions, classes and methods without a docstring."""
    found = []
    for package, modules in groups().items():
        for module in modules:
            for name, x in offered(module.name).items():
                own = [(name, x)]
                if isinstance(x, type):
                    public = {k: v for k, v in vars(x).items() if not k.startswith("_") and inspect.isfunction(v)}
                    own += [(f"{name}.{k}", getattr(x, k)) for k in public]
                found += [label for label, y in own if not inspect.getdoc(y)]
        if not import_module(package).__doc__:
            found.append(package)
    return sorted(set(found))


def page(module: Module, others: list[Module], gathered: list[str]) -> str:
    """A page: the members that the module itself defines, and for a package a table of its modules."""
    title = TITLES.get(module.name, module.name) if module.is_package else module.title
    options = "show_root_heading: false, show_root_toc_entry: false"
    if module.is_package:  # what it gathers from its files stands on their pages
        options += f", members: {module.own or 'false'}"
    text = f"# {title}\n\n::: {module.name}\n    options: {{ {options} }}\n"
    text += "".join(f"\n::: {name}\n" for name in gathered)
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
    if missing := undocumented():
        raise PluginError(f"public names without a docstring: {', '.join(missing)}")
    gathered = adopted()
    for modules in groups().values():
        for module in modules:
            others = modules[1:] if module.is_package else []
            private = gathered.get(module.name, []) if module.is_package else []
            files.append(File.generated(config, module.uri, content=page(module, others, private)))
    return files
