"""Write `packages/tour-tensor/tests/golden/printing.json`: what PyTorch 2.13 prints for a few hundred tensors.

    python tools/golden_printing.py        (needs torch 2.13, numpy and ml_dtypes)

A case holds the bytes of a few numbers, which are repeated to fill its shape, a view to take of the result, options, and
the text, with `torch.` replaced by `tour.`.
"""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

torch: Any = importlib.import_module("torch")
rng = np.random.default_rng(20240213)

GOLDEN = Path(__file__).parents[1] / "packages/tour-tensor/tests/golden/printing.json"
INTEGERS = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
FLOATS = ["float16", "bfloat16", "float32", "float64"]
FLOAT8 = ["float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"]
COMPLEX = ["complex64", "complex128"]

Case = dict[str, Any]
nan, inf = float("nan"), float("inf")

# Numbers that decide between fixed, whole and scientific notation, on both sides of each limit.
FLOAT_TABLE = """
0 | -0 | 1 | -1 | nan | inf | -inf | 0.5 | 1e-4 | 9e-5 | 1e8 | 1.1e8 | 123456.789 | 0 0 | 0 -0 1 | 1 2 3 | -1 10 -100
nan nan | nan 1 2 | inf -inf 0 | nan inf -inf 0.5 | 1 1000 | 1 1001 | 1 1008 nan | 0.5 500 | 0.5 501 | 0.5 502
0.1 0.25 -0.75 | 1e-3 0 | 1e-5 1 inf | 16777216 1 | 1e5 99999 | 1e8 2e8 | 99999.996 1.5 | 4e-5 5e-5 | 2.5 3.5 4.5 1e3
6e4 -6e4 nan | 1e30 -1e-30 0 nan inf | -1.5 nan 0 inf 100.25
"""
FLOAT_ROWS = [[float(x) for x in row.split()] for line in FLOAT_TABLE.strip().split("\n") for row in line.split("|")]
FLOAT8_ROWS = [[1.0], [1.0, 2.0], [0.5, nan], [0.0], [0.0, 0.25], [448.0, 1.0]]
INT_ROWS = [[0], [7], [0, 1, 2], [10, 100, 5], [127, 0, 64, 3]]
VIEWS: dict[str, Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]] = {
    "transposed": lambda a: a.T,
    "reversed": lambda a: a[::-1],
    "every second": lambda a: a[..., ::2],
}
SHAPES: list[tuple[int, ...]] = [
    *((), (1,), (9,), (40,), (1001,), (3, 4), (1, 30), (30, 1), (2, 3, 4), (1, 1, 1, 1), (2, 1, 3, 2), (1, 2, 1, 2, 3)),
    *((7, 150), (150, 7), (6, 200), (200, 6), (40, 40), (3, 20, 20), (8, 8, 20), (2, 2, 2, 300), (7, 2, 9, 10)),
]
OPTIONS: list[Case] = [
    *({"precision": 0}, {"precision": 2}, {"precision": 8}, {"sci_mode": True}, {"sci_mode": False}),
    *({"precision": 1, "sci_mode": True}, {"precision": 0, "sci_mode": True}, {"linewidth": 20}, {"linewidth": 1}),
    *({"linewidth": 120}, {"linewidth": 55.5}, {"threshold": 5}, {"threshold": 0}, {"threshold": 5, "edgeitems": 1}),
    *({"threshold": 5, "edgeitems": 0}, {"edgeitems": 0}, {"threshold": 1, "edgeitems": 2, "linewidth": 30}),
    *({"profile": "short"}, {"profile": "full"}, {"profile": "short", "precision": 3, "threshold": 10}),
    {"threshold": inf, "precision": 5},
]


def numpy_dtype(name: str) -> np.dtype[Any]:
    dtype: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name, None) or getattr(np, name))
    return dtype


def as_torch(a: np.ndarray[Any, Any], dtype: str) -> Any:
    if a.size == 0:
        return torch.empty(a.shape, dtype=getattr(torch, dtype))
    return torch.frombuffer(bytearray(a.tobytes()), dtype=getattr(torch, dtype)).reshape(a.shape)


def case(dtype: str, numbers: Any, shape: tuple[int, ...] | None = None, **extra: Any) -> Case:
    """Print one tensor with PyTorch, and note what it takes to make it again."""
    with np.errstate(all="ignore"):
        numbers = np.asarray(numbers).astype(numpy_dtype(dtype))
    shape = numbers.shape if shape is None else shape
    torch.set_default_dtype(getattr(torch, extra.get("default", "float32")))
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**extra.get("options", {}))
    a = np.resize(numbers, shape) if 0 not in shape else np.empty(shape, numbers.dtype)
    t = as_torch(VIEWS[extra["view"]](a) if "view" in extra else a, dtype)
    t.requires_grad_(extra.get("requires_grad", False))
    if "grad_fn" in extra:
        t = {"AddBackward0": lambda t: t + 0, "MulBackward0": lambda t: t * 1}[extra["grad_fn"]](t)
    text = repr(t).replace("torch.", "tour.")
    return {"dtype": dtype, "bytes": numbers.tobytes().hex(), "shape": shape, **extra, "text": text}


