"""The CUDA C++ sources of this package: their text, and what their kernels take.

A kernel's declaration in its `.cu` file is the only one: the types that `_launch` packs and checks are read from it.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).with_name("kernels")

# How numbers may be stored, by NumPy's name of the dtype: the C++ type that SCALAR stands for.
SCALARS = {"float32": "float", "float64": "double", "float16": "float16", "bfloat16": "bfloat16"}

_INCLUDE = re.compile(r'^#include "(\w+\.cuh)"$', re.M)
_KERNEL = re.compile(r'^extern "C" __global__ void (?:__launch_bounds__\([\w, ]+\) )?(\w+)\((.*?)\) \{', re.M | re.S)


class Parameter(NamedTuple):
    """One parameter of a kernel.

    Attributes:
        name: As in the source.
        type: Its C++ type, or what it points to, without `const`: T, A, float, i64, …
        pointer: Whether it is an array.
    """

    name: str
    type: str
    pointer: bool


def files() -> list[str]:
    """Names of the sources, without `.cu`."""
    return sorted(path.stem for path in FOLDER.glob("*.cu"))


@cache
def text(file: str) -> str:
    """A source with what it includes in its place; the compiler's messages still name files and lines."""
    name = f"{file}.cu"
    whole = (FOLDER / name).read_text(encoding="utf-8")

    def included(match: re.Match[str]) -> str:
        line = whole.count("\n", 0, match.end()) + 2
        return f'#line 1 "{match[1]}"\n{(FOLDER / match[1]).read_text(encoding="utf-8")}\n#line {line} "{name}"'

    return f'#line 1 "{name}"\n{_INCLUDE.sub(included, whole)}'


@cache
def kernels(file: str) -> dict[str, tuple[Parameter, ...]]:
    """The kernels of a source by name, with their parameters."""
    return {name: tuple(_parameter(p) for p in inside.split(",")) for name, inside in _KERNEL.findall(text(file))}


def _parameter(declaration: str) -> Parameter:
    type, _, name = declaration.replace("const ", "").replace("__restrict__ ", "").strip().rpartition(" ")
    return Parameter(name, type.rstrip("*"), type.endswith("*"))
