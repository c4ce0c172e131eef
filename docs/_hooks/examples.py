"""MkDocs hook: run every example in its short form, and add a page with its source, its output and its picture.

Every example takes `--short` and `--out PICTURE.png`. One that fails, fails the build.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = sorted(ROOT.glob("examples/*.py"))
INITIALS = {"ddp", "dcgan", "gpt", "lbfgs", "lstm", "vae"}


def title(script: Path) -> str:
    """The name of an example in the menu."""
    words = [word.upper() if word in INITIALS else word for word in script.stem.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the examples into the menu."""
    for entry in config.nav or []:
        if "Examples" in entry:
            entry["Examples"] = [{title(script): f"examples/{script.stem}.md"} for script in EXAMPLES]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page and a picture for each example."""
    for script in EXAMPLES:
        with tempfile.TemporaryDirectory() as folder:
            picture = Path(folder) / f"{script.stem}.png"
            command = [sys.executable, str(script), "--short", "--out", picture.name]
            run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if run.returncode:
                raise PluginError(f"{script.name} failed:\n{run.stderr}")
            files.append(File.generated(config, f"examples/{picture.name}", content=picture.read_bytes()))
        files.append(File.generated(config, f"examples/{script.stem}.md", content=page(script, run.stdout)))
    return files


def page(script: Path, output: str) -> str:
    """The page of one example."""
    source = script.read_text(encoding="utf-8")
    what = source.split('"""')[1].split("\n")[0].rstrip(".")
    return (
        f"# {title(script)}\n\n{what}. Run it with `python examples/{script.name}`; `--help` lists its options.\n"
        f"Output and picture here are those of its short form, `--short`.\n\n"
        f"![What {script.name} draws]({script.stem}.png)\n\n"
        f'```text title="Output"\n{output}```\n\n'
        f'```python title="{script.name}"\n{source}```\n'
    )
