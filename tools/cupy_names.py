"""Write down what CuPy offers, for the stand-in that tour-cuda is tested on: names, signatures, types of ufuncs.

    pip install cupy-cuda13x; python tools/cupy_names.py      # needs no GPU

The result is `packages/tour-cuda/tests/fake_cupy/names.json`. Run it again for another version of CuPy, and read the difference.
"""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

import cupy

TARGET = Path(__file__).parents[1] / "packages" / "tour-cuda" / "tests" / "fake_cupy" / "names.json"
MODULES = ("", "linalg", "fft", "lib.stride_tricks")


def parameters(function: Any) -> dict[str, Any] | None:
    """Names of the parameters, and whether `*args` and `**kwargs` are taken; None where CuPy's compiled code does not tell."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    kinds = inspect.Parameter
    return {
        "names": [p.name for p in found if p.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)],
        "positional": sum(p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD) for p in found),
        "args": any(p.kind == kinds.VAR_POSITIONAL for p in found),
        "kwargs": any(p.kind == kinds.VAR_KEYWORD for p in found),
    }


def public(owner: Any) -> list[str]:
    return sorted(name for name in dir(owner) if not name.startswith("_"))


def main() -> None:
    functions: dict[str, Any] = {}
    ufuncs: dict[str, Any] = {}
    for name in MODULES:
        module = importlib.import_module(f"cupy.{name}".rstrip("."))
        functions[name] = {}
        for key in public(module):
            value = getattr(module, key)
            if isinstance(value, cupy.ufunc):
                ufuncs[key] = value.types
            elif callable(value) and not isinstance(value, type):
                functions[name][key] = parameters(value)
    special = importlib.import_module("cupyx.scipy.special")
    found = {
        "version": cupy.__version__,
        "functions": functions,
        "ufuncs": ufuncs,
        "special": [name for name in public(special) if callable(getattr(special, name))],
        "ndarray": public(cupy.ndarray) + [n for n in dir(cupy.ndarray) if n.startswith("__")],
        "flags": ["c_contiguous", "f_contiguous", "fnc", "forc", "owndata"],
        "cuda": {
            name: public(getattr(cupy.cuda, name)) for name in ("Device", "Event", "Graph", "MemoryPool", "Stream")
        },
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value, sort_keys=True)}" for key, value in found.items()]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
