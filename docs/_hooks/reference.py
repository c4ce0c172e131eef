"""MkDocs hook: a reference page for every public module, found in the sources, so that none can be forgotten.

A module is public if it has an `__all__` and no part of its name starts with an underscore. Pages are grouped by the
package that holds the module; each group begins with the package's own page. What a module offers and a private module
defines stands on the page of the module that offers it; methods that no function has, on the page of tensors; `{{ names }}` becomes
a list of all names with links. A public name without a docstring, an example or a place on a page fails the build.
"""

from __future__ import annotations

import ast
import functools
import inspect
import os
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

import public
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent.parent
TENSOR = ROOT / "docs/reference/tensor.md"
GATHERED = (
    "tour.ops",
    "tour.nn.modules",
    "tour.nn.functional.",
    "tour.nn.toplevel",
)  # programs know their names by shorter ones

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
    "tour.amp": "Mixed precision",
    "tour.distributions": "Distributions",
    "tour.nn.toplevel": "Networks' functions in PyTorch's top namespace",
}

# Packages that only tour itself imports.
INSIDE = ("tour.cuda.forms", "tour.cuda.kernels", "tour.numba.forms", "tour.numba.kernels")


class Module:
    """A source file and what its page needs of it."""

    def __init__(self, path: Path) -> None:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        parts = path.relative_to(next(p for p in path.parents if p.name == "src")).with_suffix("").parts
        self.is_package = parts[-1] == "__init__"
        self.name = ".".join(parts[:-1] if self.is_package else parts)
        self.package = self.name if self.is_package else self.name.rpartition(".")[0]
        self.summary = (ast.get_docstring(tree) or "").split("\n")[0]
        hidden = self.name.startswith(INSIDE) or any(part.startswith("_") for part in self.name.split("."))
        self.is_public = not hidden and (
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


@functools.cache
def groups() -> dict[str, list[Module]]:
    """Public modules by package, the package itself first; packages without a public module of their own are left out."""
    found = [module for path in ROOT.glob("packages/*/src/tour/**/*.py") if (module := Module(path)).is_public]
    found.sort(key=lambda module: (module.package, not module.is_package, module.name))
    grouped = {package: list(modules) for package, modules in groupby(found, key=lambda module: module.package)}
    order = [*TITLES, *sorted(set(grouped) - set(TITLES))]
    return {name: grouped[name] for name in order if name in grouped and (len(grouped[name]) > 1 or offers(name))}


@functools.cache
def modules() -> dict[str, Module]:
    """Every public module, by name."""
    return {module.name: module for group in groups().values() for module in group}


@functools.cache
def offers(module: str) -> dict[str, Any]:
    """What a module offers, by name."""
    found: dict[str, Any] = public.offered(module)
    return found


@functools.cache
def everything() -> dict[str, Any]:
    """All public functions, classes and methods of tensors, by the dotted name of their definition."""
    named = [x for module in modules() for x in offers(module).values()]
    return {public.place(x): x for x in [*named, *public.members().values()]}


@functools.cache
def places() -> dict[str, str]:
    """The page on which each public name is described, by the dotted name of its definition."""
    found = dict.fromkeys(
        re.findall(r"^::: (\S+)", TENSOR.read_text(encoding="utf-8"), re.MULTILINE), "reference/tensor.md"
    )
    for name, x in everything().items():
        if public.home(x) in modules() and "." not in x.__qualname__:
            found[name] = modules()[public.home(x)].uri
    for module in sorted(modules(), key=len, reverse=True):  # of a module and its package, the module describes
        for x in offers(module).values():
            found.setdefault(public.place(x), modules()[module].uri)
    for x in public.members().values():
        found.setdefault(public.place(x), "reference/tensor.md")
    return found


def described(uri: str) -> list[str]:
    """What stands on a page although another, private module defines it."""
    names = [name for name, page in places().items() if page == uri and name in everything()]
    elsewhere = [name for name in names if not is_own(everything()[name])]
    return sorted(elsewhere, key=lambda name: name.rpartition(".")[2].lower())


def is_own(x: Any) -> bool:
    """Whether the source of a public module defines this name, or makes it from one that it defines."""
    module = modules().get(public.home(x))
    return module is not None and (x.__name__ in module.own or public.original(x) is not None)


def lacking() -> Iterator[str]:
    """What public names lack: a docstring, an example, a place in the reference."""
    for package in groups():
        if not import_module(package).__doc__:
            yield f"{package}: a docstring"
    for name, x in sorted(everything().items()):
        methods = {k: v for k, v in vars(x).items() if not k.startswith("_")} if isinstance(x, type) else {}
        for label, y in [
            (name, x),
            *((f"{name}.{k}", getattr(x, k)) for k, v in methods.items() if inspect.isfunction(v)),
        ]:
            if not inspect.getdoc(y):
                yield f"{label}: a docstring"
        if not public.has_example(x) and public.without_example(x) is None:
            yield f"{name}: an example"
        if name not in places():
            yield f"{name}: a place in the reference"


def page(module: Module, others: list[Module]) -> str:
    """A page: the members that the module itself defines, and for a package a table of its modules."""
    title = TITLES.get(module.name, module.name) if module.is_package else module.title
    members = [name for name in module.own if places().get(f"{module.name}.{name}") == module.uri]
    options = f"show_root_heading: false, show_root_toc_entry: false, members: {members or 'false'}"
    text = f"# {title}\n\n::: {module.name}\n    options: {{ {options} }}\n"
    text += "".join(f"\n::: {name}\n" for name in described(module.uri))
    if offers(module.name) and not members and not others and not described(module.uri):
        text += f"\n{links(offers(module.name), Path(module.uri).parent)}\n"
    text += forms(module.name)
    if others:
        rows = "".join(f"| [{other.title}]({Path(other.uri).name}) | {other.summary} |\n" for other in others)
        text += f"\n| | |\n| --- | --- |\n{rows}"
    return text


def forms(module: str) -> str:
    """What is made from the functions of a module: in-place forms, copies, second names."""
    made = [x for x in everything().values() if public.home(x) == module and public.original(x) is not None]
    shown = {x.__name__: x for x in sorted(made, key=lambda x: str(x.__name__))}
    in_place = {name: x for name, x in shown.items() if name.endswith("_")}
    text = ""
    if in_place:
        text += f"\n## In place\n\nThese write into the tensor itself, and return it: {anchors(module, in_place)}.\n{examples(in_place)}"
    if rest := {name: x for name, x in shown.items() if name not in in_place}:
        lines = "".join(f"* {anchors(module, [name])}: {x.__doc__}\n" for name, x in rest.items())
        text += f"\n## Made from others\n\n{lines}{examples(rest)}"
    if other := public.second_names(module):
        pairs = (f"{anchors(module, [name])} is `{of}`" for name, of in other.items())
        text += f"\n## Other names\n\n{', '.join(pairs)}.\n"
    return text


def anchors(module: str, names: Iterable[str]) -> str:
    """Names that can be linked to."""
    return ", ".join(f'<code id="{module}.{name}">{name}</code>' for name in names)


def examples(found: dict[str, Any]) -> str:
    """The examples of forms, run now."""
    return "\n```pycon\n" + "\n".join(public.example(x) for x in found.values()) + "\n```\n"


def all_names() -> str:
    """For each module that programs name, a list of what it offers, linked to where it is described."""
    text = section("tour.Tensor", public.members())
    for name in sorted(modules()):
        if not name.startswith(GATHERED) and (found := offers(name)):
            text = section(name, found) + text if name == "tour" else text + section(name, found)
    return text


def section(title: str, found: dict[str, Any]) -> str:
    """The names of one module, as links."""
    return f"\n## {title}\n\n{links(found, Path('reference'))}\n"


def links(found: dict[str, Any], folder: Path) -> str:
    """Names, linked to where they are described, for a page in a folder."""

    def link(name: str, x: Any) -> str:
        return f"[`{name}`]({os.path.relpath(places()[public.place(x)], folder)}#{public.place(x)})"

    return " ".join(link(*item) for item in sorted(found.items(), key=lambda item: item[0].lower())) + "\n{ .names }"


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Fill in the methods that only tensors have, and the list of all names."""
    if page.file.src_uri == "reference/tensor.md":
        methods = "".join(f"\n::: {name}\n    options: {{ heading_level: 3 }}\n" for name in tensor_methods())
        return markdown.replace("{{ methods }}", methods)
    return markdown.replace("{{ names }}", all_names())


def tensor_methods() -> list[str]:
    """Methods and properties of tensors that files of the ops define and no function is."""
    found = [public.place(x) for x in public.members().values() if places()[public.place(x)] == "reference/tensor.md"]
    return sorted(
        {name for name in found if not name.startswith("tour._tensor.Tensor.")}, key=lambda n: n.split(".")[-1]
    )


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the groups under "Reference" in the menu."""
    menu: list[Any] = []
    for package, group in groups().items():
        menu.append({TITLES.get(package, package): [m.uri if m.is_package else {m.title: m.uri} for m in group]})
    for entry in config.nav or []:
        if "Reference" in entry:
            entry["Reference"] = [*entry["Reference"], *menu]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    if missing := list(lacking()):
        raise PluginError("public names lack\n  " + "\n  ".join(missing))
    for group in groups().values():
        for module in group:
            files.append(
                File.generated(config, module.uri, content=page(module, group[1:] if module.is_package else []))
            )
    return files
