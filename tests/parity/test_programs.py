"""Whole programs as people write them for PyTorch, run under both frameworks: the same seed gives the same final figure.

A program imports `torch`. For tour its import lines, and nothing else, are changed: `import torch` becomes `import tour as torch`.
At its end `final` holds a number that depends on all that came before.
"""

from __future__ import annotations

import ast
import math
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

pytestmark = pytest.mark.filterwarnings("ignore")  # people write what PyTorch warns of
PROGRAMS = sorted(Path(__file__).with_name("programs").glob("*.py"))
IMPORTS = [
    (re.compile(r"^import torch$", re.MULTILINE), "import tour as torch"),
    (re.compile(r"^import torch\.", re.MULTILINE), "import tour."),
    (re.compile(r"^from torch\b", re.MULTILINE), "from tour"),
]
TOLERANCE = 1e-4  # relative to 1 or to the figure itself, in float32, after 5 to 200 steps
# PyTorch's own figure changes by more when it computes on one thread instead of two.
EXPECTED: dict[str, str] = {}


def for_tour(source: str) -> str:
    """A program with its import lines changed."""
    for pattern, replacement in IMPORTS:
        source = pattern.sub(replacement, source)
    return source


def final(source: str, name: str) -> float:
    """Run a program; the figure it ends with."""
    scope: dict[str, Any] = {"__name__": name}
    module = type(sys)(name)
    sys.modules[name] = module  # dataclasses look there
    try:
        exec(compile(source, f"{name}.py", "exec"), scope)
    finally:
        del sys.modules[name]
    return float(scope["final"])


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_program(program: Path, record_property: Any) -> None:
    source = program.read_text(encoding="utf-8")
    torch.set_num_threads(1)
    theirs, ours = final(source, program.stem), final(for_tour(source), program.stem)
    record_property("program", program.stem)
    record_property("final", [theirs, ours])
    assert math.isclose(ours, theirs, rel_tol=TOLERANCE, abs_tol=TOLERANCE), f"{ours} instead of {theirs}"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_only_import_lines_are_changed(program: Path) -> None:
    source = program.read_text(encoding="utf-8")
    before, after = source.splitlines(), for_tour(source).splitlines()
    changed = [line for line, other in zip(before, after, strict=True) if line != other]
    assert changed and all(re.match(r"(import|from) torch\b", line) for line in changed)
    assert ast.get_docstring(ast.parse(source))