def notations() -> Iterator[Case]:
    for dtype in FLOATS:
        yield from (case(dtype, row) for row in FLOAT_ROWS)
        yield from (case(dtype, rng.standard_normal(12) * 10.0**power, (3, 4)) for power in (-6, -3, -1, 0, 1, 3, 6))
    for dtype in FLOAT8:
        yield from (case(dtype, row) for row in FLOAT8_ROWS)
        pattern = np.arange(0, 256, 5, dtype=np.uint8).view(numpy_dtype(dtype))
        yield from (case(dtype, pattern), case(dtype, pattern[22:27]), case(dtype, pattern[:3]))
    for dtype in COMPLEX:
        for row in FLOAT_ROWS[3:31:3]:
            yield case(dtype, np.array(row) + 1j * np.roll(row, 1)[::-1])
        yield from (case(dtype, np.array([1, -2.5, 3]) * unit) for unit in (1, 1j, -1j, 1e-9 + 1j, complex(0.0, nan)))
        yield case(dtype, rng.standard_normal(24) + 1j * rng.standard_normal(24), (2, 3, 4))
        yield case(dtype, complex(1.5, -0.0), ())
    for dtype in INTEGERS:
        info = np.iinfo(dtype)
        yield from (case(dtype, row) for row in INT_ROWS)
        yield case(dtype, np.array([info.min, info.max], dtype), (3, 5))
        yield case(dtype, -np.arange(12).reshape(3, 4) * (info.min < 0))
    yield from (case("bool", row) for row in ([True], [False], [True, False, True], [False, False]))


def shapes() -> Iterator[Case]:
    for shape in SHAPES:
        yield case("float32", rng.standard_normal(29).round(3), shape)
        yield case("int64", rng.integers(-99, 99, 23), shape)
        yield case("complex64", (rng.standard_normal(6) + 1j * rng.standard_normal(6)).round(2), shape)
        yield case("bool", [True, False, True, True, False], shape)
    for how in VIEWS:
        for shape in [(6, 8), (50, 60), (7,), (1500,), (2, 3, 4)]:
            yield case("float32", rng.standard_normal(31).round(2), shape, view=how)
            yield case("int16", rng.integers(0, 999, 17), shape, view=how)
    for dtype in ["float32", "float64", "int64", "bool", "complex64", "bfloat16", "uint8"]:
        yield from (case(dtype, [0], shape) for shape in [(0,), (0, 3), (2, 0), (2, 0, 4)])


def options() -> Iterator[Case]:
    for chosen in OPTIONS:
        yield case("float32", rng.standard_normal(12), (3, 4), options=chosen)
        yield case("float64", [1.0, 200.0, -3000.0, nan], (2, 9), options=chosen)
        yield case("int32", rng.integers(0, 1000, 11), (11,), options=chosen)
        yield case("complex128", rng.standard_normal(5) - 1j, (5,), options=chosen)
        yield case("float32", [0.0], (2,), options=chosen)
        yield case("float32", 2.5, (), options=chosen)


def suffixes() -> Iterator[Case]:
    for dtype in [*FLOATS, *COMPLEX]:
        plain: Case = {"requires_grad": True}
        for extra in [plain, {**plain, "grad_fn": "AddBackward0"}]:
            for shape in [(2,), (), (0, 2), (2, 9), (1, 6)]:
                yield case(dtype, rng.standard_normal(7).round(2), shape, **extra)
    for dtype in ["float32", "float64", "float16", "complex64", "complex128", "int64", "int32", "bool"]:
        for default in ["float64", "float16", "bfloat16"]:
            yield from (case(dtype, [1, 0], shape, default=default) for shape in [(3,), (0,)])
    for width in range(20, 60, 3):  # where suffixes fall off the line
        chosen = {"linewidth": width}
        yield case("float64", [1.5], (2,), requires_grad=True, grad_fn="MulBackward0", options=chosen)


def main() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    cases = [*notations(), *shapes(), *options(), *suffixes()]
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
    print(f"{len(cases)} cases, torch {torch.__version__}, {GOLDEN.stat().st_size} bytes")


if __name__ == "__main__":
    main()
