"""Run the code blocks of one page, top to bottom in one namespace, and tell what each printed, showed, drew or raised.

A process of its own for each page: reads `{"name": ..., "blocks": [{"code": ..., "raises": ...}]}` from standard input, and
writes a list of `{"text": ..., "error": ..., "drawings": [...]}`. Like a notebook, it shows the value of a block's last line.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import linecache
import re
import sys
import traceback
import warnings
from typing import Any

# Colours of plots, which the page replaces by those of its own light or dark scheme (see assets/site.css).
INK, LINE = "#20242c", "#c9ced6"
SERIES = ["#2f6db3", "#d0601f", "#3c8c5a", "#7d5bb5", "#c2423f", "#6b7280"]
VARIABLES = {INK: "--ink", LINE: "--line"} | {colour: f"--c{i}" for i, colour in enumerate(SERIES)}

STYLE = {
    "figure.figsize": (7.2, 3.2),
    "figure.constrained_layout.use": True,
    "savefig.transparent": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "tour",
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "image.cmap": "Blues",
    "image.interpolation": "nearest",
}


def prepare() -> None:
    """Give plots the site's colours, and let `plt.show()` leave the figure to be collected."""
    try:
        import matplotlib
        import matplotlib.pyplot as plt
    except ImportError:
        return
    matplotlib.use("svg")
    matplotlib.rcParams.update(STYLE)
    matplotlib.rcParams["axes.prop_cycle"] = matplotlib.cycler(color=SERIES)
    plt.show = lambda *_, **__: None


def drawings(value: Any) -> list[str]:
    """The open figures and, if the last value can draw itself, its drawing, as SVG without a prologue."""
    found = []
    if "matplotlib.pyplot" in sys.modules:
        import matplotlib.pyplot as plt

        for number in plt.get_fignums():
            file = io.StringIO()
            plt.figure(number).savefig(file, format="svg", metadata={"Date": None, "Creator": None})
            found.append(fitted(file.getvalue()))
        plt.close("all")
    if hasattr(value, "_repr_svg_"):
        found.append(graph(value._repr_svg_()))
    return found


def graph(svg: str) -> str:
    """A drawn graph without its own style and size: the page has a style for it."""
    svg = re.sub(r"<style>.*?</style>", "", svg, flags=re.DOTALL)
    return re.sub(r'width="(\d+)" height="\d+"', r'class="graph" style="max-width: \1px"', svg, count=1)


def fitted(svg: str) -> str:
    """A plot without prologue, in the page's colours, as wide as its text, without names that another plot may have too."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    width = float(re.search(r'width="([\d.]+)pt"', svg)[1])  # type: ignore[index]
    svg = re.sub(
        r'<svg [^>]*?(viewBox="[^"]+")[^>]*>', rf'<svg \1 style="max-width: {width * 4 / 3:.0f}px">', svg, count=1
    )
    used = set(re.findall(r'#([\w-]+)["\')]', svg))
    svg = re.sub(r' id="([\w-]+)"', lambda m: m[0] if m[1] in used else "", svg)
    svg = re.sub(r"font: ([\d.]+px) [^;\"]+", r"font-size: \1", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return re.sub(r"\n\s*\n", "\n", svg)


def run(block: dict[str, Any], names: dict[str, Any], file: str, line: int) -> dict[str, Any]:
    """Run one block that begins at a line of the page's script."""
    tree = ast.parse(block["code"])
    ast.increment_lineno(tree, line - 1)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, value, error = io.StringIO(), None, None
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        try:
            exec(compile(tree, file, "exec"), names)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), file, "eval"), names)
        except Exception as raised:
            if type(raised).__name__ != block["raises"]:
                raise
            told = traceback.TracebackException.from_exception(raised)
            told.stack = traceback.StackSummary.from_list([frame for frame in told.stack if frame.filename == file])
            error = "".join(told.format(chain=False)).rstrip()
        else:
            if block["raises"]:
                raise RuntimeError(f"{file}, line {line}: nothing raised {block['raises']}")
    drawn = drawings(value)
    shown = value is not None and not hasattr(value, "_repr_svg_") and "matplotlib" not in type(value).__module__
    text = printed.getvalue() + (f"{value!r}\n" if shown else "")
    return {"text": text, "error": error, "drawings": drawn}


def main() -> None:
    """Run the page that standard input brings."""
    page = json.load(sys.stdin)
    file, script, results = page["name"], "", []
    prepare()
    warnings.simplefilter("error")
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in page["blocks"]:
        line = script.count("\n") + 1
        script += block["code"] + "\n"
        linecache.cache[file] = (len(script), None, script.splitlines(keepends=True), file)
        results.append(run(block, names, file, line))
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
