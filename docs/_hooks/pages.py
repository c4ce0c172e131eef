"""MkDocs hook: the code of a page is run, top to bottom, and what it printed, drew or raised stands below it.

A fence ```python is a block. After the word may stand:

* `raises=RuntimeError`: the block must raise that, and the page shows the traceback;
* `figure="..."`: what the block's plot or drawing shows, in words: its caption. A block that draws must say;
* `folded="..."`: the code is folded away under these words, what it draws is not;
* `title="..."`: not a block: something to look at.

A block that fails, or raises nothing where it should, fails the build. The blocks of a page are also offered as a script.
"""

from __future__ import annotations

import html
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

FENCE = re.compile(r"^```python(?P<options>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
RUNNER = Path(__file__).with_name("runner.py")

workers = ThreadPoolExecutor(2)
runs: dict[str, Future[list[Any]]] = {}  # by the blocks, so that `serve` runs only the pages that changed


def options(fence: re.Match[str]) -> dict[str, str]:
    """What stands after the word python."""
    return dict(word.split("=", 1) for word in shlex.split(fence["options"]))


def blocks(markdown: str) -> list[dict[str, Any]]:
    """The blocks of a page."""
    found = [(fence["code"], options(fence)) for fence in FENCE.finditer(markdown)]
    return [{"code": code, "raises": given.get("raises")} for code, given in found if "title" not in given]


def start(name: str, found: list[dict[str, Any]]) -> Future[list[Any]]:
    """Begin to run the blocks of a page; a run that is already there is used again."""
    key = json.dumps([name, found])
    if key not in runs:
        runs[key] = workers.submit(run, key)
    return runs[key]


def run(key: str) -> list[Any]:
    """Run blocks in a process and a folder of their own."""
    name, found = json.loads(key)
    given = json.dumps({"name": name, "blocks": found})
    env = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # two pages run at a time
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(RUNNER)]
        done = subprocess.run(command, input=given, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PluginError(f"the code of {name} failed:\n{done.stderr}")
    results: list[Any] = json.loads(done.stdout)
    return results


def script_name(uri: str) -> str:
    """The file name that errors of a page's code give: numpy-bridge.md is numpy_bridge.py."""
    return re.sub(r"\W+", "_", Path(uri).stem) + ".py"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Begin to run all pages, and offer the code of each as a script."""
    for file in list(files.documentation_pages()):
        if file.abs_src_path and (found := blocks(Path(file.abs_src_path).read_text(encoding="utf-8"))):
            start(script_name(file.src_uri), found)
            script = "\n".join(block["code"] for block in found)
            uri = str(Path(file.src_uri).with_name(script_name(file.src_uri)))
            files.append(File.generated(config, uri, content=script))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Put what each block gave below it."""
    found = blocks(markdown)
    if not found or not page.file.abs_src_path:
        return markdown
    results = iter(start(script_name(page.file.src_uri), found).result())
    text = FENCE.sub(
        lambda fence: fence[0] if "title" in options(fence) else shown(fence, next(results), page), markdown
    )
    if not page.file.src_uri.startswith("tour/"):
        return text
    script = script_name(page.file.src_uri)
    return f"{text}\n\n<small>The code of this page in one file: [{script}]({script})</small>\n"


def shown(fence: re.Match[str], result: dict[str, Any], page: Page) -> str:
    """One block with what it gave."""
    given = options(fence)
    text = f"```python\n{fence['code']}```\n"
    if "folded" in given:
        text = f'<details class="code" markdown="1"><summary>{given["folded"]}</summary>\n\n{text}\n</details>\n'
    if result["text"]:
        text += f"\n``` {{ .text .output }}\n{result['text'].rstrip()}\n```\n"
    if result["error"]:
        text += f"\n``` {{ .text .output .error }}\n{result['error']}\n```\n"
    if result["drawings"]:
        if "figure" not in given:
            raise PluginError(
                f'{page.file.src_uri}: a block draws and does not say what: figure="..."\n{fence["code"]}'
            )
        caption = html.escape(given["figure"])
        label = f'<svg role="img" aria-label="{html.escape(given["figure"], quote=True)}"'
        drawn = "\n".join(svg.replace("<svg", label, 1) for svg in result["drawings"])
        text += f"\n<figure data-search-exclude>\n{drawn}\n<figcaption>{caption}</figcaption>\n</figure>\n"
    return text
