"""Record the dtypes that PyTorch's arithmetic gives, for the tests of tour-tensor: `python tools/golden_promotion.py`.

For each operator there is one string: in the order of `cases`, the number of the result's dtype among `DTYPES` as a letter, or `!` where
PyTorch refuses, and `?` for complex32, which no NumPy array holds.
"""

from __future__ import annotations

import itertools
import json
import operator
from pathlib import Path
from typing import Any

DTYPES = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128".split()
NUMBERS = (2, 2.5, 1j)
OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "and_")


def cases(t: Any) -> Any:
    """Pairs of operands: tensors with and without dimensions, of every dtype, and numbers on either side."""
    tensors = [t.ones(shape, dtype=getattr(t, name)) for name in DTYPES for shape in ((2,), ())]
    yield from itertools.product(tensors, tensors)
    yield from itertools.product(tensors, NUMBERS)
    yield from itertools.product(NUMBERS, tensors)


def letter(t: Any, function: Any, a: Any, b: Any) -> str:
    """The dtype of a result, or that there is none."""
    if t.result_type(a, b) is t.complex32:
        return "?"
    try:
        name = str(function(a, b).dtype).rpartition(".")[2]
    except Exception:
        return "!"
    return chr(ord("a") + DTYPES.index(name))


if __name__ == "__main__":
    import torch

    answers = {
        name: "".join(letter(torch, getattr(operator, name), a, b) for a, b in cases(torch)) for name in OPERATORS
    }
    target = Path(__file__).parents[1] / "packages/tour-tensor/tests/golden/promotion.json"
    target.write_text(json.dumps({"dtypes": DTYPES, "operators": answers}, indent=1) + "\n")
