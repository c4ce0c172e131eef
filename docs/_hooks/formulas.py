"""MkDocs hook: formulas written in TeX become MathML, which browsers draw themselves, without scripts or fonts from elsewhere."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_page_content(page_html: str, **_: object) -> str:
    """Convert what the arithmatex extension has marked."""

    def math(match: re.Match[str]) -> str:
        display = "block" if match[2] == "[" else "inline"
        formula = str(convert(html.unescape(match[3]).strip(), display=display))
        return f'<div class="formula" tabindex="0">{formula}</div>' if display == "block" else formula

    return FORMULA.sub(math, page_html)
