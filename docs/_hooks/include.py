"""MkDocs hook: a line `{{ FILE }}` becomes that file of the repository, so that no text stands in two places.

FILE may be a pattern, for several files in order. Headings sink by one level if the page has a heading of its own.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LINE = re.compile(r"^\{\{ (\S+) \}\}$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the files that a page names."""
    has_heading = markdown.startswith("# ")

    def text(match: re.Match[str]) -> str:
        included = "\n".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob(match[1])))
        return re.sub(r"^#", "##", included, flags=re.MULTILINE) if has_heading else included

    return LINE.sub(text, markdown)
