"""MkDocs hook: a line `{{ FILE }}` becomes that file of the repository, so that no text stands in two places.

FILE may be a pattern, for several files in order. Headings sink by one level if the page has a heading of its own.
`{{ FILE: NAME }}` becomes the source of one function, class or statement, named by its name (`Adam.step`) or by its first
words, as a quotation that names file and line; a name that is not there fails the build. A drawing, `{{ FILE.svg: WORDS }}`,
gets its words as a caption.
"""

from __future__ import annotations

import ast
import html
import re
from pathlib import Path

from mkdocs.exceptions import PluginError

ROOT = Path(__file__).resolve().parent.parent.parent
LINE = re.compile(r"^\{\{ ([^\s:]+)(?:: (.+))? \}\}$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the files that a page names."""
    has_heading = markdown.startswith("# ")

    def text(match: re.Match[str]) -> str:
        file, name = match.groups()
        if file.endswith(".svg"):
            return figure(ROOT / file, name)
        if name:
            return quotation(file, name)
        included = "\n".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob(file)))
        if not included:
            raise PluginError(f"there is no {file}")
        return re.sub(r"^#", "##", included, flags=re.MULTILINE) if has_heading else included

    return LINE.sub(text, markdown)


def figure(path: Path, caption: str) -> str:
    """A drawing, in the page, so that it has the page's colours."""
    svg = re.sub(r"\n\s*\n", "\n", path.read_text(encoding="utf-8").strip())
    label = f'<svg role="img" aria-label="{html.escape(caption, quote=True)}"'
    return (
        f"<figure data-search-exclude>\n{svg.replace('<svg', label, 1)}\n"
        f"<figcaption>{html.escape(caption)}</figcaption>\n</figure>"
    )


def quotation(file: str, name: str) -> str:
    """A fence with the source of one statement."""
    source = (ROOT / file).read_text(encoding="utf-8")
    lines = source.splitlines()
    found = statement(ast.parse(source).body, name, lines)
    if found is None:
        raise PluginError(f"{file} has no {name!r}")
    first, last = found
    code = "\n".join(lines[first - 1 : last])
    return f'```python title="{file}, line {first}"\n{code}\n```'


def statement(body: list[ast.stmt], name: str, lines: list[str]) -> tuple[int, int] | None:
    """First and last line of the statement that has this name or begins with these words, decorators included."""
    head, _, rest = name.partition(".")
    for node in body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        if getattr(node, "name", None) == name or lines[first - 1].lstrip().startswith(name):
            return first, node.end_lineno or first
        if rest and getattr(node, "name", None) == head:
            return statement(getattr(node, "body", []), rest, lines)
    return None
