"""Uninstalling upper packages leaves the others working: each one imports whole with only its own stack in sight."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {path.parent.name: path for path in sorted(ROOT.glob("packages/*/pyproject.toml"))}

SCRIPT = """
import sys, importlib, importlib.abc
hidden, modules = {hidden!r}, {modules!r}

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if any((name + ".").startswith(child + ".") for child in hidden):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
import tour
x = tour.arange(6.0).reshape(2, 3)
assert (x @ x.T).sum().item() == 83
for module in modules:
    importlib.import_module(module)
assert not set(hidden) & set(sys.modules)
"""


def stack(name: str) -> set[str]:
    """A package and every sibling under it."""
    project = tomllib.loads(PACKAGES[name].read_text(encoding="utf-8"))["project"]
    siblings = {re.split(r"[^A-Za-z0-9-]", requirement)[0] for requirement in project["dependencies"]} & set(PACKAGES)
    return {name}.union(*map(stack, siblings))


def modules(name: str) -> list[str]:
    """Every public module that a package ships; private ones come with those that need them."""
    source = PACKAGES[name].parent / "src"
    paths = [p.relative_to(source).with_suffix("") for p in sorted(source.rglob("*.py"))]
    names = [".".join(p.parts).removesuffix(".__init__") for p in paths]
    return [n for n in names if "._" not in n]


def children(name: str) -> set[str]:
    """The direct children of `tour` that a package ships."""
    return {".".join(module.split(".")[:2]) for module in modules(name)} - {"tour"}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_works_without_those_above_and_beside_it(name):
    hidden = sorted(set[str]().union(*(children(other) for other in set(PACKAGES) - stack(name))))
    code = SCRIPT.format(hidden=hidden, modules=modules(name))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
