"""The code that README files and recipes show runs, top to bottom.

A fence ```python is run, together with the others of its page. The pages of the site are run when it is built, with what they
print and draw (docs/_hooks/pages.py); those that tell how tour is extended are run here too.
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
    *sorted(ROOT.glob("packages/*/README.md")),
    ROOT / "docs/recipes.md",
    ROOT / "docs/distributed.md",
]
FENCE = re.compile(r"^```python\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)


def script_of(page: Path) -> str:
    """The code of a page, each line on the line of the page where it stands, so that errors name it."""
    text, code = page.read_text(encoding="utf-8"), ""
    for fence in FENCE.finditer(text):
        code += "\n" * (text.count("\n", 0, fence.start("code")) - code.count("\n")) + fence["code"]
    return code


SCRIPTS = {str(page.relative_to(ROOT)): code for page in PAGES if (code := script_of(page))}


def test_pages_are_found():
    assert {"README.md", "docs/recipes.md"} <= SCRIPTS.keys()


@pytest.mark.parametrize("page", SCRIPTS)
def test_the_code_of_a_page_runs(page, tmp_path):
    script = tmp_path / f"{Path(page).stem}.py"
    script.write_text(SCRIPTS[page], encoding="utf-8")
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
