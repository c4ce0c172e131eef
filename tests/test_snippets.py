"""What the pages show is true: their code runs, top to bottom, and what they quote stands in the source they name.

A fence ```python is run, together with the others of its page; ```python title="FILE" quotes a file of the repository.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("packages/*/README.md")),
]
FENCE = re.compile(r'^```python(?: title="(?P<file>[^"]+)")?\n(?P<code>.*?)^```', re.MULTILINE | re.DOTALL)


def fences(page: Path, quoted: bool) -> list[tuple[str, str, int]]:
    """File, code and line number of the fences of a page that quote a file, or that do not."""
    text = page.read_text(encoding="utf-8")
    found = [(m["file"], m["code"], text.count("\n", 0, m.start("code"))) for m in FENCE.finditer(text)]
    return [fence for fence in found if bool(fence[0]) == quoted]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_pages_are_found():
    assert ROOT / "README.md" in PAGES
    assert any(fences(page, quoted=True) for page in PAGES)


@pytest.mark.parametrize("page", [page for page in PAGES if fences(page, quoted=False)], ids=name)
def test_the_code_of_a_page_runs(page, tmp_path):
    code = ""
    for _, lines, start in fences(page, quoted=False):
        code += "\n" * (start - code.count("\n")) + lines  # errors name the line of the page
    script = tmp_path / f"{page.stem}.py"
    script.write_text(code, encoding="utf-8")
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", [page for page in PAGES if fences(page, quoted=True)], ids=name)
def test_what_a_page_quotes_stands_in_the_source(page):
    for file, code, _ in fences(page, quoted=True):
        source = (ROOT / file).read_text(encoding="utf-8").splitlines()
        missing = [line for line in code.splitlines() if line.strip() not in ("", "...") and line not in source]
        assert not missing, f"{file} has no line {missing[0]!r}"
