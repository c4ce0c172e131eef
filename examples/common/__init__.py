"""What the examples share: their command line, their pictures, and a text that every Python brings along."""

from __future__ import annotations

import argparse
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import matplotlib
from matplotlib.figure import Figure

import tour

BLUE, ORANGE, GREY = "#3b6fb6", "#e07b39", "#c8ccd2"
STYLE: Any = {"axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3}


class Parser(argparse.ArgumentParser):
    """An argument parser with the options of every example, which answers a bad value with one line.

    Args:
        doc: What the example does.
        script: Its file, which names its picture.
    """

    def __init__(self, doc: str | None, script: str) -> None:
        super().__init__(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
        out = f"runs/{Path(script).stem}.png"
        self.add_argument("--seed", type=whole_number(0, 2**32 - 1), default=0, help="default: %(default)s")
        self.add_argument("--out", type=writable_png, default=out, help="the picture; default: %(default)s")
        self.add_argument("--short", action="store_true", help="a few steps only, to see that all works")

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """A reader of whole numbers between two bounds from the command line."""

    def read(text: str) -> int:
        if text.isdecimal() and lowest <= int(text) <= highest:
            return int(text)
        raise argparse.ArgumentTypeError(f"expected a whole number from {lowest} to {highest}, got {text!r}")

    return read


def writable_png(text: str) -> Path:
    """Check, before any work is done, that a picture and a file beside it can be written here."""
    path = Path(text)
    if path.suffix != ".png" or path.is_dir():
        raise argparse.ArgumentTypeError(f"expected a file name ending in .png, got {text!r}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
        for target in (path, path.with_suffix(".npz")):
            if target.exists():
                target.open("r+b").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot write {text!r}: {error.strerror}") from None
    return path


@contextmanager
def picture(path: Path, width: float, height: float) -> Iterator[Figure]:
    """A figure in the style of all examples, written to `path` at the end; sizes in inches."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
        yield figure
        figure.savefig(path)
    print(f"Picture   {path}")


def sheet(images: tour.Tensor, columns: int) -> tour.Tensor:
    """Small images of shape (N, height, width) side by side on one, with NaN, which is drawn as nothing, between them."""
    framed = tour.nn.functional.pad(images, (1, 1, 1, 1), value=float("nan"))
    _, height, width = framed.shape
    return framed.reshape(-1, columns, height, width).permute(0, 2, 1, 3).reshape(-1, columns * width)


def smooth(values: list[float], width: int = 20) -> list[float]:
    """Means over the last `width` values, to see through noise."""
    return [sum(values[max(0, i - width + 1) : i + 1]) / min(i + 1, width) for i in range(len(values))]


def sources(*modules: str) -> str:
    """The source text of modules of Python's standard library, in plain ASCII."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    text = "".join((folder / f"{module}.py").read_text(encoding="utf-8") for module in modules)
    return text.encode("ascii", "ignore").decode()
