"""MkDocs hook: run every example in its short form, and add a page with its source, its output and its picture."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each script in `examples/`."""
    for script in sorted(EXAMPLES.glob("*.py")):
        with tempfile.TemporaryDirectory() as folder:
            picture = Path(folder) / f"{script.stem}.png"
            run = subprocess.run(
                [sys.executable, script, "--short", "--out", picture], capture_output=True, text=True, check=False
            )
            if run.returncode:
                raise PluginError(f"{script.name} failed:\n{run.stderr}")
            files.append(File.generated(config, f"examples/{picture.name}", content=picture.read_bytes()))
        files.append(File.generated(config, f"examples/{script.stem}.md", content=page(script, run.stdout)))
    return files


def page(script: Path, output: str) -> str:
    """The page of one example."""
    source = script.read_text(encoding="utf-8")
    title = source.split('"""')[1].split("\n")[0].rstrip(".")
    shown = "\n".join(line for line in output.splitlines() if "/tmp" not in line)
    return (
        f"# {title}\n\n"
        f"Run it with `python examples/{script.name}`; `--help` lists its options. This page shows its short form.\n\n"
        f"![What {script.name} draws]({script.stem}.png)\n\n"
        f'```text title="Output"\n{shown}\n```\n\n'
        f'```python title="{script.name}"\n{source}```\n'
    )


def on_page_markdown(markdown: str, **_: object) -> str:
    """Keep the pages that include files of the repository in step with them."""
    for name in ("CONTRIBUTING.md",):
        text = (EXAMPLES.parent / name).read_text(encoding="utf-8")
        markdown = markdown.replace(f"{{{{ {name} }}}}", text)
    return markdown
